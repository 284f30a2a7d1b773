"""The rules of a card's life: each has a test that fails without it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from creative_world import START, end_of, stream

from models.patterns import Decision, LearnSpec, PromotionPolicy, learn, promote, replay
from models.patterns.decision import block, from_frame, to_frame

EFFECTS = {"headline.number": 0.25, "headline.question": -0.25, "headline.you": 0.0, "headline.how": 0.0}
NO_PLACEBO = LearnSpec(placebo_draws=0)
WEEKS = 30


@pytest.fixture(scope="module")
def world() -> tuple[pl.DataFrame, pl.DataFrame]:
    return stream(EFFECTS, weeks=WEEKS, briefs_per_week=10, seed=2)


@pytest.fixture(scope="module")
def decided(world: tuple[pl.DataFrame, pl.DataFrame]) -> list[Decision]:
    return replay(*world, PromotionPolicy(), as_of=end_of(WEEKS), weeks=20, seed=1)


def of(decisions: list[Decision], feature: str, week: date | None = None) -> Decision:
    mine = [d for d in decisions if d.feature == feature and (week is None or d.week == week)]
    return max(mine, key=lambda d: d.week)


def test_a_first_evaluation_makes_experiments_and_never_promotes(world: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    first = promote(learn(*world, seed=1, spec=NO_PLACEBO), PromotionPolicy())
    states = {d.feature: (d.kind, d.state, d.p_assign) for d in first}
    assert states["headline.number"] == ("do", "provisional", 0.5)
    assert states["headline.question"] == ("avoid", "provisional", 0.5)
    assert states["headline.you"][1] == states["headline.how"][1] == "candidate"


def test_true_patterns_are_promoted_later_and_nothing_else(decided: list[Decision]) -> None:
    last = {d.feature: d for d in decided if d.week == end_of(WEEKS)}
    assert {f for f, d in last.items() if d.state == "promoted"} == {"headline.number", "headline.question"}
    for feature in ("headline.number", "headline.question"):
        first_seen = min(d.week for d in decided if d.feature == feature and d.state == "provisional")
        promoted = min(d.week for d in decided if d.feature == feature and d.state == "promoted")
        assert promoted >= first_seen + timedelta(days=7)
        assert last[feature].estimate is not None
        assert last[feature].estimate.shrunk == pytest.approx(0.25, abs=0.08)
        assert last[feature].p_assign == pytest.approx(0.9)


def test_deciding_twice_in_a_week_gives_the_same_answer(
    world: tuple[pl.DataFrame, pl.DataFrame], decided: list[Decision]
) -> None:
    estimates = learn(*world, seed=1, spec=LearnSpec(placebo_draws=0, as_of=end_of(WEEKS)))
    assert promote(estimates, PromotionPolicy(), decided) == [d for d in decided if d.week == end_of(WEEKS)]


def test_history_survives_as_a_table(decided: list[Decision]) -> None:
    assert from_frame(to_frame(decided)) == decided


def next_week(decided: list[Decision], world: tuple[pl.DataFrame, pl.DataFrame], **policy: object) -> list[Decision]:
    """The last week decided again under another policy, with the history up to the week before."""
    estimates = learn(*world, seed=1, spec=LearnSpec(placebo_draws=0, as_of=end_of(WEEKS)))
    return promote(estimates, PromotionPolicy(**policy), decided)  # type: ignore[arg-type]


def as_provisional(decided: list[Decision], **more: object) -> list[Decision]:
    """History in which headline.number stood as provisional and met the rule the week before the last."""
    before = end_of(WEEKS) - timedelta(days=7)
    d = replace(of(decided, "headline.number", before), state="provisional", meets_promotion=True)
    return [replace(d, **({"provisional_since": before - timedelta(weeks=10)} | more))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("history", "policy", "open_rule"),
    [
        pytest.param({"meets_promotion": False}, {}, "must hold next week as well", id="a: two weeks in a row"),
        pytest.param(
            {"week": end_of(WEEKS) - timedelta(days=14)}, {}, "must hold next week as well", id="a: a week missed"
        ),
        pytest.param({}, {"promote_p_next": 1.1}, "not yet strong enough", id="a: next review"),
        pytest.param({}, {"promote_p_delta": 1.1}, "not yet strong enough", id="a: size"),
        pytest.param(
            {"provisional_since": end_of(WEEKS)}, {}, "begun after it became provisional", id="b: fresh tests"
        ),
        pytest.param({}, {"kappa": {"headline.number": 0.5}}, "kappa 0.50", id="e: labels"),
        pytest.param({}, {"false_discovery_rate": 1e-300}, "chance find", id="f: false discoveries"),
        pytest.param({}, {"risk": {"headline": "claim"}}, "needs a person's approval", id="g: a person"),
        pytest.param({}, {"max_promotions_per_week": 1, "reach": {"linkedin": 1.0}}, None, id="h: one place, one card"),
    ],
)
def test_every_promotion_rule_holds_back(
    world: tuple[pl.DataFrame, pl.DataFrame],
    decided: list[Decision],
    history: dict[str, object],
    policy: dict[str, object],
    open_rule: str | None,
) -> None:
    found = of(next_week(as_provisional(decided, **history), world, **policy), "headline.number")
    if open_rule is None:
        assert found.state == "promoted"
    else:
        assert found.state == "provisional"
        assert open_rule in "; ".join(found.unmet)


def test_a_person_lets_a_risky_pattern_through(
    world: tuple[pl.DataFrame, pl.DataFrame], decided: list[Decision]
) -> None:
    policy = {"risk": {"headline": "claim"}, "approved": frozenset({"headline.number"})}
    assert of(next_week(as_provisional(decided), world, **policy), "headline.number").state == "promoted"


def test_places_are_limited_and_the_rest_waits_in_sight(world: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    found = promote(learn(*world, seed=1, spec=NO_PLACEBO), PromotionPolicy(max_active_per_channel=1))
    assert [d.state for d in found].count("provisional") == 1
    waiting = [d for d in found if "places in its channel are taken" in "; ".join(d.unmet)]
    assert len(waiting) == 1
    assert max(found, key=lambda d: d.worth).state == "provisional"


def test_a_design_that_mixes_audiences_never_gets_beyond_candidate(world: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    for design in ("platform_ab_divergent", "observational"):
        estimates = learn(*world, seed=1, spec=LearnSpec(placebo_draws=0, design=design))
        assert {d.state for d in promote(estimates, PromotionPolicy())} == {"candidate"}


def test_a_leak_of_one_tenth_in_the_arms_of_a_feature_blocks_it() -> None:
    tests, features = stream(EFFECTS, weeks=20, briefs_per_week=10, seed=2, trials=1500)
    with_it = features.filter(pl.col("feature") == "headline.number").select("variant", leaks=pl.lit(True))
    leaky = tests.join(with_it, on="variant", how="left").with_columns(
        trials=pl.when("leaks").then(pl.col("trials") * 97 // 100).otherwise(pl.col("trials"))
    )
    # 3 % is too little to be seen in one test of 1,500 views and plain over 200 of them.
    estimates = learn(leaky.drop("leaks"), features, seed=1, spec=NO_PLACEBO)
    assert estimates.srm["excluded"].sum() <= 2
    assert of(promote(estimates, PromotionPolicy()), "headline.number").state == "candidate"
    sound = promote(learn(tests, features, seed=1, spec=NO_PLACEBO), PromotionPolicy())
    assert of(sound, "headline.number").state == "provisional"


def test_channels_that_disagree_get_cards_of_their_own() -> None:
    by_channel = {"linkedin": {"headline.number": 0.3}, "meta": {"headline.number": -0.3}}
    tests, features = stream(
        {"headline.number": 0.0},
        weeks=20,
        briefs_per_week=20,
        seed=4,
        channels=("linkedin", "meta"),
        by_channel=by_channel,
    )
    found = promote(learn(tests, features, seed=1, spec=NO_PLACEBO), PromotionPolicy())
    assert {(d.kind, d.channels, d.state) for d in found} == {
        ("do", ("linkedin",), "provisional"),
        ("avoid", ("meta",), "provisional"),
    }


def test_a_world_that_turns_round_is_noticed_within_twelve_weeks() -> None:
    """All signs flip at week 30; by week 42 no card may still be promoted on the old sign."""
    tests, features = stream(EFFECTS, weeks=44, briefs_per_week=10, seed=6, flip_at=30)
    found = replay(tests, features, PromotionPolicy(), as_of=end_of(44), weeks=34, seed=1)
    assert of(found, "headline.number", end_of(29)).state == "promoted"
    left = min(
        d.week for d in found if d.feature == "headline.number" and d.week > end_of(29) and d.state != "promoted"
    )
    assert left <= end_of(42)
    assert "contradict" in of(found, "headline.number", left).reason
    assert "promoted" not in {
        d.state for d in found if d.week == end_of(44) and d.kind == "do" and d.feature == "headline.number"
    }


def test_old_evidence_expires_without_new_tests(
    world: tuple[pl.DataFrame, pl.DataFrame], decided: list[Decision]
) -> None:
    later = end_of(WEEKS) + timedelta(weeks=54)
    estimates = learn(*world, seed=1, spec=LearnSpec(placebo_draws=0, as_of=later))
    found = of(promote(estimates, PromotionPolicy(), decided), "headline.number", later)
    assert (found.state, found.retire_reason) == ("retired", "expired")


def test_harm_retires_at_once_and_only_later_tests_bring_a_pattern_back(
    world: tuple[pl.DataFrame, pl.DataFrame], decided: list[Decision]
) -> None:
    before = end_of(WEEKS) - timedelta(days=7)
    wrong = replace(of(decided, "headline.number", before), kind="avoid", state="promoted")
    found = [d for d in next_week([wrong], world) if d.kind == "avoid" and d.feature == "headline.number"]
    assert [(d.state, d.retire_reason) for d in found] == [("retired", "harm")]

    right = replace(of(decided, "headline.number", before), state="retired", since=START + timedelta(weeks=10))
    back = of(next_week([right], world), "headline.number")
    assert (back.state, back.evidence_since) == ("candidate", START + timedelta(weeks=10))
    too_soon = replace(right, since=before)
    assert of(next_week([too_soon], world), "headline.number").state == "retired"


def test_a_watched_card_returns_only_after_weeks_and_falls_out_when_it_does_not(
    world: tuple[pl.DataFrame, pl.DataFrame], decided: list[Decision]
) -> None:
    before = end_of(WEEKS) - timedelta(days=7)
    seen = replace(of(decided, "headline.number", before), state="watch", meets_promotion=True)
    fresh = replace(seen, since=before - timedelta(weeks=1))
    assert of(next_week([fresh], world), "headline.number").state == "watch"
    waited = replace(seen, since=before - timedelta(weeks=4))
    assert of(next_week([waited], world), "headline.number").state == "promoted"
    stuck = replace(seen, since=before - timedelta(weeks=8), meets_promotion=False)
    gone = of(next_week([stuck], world), "headline.number")
    assert (gone.state, gone.retire_reason) == ("retired", "watch_timeout")


def test_a_feature_on_most_pieces_is_watched(world: tuple[pl.DataFrame, pl.DataFrame], decided: list[Decision]) -> None:
    found = of(next_week(decided, world, overuse_share=0.3), "headline.number")
    assert found.state == "watch"
    assert "carried it" in found.reason
    # For a card that says "leave it out", many pieces without it is the aim, not wear.
    assert of(next_week(decided, world, overuse_share=0.3), "headline.question").state == "promoted"


def test_a_person_blocks_at_once_and_for_good(
    world: tuple[pl.DataFrame, pl.DataFrame], decided: list[Decision]
) -> None:
    blocked = block(of(decided, "headline.number"), end_of(WEEKS), "the founder dislikes numbers")
    found = of(next_week([*decided, blocked], world), "headline.number")
    assert (found.state, found.p_assign, found.retire_reason) == ("blocked", 0.0, "human_block")
    with pytest.raises(ValueError, match="needs a reason"):
        block(found, end_of(WEEKS), " ")


def test_an_experiment_that_fades_is_a_candidate_again_and_keeps_its_evidence(
    world: tuple[pl.DataFrame, pl.DataFrame], decided: list[Decision]
) -> None:
    before = end_of(WEEKS) - timedelta(days=7)
    seen = replace(of(decided, "headline.number", before), state="provisional", provisional_since=before)
    found = of(next_week([seen], world, watch_p=1.0), "headline.number")
    assert (found.state, found.evidence_since, found.p_assign) == ("candidate", None, 0.0)


def test_a_card_whose_tests_turn_out_broken_is_watched_not_served_on(
    world: tuple[pl.DataFrame, pl.DataFrame], decided: list[Decision]
) -> None:
    found = of(next_week(decided, world, provisional_contrasts=10_000), "headline.number")
    assert found.state == "watch"
    assert "sound tests remain" in found.reason


@pytest.mark.slow
def test_without_any_effect_almost_nothing_is_promoted_in_half_a_year() -> None:
    """Twelve worlds of 20 null features, 20 looks each: at most 2 % may slip through (24 worlds gave 0.8 %)."""
    nothing = {f"headline.w{i}": 0.0 for i in range(20)}
    promoted = set()
    for seed in range(100, 112):
        tests, features = stream(nothing, weeks=26, briefs_per_week=10, seed=seed)
        found = replay(tests, features, PromotionPolicy(), as_of=end_of(26), weeks=20, seed=1)
        promoted |= {(seed, d.feature) for d in found if d.state == "promoted"}
    assert len(promoted) <= 0.02 * 12 * 20


@pytest.mark.slow
def test_a_handful_of_features_is_not_a_licence_to_believe_in_all() -> None:
    """Two strong features and one null, ten worlds, 14 looks: the null stays out, the strong ones come through."""
    effects = {"headline.number": 0.25, "headline.question": -0.25, "headline.you": 0.0}
    promoted: list[str] = []
    for seed in range(500, 510):
        tests, features = stream(effects, weeks=26, briefs_per_week=12, seed=seed)
        found = replay(tests, features, PromotionPolicy(), as_of=end_of(26), weeks=14, seed=1)
        promoted += sorted({d.feature for d in found if d.state == "promoted"})
    assert promoted.count("headline.you") == 0  # without completing the pool it was one of ten
    assert promoted.count("headline.number") + promoted.count("headline.question") >= 18
