"""The form of the response is chosen as documented, or as asked."""

from __future__ import annotations

import polars as pl
import pytest

from models.mmm import MMMSpec
from models.mmm.fitting.form_selection import choose_form
from tests.models.mmm.mmm_worlds import frame, panel, read

SPEC = MMMSpec()
WEEKS = 130


def test_a_channel_that_never_goes_dark_keeps_a_slope_of_its_own():
    long, _ = frame(periods=WEEKS, seed=2)
    steady = long.with_columns(b=pl.col("b") * 0.3 + 600)
    data = read(steady, 1)
    assert data.never_dark() == ("b",)
    form, _ = choose_form(data, SPEC, ())
    assert form.free_slope
    assert form.sloped is None or "b" in form.sloped


@pytest.mark.parametrize("curve", ["logistic", "exponential"])
def test_a_curve_that_was_asked_for_is_used(curve):
    form, notes = choose_form(panel(periods=60), MMMSpec(saturation=curve, adstock="geometric"), ())
    assert (form.saturation, form.free_slope, notes) == (curve, False, [])
