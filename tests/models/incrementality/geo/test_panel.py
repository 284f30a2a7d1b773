"""Panels and windows that cannot be read are refused with the geo, the day and the fix."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from models.incrementality import GeoPanel, PanelError, read_geo

FIRST = date(2025, 3, 3)
GEOS = ("berlin", "hamburg", "koeln", "leipzig", "muenchen")


def frame(days: int = 40, *, step: int = 1, geos: tuple[str, ...] = GEOS, spend: bool = False) -> pl.DataFrame:
    draw = np.random.default_rng(7)
    rows = [
        {"geo": geo, "date": FIRST + timedelta(days=step * day), "kpi": float(100 + 10 * row + draw.normal(0, 5))}
        | ({"spend": 0.0} if spend else {})
        for row, geo in enumerate(geos)
        for day in range(days)
    ]
    return pl.DataFrame(rows)


def read(panel: pl.DataFrame, treated: tuple[str, ...] = ("berlin",), **changes: object):
    window = {"start": FIRST + timedelta(days=28), "end": FIRST + timedelta(days=39), "seed": 1} | changes
    return read_geo(panel, treated, **window)


def at(geo: str, day: int) -> pl.Expr:
    return (pl.col("geo") == geo) & (pl.col("date") == FIRST + timedelta(days=day))


def changed(panel: pl.DataFrame, geo: str, day: int, value: float | None, column: str = "kpi") -> pl.DataFrame:
    return panel.with_columns(pl.when(at(geo, day)).then(value).otherwise(pl.col(column)).alias(column))


BROKEN = [
    pytest.param(
        lambda f: f.filter(~at("koeln", 9)), r"'koeln' has no row on 2025-03-12 \(1 geo-days", id="missing day"
    ),
    pytest.param(
        lambda f: f.filter(pl.col("date") != FIRST + timedelta(days=9)),
        "no geo has a row between 2025-03-11 and 2025-03-13",
        id="day missing everywhere",
    ),
    pytest.param(
        lambda f: pl.concat([f, f.filter(at("koeln", 9))]), "'koeln' has 2 rows on 2025-03-12", id="duplicate geo-day"
    ),
    pytest.param(lambda f: changed(f, "leipzig", 3, None), "'leipzig' on 2025-03-06: kpi is empty", id="empty value"),
    pytest.param(lambda f: changed(f, "leipzig", 3, float("nan")), "'leipzig' on 2025-03-06: kpi is nan", id="NaN"),
    pytest.param(lambda f: changed(f, "leipzig", 3, float("inf")), "2025-03-06: kpi is inf", id="infinite"),
    pytest.param(
        lambda f: changed(f, "leipzig", 3, -4.0),
        "'leipzig' on 2025-03-06: kpi is -4, below zero",
        id="negative outcome",
    ),
    pytest.param(
        lambda f: f.with_columns(kpi=pl.when(pl.col("geo") == "koeln").then(5.0).otherwise("kpi")),
        "'koeln' has the same KPI .5. in every period from 2025-03-03",
        id="zero variance",
    ),
    pytest.param(
        lambda f: f.filter(pl.col("geo").is_in(["berlin", "koeln"])),
        r"1 geo.s. are left as control \(koeln\)",
        id="one donor",
    ),
    pytest.param(
        lambda f: pl.concat([f, f.filter(pl.col("geo") == "koeln").with_columns(geo=pl.lit("bonn"))]),
        "'bonn' and 'koeln' have the same KPI in every period before 2025-03-31",
        id="a copied geo",
    ),
    pytest.param(lambda f: f.drop("kpi"), "no column kpi", id="no KPI column"),
    pytest.param(lambda f: f.clear(), "has no row", id="empty panel"),
    pytest.param(
        lambda f: f.with_columns(pl.col("date").dt.strftime("%d/%m/%Y")), "'03/03/2025' is not written as", id="dates"
    ),
    pytest.param(lambda f: f.with_columns(date=1), "column date is Int32: parse it", id="numbered days"),
    pytest.param(lambda f: f.to_dict(), "is a builtins.dict: pass a polars DataFrame", id="no frame"),
    pytest.param(lambda f: f.with_columns(pl.col("kpi").cast(pl.String)), "not a number", id="KPI as text"),
    pytest.param(
        lambda f: f.with_columns(geo=pl.when(at("koeln", 3)).then(pl.lit("Koeln")).otherwise("geo")),
        "'Koeln' and 'koeln' differ only in capitals",
        id="two spellings",
    ),
]


@pytest.mark.parametrize(("spoil", "complaint"), BROKEN)
def test_a_broken_panel_is_refused_by_name_and_day(spoil, complaint):
    with pytest.raises(PanelError, match=complaint):
        read(spoil(frame()))


WINDOWS = [
    pytest.param({"end": FIRST + timedelta(days=40)}, "end 2025-04-12 is outside the panel", id="ends after the data"),
    pytest.param({"start": FIRST - timedelta(days=1)}, "start 2025-03-02 is outside", id="starts before the data"),
    pytest.param({"start": FIRST + timedelta(days=4)}, "only 4 periods before", id="no history"),
    pytest.param({"end": FIRST + timedelta(days=20)}, "before it starts", id="ends before its start"),
    pytest.param({"cooldown": 3}, "cool-down of 3 periods", id="cool-down past the data"),
    pytest.param({"lag": 12}, "leaves nothing", id="lag eats the window"),
    pytest.param({"treated": ("berlin", "berlin")}, "'berlin' is assigned twice", id="assigned twice"),
    pytest.param({"treated": ("bonn",)}, "'bonn' is not in the panel", id="unknown geo"),
    pytest.param({"treated": "berlin"}, "pass a list of geos", id="a bare name"),
    pytest.param({"treated": ()}, "no treated geo", id="nobody treated"),
    pytest.param({"exclude": ("berlin",)}, "both treated and excluded", id="treated and excluded"),
    pytest.param({"level": 90}, "between 0.5 and 1", id="level in percent"),
    pytest.param({"method": "magic"}, "magic.* is not known", id="unknown method"),
]


@pytest.mark.parametrize(("changes", "complaint"), WINDOWS)
def test_an_impossible_test_is_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        read(frame(), **changes)


def test_a_weekly_panel_refuses_a_test_that_begins_inside_a_week():
    weekly = frame(30, step=7)
    with pytest.raises(PanelError, match="inside the week that begins on 2025-07-07"):
        read(weekly, start=date(2025, 7, 9), end=date(2025, 8, 3))
    result = read(weekly, start=date(2025, 7, 7), end=date(2025, 8, 3))
    assert (result.grain, result.periods) == ("week", 4)
    assert result.att == pytest.approx(result.effect / 4)


@pytest.mark.parametrize(("day", "side"), [(31, "in the middle of the window"), (26, "before the start")])
def test_spend_that_begins_on_another_day_than_the_test_is_refused(day, side):
    panel = frame(spend=True).with_columns(
        spend=pl.when((pl.col("geo") == "berlin") & (pl.col("date") >= FIRST + timedelta(days=day)))
        .then(9.0)
        .otherwise(0.0)
    )
    with pytest.raises(PanelError, match=rf"'berlin' has its first spend on {FIRST + timedelta(days=day)}, {side}"):
        read(panel)


def test_a_kpi_net_of_refunds_is_read_in_levels_when_the_caller_says_so():
    panel = changed(frame(), "leipzig", 3, -4.0)
    assert read(panel, allow_negative=True).method.endswith("_log") is False


def test_rows_in_any_order_give_the_same_panel():
    panel = frame()
    shuffled = panel.sample(fraction=1, shuffle=True, seed=3)
    assert GeoPanel.from_frame(panel).sha256() == GeoPanel.from_frame(shuffled).sha256()


def test_the_same_test_written_in_other_ways_is_read_the_same():
    panel = frame(spend=True)
    expected = read(panel)
    numbered = dict(zip(GEOS, (101, 102, 103, 104, 105), strict=True))
    as_text = panel.with_columns(pl.col("date").cast(pl.String)).sample(fraction=1.0, shuffle=True, seed=3)
    for other, treated, changes in (
        (as_text, ["berlin"], {"start": "2025-03-31", "end": "2025-04-11"}),
        (panel.lazy(), pl.Series(["berlin"]), {}),
        (panel.with_columns(pl.col("geo").cast(pl.Categorical)), {"berlin"}, {}),
        (panel.with_columns(pl.col("date").cast(pl.Datetime)), np.array(["berlin"]), {"start": datetime(2025, 3, 31)}),
        (panel.with_columns(pl.col("geo").replace_strict(numbered)), [101], {}),
        (panel.with_columns(pl.col("geo") + " am see"), ["berlin am see"], {}),
        (panel.with_columns(pl.col("kpi").round(9).cast(pl.Decimal(18, 9))), ["berlin"], {}),
    ):
        found = read(other, treated, **changes)
        for name in ("effect", "low", "high", "p_value"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name))


def test_days_that_are_no_days_are_refused():
    for start in ("31.03.2025", 20250331, datetime(2025, 3, 31, 12)):
        with pytest.raises(PanelError, match=r"start=.*(is not a day|has a time of day)"):
            read(frame(), start=start)


def test_few_periods_and_many_controls_are_read_by_a_method_that_leaves_errors():
    """Forty controls reproduce nine periods exactly under close fits: auto then takes one that does not."""
    many = tuple(f"stadt {number}" for number in range(40))
    found = read(frame(24, geos=many), ("stadt 7",), start=FIRST + timedelta(days=9), end=FIRST + timedelta(days=19))
    assert np.isfinite([found.effect, found.low, found.high]).all()
    assert (found.p_value <= 0.1) == (not found.low <= 0 <= found.high)


def test_a_kpi_with_many_zeros_is_read_in_levels():
    sparse = frame(80).with_columns(kpi=pl.when(pl.col("date").dt.ordinal_day() % 3 == 0).then(0.0).otherwise("kpi"))
    assert not read(sparse, start=FIRST + timedelta(days=60), end=FIRST + timedelta(days=79)).method.endswith("_log")
