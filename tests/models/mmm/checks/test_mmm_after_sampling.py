"""Findings about a finished fit's answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.mmm import MMMSpec
from models.mmm.checks import after_sampling, before_sampling, changing_effects, endogeneity
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


def test_a_clean_world_raises_no_alarm(clean):
    found = [
        *before_sampling.check(clean.design),
        *after_sampling.check(clean),
        *endogeneity.check(clean),
        *changing_effects.check(clean),
    ]
    assert [w.code for w in found if w.severity in ("medium", "high", "block")] == []


def test_a_channel_that_cannot_be_known_is_named_once():
    long, _ = frame(periods=60, seed=3, noise=0.1)
    flat = rough(read(long.with_columns(b=pl.lit(800.0) + pl.col("price")), 1))
    flat = replace(flat, known_findings=tuple(before_sampling.check(flat.design)))
    assert names(flat.findings, "no_variation") == {"b"}
    codes = {w.code for w in after_sampling.check(flat) if w.subject == "b"}
    assert not codes & {"wide_interval", "total_extrapolated"}


def test_a_number_that_may_be_off_by_half_is_said():
    vague = rough(panel(periods=60, noise=0.25, seed=3))
    wide = {w.subject: w.severity for w in after_sampling.check(vague) if w.code == "wide_interval"}
    assert "medium" in wide.values()
    assert names(after_sampling.check(rough(panel(periods=WEEKS, seed=2))), "wide_interval") == set()


def test_an_s_shaped_response_is_named():
    vague = rough(panel(periods=WEEKS, seed=2))
    steep = replace(vague, draws=replace(vague.draws, slope=np.full_like(vague.draws.slope, 3.0)))
    assert names(after_sampling.check(steep), "s_shaped_response") == {"a", "b"}


def test_a_channel_that_never_ran_low_is_said_to_be_extrapolated(clean):
    long, _ = frame(periods=WEEKS, seed=2)
    steady = rough(read(long.with_columns(b=pl.col("b") * 0.05 + 800), 1))
    share = after_sampling.extrapolated_share(steady)
    assert share[1] > 0.5 > share[0]
    assert names(after_sampling.check(steady), "total_extrapolated") == {"b"}
    assert (after_sampling.extrapolated_share(clean) < 0.5).all()
