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
    tested = world.evidence.filter(kind="experiment")["channel"][0]
    new = pl.DataFrame(
        [{"channel": tested, "method": "new", "kind": "experiment", "iroas": 5.0, "se": 0.2, "design": "rct"}]
    )
    later = world.evidence.with_columns(
        age_days=pl.col("age_days") + pl.when(pl.col("kind") == "experiment").then(30).otherwise(0)
    )
    later = pl.concat([later, new], how="diagonal_relaxed")
    found = explain_change(EvidenceSet(world.evidence, world.mmm), EvidenceSet(later, world.mmm), seed=1)
    assert set(found["step"]) == {"known tests", "new tests"}
    before = combine(world.evidence, mmm=world.mmm, seed=1).estimates
    after = combine(later, mmm=world.mmm, seed=1).estimates
    total = found.group_by("channel").agg(pl.col("change").sum()).sort("channel")["change"]
    assert total.to_list() == pytest.approx((after["mean"] - before["mean"]).to_list(), abs=1e-12)
    moved = found.filter(step="new tests", channel=tested).row(0, named=True)
    # 5.0 is above any channel's reading here, so the tested channel rises by more than sampling can fake.
    assert moved["change"] > 10 * moved["standard_error"]
    assert not moved["within_noise"]
    # A month of age moves nothing that sampling can tell from zero, on nearly all of eight channels.
    assert found.filter(step="known tests")["within_noise"].sum() >= 6
