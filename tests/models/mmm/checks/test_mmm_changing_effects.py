"""An effect that changes over the window is named."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.mmm import MMMSpec
from models.mmm.checks import changing_effects
from models.mmm.fitting.approximate import peak_fit
from models.mmm.fitting.form_selection import choose_form
from tests.models.mmm.mmm_worlds import frame, panel, read

SPEC = MMMSpec()
WEEKS = 130


def rough(data, seed=1):
    return peak_fit(data, SPEC, choose_form(data, SPEC, ())[0], seed=seed)


def names(found, code):
    return {w.subject for w in found if w.code == code}


@pytest.fixture(scope="module")
def clean():
    return rough(panel(periods=WEEKS, seed=2))


def test_an_effect_that_fades_is_named_and_a_constant_one_is_not(clean):
    long, _ = frame(periods=WEEKS, seed=2)
    data = clean.data
    extra = np.linspace(1.0, -1.0, WEEKS) * data.media[0, :, 1] * 1.2
    fading = read(long.with_columns(pl.col("kpi") + pl.Series(extra)), 1)
    assert "b" in names(changing_effects.check(rough(fading)), "effect_changes")
    assert changing_effects.check(clean) == []
