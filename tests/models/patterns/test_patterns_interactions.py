"""Where effects differ: said only where it is so, and pieces that speak for and against a statement."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from written_tests import read_back, written

from feedback.patterns.dimensions import DIMENSIONS
from models.patterns import ExamplePool, LearnSpec, interactions, learn
from models.worlds.written_pieces import PROOF_BY_AUDIENCE

SPEC = LearnSpec(placebo_draws=0, exclusive=frozenset(DIMENSIONS))


def test_an_effect_that_depends_on_the_audience_is_found_and_no_other_is_claimed() -> None:
    world = written(11, days=900)
    tests, features = read_back(world)
    audience_of = dict(world.pieces.select("brief_id", "audience").unique().iter_rows())
    found = interactions(learn(tests, features, seed=1, spec=SPEC), audience_of)
    differing = {(i.feature, i.dimension) for i in found if i.differs}
    assert ("proof.statistic", "audience") in differing
    # About 50 features times 3 dimensions; a false-discovery rate of 10 % leaves room for a chance find or two.
    assert len(differing) <= 3
    levels = {i.level: i for i in found if i.feature == "proof.statistic" and i.dimension == "audience"}
    for audience, truth in PROOF_BY_AUDIENCE.items():
        one = levels[audience]
        assert one.low - 0.05 < truth < one.high + 0.05
    assert levels["executive"].effect > levels["practitioner"].effect


def overused(seed: int, loss: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A picture whose use grows from a tenth to nine tenths of the pieces; its effect of .3 falls by `loss` x use."""
    rng = np.random.default_rng(seed)
    tests, features = [], []
    for week in range(60):
        use = 0.1 + 0.8 * week / 59
        for brief in range(8):
            story = rng.normal(0, 0.5)
            for variant in range(3):
                name = f"w{week}b{brief}v{variant}"
                has = rng.random() < use
                logit = -3 + story + (0.3 - loss * use) * has
                clicks = int(rng.binomial(8000, 1 / (1 + np.exp(-logit))))
                tests.append((f"w{week}b{brief}", name, "meta", date(2025, 1, 6) + timedelta(weeks=week), 8000, clicks))
                features += [(name, "visual.person")] if has else []
    columns = ["brief", "variant", "channel", "week", "trials", "successes"]
    return pl.DataFrame(tests, schema=columns, orient="row"), pl.DataFrame(
        features, schema=["variant", "feature"], orient="row"
    )


def test_wear_out_is_told_from_an_effect_that_lasts() -> None:
    for loss, worn in ((0.3, True), (0.0, False)):
        tests, features = overused(2, loss)
        (use,) = [i for i in interactions(learn(tests, features, seed=1, spec=SPEC)) if i.dimension == "use"]
        assert use.differs is worn
        assert use.low - 0.05 < -loss < use.high + 0.05


def test_examples_followed_the_statement_and_speak_for_or_against_it() -> None:
    tests, features = overused(3, 0.0)
    pool = ExamplePool(tests, features, SPEC)
    carrying = set(features["variant"])
    do, avoid = pool.of("visual.person", "do", ["meta"]), pool.of("visual.person", "avoid", ["meta"])
    assert {*do.for_it, *do.against_it} <= carrying
    assert not {*avoid.for_it, *avoid.against_it} & carrying
    assert len(do.for_it) == 5
    assert not set(do.for_it) & set(do.against_it)
    assert pool.of("visual.person", "do", ["mail"]) == pool.of("visual.none", "do", ["meta"])
