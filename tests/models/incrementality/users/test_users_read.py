"""User tests from sums alone: invariances, refusals, sequential looks, strata, switchbacks."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.incrementality import (
    AnyLook,
    ArmsError,
    DeclaredLooks,
    proportion_arms,
    read_ab,
    switchback_arms,
    switchback_schedule,
)
from models.incrementality.group_sequential import group_sequential_bounds, predictive_power
from models.incrementality.users.moments import arms_from_frame, mismatch_p_value


def arms(*rows: tuple[str, np.ndarray], covariates: list[np.ndarray] | None = None) -> pl.DataFrame:
    frame = [{"arm": arm, "n": y.size, "sum": y.sum(), "sum_sq": (y**2).sum()} for arm, y in rows]
    for row, (_, y), x in zip(frame, rows, covariates or [], strict=False):
        row |= {"cov_sum": x.sum(), "cov_sum_sq": (x**2).sum(), "cross_sum": (x * y).sum()}
    return pl.DataFrame(frame)


def two(seed: int, lift: float, n: int = 4_000) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    return arms(("control", draw.exponential(10, n)), ("new", draw.exponential(10, n) + lift))


def test_the_difference_is_welchs_and_scales_with_users():
    from scipy import stats

    draw = np.random.default_rng(1)
    a, b = draw.normal(10, 2, 900), draw.normal(10.3, 3, 700)
    result = read_ab(arms(("a", a), ("b", b)), control="a", split={"a": 9 / 16, "b": 7 / 16})
    theirs = stats.ttest_ind(b, a, equal_var=False)
    assert result.p_value == pytest.approx(theirs.pvalue)
    low, high = theirs.confidence_interval(0.9)
    assert (result.low, result.high) == pytest.approx((700 * low, 700 * high))
    assert result.att == pytest.approx(b.mean() - a.mean())


def test_merging_chunks_gives_the_moments_of_the_whole():
    draw = np.random.default_rng(2)
    y, x = draw.normal(1e6, 1, 1_000), draw.normal(5, 1, 1_000)
    whole = arms_from_frame(arms(("a", y), covariates=[x]))[0]
    parts = [arms_from_frame(arms(("a", y[cut]), covariates=[x[cut]]))[0] for cut in (slice(0, 300), slice(300, None))]
    merged = parts[0].merged(parts[1])
    assert merged.mean == pytest.approx(whole.mean)
    assert merged.covariance[2, 2] == pytest.approx(x.var(ddof=1))


def test_cuped_narrows_the_range_as_much_as_the_covariate_explains():
    draw = np.random.default_rng(3)
    x = [draw.normal(0, 2, 5_000) for _ in range(2)]
    y = [covariate + draw.normal(0, 1, 5_000) for covariate in x]
    plain = read_ab(arms(("a", y[0]), ("b", y[1])), control="a")
    better = read_ab(arms(("a", y[0]), ("b", y[1]), covariates=x), control="a")
    assert better.method == "mean_cuped"
    assert (better.se / plain.se) ** 2 == pytest.approx(1 / 5, rel=0.1)  # noise 1 of a total of 1 + 4


def test_strata_remove_their_imbalance():
    draw = np.random.default_rng(4)
    rows = []
    for stratum, level, split in (("small", 10, (900, 100)), ("large", 100, (100, 900))):
        for arm, n in zip(("a", "b"), split, strict=True):
            y = draw.normal(level, 1, n)
            rows.append({"stratum": stratum, "arm": arm, "n": n, "sum": y.sum(), "sum_sq": (y**2).sum()})
    result = read_ab(pl.DataFrame(rows), control="a")
    assert abs(result.att) < 0.3  # the plain difference would be 72
    with pytest.raises(ArmsError, match="stratum 'large' has no users of arm 'b'"):
        read_ab(pl.DataFrame(rows[:3]), control="a")


def test_a_lost_arm_is_invalid_whatever_the_effect():
    draw = np.random.default_rng(5)
    lost = arms(("a", draw.normal(10, 1, 5_000)), ("b", draw.normal(11, 1, 4_600)))
    result = read_ab(lost, control="a")
    assert result.verdict == "invalid"
    assert "did not receive users as configured" in result.reasons[0]


def test_peeking_under_a_rule_for_one_look_is_invalid():
    assert read_ab(two(6, 1.0), control="control", looks_taken=5).verdict == "invalid"
    assert read_ab(two(6, 1.0), control="control", looks_taken=5, plan=AnyLook(8_000)).verdict == "valid"


def test_always_valid_ranges_hold_at_every_look():
    """200 null tests, ten looks each, at 90 %: at most 10 % may ever exclude zero; fixed ranges do in a third."""
    ever = {"any": 0, "one": 0}
    for seed in range(200):
        draw = np.random.default_rng(seed)
        a, b = draw.normal(0, 1, 2_000), draw.normal(0, 1, 2_000)
        looks = [arms(("a", a[:n] + 5), ("b", b[:n] + 5)) for n in range(200, 2_001, 200)]
        ever["any"] += any(read_ab(f, control="a", plan=AnyLook(4_000)).significant for f in looks)
        ever["one"] += any(read_ab(f, control="a").significant for f in looks)
    assert ever["any"] <= 20
    assert ever["one"] > 40


@pytest.mark.parametrize(
    ("spending", "expected"),
    [
        ("obrien_fleming", (4.8769, 3.3570, 2.6803, 2.2898, 2.0310)),
        ("pocock", (2.4380, 2.4268, 2.4101, 2.3966, 2.3859)),
        ("power", (2.5758, 2.4920, 2.4108, 2.3391, 2.2755)),
    ],
)
def test_group_sequential_bounds_of_the_literature(spending, expected):
    bounds = group_sequential_bounds((0.2, 0.4, 0.6, 0.8, 1.0), spending=spending)
    assert bounds == pytest.approx(expected, abs=2e-3)


def test_a_declared_look_reads_p_and_range_off_one_boundary():
    early = DeclaredLooks((0.5, 1.0), look=1)
    for seed, lift in ((1, 0.0), (2, 0.7), (3, 2.0)):
        result = read_ab(two(seed, lift), control="control", plan=early)
        assert result.significant == (result.p_value <= 0.1)
    assert predictive_power(0.0, 0.5, 2.0) < 0.1 < predictive_power(2.5, 0.5, 2.0)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        pytest.param(lambda f: f.drop("sum_sq"), "no column sum_sq", id="missing sum"),
        pytest.param(lambda f: f.with_columns(n=pl.lit(1)), "at least two users", id="one user"),
        pytest.param(lambda f: f.with_columns(sum_sq=pl.lit(1.0)), "smaller than its sum allows", id="impossible sum"),
        pytest.param(lambda f: pl.concat([f, f.head(1)]), "'control' has two rows", id="arm twice"),
        pytest.param(lambda f: f.with_columns(cov_sum=pl.lit(1.0)), "came without cov_sum_sq, cross_sum", id="half"),
        pytest.param(lambda f: f.with_columns(sum=pl.lit(None, pl.Float64)), "sum is None", id="empty"),
        pytest.param(lambda f: f.head(1), "name the treatment to read", id="one arm"),
    ],
)
def test_arms_that_cannot_be_are_refused(spoil, complaint):
    with pytest.raises(ArmsError, match=complaint):
        read_ab(spoil(two(1, 0.0)), control="control")


def test_clicks_are_read_as_proportions():
    frame = pl.DataFrame({"arm": ["a", "b"], "trials": [10_000, 10_000], "successes": [300, 380]})
    result = read_ab(proportion_arms(frame), control="a")
    assert result.att == pytest.approx(0.008)
    assert (result.verdict, result.significant) == ("valid", True)
    with pytest.raises(ArmsError, match="12 successes in 10 trials"):
        proportion_arms(pl.DataFrame({"arm": ["a"], "trials": [10], "successes": [12]}))


def test_small_samples_use_the_exact_binomial():
    from scipy import stats

    assert mismatch_p_value((40, 60), (0.5, 0.5)) == pytest.approx(stats.binomtest(40, 100, 0.5).pvalue)
    assert mismatch_p_value((100, 100, 160), (1 / 3, 1 / 3, 1 / 3)) < 1e-3
    with pytest.raises(ValueError, match="summing to 1"):
        mismatch_p_value((1, 2), (0.5, 0.6))


def test_a_switchback_with_carryover_needs_its_wash_out():
    schedule = switchback_schedule(["a", "b", "c"], periods=240, block=6, seed=1)
    draw = np.random.default_rng(7)
    treated = (schedule["arm"] == "treatment").to_numpy().reshape(3, 240)
    carried = np.where(treated, 2.0, 0.0)
    lagged = np.column_stack([carried[:, :1], 0.5 * carried[:, 1:] + 0.5 * carried[:, :-1]])
    kpi = 10 + lagged + draw.normal(0, 0.3, (3, 240))
    seen = schedule.with_columns(kpi=pl.Series(kpi.ravel()))
    settled = read_ab(switchback_arms(seen, washout=1), control="control", split=None)
    blurred = read_ab(switchback_arms(seen, washout=0), control="control", split=None)
    assert settled.att == pytest.approx(2.0, abs=0.1)
    assert blurred.att < 1.95
    with pytest.raises(ArmsError, match="assigned twice"):
        switchback_arms(pl.concat([seen, seen.head(1)]), washout=0)
