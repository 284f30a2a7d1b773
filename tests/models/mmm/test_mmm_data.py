"""Bad input is refused, or warned about, in words that name the column and the fix."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from models.mmm import Mediator, MMMData, MMMSpec, Sampling, Treatment, fit
from models.mmm.checks.before_sampling import check
from models.mmm.model.baseline import taps
from models.mmm.model.build import design
from models.mmm.model.design import Form
from tests.models.mmm.mmm_worlds import frame

LONG, _ = frame(periods=60)
PANEL, _ = frame(geos=3, periods=60)


def read(long: pl.DataFrame, **choices):
    return MMMData.from_frame(long, **{"date": "date", "kpi": "kpi", "spend": {"a": "a", "b": "b"}, **choices})


def first(column, value):
    row = pl.int_range(pl.len()) == 5
    return LONG.with_columns(pl.when(row).then(value).otherwise(pl.col(column)).alias(column))


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
            "row 1: '03.01.2022' is not a date like",
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


def test_a_kpi_that_was_computed_is_refused():
    data = read(LONG.with_columns(kpi=1000.0 + 5 * pl.int_range(pl.len())))
    with pytest.raises(ValueError, match="'kpi' is given exactly by its trend"):
        check(plan(data))


def found_in(long, **choices):
    return {(w.code, w.subject) for w in read(long, **choices).findings}


HALF = pl.int_range(pl.len()) < 30


@pytest.mark.parametrize(
    ("long", "choices", "finding"),
    [
        pytest.param(
            LONG.with_columns(shown=pl.when(HALF).then(0.0).otherwise(pl.col("a") * 90)),
            {"exposure": {"a": "shown"}}, ("spend_without_delivery", "a"), id="impressions missing for a year",
        ),
        pytest.param(
            LONG.with_columns(shown=pl.col("a") * 90, a=pl.when(HALF).then(0.0).otherwise(pl.col("a"))),
            {"exposure": {"a": "shown"}}, ("delivery_without_spend", "a"), id="spend missing for a year",
        ),
        pytest.param(
            LONG.with_columns(shown=pl.when(HALF).then(pl.col("a") / 1000).otherwise(pl.col("a"))),
            {"exposure": {"a": "shown"}}, ("cost_per_delivery_jumps", "a"), id="impressions in thousands at first",
        ),
        pytest.param(
            LONG.with_columns(a=pl.when(HALF).then(pl.col("a") * 100).otherwise(pl.col("a"))), {},
            ("unit_changes", "a"), id="spend in cents at first",
        ),
        pytest.param(
            LONG.with_columns(kpi=pl.when(HALF).then(pl.col("kpi") * 100).otherwise(pl.col("kpi"))), {},
            ("unit_changes", "kpi"), id="sales in cents at first",
        ),
        pytest.param(
            LONG.with_columns(price=pl.lit(3.0)), {"controls": {"price": "precision"}}, ("constant_column", "price"),
            id="constant control",
        ),
        pytest.param(first("kpi", 2e5), {}, ("kpi_spike", "kpi"), id="a week of twenty"),
        pytest.param(first("kpi", 900.0), {}, ("kpi_dip", "kpi"), id="a week that is not complete"),
        pytest.param(
            LONG.with_columns(a=pl.col("kpi") * 0.1 + pl.col("price").abs() * 20), {}, ("channel_like_kpi", "a"),
            id="a budget set as a share of sales",
        ),
    ],
)  # fmt: skip
def test_values_that_cannot_mean_what_they_say_are_named(long, choices, finding):
    assert finding in found_in(long, **choices)


def test_ordinary_data_have_no_findings():
    delivered = LONG.with_columns(shown=pl.col("a") * 90 * (1.1 + pl.col("price") * 0.02))
    assert found_in(delivered, exposure={"a": "shown"}, controls={"price": "precision"}) == set()


def test_a_control_that_repeats_a_channel_is_named():
    rng = np.random.default_rng(1)
    clicks = LONG.with_columns(clicks=pl.col("a") * 3 + pl.Series(rng.normal(0, 100, LONG.height)))
    both = read(clicks, controls={"clicks": "precision", "price": "precision"})
    assert [w.subject for w in check(plan(both)) if w.code == "channel_moves_with_controls"] == ["a"]
    alone = read(clicks, controls={"price": "precision"})
    assert "channel_moves_with_controls" not in [w.code for w in check(plan(alone))]


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


def plan(data, spec=None):
    spec = spec or MMMSpec()
    return design(data, spec, Form("geometric", "logistic", False, taps(spec, data)))


def test_sixty_channels_on_a_hundred_weeks_are_refused():
    long, _ = frame(periods=100, channels=tuple(f"c{i}" for i in range(60)))
    data = MMMData.from_frame(long, date="date", kpi="kpi", spend={f"c{i}": f"c{i}" for i in range(60)})
    with pytest.raises(ValueError, match="60 channels and 0 controls on 100 rows"):
        fit(data, seed=1)


def test_channels_bought_in_step_are_named_together():
    data = read(LONG.with_columns(b=pl.col("a") * 2 + 1))
    found = [w for w in check(plan(data)) if w.code == "channels_not_separable"]
    assert [(w.subject, w.severity) for w in found] == [("a, b", "high")]


def test_a_channel_without_variation_is_named():
    data = read(LONG.with_columns(b=pl.lit(100.0) + pl.col("price") * 0.1))
    assert "b" in [w.subject for w in check(plan(data)) if w.code == "no_variation"]


def test_a_spike_is_named_cut_and_kept_raw():
    data = read(first("a", 60_000.0))
    found = plan(data)
    assert [(w.code, w.subject) for w in found.findings] == [("spend_spike", "a")]
    assert "2022-02-07" in found.findings[0].message
    assert data.media[0, 5, 0] == 60_000
    around = found.media[0, 0, [3, 4, 6, 7]]
    assert found.media[0, 0, 5] == pytest.approx(np.median(around))


def test_units_do_not_change_the_model():
    """The same money in cents is the same scaled panel, up to float error."""
    cents = LONG.with_columns(pl.col("a", "b", "kpi") * 100)
    one, two = plan(read(LONG)), plan(read(cents))
    np.testing.assert_allclose(one.y, two.y, rtol=1e-12)
    np.testing.assert_allclose(one.media, two.media, rtol=1e-12)
    np.testing.assert_allclose(one.effect.mu, two.effect.mu, rtol=1e-9)


def test_a_constant_added_to_every_region_changes_no_effect_much():
    """Levels are free per region; only the weak prior on them can notice (3 mean KPIs wide)."""
    short = MMMSpec(
        sampling=Sampling(draws=200, tune=200), adstock="geometric", saturation="logistic", size_scaling="none"
    )
    moved = PANEL.with_columns(kpi=pl.col("kpi") + 3000)
    one, two = (fit(read(x, geo="geo"), short, seed=3).roas() for x in (PANEL, moved))
    gap = np.abs(one["mean"] - two["mean"]) / one["sd"]
    assert gap.max() < 0.5


def test_a_treatment_counts_from_its_declared_baseline():
    data = read(LONG, treatments=[Treatment("price", 0.0)])
    assert data.treatment_baselines == (0.0,)
    assert "price" in plan(data).baseline.component


def panel_of(values=LONG, **choices):
    return read(values, organic={"cited": "price"}, **choices)


MEASURED = LONG.with_columns(price=pl.col("price").abs() + 1, se=pl.lit(0.2), volume=pl.col("a") * 0.1 + 5)


@pytest.mark.parametrize(
    ("long", "choices", "complaint"),
    [
        pytest.param(MEASURED, {"organic_se": {"a": "se"}}, "'a', which is not in organic", id="se of a paid channel"),
        pytest.param(MEASURED.with_columns(se=pl.lit(0.0)), {"organic_se": {"cited": "se"}}, "not all zero", id="se 0"),
        pytest.param(MEASURED.with_columns(se=pl.lit(-1)), {"organic_se": {"cited": "se"}}, "below zero", id="se<0"),
        pytest.param(
            MEASURED.with_columns(price=pl.when(pl.int_range(pl.len()) < 5).then(pl.col("price"))),
            {"organic_se": {"cited": "se"}}, "measured in 5 rows", id="hardly measured",
        ),
        pytest.param(MEASURED, {"levels": ["b"]}, "'b', which is not in organic", id="a paid level"),
        pytest.param(
            MEASURED, {"mediators": {"brand": Mediator("volume", ("tv",))}}, "'tv', which is neither", id="lost path"
        ),
        pytest.param(
            MEASURED, {"mediators": {"brand": Mediator("a", ("b",))}}, "'a' is used twice", id="channel as mediator"
        ),
        pytest.param(
            MEASURED.with_columns(f=pl.lit(0)), {"reach": {"a": ("a", "f")}}, "'a' is 0", id="frequency 0"
        ),
        pytest.param(
            MEASURED.with_columns(f=pl.lit(1)), {"reach": {"a": ("a", "f")}}, "is 1 in every row", id="frequency 1"
        ),
    ],
)  # fmt: skip
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
