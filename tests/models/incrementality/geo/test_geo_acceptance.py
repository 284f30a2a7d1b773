"""Public geo cases with published or exactly computed answers; the tolerance beside each is that of its source."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from models.incrementality import GeoPanel, read_geo
from models.incrementality.geo.conformal import accepted_effects, gap_under, shuffled_p_value
from models.incrementality.geo.donor_weights import cross_validated_ridge
from models.incrementality.geo.estimator import Estimator
from models.incrementality.geo.estimator_choice import choose
from models.incrementality.geo.gbr import geo_regression
from models.incrementality.geo.placebo import placebo_read, placebo_sets, reference_sets
from models.incrementality.geo.published_estimators import noise_level, paper_fit, placebo_standard_error
from models.incrementality.geo.tbr import tbr_iroas, time_based_regression
from models.incrementality.geo.trimmed_match import trimmed_match
from models.incrementality.geo_design.market_search import MarketSearch, market_selection, neighbour_candidates
from models.incrementality.inversion import rank_form, t_form

pytestmark = pytest.mark.acceptance
FOLDER = "incrementality/"


def csv(shared_data, name: str) -> pl.DataFrame:
    return pl.read_csv(shared_data(FOLDER + name), try_parse_dates=True)


@pytest.fixture
def geolift(shared_data) -> GeoPanel:
    frame = csv(shared_data, "geolift__GeoLift_Test.csv")
    return GeoPanel.from_frame(frame.select(geo="location", date="date", kpi="Y"))


@pytest.fixture
def quiet(shared_data) -> GeoPanel:
    frame = csv(shared_data, "geolift__GeoLift_PreTest.csv")
    return GeoPanel.from_frame(frame.select(geo="location", date="date", kpi="Y"))


def walkthrough(panel: GeoPanel, **changes: object):
    window = {"start": date(2021, 4, 1), "end": date(2021, 4, 15), "seed": 1} | changes
    return read_geo(panel, ["chicago", "portland"], **window)


def treated_and_donors(panel: GeoPanel, treated: list[str]) -> tuple[np.ndarray, np.ndarray]:
    rows = panel.rows_of(treated, "treated")
    return panel.kpi[rows], np.delete(panel.kpi, rows, axis=0)


def test_geolift_walkthrough_weights_and_lift(geolift):
    read = walkthrough(geolift, method="sc")
    assert read.att == pytest.approx(155.556, abs=1e-3)
    assert read.relative == pytest.approx(0.05423, abs=1e-5)
    assert read.effect == pytest.approx(4667, abs=0.5)
    heaviest = dict(read.weights.sort("weight", descending=True).head(10).iter_rows())
    published = {"cincinnati": 0.2272, "miami": 0.2028, "baton rouge": 0.1335, "minneapolis": 0.0900, "dallas": 0.0739}
    published |= {"nashville": 0.0685, "honolulu": 0.0673, "austin": 0.0465, "san diego": 0.0451, "reno": 0.0306}
    assert heaviest == pytest.approx(published, abs=1e-4)
    treated, donors = treated_and_donors(geolift, ["chicago", "portland"])
    fit = paper_fit(treated.mean(axis=0), donors, 90, "difp")
    uniform = paper_fit(treated.mean(axis=0), donors, 90, "did")
    assert fit.l2 == pytest.approx(909.489, abs=1e-3)
    assert fit.l2 / uniform.l2 == pytest.approx(0.1636, abs=1e-4)


def test_geolift_ridge_augmented(geolift):
    read = walkthrough(geolift, method="asc")
    assert read.att == pytest.approx(156.805, abs=1e-3)
    assert read.relative == pytest.approx(0.05469, abs=1e-5)
    assert read.effect == pytest.approx(4704, abs=0.5)
    treated, donors = treated_and_donors(geolift, ["chicago", "portland"])
    before = donors[:, :90] - donors[:, :90].mean(axis=1, keepdims=True)
    aim = treated.mean(axis=0)[:90]
    assert cross_validated_ridge(before, aim - aim.mean()) == pytest.approx(1.673e9, rel=0.01)
    gap = (read.curves["effect"].to_numpy() / 2)[:90]
    assert np.sqrt((gap**2).sum()) == pytest.approx(903.525, abs=1e-2)


@pytest.mark.parametrize(
    ("method", "tau", "spread", "rank_p", "t_p", "t_range", "rank_range"),
    [
        ("sc", 155.556, 96.406, 0.2543, 0.2583, (-70.89, 382.00), (-80.52, 391.63)),
        ("sdid_unit", 278.21, None, None, None, (-234.23, 790.65), None),
    ],
)
def test_geolift_studentised_placebos_over_all_703_pairs(
    geolift, method, tau, spread, rank_p, t_p, t_range, rank_range
):
    treated, donors = treated_and_donors(geolift, ["chicago", "portland"])
    sets, enumerated = placebo_sets(38, 2, seed=1)
    read = placebo_read(treated, donors, 90, slice(90, 105), Estimator.named(method), sets)
    assert (sets.shape[0], enumerated) == (703, True)
    assert read.tau == pytest.approx(tau, abs=1e-2)
    ranks, student = (form(read.statistic, read.placebos.studentised, 0.9) for form in (rank_form, t_form))
    reach = student.critical * read.spread
    assert (read.tau - reach, read.tau + reach) == pytest.approx(t_range, abs=1e-2)
    if spread is not None:
        assert read.spread == pytest.approx(spread, abs=1e-3)
        assert (ranks.p_value, student.p_value) == pytest.approx((rank_p, t_p), abs=1e-4)
        reach = ranks.critical * read.spread
        assert (read.tau - reach, read.tau + reach) == pytest.approx(rank_range, abs=1e-2)


def test_geolift_studentised_placebos_on_logarithms(geolift):
    read = walkthrough(geolift, method="sc_log")
    assert read.relative == pytest.approx(0.0802, abs=1e-4)
    total = read.actual
    share = [read.other_form[side] / (total - read.other_form[side]) for side in ("low", "high")]
    assert share == pytest.approx([-0.0692, 0.2536], abs=1e-4)


def test_geolift_conformal_sets_are_reported_as_they_are(geolift):
    """Shuffled days: 20,000 draws have a standard error of .0008, the published p used 1,000 (.0035)."""
    treated, donors = treated_and_donors(geolift, ["chicago", "portland"])
    target = treated.mean(axis=0)
    p_zero = shuffled_p_value(gap_under(0.0, target, donors, 90), 15, "sum_abs", draws=20_000, seed=1)
    assert p_zero == pytest.approx(0.0118, abs=0.004)
    anywhere = [
        shuffled_p_value(gap_under(e, target, donors, 90), 15, "sum_abs", draws=2_000, seed=1)
        for e in np.arange(-600, 901, 10.0)
    ]
    assert max(anywhere) == pytest.approx(0.025, abs=0.01)  # below .1 everywhere: the 90 % set is empty
    grid = np.arange(-600, 901, 2.0)
    in_two = accepted_effects(target, donors, 90, grid, alpha=0.1, statistic="sum_abs")
    assert in_two.p_zero == pytest.approx(5 / 105)
    assert np.array(in_two.pieces) == pytest.approx(np.array([[-168, -82], [462, 566]]), abs=4)
    in_one = accepted_effects(target, donors, 90, grid, alpha=0.1, statistic="abs_sum")
    assert in_one.p_zero == pytest.approx(12 / 105)
    assert np.array(in_one.pieces) == pytest.approx(np.array([[-16, 282]]), abs=4)


def test_geolift_market_selection(quiet):
    search = MarketSearch(
        sizes=(2, 3, 4, 5),
        durations=(10, 15),
        effects=(0, 0.05, 0.1, 0.15, 0.2),
        include=("chicago",),
        exclude=("honolulu",),
        cost_per_conversion=7.5,
        budget=1e5,
    )
    assert len(neighbour_candidates(quiet, search)) == 33
    found = market_selection(quiet, search, seed=1)
    best = found.row(0, named=True)
    assert (best["markets"], best["duration"], best["rank"]) == ("chicago, cincinnati, houston, portland", 15, 1)
    assert best["investment"] == pytest.approx(74118.38, abs=0.01)
    assert (best["scaled_l2"], best["att"], best["lift"]) == pytest.approx((0.1971864, 159.3627, 0.04829913), rel=1e-6)
    tied = found.row(1, named=True)
    assert (tied["markets"], tied["rank"]) == ("chicago, portland", 1)
    assert tied["investment"] == pytest.approx(64563.75, abs=0.01)
    assert (tied["scaled_l2"], tied["att"], tied["lift"]) == pytest.approx((0.1738778, 290.0071, 0.10117316), rel=1e-6)
    following = [99027.75, 43646.25, 95755.50, 75389.25]
    assert sorted(found["investment"].to_list()[2:6]) == pytest.approx(sorted(following), abs=0.01)


@pytest.mark.parametrize(
    ("method", "ranked", "student"),
    [("sc", 23, 25), ("sdid_unit", 23, 24), ("sc_log", 22, 12), ("sdid_unit_log", 24, 11)],
)
def test_aa_panel_240_designs_reject_as_often_as_they_say(quiet, method, ranked, student):
    """No effect anywhere: 24 of 240 are expected at 10 %; the counts are those of the reference, +-2."""
    by_rank = by_student = 0
    for days in (10, 15):
        for end in (90, 83, 76):
            for city in range(40):
                treated, donors = quiet.kpi[[city], :end], np.delete(quiet.kpi[:, :end], city, axis=0)
                sets, _ = placebo_sets(39, 1, seed=1)
                pre = end - days
                read = placebo_read(treated, donors, pre, slice(pre, end), Estimator.named(method), sets)
                by_rank += rank_form(read.statistic, read.placebos.studentised, 0.9).p_value <= 0.1
                by_student += t_form(read.statistic, read.placebos.studentised, 0.9).p_value <= 0.1
    assert by_rank == pytest.approx(ranked, abs=2)
    assert by_student == pytest.approx(student, abs=2)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 2, 4])
def test_aa_panel_random_sets_under_the_default(quiet, size):
    """Chosen estimator, nominal 10 %: rejections lie in .07-.13; 720 random groups have a standard error of .011."""
    rejected = []
    for seed in (11, 12, 13) if size > 1 else (11,):
        draw = np.random.default_rng(seed)
        for days in (10, 15):
            for end in (90, 83, 76):
                for _ in range(40):
                    picked = sorted(draw.choice(40, size, replace=False))
                    treated, donors = quiet.kpi[picked, :end], np.delete(quiet.kpi[:, :end], picked, axis=0)
                    pre = end - days
                    estimator = choose(treated[:, :pre], donors[:, :pre], days, seed=1).estimator
                    sets, _ = reference_sets(donors.shape[0], size, seed=1)
                    sets = sets[:: max(1, sets.shape[0] // 300)]
                    read = placebo_read(treated, donors, pre, slice(pre, end), estimator, sets)
                    rejected.append(rank_form(read.statistic, read.placebos.studentised, 0.9).p_value <= 0.1)
    assert 0.07 <= np.mean(rejected) <= 0.13


@pytest.fixture
def smoking(shared_data) -> tuple[np.ndarray, np.ndarray, list[str]]:
    frame = csv(shared_data, "synthdid__california_prop99.csv")
    wide = frame.pivot(on="Year", index="State", values="PacksPerCapita").sort("State")
    states, kpi = wide["State"].to_list(), wide.drop("State").to_numpy()
    row = states.index("California")
    return kpi[row], np.delete(kpi, row, axis=0), [state for state in states if state != "California"]


@pytest.mark.parametrize(
    ("paper", "tau", "tolerance", "error"),
    [
        ("did", -27.349111, 1e-4, 17.287),
        ("sc", -19.51363, 1e-3, 10.633),
        ("sdid", -15.605398, 5e-3, 9.371),
        ("difp", -11.109042, 1e-3, 10.069),
    ],
)
def test_proposition_99_points_and_exact_placebo_errors(smoking, paper, tau, tolerance, error):
    target, donors, _ = smoking
    assert paper_fit(target, donors, 19, paper).tau == pytest.approx(tau, abs=tolerance)
    assert placebo_standard_error(donors, 19, paper) == pytest.approx(error, abs=1e-2)


def test_proposition_99_weights_and_fit(smoking):
    target, donors, states = smoking
    fit = paper_fit(target, donors, 19, "sc")
    weights = dict(zip(states, fit.weights, strict=True))
    expected = {"Utah": 0.394, "Montana": 0.232, "Nevada": 0.205, "Connecticut": 0.109}
    assert {state: weights[state] for state in expected} == pytest.approx(expected, abs=1e-3)
    assert (fit.pre_rmspe, fit.gap[-1]) == pytest.approx((1.6564, -26.597), abs=1e-3)
    ratios = [
        paper_fit(donors[row], np.delete(donors, row, axis=0), 19, "sc").post_pre_ratio
        for row in range(donors.shape[0])
    ]
    assert 1 + sum(ratio >= fit.post_pre_ratio for ratio in ratios) == 3
    sdid = paper_fit(target, donors, 19, "sdid")
    assert sdid.time_weights[-3:] == pytest.approx([0.366, 0.206, 0.427], abs=1e-3)
    assert (sdid.zeta, noise_level(donors, 19)) == pytest.approx((10.226, 5.4944), abs=1e-3)
    weights = dict(zip(states, sdid.weights, strict=True))
    expected = {"Nevada": 0.124, "New Hampshire": 0.105, "Connecticut": 0.078, "Delaware": 0.070, "Colorado": 0.057}
    assert {state: weights[state] for state in expected} == pytest.approx(expected, abs=1e-3)


def test_proposition_99_without_one_donor_and_on_earlier_years(smoking):
    target, donors, states = smoking
    for state, tau in {"Utah": -19.137, "Montana": -17.968, "Nevada": -19.174, "Connecticut": -20.514}.items():
        without = np.delete(donors, states.index(state), axis=0)
        assert paper_fit(target, without, 19, "sc").tau == pytest.approx(tau, abs=1e-3)
    assert paper_fit(target[:19], donors[:, :19], 10, "sc").tau == pytest.approx(-3.373, abs=1e-3)


def test_proposition_99_studentised_placebos(smoking):
    target, donors, _ = smoking
    sets, _ = placebo_sets(38, 1, seed=1)
    read = placebo_read(target[None], donors, 19, slice(19, 31), Estimator.named("sdid_unit"), sets)
    assert (read.tau, read.spread) == pytest.approx((-16.115, 1.7727), abs=1e-2)
    ranks, student = (form(read.statistic, read.placebos.studentised, 0.9) for form in (rank_form, t_form))
    assert ranks.p_value == pytest.approx(1 / 39)
    assert student.p_value == pytest.approx(0.0124, abs=1e-3)
    for inversion, expected in ((student, (-26.46, -5.77)), (ranks, (-26.56, -5.67))):
        reach = inversion.critical * read.spread
        assert (read.tau - reach, read.tau + reach) == pytest.approx(expected, abs=1e-2)


@pytest.fixture
def sales(shared_data) -> pl.DataFrame:
    frame = csv(shared_data, "geoexperimentsresearch__salesandcost.csv")
    groups = csv(shared_data, "geoexperimentsresearch__geoassignment.csv").rename({"geo.group": "arm"})
    window = pl.col("date").is_between(date(2015, 1, 5), date(2015, 3, 15))
    return frame.join(groups, on="geo").filter(window)


def test_tbr_on_the_vignette(sales):
    daily = sales.group_by("date", "arm").agg(pl.col("sales", "cost").sum())
    wide = daily.pivot(on="arm", index="date", values=["sales", "cost"]).sort("date")
    tested, control, cost = (wide[name].to_numpy() for name in ("sales_2", "sales_1", "cost_2"))
    fit, paid = time_based_regression(tested, control, 42), float(cost[42:].sum())
    assert paid == pytest.approx(50_000)
    assert fit.effect == pytest.approx(147_337.122, abs=1e-3)
    assert fit.effect / paid == pytest.approx(2.946742, abs=1e-6)
    low, high = (bound / paid for bound in fit.interval(0.8))  # two-sided 80 % = one-sided 90 %
    assert ((high - low) / 2, low) == pytest.approx((0.120548, 2.826194), abs=1e-6)
    low, high = (bound / paid for bound in fit.interval(0.95))
    assert (high - low) / 2 == pytest.approx(0.1869702, abs=1e-6)
    ratio = tbr_iroas(fit, paid, 0.9)
    assert (ratio.low, ratio.high) == pytest.approx((2.79097, 3.10252), abs=1e-5)
    assert fit.chance_above(3 * paid) == pytest.approx(0.284, abs=1e-3)
    assert fit.effect / (tested[42:].sum() - fit.effect) == pytest.approx(0.173964, abs=5e-5)


def by_geo(sales: pl.DataFrame) -> pl.DataFrame:
    phase = pl.when(pl.col("date") < date(2015, 2, 16)).then(pl.lit("pre")).otherwise(pl.lit("test"))
    totals = sales.group_by("geo", "arm", phase.alias("phase")).agg(pl.col("sales", "cost").sum())
    return totals.pivot(on="phase", index=["geo", "arm"], values=["sales", "cost"]).sort("geo")


def test_gbr_on_the_vignette(sales):
    geos = by_geo(sales)
    fit = geo_regression(*(geos[name].to_numpy() for name in ("sales_pre", "sales_test", "cost_test")))
    assert (fit.iroas, fit.one_sided_reach(0.9)) == pytest.approx((3.233443, 0.350162), abs=1e-6)


@pytest.mark.parametrize(
    ("adjusted", "trim", "point", "error", "at_80", "at_90"),
    [
        (True, 1, 3.01948, 0.13204, (2.78839, 3.18714), (2.70174, 3.24410)),
        (False, 9, 2.83397, 0.27706, (2.38764, 3.26840), None),
    ],
)
def test_trimmed_match_on_the_vignette(sales, adjusted, trim, point, error, at_80, at_90):
    gain = pl.col("sales_test") - (28 / 42 * pl.col("sales_pre") if adjusted else 0.0)
    geos = by_geo(sales).with_columns(gain=gain).sort("sales_pre")
    treated, control = geos.filter(pl.col("arm") == 2), geos.filter(pl.col("arm") == 1)
    response = treated["gain"].to_numpy() - control["gain"].to_numpy()
    spend = treated["cost_test"].to_numpy() - control["cost_test"].to_numpy()
    for level, expected in ((0.8, at_80), (0.9, at_90)):
        found = trimmed_match(response, spend, level)
        assert (found.trimmed, len(found.segments)) == (trim, 1)
        assert (found.iroas, found.standard_error) == pytest.approx((point, error), abs=1e-4)
        if expected:
            assert (found.low, found.high) == pytest.approx(expected, abs=1e-4)


@pytest.fixture
def holdback(shared_data) -> tuple[GeoPanel, list[str]]:
    frame = csv(shared_data, "meridian_geox__example_analysis_data_single_cell_holdback.csv")
    frame = frame.with_columns(geo=pl.col("location").cast(pl.String)).filter(pl.col("geo") != "105")
    after = frame.filter(pl.col("date") >= date(2020, 4, 1)).group_by("geo").agg(pl.col("spend").sum())
    treated = after.filter(pl.col("spend") > 0)["geo"].sort().to_list()
    return GeoPanel.from_frame(frame.select("geo", "date", "spend", kpi="conversions")), treated


def test_meridian_geox_holdback(holdback):
    panel, treated = holdback
    rows = panel.rows_of(treated, "treated")
    others = [row for row in range(len(panel.geos)) if row not in rows]
    assert (len(rows), len(others)) == (27, 86)
    lift = time_based_regression(panel.kpi[rows].mean(axis=0), panel.kpi[others].mean(axis=0), 91)
    paid = time_based_regression(panel.spend[rows].mean(axis=0), panel.spend[others].mean(axis=0), 91)
    assert 27 * lift.effect == pytest.approx(31_560.05, rel=1e-4)
    assert 27 * paid.effect == pytest.approx(13_725.93, rel=1e-4)
    assert lift.effect / paid.effect == pytest.approx(2.2993, rel=1e-4)
    low, high = lift.interval(0.9)
    assert 27 * (high - low) / 2 == pytest.approx(793.1, abs=1)
    assert lift.residual_memory == pytest.approx(0.62, abs=0.01)
    read = read_geo(panel, treated, start=date(2020, 4, 1), end=date(2020, 4, 30), seed=1, method="tbr", holdback=True)
    assert read.effect == pytest.approx(31_560.05, rel=1e-4)
    assert read.relative == pytest.approx(0.05804, rel=1e-3)
    reach = (read.other_form["high"] - read.other_form["low"]) / 2
    assert min(abs(reach - 2427), abs((read.high - read.low) / 2 - 2427)) < 0.08 * 2427


def test_meridian_geox_advertised_fit_does_not_hold_a_month_later(holdback, shared_data):
    _, treated = holdback
    frame = csv(shared_data, "meridian_geox__example_design_data_single_cell.csv")
    frame = frame.with_columns(geo=pl.col("location").cast(pl.String)).filter(pl.col("geo") != "105")
    panel = GeoPanel.from_frame(frame.select("geo", "date", kpi="conversions"))
    rows = panel.rows_of(treated, "treated")
    tested, control = panel.kpi[rows].mean(axis=0), np.delete(panel.kpi, rows, axis=0).mean(axis=0)
    for fitted, scored, expected in ((31, 61, 0.9132), (61, 91, 0.6175)):
        missed = time_based_regression(tested[:scored], control[:scored], fitted).effects
        actual = tested[fitted:scored]
        assert 1 - (missed**2).sum() / ((actual - actual.mean()) ** 2).sum() == pytest.approx(expected, abs=1e-4)


def test_zip_codes_with_known_truth(shared_data):
    frame = csv(shared_data, "causalpy__zipcodes_data.csv")
    panel = GeoPanel.from_frame(frame.select(geo="zipcode", date="date", kpi="orders"))
    treated = frame.filter(pl.col("variant") == "treatment")["zipcode"].unique().sort().to_list()
    window = (pl.col("variant") == "treatment") & pl.col("date").is_between(date(2022, 7, 1), date(2022, 7, 31))
    truth = float(frame.filter(window).select((pl.col("orders") - pl.col("orders_no_treatment")).sum()).item())
    assert truth == 168_729
    rows = panel.rows_of(treated, "treated")
    tested, control = panel.kpi[rows].sum(axis=0), np.delete(panel.kpi, rows, axis=0).sum(axis=0)
    lift = time_based_regression(tested, control, 91)
    actual = tested[91:].sum()
    shares = [100 * effect / (actual - effect) for effect in (lift.effect, *lift.interval(0.95))]
    assert lift.effect == pytest.approx(170_826, abs=1)
    assert shares == pytest.approx([6.039, 5.854, 6.224], abs=1e-3)
    logs = np.log(tested / control)
    assert 100 * np.expm1(logs[91:].mean() - logs[:91].mean()) == pytest.approx(5.929, abs=1e-3)
    test = {"start": date(2022, 7, 1), "end": date(2022, 7, 31), "seed": 1, "level": 0.95}
    read = read_geo(panel, treated, method="sdid_unit_log", **test)
    shown = [100 * share for share in (read.relative, read.relative_low, read.relative_high)]
    assert shown == pytest.approx([5.91, 5.68, 6.14], abs=0.05)
    default = read_geo(panel, treated, **test)
    assert default.low <= truth <= default.high
    assert default.relative_high - default.relative_low <= 0.01
