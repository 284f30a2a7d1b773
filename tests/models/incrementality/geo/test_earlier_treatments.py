"""The next test after a test: its history is read as if the earlier one had not happened."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.incrementality import GeoPanel, Neighbour, read_geo
from models.incrementality.geo.earlier_treatments import repaired
from models.incrementality.geo.simulated import FIRST_MONDAY

DAYS, START = 120, 100
EARLIER = slice(70, 98)


def day(column: int) -> date:
    return FIRST_MONDAY + timedelta(days=column)


def country(seed: int, *, lift: float, rows: tuple[int, ...] = (2,), shift: float = 0.0) -> pl.DataFrame:
    """Fourteen regions with a common week and own noise; `rows` had an earlier test with `lift`, then spend of it."""
    draw = np.random.default_rng(seed)
    week = 1 + 0.1 * np.sin(np.arange(DAYS) * 2 * np.pi / 7)
    kpi = draw.lognormal(7, 0.4, (14, 1)) * week * draw.lognormal(0, 0.03, (14, DAYS)) + shift
    spend = np.full((14, DAYS), 10.0)
    for row in rows:
        kpi[row, EARLIER] *= 1 + lift
        spend[row, EARLIER] = 50.0
    names = np.repeat([f"r{row:02d}" for row in range(14)], DAYS)
    dates = [day(column) for column in range(DAYS)] * 14
    return pl.DataFrame({"geo": names, "date": dates, "kpi": kpi.ravel(), "spend": spend.ravel()})


def earlier(*geos: str) -> list[Neighbour]:
    return [Neighbour("spring_test", day(EARLIER.start), day(EARLIER.stop - 1), geos)]


def test_the_effect_of_an_earlier_test_leaves_the_history():
    """A lift of 40 % in four of fourteen weeks before would make the new test look like a loss."""
    asked = {"start": day(START), "end": day(DAYS - 1), "seed": 1}
    frame = country(1, lift=0.4)
    bent, straight = read_geo(frame, ["r02"], **asked), read_geo(frame, ["r02"], earlier=earlier("r02"), **asked)
    untouched = read_geo(country(1, lift=0.0), ["r02"], **asked)
    assert bent.high - bent.low > 2 * (straight.high - straight.low)
    assert straight.relative == pytest.approx(untouched.relative, abs=0.02)
    assert straight.data_sha256 == bent.data_sha256, "the receipt names what was delivered, not what was repaired"
    [note] = [w for w in straight.warnings if w.code == "earlier_test_repaired"]
    assert "r02 +4" in note.message


def test_repairing_takes_the_mean_effect_and_leaves_the_noise():
    panel = GeoPanel.from_frame(country(2, lift=0.4, rows=(2, 3)))
    clean = GeoPanel.from_frame(country(2, lift=0.0, rows=(2, 3)))
    mended, _ = repaired(panel, earlier("r02", "r03"), START)
    for row in (2, 3):
        window = np.log(mended.kpi[row, EARLIER] / clean.kpi[row, EARLIER])
        assert abs(window.mean()) < 0.02
        assert window.std() < 1e-9
        assert mended.spend[row, EARLIER] == pytest.approx(10.0)
    others = [row for row in range(14) if row not in (2, 3)]
    assert (mended.kpi[others] == panel.kpi[others]).all()
    assert (mended.kpi[:, START:] == panel.kpi[:, START:]).all()


def test_a_control_that_was_tested_before_is_repaired_too():
    asked = {"start": day(START), "end": day(DAYS - 1), "seed": 1}
    result = read_geo(country(3, lift=0.5, rows=(5, 6)), ["r02"], earlier=earlier("r05", "r06"), **asked)
    assert {w.code for w in result.warnings} >= {"earlier_test_repaired"}
    assert result.low <= 0 <= result.high


def test_a_kpi_with_zeros_is_repaired_in_levels():
    frame = country(4, lift=0.5).with_columns(
        kpi=pl.when((pl.col("geo") == "r09") & (pl.col("date") == day(5))).then(0.0).otherwise(pl.col("kpi"))
    )
    mended, [note] = repaired(GeoPanel.from_frame(frame), earlier("r02"), START)
    assert "per period" in note.message
    before = GeoPanel.from_frame(frame).kpi[2]
    assert mended.kpi[2, EARLIER].mean() < before[EARLIER].mean() / 1.3


@pytest.mark.parametrize(("geos", "codes"), [
    pytest.param((), [], id="everywhere: it cancels out"),
    pytest.param(("elsewhere",), [], id="in no region of the panel"),
    pytest.param(tuple(f"r{row:02d}" for row in range(12)), ["earlier_test_not_repaired"], id="in nearly all"),
])  # fmt: skip
def test_what_cannot_or_need_not_be_repaired(geos, codes):
    panel = GeoPanel.from_frame(country(5, lift=0.0))
    mended, warnings = repaired(panel, earlier(*geos), START)
    assert mended is panel or (mended.kpi == panel.kpi).all()
    assert [w.code for w in warnings] == codes
