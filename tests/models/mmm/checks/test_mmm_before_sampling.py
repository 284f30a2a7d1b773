"""What the data alone say about how far a fit can be trusted."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.mmm import MMMData, MMMSpec, fit
from models.mmm.checks import before_sampling
from models.mmm.checks.before_sampling import check
from models.mmm.fitting.approximate import peak_fit
from models.mmm.fitting.form_selection import choose_form
from models.mmm.model.baseline import taps
from models.mmm.model.build import design
from models.mmm.model.design import Form
from tests.models.mmm.mmm_worlds import frame, panel, read

LONG, _ = frame(periods=60)
PANEL, _ = frame(geos=3, periods=60)


def from_long(long: pl.DataFrame, **choices):
    return MMMData.from_frame(long, **{"date": "date", "kpi": "kpi", "spend": {"a": "a", "b": "b"}, **choices})


def plan(data, spec=None):
    spec = spec or MMMSpec()
    return design(data, spec, Form("geometric", "logistic", False, taps(spec, data)))


SPEC = MMMSpec()


def rough(data, seed=1):
    return peak_fit(data, SPEC, choose_form(data, SPEC, ())[0], seed=seed)


def names(found, code):
    return {w.subject for w in found if w.code == code}


def test_a_kpi_that_was_computed_is_refused():
    data = from_long(LONG.with_columns(kpi=1000.0 + 5 * pl.int_range(pl.len())))
    with pytest.raises(ValueError, match="'kpi' is given exactly by its trend"):
        check(plan(data))


def test_a_control_that_repeats_a_channel_is_named():
    rng = np.random.default_rng(1)
    clicks = LONG.with_columns(clicks=pl.col("a") * 3 + pl.Series(rng.normal(0, 100, LONG.height)))
    both = from_long(clicks, controls={"clicks": "precision", "price": "precision"})
    assert [w.subject for w in check(plan(both)) if w.code == "channel_moves_with_controls"] == ["a"]
    alone = from_long(clicks, controls={"price": "precision"})
    assert "channel_moves_with_controls" not in [w.code for w in check(plan(alone))]


def test_sixty_channels_on_a_hundred_weeks_are_refused():
    long, _ = frame(periods=100, channels=tuple(f"c{i}" for i in range(60)))
    data = MMMData.from_frame(long, date="date", kpi="kpi", spend={f"c{i}": f"c{i}" for i in range(60)})
    with pytest.raises(ValueError, match="60 channels and 0 controls on 100 rows"):
        fit(data, seed=1)


def test_channels_bought_in_step_are_named_together():
    data = from_long(LONG.with_columns(b=pl.col("a") * 2 + 1))
    found = [w for w in check(plan(data)) if w.code == "channels_not_separable"]
    assert [(w.subject, w.severity) for w in found] == [("a, b", "high")]


def test_a_channel_without_variation_is_named():
    data = from_long(LONG.with_columns(b=pl.lit(100.0) + pl.col("price") * 0.1))
    assert "b" in [w.subject for w in check(plan(data)) if w.code == "no_variation"]


def test_wildly_different_sizes_are_said():
    long, _ = frame(periods=60)
    data = read(long.with_columns(b=pl.col("b") * 1e-6), 1)
    assert "b" in names(before_sampling.check(rough(data).design), "scale_gap")


def test_few_rows_for_many_channels_are_said():
    channels = tuple(f"c{i}" for i in range(12))
    found = before_sampling.check(rough(panel(periods=60, channels=channels)).design)
    assert names(found, "few_rows_per_effect") == {"all"}
