"""A winner calls for a test of its features and proves nothing about them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from models.patterns import LearnSpec, PromotionPolicy, learn, queue_tests, winners

POLICY = PromotionPolicy()


def pieces(seed: int, story_sd: float, *, money: bool = False) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Forty briefs of two variants whose stories differ; `hook.news` varies in five of them and does nothing."""
    rng = np.random.default_rng(seed)
    tests, features = [], []
    for brief in range(40):
        story = rng.normal(0, story_sd)
        for variant in range(2):
            clicks = int(rng.binomial(5000, 1 / (1 + np.exp(3 - story))))
            name = f"b{brief}v{variant}"
            value = float(clicks * 2 + rng.normal(0, 5)) if money else None
            tests.append(
                (f"b{brief}", name, "meta", date(2026, 1, 5) + timedelta(weeks=brief % 20), 5000, clicks, value)
            )
            features += [(name, "hook.news")] if variant or brief >= 5 else []
    columns = {"brief": pl.String, "variant": pl.String, "channel": pl.String, "week": pl.Date, "trials": pl.Int64,
               "successes": pl.Int64, "value": pl.Float64}  # fmt: skip
    return pl.DataFrame(tests, schema=columns, orient="row"), pl.DataFrame(
        features, schema=["variant", "feature"], orient="row"
    )


def test_only_pieces_clearly_above_their_channel_win() -> None:
    tests, _ = pieces(1, story_sd=0.5)
    found = winners(tests, POLICY)
    assert 2 <= len(found) <= 20
    rate = dict(tests.select("variant", pl.col("successes") / pl.col("trials")).iter_rows())
    worst = min(rate[w.variant] for w in found)
    assert sum(r > worst for r in rate.values()) <= 22
    assert {w.outcome for w in found} == {"ctr_log_odds"}
    assert {w.outcome for w in winners(pieces(1, 0.5, money=True)[0], POLICY)} == {"money_per_1k"}


def test_pieces_that_differ_only_by_chance_have_no_winner() -> None:
    assert sum(len(winners(pieces(seed, story_sd=0.0)[0], POLICY)) for seed in range(20)) <= 4
    assert winners(pieces(1, 0.5)[0].head(19), POLICY) == []


def test_a_winner_queues_a_test_of_what_no_test_has_settled() -> None:
    tests, features = pieces(1, story_sd=0.5)
    estimates = learn(tests, features, seed=1, spec=LearnSpec(placebo_draws=0))
    found = winners(tests, POLICY)
    (queued,) = queue_tests(found, features, estimates, set(), POLICY)
    assert (queued.feature, queued.channel, queued.contrasts, queued.briefs_needed) == ("hook.news", "meta", 5, 15)
    assert queued.winners == sum(w.variant in set(features["variant"]) for w in found)
    assert queue_tests(found, features, estimates, {("hook.news", "meta")}, POLICY) == []
    assert queue_tests([], features, estimates, set(), POLICY) == []


def test_what_enough_briefs_have_shown_to_matter_little_is_not_queued() -> None:
    tests, features = pieces(1, story_sd=0.5)
    every_second = features.filter(pl.col("variant").str.ends_with("v1"))
    found = winners(tests, POLICY)
    estimates = learn(tests, every_second, seed=1, spec=LearnSpec(placebo_draws=0))
    estimate = estimates.estimate("hook.news")
    assert estimate is not None
    assert estimate.n_contrasts == 40
    assert 1 - estimate.lfsr < POLICY.channel_p
    assert queue_tests(found, every_second, estimates, set(), POLICY) == []
