"""Each cause of a moved number on its own, and all at once: the parts sum to the whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.mmm import changes, fit, refresh
from tests.models.mmm.mmm_worlds import QUICK, frame, read

WEEKS, KNOWN = 110, 107


@pytest.fixture(scope="module")
def world():
    return read(frame(periods=WEEKS, seed=4)[0], 1)


@pytest.fixture(scope="module")
def before(world):
    return fit(world.rows(np.arange(WEEKS) < KNOWN), QUICK, seed=1)


def of(found, cause, estimand="iroas"):
    return found.table.filter(pl.col("estimand") == estimand)[cause].to_numpy()


def test_new_rows_are_data(before, world):
    found = changes(before, refresh(before, world, seed=1))
    assert (found.basis, found.restated, found.added) == ("draws", 0, 3)
    assert (of(found, "restatement") == 0).all()
    assert np.abs(of(found, "data")).min() > 0
    sd = before.roas()["sd"].to_numpy()
    assert (np.abs(of(found, "model")) / sd).max() < 0.1  # the noise of drawing again
    assert "Monte Carlo noise" in found.why_model


def test_corrected_spend_is_restatement(before):
    old = before.data
    spend, media = old.spend.copy(), old.media.copy()
    spend[:, 40:60, 0] *= 0.8
    media[:, 40:60, 0] *= 0.8
    restated = replace(old, spend=spend, media=media)
    found = changes(before, refresh(before, restated, seed=1))
    assert (found.restated, found.added) == (int((spend != old.spend).sum()), 0)
    assert (of(found, "data") == 0).all()
    moved, sd = of(found, "after") - of(found, "before"), before.roas()["sd"].to_numpy()
    np.testing.assert_allclose(of(found, "restatement") / sd, moved / sd, atol=0.1)
    assert of(found, "restatement")[0] > 0.005  # less spend for the same sales: more back per unit


def test_another_seed_is_model(before):
    other = fit(before.data, QUICK, seed=9)
    found = changes(before, other)
    assert (of(found, "data") == 0).all()
    assert (of(found, "restatement") == 0).all()
    np.testing.assert_allclose(of(found, "model"), of(found, "after") - of(found, "before"))
    assert found.why_model == "the model was sampled again"


def test_the_parts_sum_for_every_estimand(before, world):
    kpi = world.kpi.copy()
    kpi[:, 100] *= 1.02
    found = changes(before, fit(replace(world, kpi=kpi), QUICK, seed=3)).table
    whole = (found["after"] - found["before"]).to_numpy()
    np.testing.assert_allclose((found["restatement"] + found["data"] + found["model"]).to_numpy(), whole, rtol=1e-9)
    assert set(found["estimand"]) == {"iroas", "incremental_revenue", "contribution_share"}


def test_a_break_is_split_at_the_peak(before, world):
    broken = replace(world, kpi=world.kpi.copy())
    broken.kpi[:, KNOWN:] *= 0.6
    found = changes(before, refresh(before, broken, seed=1))
    assert found.basis == "peak"
    assert np.abs(of(found, "data")).max() > 0
    assert found.why_model.startswith("cold refit: a new row")


def test_a_new_channel_has_no_past_and_all_is_model(before, world):
    both = replace(before.data, channels=("a", "c"))
    found = changes(before, fit(both, QUICK, seed=2))
    assert found.basis == "none"
    assert found.table.filter(pl.col("channel") == "c")["before"].null_count() == 3
    assert "channels changed" in found.why_model
