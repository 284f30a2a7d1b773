"""The chart inside the channel table: one dot and interval per row, aligned with the rows of the table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

INK, ACCENT, QUIET, LINE = "#1b1b1f", "#1f4e79", "#9b9b9b", "#d9d9d9"
FONT = "Libertinus Serif"
AXIS_HEIGHT = 26


@dataclass(frozen=True)
class Row:
    """iROAS with its range, mROAS and the platform's claim; None leaves a mark out. `weak` draws it in grey."""

    iroas: float | None
    low: float | None
    high: float | None
    mroas: float | None
    claim: float | None
    weak: bool = False


def ticks(rows: Sequence[Row], break_even: float | None) -> tuple[float, ...]:
    """Round ticks from 0 (or below, where a range goes below) past the largest return.

    A platform claim beyond twice what the estimates reach does not stretch the axis: it is drawn at the edge.
    """
    ends = [x for row in rows for x in (row.high, row.mroas) if x is not None] + [break_even or 0.0, 1.0]
    top = max(ends)
    claims = [row.claim for row in rows if row.claim is not None and row.claim <= 1.25 * top]
    top = max([top, *claims])
    bottom = min([0.0, *(row.low for row in rows if row.low is not None)])
    step = next(s for s in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1e3, 1e4, 1e5, 1e6) if (top - bottom) / s <= 6)
    first, last = math.floor(bottom / step), math.ceil(top / step)
    return tuple(step * i for i in range(first, last + 1))


def returns_svg(
    rows: Sequence[Row],
    at: Sequence[float],
    labels: Sequence[str],
    break_even: float | None,
    *,
    row: float,
    width: float,
) -> str:
    """SVG of `width` x `len(rows) * row + AXIS_HEIGHT` pixels; `at` are the ticks, `labels` their texts."""
    import altair as alt
    import vl_convert

    low, high = at[0], at[-1]
    points = [_clipped(i, r, low, high) for i, r in enumerate(rows)]
    x = alt.Scale(domain=[low, high], nice=False, zero=False)
    y = alt.Y("row:Q", scale=alt.Scale(domain=[0, len(rows)], reverse=True, nice=False), axis=None)
    named = {f"{value:g}": label for value, label in zip(at, labels, strict=True)}
    axis = alt.Axis(
        values=list(at),
        title=None,
        grid=True,
        gridColor=LINE,
        gridWidth=0.5,
        domain=False,
        tickSize=3,
        tickColor=LINE,
        labelExpr=f"{named}[format(datum.value, '.6~g')] || ''".replace("'", '"'),
        labelColor=INK,
        labelFontSize=9.5,
        labelPadding=2,
        labelOverlap=False,  # else the layout would depend on the fonts of the machine
    )
    shade = alt.Color("shade:N", scale=None, legend=None)

    def layer(mark: str) -> alt.Chart:
        return alt.Chart(alt.Data(values=[p for p in points if p[mark] is not None]))

    layers: list[Any] = [
        layer("low")
        .mark_rule(strokeWidth=2.2, strokeCap="round")
        .encode(x=alt.X("low:Q", scale=x, axis=axis), x2="high:Q", y=y, color=shade),
        layer("claim")
        .mark_point(shape="circle", size=34, strokeWidth=1, filled=False)
        .encode(x=alt.X("claim:Q", scale=x), y=y, color=alt.value(INK), opacity=alt.value(0.75)),
        layer("beyond")
        .mark_point(shape="triangle-right", size=34, strokeWidth=1, filled=False)
        .encode(x=alt.X("beyond:Q", scale=x), y=y, color=alt.value(INK), opacity=alt.value(0.75)),
        layer("iroas")
        .mark_point(shape="circle", size=46, filled=True, opacity=1)
        .encode(x=alt.X("iroas:Q", scale=x), y=y, color=shade),
        layer("mroas")
        .mark_point(shape="diamond", size=40, filled=True, fill="white", strokeWidth=1.2, opacity=1)
        .encode(x=alt.X("mroas:Q", scale=x), y=y, stroke=alt.Stroke("shade:N", scale=None, legend=None)),
    ]
    if break_even is not None:
        line = alt.Chart(alt.Data(values=[{"even": break_even}]))
        layers.insert(0, line.mark_rule(strokeDash=[4, 3], strokeWidth=1, color=INK).encode(x=alt.X("even:Q", scale=x)))
    chart = (
        alt.layer(*layers)
        .properties(
            width=width - 16,
            height=len(rows) * row,
            autosize={"type": "none"},
            padding={"left": 8, "right": 8, "top": 0, "bottom": AXIS_HEIGHT},
            background="transparent",
        )
        .configure(font=FONT)
        .configure_view(stroke=None)
    )
    return str(vl_convert.vegalite_to_svg(chart.to_dict()))


def _clipped(index: int, row: Row, low: float, high: float) -> dict[str, Any]:
    outside = row.claim is not None and row.claim > high
    return {
        "row": index + 0.5,
        "iroas": row.iroas,
        "low": row.low,
        "high": row.high,
        "mroas": row.mroas if row.mroas is not None and low <= row.mroas <= high else None,
        "claim": None if outside else row.claim,
        "beyond": high if outside else None,
        "shade": QUIET if row.weak else ACCENT,
    }
