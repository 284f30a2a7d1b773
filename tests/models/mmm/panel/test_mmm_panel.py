"""A panel is refused by name where it cannot be used, and kept as it was given where it can."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from models.mmm import Mediator, MMMData, Treatment
from tests.models.mmm.mmm_worlds import frame

LONG, _ = frame(periods=60)
PANEL, _ = frame(geos=3, periods=60)


def read(long: pl.DataFrame, **choices):
    return MMMData.from_frame(long, **{"date": "date", "kpi": "kpi", "spend": {"a": "a", "b": "b"}, **choices})


def first(column, value):
    row = pl.int_range(pl.len()) == 5
    return LONG.with_columns(pl.when(row).then(value).otherwise(pl.col(column)).alias(column))


def panel_of(values=LONG, **choices):
    return read(values, organic={"cited": "price"}, **choices)


MEASURED = LONG.with_columns(price=pl.col("price").abs() + 1, se=pl.lit(0.2), volume=pl.col("a") * 0.1 + 5)


@pytest.mark.parametrize(
    ("long", "choices", "complaint"),
    [
        pytest.param(LONG.head(1), {}, "holds 1 dates", id="one week"),
        pytest.param(LONG.head(20), {}, "20 weeks of data", id="too short"),
        pytest.param(
            LONG.with_columns(b=pl.lit(0.0)), {}, "'b' of channel 'b' is zero in every row", id="all-zero channel"
        ),
        pytest.param(LONG.filter(pl.int_range(pl.len()) != 7), {}, "1 week.s. are missing.*2022-02-21", id="gap"),
        pytest.param(pl.concat([LONG, LONG.head(1)]), {}, "appears 2 times", id="duplicate key"),
        pytest.param(first("a", None), {}, "'a' is empty or not a number in 1 rows, first on 2022-02-07", id="null"),
        pytest.param(first("kpi", float("nan")), {}, "'kpi' is empty or not a number", id="nan in kpi"),
        pytest.param(first("a", -3.0), {}, "'a' is -3 on 2022-02-07", id="negative spend"),
        pytest.param(LONG.with_columns(kpi=pl.lit(5.0)), {}, "is 5 in every row", id="constant kpi"),
        pytest.param(LONG.with_columns(truth__mu=pl.lit(1.0)), {}, "answer key", id="answer key"),
        pytest.param(LONG.with_columns(a_effect=pl.lit(1.0)), {}, "a_effect", id="answer key by suffix"),
        pytest.param(LONG, {"spend": {"a": "none"}}, "'none' is not in the frame", id="unknown column"),
        pytest.param(LONG, {"spend": {"a": "kpi"}}, "used twice", id="kpi as spend"),
        pytest.param(LONG, {"controls": {"price": "mediator"}}, "carries part of a channel's effect", id="mediator"),
        pytest.param(LONG, {"controls": {"price": "collider"}}, "false link", id="collider"),
        pytest.param(LONG, {"controls": {"price": "helper"}}, "role 'helper' is unknown", id="unknown role"),
        pytest.param(LONG.with_columns(a=pl.col("a").cast(pl.String)), {}, "not numbers", id="text spend"),
        pytest.param(LONG.with_columns(date=pl.lit("soon")), {}, "'soon' is not a date", id="text date"),
        pytest.param(PANEL.slice(1), {"geo": "geo"}, "1 of 180 geo-week rows are missing", id="ragged panel"),
        pytest.param(LONG, {"organic": {"a": "price"}}, "both paid .* and organic", id="paid and organic"),
        pytest.param(
            LONG.with_columns(pl.col("date").dt.strftime("%d.%m.%Y")),
            {},
            "row 1, column 'date': '03.01.2022' is not a date like",
            id="other date format",
        ),
        pytest.param(first("date", None), {}, "'date' is empty in 1 rows, first in row 6", id="empty date"),
        pytest.param(
            LONG.with_columns(a=pl.lit("1,234")),
            {},
            "'a' holds String, not numbers: '1,234' on 2022-01-03",
            id="thousands separator",
        ),
        pytest.param(LONG.to_dict(), {}, "frame is a builtins.dict", id="no frame"),
        pytest.param(LONG, {"spend": ["a", "b"]}, r"spend=\['a', 'b'\]: give a mapping", id="spend as list"),
        pytest.param(LONG, {"controls": ["price"]}, "controls=.*give a mapping such as", id="controls as list"),
        pytest.param(LONG, {"spend": {1: "a"}}, "spend holds the name 1", id="channel without a name"),
        pytest.param(LONG, {"spend": {"baseline": "a"}}, "a channel and of a line of the result", id="reserved name"),
        pytest.param(LONG, {"spend": {"a, b": "a"}}, "leave the comma out", id="comma in a name"),
        pytest.param(LONG, {"kpi_unit": "money"}, "kpi_unit='money': one of revenue, count", id="unknown unit"),
        pytest.param(
            LONG,
            {"kpi_unit": "revenue", "value_per_kpi": 5.0},
            "a KPI in money has no value per unit",
            id="value of money",
        ),
        pytest.param(LONG, {"value_per_kpi": float("inf"), "kpi_unit": "count"}, "value_per_kpi=inf", id="value inf"),
        pytest.param(LONG, {"events": {"fair": ["soon"]}}, "'soon', which is not a date", id="event without date"),
        pytest.param(LONG, {"reach": {"a": "a"}}, "reach.'a'.='a': give a pair", id="reach without frequency"),
        pytest.param(LONG, {"levels": "ai"}, "give a list of organic channels", id="levels as text"),
        pytest.param(
            LONG,
            {"controls": {"price": "precision"}, "treatments": [Treatment("price", 0.0)]},
            "as a treatment",
            id="control and treatment",
        ),
        pytest.param(LONG.with_columns(pl.col("kpi") * -1), {}, "adds up to -", id="kpi with the wrong sign"),
        pytest.param(first("kpi", 1e9), {}, r"'kpi' is 1e\+09 on 2022-02-07, .* times its next", id="kpi typing error"),
        pytest.param(
            LONG.with_columns(kpi=pl.when(pl.int_range(pl.len()) < 9).then(1.0).otherwise(0.0)),
            {},
            "zero in all but 9 of 60",
            id="hardly any sales",
        ),
        pytest.param(
            LONG.with_columns(copy=pl.col("kpi") * 2 + 1),
            {"controls": {"copy": "precision"}},
            "'copy', declared a control, is 'kpi' in another unit",
            id="kpi as control",
        ),
        pytest.param(LONG.with_columns(a=pl.col("kpi") * 0.1), {}, "computed from sales", id="share of sales as spend"),
        pytest.param(
            PANEL.with_columns(kpi=pl.when(pl.col("geo") == "g1").then(0.0).otherwise(pl.col("kpi"))),
            {"geo": "geo"},
            "0 in every row of geo 'g1'",
            id="region without sales",
        ),
        pytest.param(
            pl.concat([LONG, LONG.with_columns(geo=pl.lit("copy"))]),
            {"geo": "geo"},
            "same in geo 'copy' and 'g0'",
            id="national figure in every region",
        ),
    ],
)
def test_bad_input_is_refused_by_name(long, choices, complaint):
    with pytest.raises(ValueError, match=complaint):
        read(long, **choices)


def test_dates_with_a_time_of_day_are_their_days():
    timed = LONG.with_columns(pl.col("date").dt.strftime("%Y-%m-%dT00:00:00Z"))
    local = LONG.with_columns(pl.col("date").cast(pl.Datetime).dt.replace_time_zone("Europe/Berlin"))
    assert read(timed).dates == read(local).dates == read(LONG).dates


def test_an_irrelevant_control_is_left_out():
    assert read(LONG, controls={"price": "irrelevant"}).control_names == ()


def test_a_signed_kpi_is_kept_and_said():
    data = read(first("kpi", -100.0))
    assert [w.code for w in data.findings] == ["negative_kpi"]


def test_row_order_does_not_matter():
    shuffled = PANEL.sample(fraction=1.0, shuffle=True, seed=4)
    assert np.array_equal(read(PANEL, geo="geo").media, read(shuffled, geo="geo").media)


@pytest.mark.parametrize(("step", "grain"), [(1, "day"), (7, "week")])
def test_the_grain_is_read_from_the_dates(step, grain):
    start = LONG["date"][0]
    days = [start + timedelta(days=step * i) for i in range(LONG.height)]
    assert read(LONG.with_columns(date=pl.Series(days))).grain == grain


def test_monthly_rows_are_months():
    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2024, 12, 1), "1mo", eager=True)
    assert read(LONG.with_columns(date=days)).grain == "month"


@pytest.mark.parametrize(
    ("long", "choices", "complaint"),
    [
        pytest.param(MEASURED, {"organic_se": {"a": "se"}}, "'a', which is not in organic", id="se of a paid channel"),
        pytest.param(MEASURED.with_columns(se=pl.lit(0.0)), {"organic_se": {"cited": "se"}}, "not all zero", id="se 0"),
        pytest.param(MEASURED.with_columns(se=pl.lit(-1)), {"organic_se": {"cited": "se"}}, "below zero", id="se<0"),
        pytest.param(
            MEASURED.with_columns(price=pl.when(pl.int_range(pl.len()) < 5).then(pl.col("price"))),
            {"organic_se": {"cited": "se"}},
            "measured in 5 rows",
            id="hardly measured",
        ),
        pytest.param(MEASURED, {"levels": ["b"]}, "'b', which is not in organic", id="a paid level"),
        pytest.param(
            MEASURED, {"mediators": {"brand": Mediator("volume", ("tv",))}}, "'tv', which is neither", id="lost path"
        ),
        pytest.param(
            MEASURED, {"mediators": {"brand": Mediator("a", ("b",))}}, "'a' is used twice", id="channel as mediator"
        ),
        pytest.param(MEASURED.with_columns(f=pl.lit(0)), {"reach": {"a": ("a", "f")}}, "'a' is 0", id="frequency 0"),
        pytest.param(
            MEASURED.with_columns(f=pl.lit(1)), {"reach": {"a": ("a", "f")}}, "is 1 in every row", id="frequency 1"
        ),
    ],
)
def test_a_measured_or_mediated_series_is_refused_by_name(long, choices, complaint):
    with pytest.raises(ValueError, match=complaint):
        panel_of(long, **choices)


def test_weeks_without_a_measurement_are_kept_and_said():
    gappy = MEASURED.with_columns(price=pl.when(pl.int_range(pl.len()) > 11).then(pl.col("price")))
    data = panel_of(gappy, organic_se={"cited": "se"})
    assert np.isinf(data.media_se[0, :12, 2]).all()
    assert (data.media_se[0, 12:, 2] == 0.2).all()
    assert [(w.code, w.subject) for w in data.findings] == [("media_not_measured", "cited")]


def test_events_count_their_days_in_each_period():
    day = LONG["date"][10]
    data = read(LONG, events={"fair": [day, day + timedelta(days=6), day + timedelta(days=7)], "never": []})
    assert data.controls[0, 9:13, 0].tolist() == [0, 2, 1, 0]
    assert data.control_roles == ("event", "event")
    assert [w.code for w in data.findings] == ["event_outside_data"]


def test_cutting_rows_cuts_every_series():
    data = panel_of(MEASURED, organic_se={"cited": "se"}, mediators={"brand": Mediator("volume", ("a",))})
    cut = data.rows(np.arange(60) < 40)
    assert {s.shape[1] for s in (cut.media, cut.media_se, cut.mediators, cut.controls, cut.kpi)} == {40}


def test_a_value_per_kpi_says_that_the_kpi_counts_something():
    assert read(LONG).money_per_kpi == 1.0
    assert read(LONG, value_per_kpi=50.0).kpi_unit == "count"
    assert read(LONG, value_per_kpi=50.0).money_per_kpi == 50.0
