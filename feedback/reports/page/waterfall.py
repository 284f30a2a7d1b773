"""The bridge from the previous report's headline to this one, drawn bar by bar beside its labels."""

from __future__ import annotations

from collections.abc import Sequence

from feedback.reports.page.channel_chart import ACCENT, FONT, INK, QUIET

GREY = "#c4c9d2"


def waterfall_svg(before: float, steps: Sequence[float], *, row: float, width: float) -> str:
    """One horizontal bar per row: the old headline, each step from where the last one ended, the new headline.

    The axis starts below the smallest end and not at 0, since otherwise no step would be visible; the page says so.
    Decreases are hollow and increases filled, so the chart is legible without colour; the signs are printed beside it.
    """
    import altair as alt
    import vl_convert

    ends = [before]
    for step in steps:
        ends.append(ends[-1] + step)
    spread = max(ends) - min(ends) or abs(before) or 1.0
    floor, top = min(ends) - 0.35 * spread, max(ends) + 0.1 * spread
    bars = [{"row": 0, "from": floor, "to": before, "fill": GREY, "edge": GREY}]
    for number, step in enumerate(steps):
        rise = step >= 0
        bars.append(
            {
                "row": number + 1,
                "from": ends[number],
                "to": ends[number + 1],
                "fill": ACCENT if rise else "white",
                "edge": ACCENT if rise else INK,
            }
        )
    bars.append({"row": len(bars), "from": floor, "to": ends[-1], "fill": GREY, "edge": GREY})
    for bar in bars:
        bar["y"], bar["y2"] = float(bar["row"]) + 0.22, float(bar["row"]) + 0.78  # type: ignore[arg-type]
    links = [{"x": end, "y": i + 0.78, "y2": i + 1.22} for i, end in enumerate(ends)]
    x = alt.Scale(domain=[floor, top], nice=False, zero=False)
    y = alt.Scale(domain=[0, len(bars)], reverse=True, nice=False)
    drawn = alt.layer(
        alt.Chart(alt.Data(values=links))
        .mark_rule(color=QUIET, strokeWidth=0.6)
        .encode(x=alt.X("x:Q", scale=x, axis=None), y=alt.Y("y:Q", scale=y, axis=None), y2="y2:Q"),
        alt.Chart(alt.Data(values=bars))
        .mark_rect(strokeWidth=0.9)
        .encode(
            x=alt.X("from:Q", scale=x, axis=None),
            x2="to:Q",
            y=alt.Y("y:Q", scale=y, axis=None),
            y2="y2:Q",
            fill=alt.Fill("fill:N", scale=None, legend=None),
            stroke=alt.Stroke("edge:N", scale=None, legend=None),
        ),
    )
    chart = (
        drawn.properties(
            width=width, height=len(bars) * row, autosize={"type": "none"}, padding=0, background="transparent"
        )
        .configure(font=FONT)
        .configure_view(stroke=None)
    )
    return str(vl_convert.vegalite_to_svg(chart.to_dict()))
