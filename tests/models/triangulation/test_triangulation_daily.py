"""Moving the last fit by today's claims."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.triangulation import combine, today
from models.triangulation.worlds import WORLDS, simulate


@pytest.fixture(scope="module")
def world():
    return simulate(WORLDS["all tested"], np.random.default_rng(2))


@pytest.fixture(scope="module")
def fit(world):
    return combine(world.evidence, mmm=world.mmm, margin=world.margin, seed=1)


def claims(world, factor=1.0):
    return world.evidence.filter(kind="platform").with_columns(iroas=pl.col("iroas") * factor, se=pl.col("se") * factor)


def test_half_of_what_a_precise_claim_rises_is_the_effects(world, fit):
    """Effects and claims move equally much on their own (.20): the effect's move is expected to be near the half."""
    found = today(fit, claims(world, 1.2), seed=1, fit_age_days=3).estimates
    graded = fit.estimates["evidence_grade"] != "D"
    assert found["updated"].to_list() == graded.to_list()
    # Counting errors of .03 to .07 in both claims take up to a tenth of the half.
    assert found.filter("updated")["moved"].to_list() == pytest.approx([1.2**0.48] * graded.sum(), rel=0.015)


def test_an_unchanged_claim_changes_only_the_width(world, fit):
    found = today(fit, claims(world), seed=1, fit_age_days=0).estimates
    # A move of sd .14 that keeps the mean lowers the median by .01 in logs; the rest is noise of 2,000 draws.
    assert found["q50"].to_list() == pytest.approx(fit.estimates["q50"].to_list(), rel=0.04, abs=0.02)
    assert (found["sd"] >= fit.estimates["sd"] * 0.99).all()


def test_grade_d_and_unmatched_channels_keep_the_fit(world, fit):
    one = claims(world, 3.0).head(1)
    found = today(fit, one, seed=1, fit_age_days=0)
    still = found.estimates.filter(~pl.col("updated"))
    kept = fit.estimates.filter(pl.col("channel").is_in(still["channel"].to_list()))
    assert still["mean"].to_list() == kept["mean"].to_list()
    assert {w.subject for w in found.warnings} == set(still["channel"])
    untested = combine(world.evidence.filter(kind="platform"), seed=1)
    assert not today(untested, claims(world, 2.0), seed=1, fit_age_days=0).estimates["updated"].any()


def test_an_old_fit_a_test_and_a_new_channel_are_refused(world, fit):
    with pytest.raises(ValueError, match="fit again"):
        today(fit, claims(world), seed=1, fit_age_days=15)
    with pytest.raises(ValueError, match="only claims may move"):
        today(fit, world.evidence, seed=1, fit_age_days=1)
    with pytest.raises(ValueError, match="'radio' has a claim today"):
        today(fit, claims(world).with_columns(channel=pl.lit("radio")).head(1), seed=1, fit_age_days=1)


def test_a_claim_on_few_conversions_hardly_moves_the_figure(world, fit):
    """Prior N(0, .20), reading log 1.2 with an error of .6: less than a tenth of the move is believed."""
    noisy = claims(world, 1.2).with_columns(se=0.6 * pl.col("iroas"))
    moved = today(fit, noisy, seed=1, fit_age_days=3).estimates.filter("updated")["moved"]
    assert moved.len() > 0
    assert all(1.0 < factor < 1.02 for factor in moved)


def test_a_claim_that_triples_is_not_followed(world, fit):
    found = today(fit, claims(world, 3.0), seed=1, fit_age_days=3)
    assert not found.estimates["updated"].any()
    graded = set(fit.estimates.filter(pl.col("evidence_grade") != "D")["channel"])
    assert graded
    for warning in found.warnings:
        assert ("3.00 times that of the window" in warning.message) == (warning.subject in graded)
