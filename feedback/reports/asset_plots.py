"""Charts for people who operate the pipeline: PNG bytes, small enough to be stored with a run's metadata."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import polars as pl

INK, ACCENT, WARM, QUIET = "#1b1b1f", "#1f4e79", "#b5642a", "#9b9b9b"
PALETTE = (ACCENT, WARM, "#6b8fb3", "#3d7a5c", "#c9a227", "#7d5a86", "#8a8f98", "#b04a5a", "#4f9aa0", "#a58b6f")
FONT = "Liberation Sans"  # inside vl-convert: a machine without fonts would draw no text at all
WIDTH, HEIGHT = 640, 280
MOST_SERIES = len(PALETTE)


def spend(frame: pl.DataFrame) -> bytes:
    """Spend by channel over time, stacked. Columns: week (date), channel, spend."""
    import altair as alt

    largest = _largest(frame, "channel", "spend", ("week",))
    chart = (
        alt.Chart(_data(largest))
        .mark_area(interpolate="step-after")
        .encode(
            x=alt.X("week:T", title=None),
            y=alt.Y("spend:Q", title="spend per week", stack="zero"),
            color=_colour("channel", _order(largest, "channel", "spend")),
            order=alt.Order("rank:Q"),
        )
    )
    return _png(chart)


def kpi_fit(frame: pl.DataFrame) -> bytes:
    """The outcome as booked and as the model explains it. Columns: date, observed, fitted."""
    import altair as alt

    data = _data(frame.select("date", "observed", "fitted"))
    x = alt.X("date:T", title=None)
    booked = (
        alt.Chart(data)
        .mark_line(color=INK, strokeWidth=1)
        .encode(x=x, y=alt.Y("observed:Q", title="KPI per period", scale=alt.Scale(zero=False)))
    )
    model = alt.Chart(data).mark_line(color=WARM, strokeWidth=1.8).encode(x=x, y="fitted:Q")
    return _png(alt.layer(booked, model).properties(title=_title("booked (black), explained by the model (brown)")))


def contributions(frame: pl.DataFrame) -> bytes:
    """Contribution per component and period, stacked, negative values below zero. Columns: date, component, mean."""
    import altair as alt

    largest = _largest(frame, "component", "mean", ("date",))
    chart = (
        alt.Chart(_data(largest))
        .mark_bar()
        .encode(
            x=alt.X("date:T", title=None),
            y=alt.Y("mean:Q", title="KPI per period", stack="zero"),
            color=_colour("component", _order(largest, "component", "mean")),
            order=alt.Order("rank:Q"),
        )
    )
    return _png(chart)


def evidence(frame: pl.DataFrame) -> bytes:
    """Estimates per method and channel: iROAS with 90 % intervals. Columns: channel, method, mean, q05, q95.

    A method without an interval (a platform's claim) is a point alone.
    """
    import altair as alt

    methods = [m for m in ("experiment", "mmm", "platform", "self_reported", "triangulated") if m in frame["method"]]
    methods += sorted(set(frame["method"].to_list()) - set(methods))
    data = _data(frame.filter(pl.col("mean").is_not_null()))
    y = alt.Y("method:N", sort=methods, title=None, axis=alt.Axis(labels=False, ticks=False))
    colour = _colour("method", methods)
    base = alt.Chart(data)
    rule = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("q05:Q", title="iROAS, 90 % interval"), x2="q95:Q", y=y, color=colour
    )
    dot = base.mark_point(filled=True, size=45, opacity=1).encode(x="mean:Q", y=y, color=colour)
    rows = alt.Row("channel:N", title=None, header=alt.Header(labelAngle=0, labelAlign="left", labelFontSize=11))
    chart = alt.layer(rule, dot).properties(width=WIDTH - 160, height=14 * len(methods)).facet(row=rows, spacing=4)
    return _png(chart, sized=True)


def experiment(frame: pl.DataFrame) -> bytes:
    """A test: the actual outcome and the counterfactual without it. Columns: day, actual, counterfactual, low, high.

    `low` and `high` bound the effect of the day, so the band drawn around the counterfactual is actual less effect.
    """
    import altair as alt

    band = frame.with_columns(above=pl.col("actual") - pl.col("low"), below=pl.col("actual") - pl.col("high"))
    data = _data(band.select("day", "actual", "counterfactual", "above", "below"))
    x = alt.X("day:T", title=None, axis=alt.Axis(format="%d %b", tickCount=10))
    value = alt.Y("actual:Q", title="KPI per day", scale=alt.Scale(zero=False))
    drawn = alt.layer(
        alt.Chart(data).mark_area(color=WARM, opacity=0.18).encode(x=x, y="below:Q", y2="above:Q"),
        alt.Chart(data).mark_line(color=WARM, strokeDash=[5, 3], strokeWidth=1.6).encode(x=x, y="counterfactual:Q"),
        alt.Chart(data).mark_line(color=INK, strokeWidth=1.4).encode(x=x, y=value),
    )
    return _png(drawn.properties(title=_title("actual (black) and counterfactual (dashed, with its range)")))


def visibility(frame: pl.DataFrame, *, metric: str | None = None) -> bytes:
    """Share of AI answers by engine and brand. Columns: week, engine, surface, brand, metric, value, low, high.

    Without `metric` the mention rate is drawn if there is one, else the first metric by name. At most five brands, the
    most often named; surfaces of one engine are averaged.
    """
    import altair as alt

    metrics = sorted(frame["metric"].unique().to_list())
    chosen = metric or ("mention_rate" if "mention_rate" in metrics else metrics[0])
    if chosen not in metrics:
        raise ValueError(f"metric {chosen!r} is not in this frame; it has {', '.join(metrics)}")
    rows = frame.filter((pl.col("metric") == chosen) & pl.col("value").is_not_null())
    brands = (
        rows.group_by("brand").agg(pl.col("value").mean()).sort("value", "brand", descending=[True, False])["brand"]
    )
    weekly = (
        rows.filter(pl.col("brand").is_in(brands.head(5).to_list()))
        .group_by("week", "engine", "brand")
        .agg(pl.col("value", "low", "high").cast(pl.Float64).mean())
        .sort("engine", "brand", "week")
    )
    base = alt.Chart(_data(weekly))
    x = alt.X("week:T", title=None)
    colour = _colour("brand", brands.head(5).to_list())
    line = base.mark_line(point=alt.OverlayMarkDef(size=12), strokeWidth=1.5).encode(
        x=x, y=alt.Y("value:Q", title=chosen.replace("_", " "), axis=alt.Axis(format="%")), color=colour
    )
    band = base.mark_area(opacity=0.12).encode(x=x, y="low:Q", y2="high:Q", color=colour)
    drawn = alt.layer(band, line).properties(width=260, height=110)
    return _png(drawn.facet(facet=alt.Facet("engine:N", title=None), columns=2, spacing=12), sized=True)


def quarantine(frame: pl.DataFrame) -> bytes:
    """Quarantined rows, by source and rule. Columns: source, rule, rows."""
    import altair as alt

    rules = frame.group_by("rule").agg(pl.col("rows").sum()).sort("rows", "rule", descending=[True, False])["rule"]
    chart = (
        alt.Chart(_data(frame))
        .mark_bar()
        .encode(
            x=alt.X("rows:Q", title="rows in quarantine"),
            y=alt.Y("source:N", title=None, sort="-x"),
            color=_colour("rule", rules.head(MOST_SERIES).to_list()),
        )
        .properties(width=WIDTH - 200, height=alt.Step(22))
    )
    return _png(chart, sized=True)


def curves(frame: pl.DataFrame) -> bytes:
    """Response to more or less spend, with 90 % bands. Columns: channel, spend, mean, q05, q95."""
    import altair as alt

    base = alt.Chart(_data(frame))
    x = alt.X("spend:Q", title=None, axis=alt.Axis(format="~s", tickCount=4))
    band = base.mark_area(opacity=0.18, color=ACCENT).encode(x=x, y=alt.Y("q05:Q", title=None), y2="q95:Q")
    line = base.mark_line(color=ACCENT, strokeWidth=1.6).encode(
        x=x, y=alt.Y("mean:Q", title=None, axis=alt.Axis(format="~s", tickCount=4))
    )
    drawn = alt.layer(band, line).properties(width=150, height=95)
    chart = drawn.facet(facet=alt.Facet("channel:N", title=None), columns=4, spacing=14)
    return _png(chart.resolve_scale(x="independent", y="independent"), sized=True)


def _title(text: str) -> Any:
    import altair as alt

    return alt.TitleParams(text=text, anchor="start", fontSize=11, fontWeight="normal", color=INK)


def _colour(field: str, order: Sequence[str]) -> Any:
    import altair as alt

    domain = list(order)
    scale = alt.Scale(domain=domain, range=[PALETTE[i % len(PALETTE)] for i in range(len(domain))])
    return alt.Color(
        f"{field}:N", scale=scale, legend=alt.Legend(title=None, symbolType="square", symbolOpacity=1, labelLimit=180)
    )


def _largest(frame: pl.DataFrame, series: str, amount: str, keys: tuple[str, ...]) -> pl.DataFrame:
    """The largest series by name and the others as one, with `rank` for the order of stacking."""
    sizes = frame.group_by(series).agg(pl.col(amount).cast(pl.Float64).abs().sum())
    ranked = sizes.sort(amount, series, descending=[True, False])[series].to_list()
    named = ranked if len(ranked) <= MOST_SERIES else ranked[: MOST_SERIES - 1]
    label = pl.when(pl.col(series).is_in(named)).then(pl.col(series)).otherwise(pl.lit("others"))
    order = {name: number for number, name in enumerate([*named, "others"])}
    return (
        frame.with_columns(label.alias(series))
        .group_by(*keys, series)
        .agg(pl.col(amount).cast(pl.Float64).sum())
        .with_columns(rank=pl.col(series).replace_strict(order, return_dtype=pl.Int64))
        .sort(*keys, "rank")
    )


def _order(frame: pl.DataFrame, series: str, amount: str) -> list[str]:
    return [str(name) for name in frame.unique(series).sort("rank")[series].to_list()]


def _data(frame: pl.DataFrame) -> Any:
    """Rows as inline values: dates as text, decimals as floats, not-a-number as missing."""
    import altair as alt

    dates = pl.col(pl.Date, pl.Datetime).cast(pl.Date).dt.to_string("%Y-%m-%d")
    plain = frame.with_columns(dates, pl.col(pl.Decimal).cast(pl.Float64))
    return alt.Data(values=plain.with_columns(pl.col(pl.Float32, pl.Float64).fill_nan(None)).to_dicts())


def _png(chart: Any, *, sized: bool = False) -> bytes:
    """At 1.5 pixels per point, in 128 colours: sharp on a screen and below 100 kB."""
    import vl_convert

    laid = chart if sized else chart.properties(width=WIDTH, height=HEIGHT)
    spec = (
        laid.configure(font=FONT, background="white")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            gridColor="#e6e6e9",
            domainColor=QUIET,
            tickColor=QUIET,
            titleFontWeight="normal",
        )
    )
    return _few_colours(bytes(vl_convert.vegalite_to_png(spec.to_dict(), scale=1.5)))


def _few_colours(png: bytes) -> bytes:
    from PIL import Image  # arrives with pymc, whose arviz needs matplotlib

    with Image.open(io.BytesIO(png)) as picture:
        flat = Image.new("RGB", picture.size, "white")
        flat.paste(picture, mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
    out = io.BytesIO()
    flat.quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()
