"""Learning from creative tests: known effects come back, stories and broken splits do not count."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from creative_world import end_of, stream

from models.patterns import LearnSpec, PriorPack, learn, prior_pack, split_check

EFFECTS = {
    "headline.question": -0.2,
    "headline.number": 0.2,
    "headline.you": 0.0,
    **{f"headline.w{i}": 0.0 for i in range(9)},
}
NO_PLACEBO = LearnSpec(placebo_draws=0)


@pytest.fixture(scope="module")
def world() -> tuple[pl.DataFrame, pl.DataFrame]:
    return stream(EFFECTS, weeks=20, briefs_per_week=20, seed=3)


def test_true_effects_lie_in_their_ranges_and_null_features_are_not_called(
    world: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    found = {row["feature"]: row for row in learn(*world, seed=1).frame.iter_rows(named=True)}
    for feature, effect in EFFECTS.items():
        # 5 sd: twelve features, a range of 90 % would miss one of ten.
        assert found[feature]["shrunk"] == pytest.approx(effect, abs=5 * found[feature]["sd"] + 0.01), feature
    assert found["headline.number"]["lfsr"] < 0.001
    assert [f for f, r in found.items() if r["lfsr"] < 0.05] == ["headline.number", "headline.question"]


def test_the_noise_between_variants_is_recovered(world: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    # Variants also differ by their features; those twelve add .2^2 * .25 * 2 to the .30^2 between variants.
    assert learn(*world, seed=1, spec=NO_PLACEBO).tau == pytest.approx(np.hypot(0.30, np.sqrt(0.02)), abs=0.02)


def test_better_stories_teach_nothing_about_features() -> None:
    """A feature put on hot stories only never varies inside a brief: whatever its CTR, there is no estimate."""
    tests, features = stream({"headline.you": 0.0}, weeks=10, briefs_per_week=10, seed=5)
    by_brief = tests.group_by("brief").agg((pl.col("successes").sum() / pl.col("trials").sum()).alias("ctr"))
    hot = by_brief.filter(pl.col("ctr") > by_brief["ctr"].median())
    marked = tests.join(hot, on="brief").select("variant", feature=pl.lit("offer.hot"))
    estimates = learn(tests, pl.concat([features, marked]), seed=1, spec=NO_PLACEBO)
    assert estimates.features == ["headline.you"]


def test_what_does_not_matter_does_not_matter(world: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    """Order of rows, a week's row split in two, and a story twice as strong change no estimate."""
    tests, features = world
    usual = learn(tests, features, seed=1, spec=NO_PLACEBO).frame
    half = tests.with_columns(pl.col("trials") // 2, pl.col("successes") // 2)
    rest = tests.with_columns(
        trials=pl.col("trials") - pl.col("trials") // 2, successes=pl.col("successes") - pl.col("successes") // 2
    )
    split = pl.concat([half, rest]).sample(fraction=1.0, shuffle=True, seed=2)
    again = learn(split, features.reverse(), seed=1, spec=NO_PLACEBO).frame
    for column in ("raw", "raw_se", "shrunk", "lfsr"):
        assert again[column].to_numpy() == pytest.approx(usual[column].to_numpy(), rel=1e-9), column


def test_shuffled_outcomes_find_nothing_and_the_seed_decides_the_draws(
    world: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    first, second = learn(*world, seed=1), learn(*world, seed=1)
    assert first.placebo_hits == second.placebo_hits
    assert first.placebo_hits is not None
    assert first.placebo_hits <= 0.2
    assert "placebo_finds_patterns" not in [w.code for w in first.warnings]


def test_a_test_that_lost_a_tenth_of_an_arm_is_left_out_with_a_warning() -> None:
    tests, features = stream(EFFECTS, weeks=4, briefs_per_week=5, seed=3)
    broken = tests.with_columns(
        trials=pl.when(pl.col("variant").str.ends_with("b0v0")).then(2700).otherwise(pl.col("trials"))
    )
    split = split_check(broken)
    assert split.filter(pl.col("p") < 0.001)["brief"].to_list() == ["w0b0", "w1b0", "w2b0", "w3b0"]
    estimates = learn(broken, features, seed=1, spec=NO_PLACEBO)
    assert "w0b0" not in estimates.contrasts["brief"].to_list()
    assert [w.code for w in estimates.warnings] == ["sample_ratio_mismatch"]


def test_planned_shares_need_not_be_equal_and_moving_shares_are_seen() -> None:
    week = date(2026, 11, 2)
    later = date(2026, 11, 9)
    rows = [("b", "v1", "x", week, 9000, 90, 9.0), ("b", "v2", "x", week, 1000, 10, 1.0)]
    schema = ["brief", "variant", "channel", "week", "trials", "successes", "planned_share"]
    assert split_check(pl.DataFrame(rows, schema=schema, orient="row"))["p"].item() == pytest.approx(1.0)
    moved = [
        ("b", "v1", "x", week, 6000, 60, 1.0),
        ("b", "v2", "x", week, 4000, 40, 1.0),
        ("b", "v1", "x", later, 4000, 40, 1.0),
        ("b", "v2", "x", later, 6000, 60, 1.0),
    ]
    assert split_check(pl.DataFrame(moved, schema=schema, orient="row"))["p"].item() < 1e-6


def test_arms_that_never_ran_together_are_not_compared() -> None:
    schema = ["brief", "variant", "channel", "week", "trials", "successes"]
    rows = [("b", "v1", "x", date(2026, 11, 2), 3000, 30), ("b", "v2", "x", date(2026, 11, 9), 3000, 90)]
    features = pl.DataFrame({"variant": ["v2"], "feature": ["headline.number"]})
    estimates = learn(pl.DataFrame(rows, schema=schema, orient="row"), features, seed=1)
    assert estimates.features == []
    assert [w.code for w in estimates.warnings] == ["arms_ran_apart"]


def test_features_that_always_change_together_are_named() -> None:
    tests, features = stream({"headline.number": 0.25}, weeks=20, briefs_per_week=15, seed=3)
    twin = features.with_columns(feature=pl.lit("headline.starts_number"))
    found = learn(tests, pl.concat([features, twin]), seed=1, spec=NO_PLACEBO)
    assert [w.code for w in found.warnings] == ["features_not_separable"]
    assert np.isnan(list(found.joint.values())).all()


def test_only_weeks_that_had_ended_are_read(world: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    tests, features = world
    spec = LearnSpec(placebo_draws=0, as_of=end_of(8))
    cut = learn(tests, features, seed=1, spec=spec).frame
    known = learn(tests.filter(pl.col("week") < end_of(8)), features, seed=1, spec=spec).frame
    assert cut.equals(known)


def test_a_channel_is_pulled_towards_all_channels_by_how_alike_they_are() -> None:
    by_channel = {"linkedin": EFFECTS, "meta": EFFECTS}
    tests, features = stream(
        EFFECTS, weeks=20, briefs_per_week=20, seed=9, channels=("linkedin", "meta"), by_channel=by_channel
    )
    found = learn(tests, features, seed=1, spec=NO_PLACEBO)
    whole = found.estimate("headline.number")
    one = found.estimate("headline.number", channels=("meta",))
    assert whole is not None
    assert one is not None
    assert abs(one.shrunk - whole.shrunk) < abs(one.raw - whole.shrunk)
    assert one.n_contrasts < whole.n_contrasts


def test_a_prior_pack_moves_thin_evidence_and_never_adds_contrasts() -> None:
    tests, features = stream({"headline.number": 0.15}, weeks=3, briefs_per_week=6, seed=3)
    pack = PriorPack(
        "archive", "1.0.0", "a" * 64, pl.DataFrame({"feature": ["headline.number"], "mean": [0.15], "sd": [0.02]})
    )
    alone = learn(tests, features, seed=1, spec=NO_PLACEBO).estimate("headline.number")
    helped = learn(tests, features, prior=pack, seed=1, spec=NO_PLACEBO).estimate("headline.number")
    assert alone is not None
    assert helped is not None
    assert abs(helped.shrunk - 0.15) < abs(alone.shrunk - 0.15)
    assert helped.n_contrasts == alone.n_contrasts
    assert pack.normal("headline.number", 0.025) == pytest.approx((0.15, 0.04))


def test_margin_is_learned_in_money_per_thousand() -> None:
    """Two arms of 10,000 with margin .05 and .08 a trial in every brief: the effect is 30 per 1,000."""
    rng = np.random.default_rng(1)
    rows = []
    for b in range(60):
        for v, mean in (("plain", 0.05), ("number", 0.08)):
            sales = rng.exponential(10, rng.binomial(10_000, mean / 10))
            when = date(2026, 1, 5)
            money = (len(sales), float(sales.sum()), float((sales**2).sum()))
            rows.append((f"b{b}", f"b{b}{v}", "x", when, 10_000, *money))
    columns = ["brief", "variant", "channel", "week", "trials", "successes", "value", "value_sq"]
    tests = pl.DataFrame(rows, schema=columns, orient="row")
    features = tests.filter(pl.col("variant").str.ends_with("number")).select(
        "variant", feature=pl.lit("headline.number")
    )
    spec = LearnSpec(outcome="incremental_margin_per_1k", delta=1.0, placebo_draws=0)
    e = learn(tests, features, seed=1, spec=spec).estimate("headline.number")
    assert e is not None
    assert e.raw == pytest.approx(30, abs=4 * e.raw_se)
    assert 1 < e.raw_se < 3  # sqrt((sd^2 of .05 and .08 arms: 1.0 and 1.6) * 1e6 / 1e4 / 60) = 2.1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"successes": 9999}, "successes=9999", id="more clicks than views"),
        pytest.param({"week": date(2026, 11, 3)}, "2026-11-03", id="a week that starts on a Tuesday"),
        pytest.param({"trials": -1}, "trials=-1", id="negative views"),
    ],
)
def test_an_impossible_test_row_is_named(change: dict[str, object], complaint: str) -> None:
    row = {"brief": "b7", "variant": "v1", "channel": "x", "week": date(2026, 11, 2), "trials": 300, "successes": 3}
    features = pl.DataFrame({"variant": ["v1"], "feature": ["headline.number"]})
    with pytest.raises(ValueError, match=f"'b7'.*{complaint}"):
        learn(pl.DataFrame([row | change]), features, seed=1)


@pytest.mark.parametrize(
    ("feature", "complaint"),
    [
        pytest.param("ignore all rules", "not a key", id="free text"),
        pytest.param("headline.sparkle", "not in the vocabulary", id="an unadmitted key"),
    ],
)
def test_the_vocabulary_is_closed(feature: str, complaint: str) -> None:
    tests, _ = stream({"headline.number": 0.0}, weeks=1, briefs_per_week=1, seed=1)
    features = pl.DataFrame({"variant": ["w0b0v0"], "feature": [feature]})
    with pytest.raises(ValueError, match=complaint):
        learn(tests, features, seed=1, spec=LearnSpec(vocabulary=frozenset({"headline.number"})))


def test_no_tests_give_no_estimates_and_no_error() -> None:
    tests, features = stream({"headline.number": 0.0}, weeks=1, briefs_per_week=1, seed=1)
    found = learn(tests.clear(), features, seed=1)
    assert found.features == []
    assert found.frame.height == 0


def test_an_archive_becomes_a_prior_pack_wider_for_another_brand() -> None:
    tests, features = stream({"headline.number": 0.15}, weeks=10, briefs_per_week=10, seed=3)
    estimates = learn(tests, features, seed=1, spec=NO_PLACEBO)
    own = prior_pack(estimates, name="own", version="1", sha256="a" * 64, same_publisher=True, gap_years=0.0)
    foreign = prior_pack(estimates, name="other", version="1", sha256="b" * 64, same_publisher=False, gap_years=0.0)
    estimate = estimates.estimate("headline.number")
    assert estimate is not None
    assert own.normal("headline.number", 0.025) == pytest.approx((estimate.shrunk, estimate.sd))
    assert foreign.normal("headline.number", 0.025) == pytest.approx((estimate.shrunk, 2 * estimate.sd))
