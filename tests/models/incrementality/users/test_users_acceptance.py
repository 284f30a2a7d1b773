"""Public user tests and time series with published or exactly computed answers."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from models.incrementality import read_ab, read_series
from models.incrementality.observational import read_observational
from models.incrementality.users.looks import AnyLook
from models.incrementality.users.moments import mismatch_p_value

pytestmark = pytest.mark.acceptance
PLAIN = "incrementality/tea_tasting__make_users_data_rng42.csv"
EARLIER = "incrementality/tea_tasting__make_users_data_seed42_covariates.csv"


def arms(users: pl.DataFrame, num: str, den: str | None = None, *, covariate: bool = False) -> pl.DataFrame:
    """Sufficient statistics as the warehouse would deliver them."""
    cov, covden = (f"{num}_covariate", f"{den}_covariate" if den else None) if covariate else (None, None)
    products = {"sum": (num,), "sum_sq": (num, num)}
    if den:
        products |= {"den_sum": (den,), "den_sum_sq": (den, den), "num_den_sum": (num, den)}
    if cov:
        products |= {"cov_sum": (cov,), "cov_sum_sq": (cov, cov), "cross_sum": (num, cov)}
    if covden:
        products |= {"covden_sum": (covden,), "covden_sum_sq": (covden, covden), "num_covden_sum": (num, covden)}
        products |= {"den_cov_sum": (den, cov), "den_covden_sum": (den, covden), "cov_covden_sum": (cov, covden)}
    sums = [pl.fold(1.0, lambda a, b: a * b, [pl.col(c) for c in used]).sum().alias(n) for n, used in products.items()]
    return users.group_by(pl.col("variant").cast(pl.String).alias("arm")).agg(pl.len().alias("n"), *sums).sort("arm")


@pytest.mark.parametrize(
    ("metric", "lift", "p_value"),
    [
        (("sessions",), (-0.664, None, None), 0.6740),
        (("orders", "sessions"), (8.770, -0.894, 19.378), 0.07624),
        (("orders",), (8.049, -1.952, 19.069), 0.1177),
        (("revenue",), (9.332, -2.374, 22.441), 0.1231),
    ],
)
def test_tea_tasting_without_covariate(shared_data, metric, lift, p_value):
    read = read_ab(arms(pl.read_csv(shared_data(PLAIN)), *metric), control="0", level=0.95)
    for mine, theirs in zip((read.relative, read.relative_low, read.relative_high), lift, strict=True):
        assert theirs is None or 100 * mine == pytest.approx(theirs, abs=1e-3)  # printed with three digits
    assert read.p_value == pytest.approx(p_value, abs=1e-4)


@pytest.mark.parametrize(
    ("metric", "lift", "p_value", "theta"),
    [
        (("sessions",), (-0.677, -3.187, 1.897), 0.6026, 0.33215),
        (("orders", "sessions"), (12.133, 4.165, 20.710), 0.002293, 0.55678),
        (("orders",), (11.155, 2.881, 20.094), 0.007330, 0.52129),
        (("revenue",), (14.274, 3.773, 25.837), 0.006744, 0.43337),
    ],
)
def test_tea_tasting_with_cuped(shared_data, metric, lift, p_value, theta):
    read = read_ab(arms(pl.read_csv(shared_data(EARLIER)), *metric, covariate=True), control="0", level=0.95)
    shown = [100 * share for share in (read.relative, read.relative_low, read.relative_high)]
    assert shown == pytest.approx(lift, abs=1e-3)
    assert read.p_value == pytest.approx(p_value, abs=1e-4)
    assert read.other_form["theta"] == pytest.approx(theta, abs=1e-4)


def test_tea_tasting_sample_ratio(shared_data):
    counts = pl.read_csv(shared_data(EARLIER))["variant"].value_counts().sort("variant")["count"].to_list()
    assert mismatch_p_value(counts, (0.5, 0.5)) == pytest.approx(0.4768, abs=1e-4)
    assert mismatch_p_value(counts, (0.5, 0.5), corrected=False) == pytest.approx(0.4670, abs=1e-4)


@pytest.mark.parametrize(
    ("metric", "difference", "p_value"),
    [
        (("orders", "sessions"), (0.03173, 0.00011, 0.06335), 0.04857),
        (("revenue",), (0.73101, -0.08892, 1.55095), 0.11342),
    ],
)
def test_tea_tasting_always_valid(shared_data, metric, difference, p_value):
    users = arms(pl.read_csv(shared_data(EARLIER)), *metric, covariate=True)
    read = read_ab(users, control="0", level=0.95, plan=AnyLook(planned=5_000))
    unit = read.att / read.effect
    assert (read.att, read.low * unit, read.high * unit) == pytest.approx(difference, abs=1e-4)
    assert read.p_value == pytest.approx(p_value, abs=1e-4)


def test_causal_impact_arma(shared_data):
    """True effect 5; .15 is about half a posterior sd, three times what two seeds differ by."""
    series = pl.read_csv(shared_data("incrementality/tfcausalimpact__arma_data.csv")).with_row_index()
    raised = pl.when(pl.col("index") >= 70).then(pl.col("y") + 5).otherwise(pl.col("y"))
    series = series.with_columns(date=pl.date(2024, 1, 1) + pl.duration(days=pl.col("index")), kpi=raised)
    start = date(2024, 1, 1) + timedelta(days=70)
    read = read_series(series, start=start, end=start + timedelta(days=29), controls=["X"], level=0.95, seed=1)
    assert read.actual / 30 == pytest.approx(125.23, abs=0.01)
    assert read.att == pytest.approx(4.89, abs=0.15)
    assert (read.low / 30, read.high / 30) == pytest.approx((4.26, 5.47), abs=0.15)
    assert read.effect == pytest.approx(146.58, abs=4.5)
    assert read.relative == pytest.approx(0.0406, abs=0.0013)
    assert (read.grade, read.warnings[0].code) == ("C", "weakest_tier")


def test_causal_impact_comparison(shared_data):
    series = pl.read_csv(shared_data("incrementality/tfcausalimpact__comparison_data.csv"), try_parse_dates=True)
    series = series.rename({"DATE": "date", "CHANGED": "kpi"})
    read = read_series(
        series,
        start=date(2019, 7, 15),
        end=date(2019, 8, 1),
        controls=[f"NOT_CHANGED_{i}" for i in (1, 2, 3)],
        level=0.95,
        seed=1,
    )
    assert read.att == pytest.approx(-657, abs=150)
    assert (read.low / 18, read.high / 18) == pytest.approx((-2076, 832), abs=200)
    assert read.relative == pytest.approx(-0.0083, abs=0.002)
    assert read.p_value / 2 == pytest.approx(0.2006, abs=0.05)  # R prints the one-sided tail


def test_lalonde_is_a_comparison_and_not_an_effect(shared_data):
    people = pl.read_csv(shared_data("incrementality/causalpy__lalonde.csv"))
    people = people.with_columns(black=pl.col("race") == "black")
    covariates = ["age", "educ", "black", "hispan", "married", "nodegree", "re74", "re75"]
    read = read_observational(people, outcome="re78", treated="treat", covariates=covariates)
    assert read.verdict == "invalid"
    estimates = read.selection["estimate"].to_list()
    assert estimates == pytest.approx([-635.03, 1548.24, 1214.07], abs=0.01)
    assert read.selection["standard_error"].to_list()[:2] == pytest.approx([677.20, 781.28], abs=0.01)
    assert read.selection["robust_error"][1] == pytest.approx(742.18, abs=0.01)
    assert read.other_form["effective_controls"] == pytest.approx(99.8, abs=0.05)
    apart = dict(read.weights.iter_rows())
    assert (apart["black"], apart["married"], apart["re74"]) == pytest.approx((1.757, -0.824, -0.721), abs=1e-3)
