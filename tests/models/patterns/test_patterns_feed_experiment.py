"""The feed's worth: the reference's sample sizes, the reading rule, and how often it errs."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.patterns import FeedPlan, MoneyPerLogOdds, feed_lift, pairs_needed
from models.patterns.feed_experiment import FeedExperimentError, pair_sd_of

TRIALS, BASE = 3000, -4.2


def made_pairs(n: int, lift: float, seed: int, *, variant_sd: float = 0.30) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    story = BASE + rng.normal(0, 0.65, n)

    def clicks(effect: float) -> np.ndarray:
        return rng.binomial(TRIALS, 1 / (1 + np.exp(-(story + effect + rng.normal(0, variant_sd, n)))))

    return pl.DataFrame(
        {
            "brief": [f"b{i:05}" for i in range(n)],
            "closed": [date(2026, 1, 5) + timedelta(weeks=i // 10) for i in range(n)],
            "trials_on": TRIALS,
            "successes_on": clicks(lift),
            "trials_off": TRIALS,
            "successes_off": clicks(0.0),
        }
    )


@pytest.mark.parametrize(("lift", "pairs"), [(0.05, 557), (0.10, 140), (0.15, 62), (0.20, 35)])
def test_the_sample_size_of_a_single_look_is_that_of_the_reference(lift, pairs):
    assert pairs_needed(0.4745, lift) == pytest.approx(pairs, abs=1)  # the reference rounds


@pytest.mark.slow
def test_errors_over_many_companies_that_look_every_week():
    """A useless feed is called useless, a useful one covered; both rates by 400 companies, 4 standard errors aside."""
    plan = FeedPlan(smallest_lift=0.15)
    runs, useless, false_lift, covered, helped = 400, 0, 0, 0, 0
    for seed in range(runs):
        nothing = made_pairs(plan.pairs, 0.0, seed)
        # Every look is read on the way, as an impatient company would.
        step = plan.pairs // 4
        verdicts = [feed_lift(nothing[: step * k], plan).verdict for k in (1, 2, 3, 4)]
        useless += verdicts[-1] == "useless"
        false_lift += "useful" in verdicts
        useful = feed_lift(made_pairs(plan.pairs, 0.15, 10_000 + seed), plan)
        helped += useful.verdict == "useful"
        covered += useful.low <= 0.15 <= useful.high
    # 5 % plus 4 se of 400 runs; 90 % less 4 se; power 80 % less 4 se (the plan bounds the need from above).
    assert false_lift / runs <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / runs)
    assert useless / runs >= 0.90
    assert 0.90 - 4 * np.sqrt(0.9 * 0.1 / runs) <= covered / runs <= 0.97
    assert helped / runs >= 0.80 - 4 * np.sqrt(0.8 * 0.2 / runs)


def test_between_looks_nothing_moves():
    plan = FeedPlan(smallest_lift=0.15)
    pairs, step = made_pairs(plan.pairs, 0.1, 3), plan.pairs // 4
    first = feed_lift(pairs[: step - 1], plan)
    assert (first.verdict, first.lift, first.may_be_read) == ("too early", None, False)
    assert f"the first look is at {step}" in first.sentence
    at, between = feed_lift(pairs[:step], plan), feed_lift(pairs[: 2 * step - 1], plan)
    assert at.may_be_read
    assert (at.lift, at.low, at.high, at.n) == (between.lift, between.low, between.high, step)
    assert feed_lift(pairs.sample(fraction=1.0, shuffle=True, seed=1), plan).lift == feed_lift(pairs, plan).lift


def test_a_new_round_begins_and_the_last_one_stands_until_its_first_look():
    plan = FeedPlan(smallest_lift=0.15)
    pairs = pl.concat([made_pairs(plan.pairs, 0.3, 1), made_pairs(plan.pairs, 0.0, 2)])
    pairs = pairs.with_columns(
        brief=pl.format("p{}", pl.int_range(pl.len())),
        closed=pl.date(2026, 1, 5) + pl.duration(days=pl.int_range(pl.len())),
    )
    whole = feed_lift(pairs[: plan.pairs], plan)
    assert whole.verdict == "useful"
    waiting = feed_lift(pairs[: plan.pairs + 3], plan)
    assert (waiting.lift, waiting.verdict, waiting.round) == (whole.lift, "useful", 1)
    undecided = feed_lift(pairs[: plan.pairs + plan.pairs // 4], plan)
    assert (undecided.verdict, undecided.round) == ("useful", 1), "a first look that decides nothing takes nothing back"
    later = feed_lift(pairs, plan)
    assert (later.verdict, later.round, later.n) == ("useless", 2, plan.pairs)
    assert [w.code for w in later.warnings] == ["feed_worth_not_shown"]


def test_money_needs_a_known_value_and_carries_both_uncertainties():
    pairs, plan = made_pairs(400, 0.3, 5), FeedPlan(smallest_lift=0.15)
    assert feed_lift(pairs, plan).money is None
    assert "engagement only" in feed_lift(pairs, plan).sentence
    assert feed_lift(pairs, plan, money=MoneyPerLogOdds(100.0, 90.0, "EUR")).money is None
    sure, unsure = (feed_lift(pairs, plan, money=MoneyPerLogOdds(100.0, se, "EUR")) for se in (1.0, 40.0))
    assert sure.money == unsure.money == pytest.approx(100 * sure.lift)
    assert unsure.money_high - unsure.money_low > sure.money_high - sure.money_low > 0
    assert "EUR per piece" in sure.sentence


def test_unequal_traffic_blocks_the_figure():
    pairs = made_pairs(400, 0.3, 5).with_columns(trials_on=pl.lit(3200))
    broken = feed_lift(pairs, FeedPlan(smallest_lift=0.15))
    assert (broken.verdict, broken.lift) == ("not measurable", None)
    assert broken.warnings[0].code == "feed_traffic_split"


def test_a_round_that_cannot_be_measured_does_not_lift_the_last_verdict():
    plan = FeedPlan(smallest_lift=0.15)
    uneven = made_pairs(plan.pairs // 4, 0.0, 2).with_columns(trials_on=pl.lit(3200))
    pairs = pl.concat([made_pairs(plan.pairs, 0.0, 1), uneven], how="vertical_relaxed")
    pairs = pairs.with_columns(
        brief=pl.format("p{}", pl.int_range(pl.len())),
        closed=pl.date(2026, 1, 5) + pl.duration(days=pl.int_range(pl.len())),
    )
    after = feed_lift(pairs, plan)
    assert (after.verdict, after.round) == ("useless", 1)
    assert "feed_traffic_split" in {w.code for w in after.warnings}


def test_a_baseline_shift_or_doubled_budget_changes_no_verdict():
    plan = FeedPlan(smallest_lift=0.15)
    pairs = made_pairs(plan.pairs, 0.25, 8)
    swapped = pairs.rename(
        {
            "trials_on": "trials_off",
            "trials_off": "trials_on",
            "successes_on": "successes_off",
            "successes_off": "successes_on",
        }
    )
    assert feed_lift(swapped, plan).lift == pytest.approx(-feed_lift(pairs, plan).lift)
    assert feed_lift(swapped, plan).verdict == "useless"
    assert feed_lift(swapped, plan).warnings[0].severity == "high", "it may do harm"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param(lambda f: f.drop("closed"), "lacks closed", id="column"),
        pytest.param(lambda f: pl.concat([f, f]), "'b00000' stands twice", id="brief twice"),
        pytest.param(lambda f: f.with_columns(successes_on=pl.lit(9999)), "more successes than trials", id="counts"),
    ],
)
def test_impossible_pairs_are_refused(change, complaint):
    with pytest.raises(FeedExperimentError, match=complaint):
        feed_lift(change(made_pairs(3, 0.1, 1)))


def test_the_planned_spread_comes_from_earlier_tests():
    pairs = made_pairs(400, 0.0, 4)
    halves = [
        pairs.select("brief", channel=pl.lit("x"), variant=pl.lit(h), trials=f"trials_{h}", successes=f"successes_{h}")
        for h in ("on", "off")
    ]
    assert pair_sd_of(pl.concat(halves)) == pytest.approx(0.4745, abs=0.04)  # .30 between arms, about .0226 of sampling
    assert pair_sd_of(pl.concat(halves)[:20]) == 0.4745


def test_delivered_value_gives_the_worth_per_piece_and_a_gap_in_it_gives_none():
    plan = FeedPlan(smallest_lift=0.3)
    pairs = made_pairs(plan.pairs, 0.3, 3).with_columns(
        (4.0 * pl.col("successes_on")).alias("value_on"), (4.0 * pl.col("successes_off")).alias("value_off")
    )
    result = feed_lift(pairs, plan, currency="EUR")
    difference = 4.0 * (pairs["successes_on"] - pairs["successes_off"]).mean()
    assert result.money == pytest.approx(difference)
    assert result.money_low < difference < result.money_high
    assert (result.currency, "EUR per piece" in result.sentence) == ("EUR", True)
    gap = pairs.with_columns(
        pl.when(pl.col("brief") == "b00000").then(None).otherwise(pl.col("value_on")).alias("value_on")
    )
    assert feed_lift(gap, plan, currency="EUR").money is None
    assert feed_lift(pairs, plan).money is None


def test_the_next_look_is_named_in_pairs_and_as_an_expected_day():
    plan = FeedPlan(smallest_lift=0.15)
    step = plan.pairs // 4
    early = feed_lift(made_pairs(step - 1, 0.0, 1), plan)
    assert early.next_look == step
    assert early.next_look_on is not None
    assert early.next_look_on > date(2026, 1, 5) + timedelta(weeks=(step - 2) // 10)
    assert feed_lift(made_pairs(step, 0.0, 1), plan).next_look == 2 * step
    nothing = feed_lift(made_pairs(1, 0.0, 1)[:0], plan)
    assert (nothing.next_look, nothing.next_look_on) == (step, None)
