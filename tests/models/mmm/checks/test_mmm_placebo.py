"""A channel must stand out from shifted copies of itself."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.mmm import MMMSpec
from models.mmm.checks.placebo import placebo_ranks
from models.mmm.fitting.approximate import peak_fit, peak_of
from models.mmm.fitting.form_selection import choose_form
from tests.models.mmm.mmm_worlds import frame, panel, read

SPEC = MMMSpec()
WEEKS = 130


def rough(data, seed=1):
    return peak_fit(data, SPEC, choose_form(data, SPEC, ())[0], seed=seed)


@pytest.fixture(scope="module")
def clean():
    return rough(panel(periods=WEEKS, seed=2))


def test_a_made_up_channel_does_not_beat_its_copies(clean):
    long, _ = frame(periods=WEEKS, seed=2)
    rng = np.random.default_rng(8)
    data = read(long.with_columns(fake=pl.Series(500 * np.exp(rng.normal(0, 0.6, WEEKS)))), 1, ("a", "b", "fake"))
    plan, block, peak = peak_of(data, SPEC, choose_form(data, SPEC, ())[0])
    ranks = placebo_ranks(plan, block, peak, shifts=39, rng=np.random.default_rng(1))
    assert ranks[1] >= 0.95
    assert ranks[2] < 0.95
