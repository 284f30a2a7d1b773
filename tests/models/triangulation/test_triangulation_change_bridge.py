"""Explaining a change of the figures by the evidence that changed."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.triangulation import EvidenceSet, combine, explain_change
from models.triangulation.worlds import WORLDS, simulate


@pytest.fixture(scope="module")
def world():
    return simulate(WORLDS["base"], np.random.default_rng(21))


def test_nothing_changed_needs_no_explanation(world):
    given = EvidenceSet(world.evidence, world.mmm)
    assert explain_change(given, EvidenceSet(world.evidence.reverse(), world.mmm), seed=1).height == 0


def test_steps_add_up_to_the_whole_change_and_name_its_cause(world):
    before = combine(world.evidence, mmm=world.mmm, seed=1).estimates
    known = world.evidence.filter(kind="experiment")["channel"]
    tested, mean = (
        before.filter(pl.col("channel").is_in(known.implode())).sort("mean").select("channel", "mean").row(-1)
    )
    new = pl.DataFrame(
        [{"channel": tested, "method": "new", "kind": "experiment", "iroas": 1.5 * mean, "se": 0.1, "design": "rct"}]
    )
    later = world.evidence.with_columns(
        age_days=pl.col("age_days") + pl.when(pl.col("kind") == "experiment").then(30).otherwise(0)
    )
    later = pl.concat([later, new], how="diagonal_relaxed")
    found = explain_change(EvidenceSet(world.evidence, world.mmm), EvidenceSet(later, world.mmm), seed=1)
    assert set(found["step"]) == {"known tests", "new tests"}
    after = combine(later, mmm=world.mmm, seed=1).estimates
    total = found.group_by("channel").agg(pl.col("change").sum()).sort("channel")["change"]
    assert total.to_list() == pytest.approx((after["mean"] - before["mean"]).to_list(), abs=1e-12)
    moved = found.filter(step="new tests", channel=tested).row(0, named=True)
    # A sharp new test half as high again: the channel rises by more than sampling can fake.
    assert moved["change"] > 5 * moved["standard_error"]
    assert not moved["within_noise"]
    # A month of age moves nothing that sampling can tell from zero, on nearly all of eight channels.
    assert found.filter(step="known tests")["within_noise"].sum() >= 6
