"""Drawings of a budget plan: each channel's future response and marginal return, the moves, and the frontier."""

from __future__ import annotations

from typing import Any

import polars as pl

from feedback.reports.asset_plots import ACCENT, FONT, INK, QUIET, WARM

PANEL, TALL, SHORT = 230, 120, 64


def channel_svg(curve: pl.DataFrame, current: float, planned: float, break_even: float | None) -> str:
    """One channel: outcome against spend with its 90 % range, and the return of the next unit below it.

    curve: spend, mean, q05, q95, mroas, observed_range. A hollow dot is today's mix at the plan's budget, a filled one
    the plan; dashes mark spend that was never seen.
    """
    return _svg(_channel(curve, current, planned, break_even))


def overview(curves: pl.DataFrame, allocation: pl.DataFrame, break_even: float | None) -> Any:
    """All channels side by side as one chart, for `svg_of` and `png_of`."""
    import altair as alt

    panels = [
        _channel(
            curves.filter(pl.col("channel") == row["channel"]),
            row["current"],
            row["planned"],
            break_even,
            title=row["channel"],
        )
        for row in allocation.iter_rows(named=True)
    ]
    return alt.concat(*panels, columns=4, spacing=18)


def moves_svg(allocation: pl.DataFrame) -> str:
    """Each channel's way from today's mix to the plan, over the range of the draws' own best plans.

    allocation: channel, current, planned, low, high.
    """
    import altair as alt

    rows = allocation.sort("planned", descending=True)
    base = alt.Chart(alt.Data(values=rows.to_dicts()))
    y = alt.Y("channel:N", sort=rows["channel"].to_list(), title=None, axis=alt.Axis(labelLimit=150))
    money = alt.Axis(format="~s", tickCount=5)
    drawn = alt.layer(
        base.mark_bar(height=9, color="#dfe4ea").encode(
            x=alt.X("low:Q", title="money over the horizon", axis=money), x2="high:Q", y=y
        ),
        base.mark_rule(color=INK, strokeWidth=1.2).encode(x="current:Q", x2="planned:Q", y=y),
        base.mark_point(filled=True, fill="white", stroke=INK, size=48, opacity=1).encode(x="current:Q", y=y),
        base.mark_point(filled=True, color=WARM, size=52, opacity=1).encode(x="planned:Q", y=y),
    )
    return _svg(drawn.properties(width=430, height=alt.Step(24)))


def frontier_svg(frontier: pl.DataFrame, budget: float) -> str:
    """Best outcome by budget with its 90 % range; the plan's budget is marked. frontier: budget, mean, q05, q95."""
    import altair as alt

    base = alt.Chart(alt.Data(values=frontier.select("budget", "mean", "q05", "q95").to_dicts()))
    axis = alt.Axis(format="~s", tickCount=5)
    x = alt.X("budget:Q", title="budget", axis=axis, scale=alt.Scale(zero=False))
    mark = alt.Chart(alt.Data(values=[{"budget": budget}]))
    drawn = alt.layer(
        base.mark_area(opacity=0.16, color=ACCENT).encode(
            x=x, y=alt.Y("q05:Q", title="incremental outcome", axis=axis, scale=alt.Scale(zero=False)), y2="q95:Q"
        ),
        base.mark_line(color=ACCENT, strokeWidth=1.8, point=alt.OverlayMarkDef(size=18)).encode(x=x, y="mean:Q"),
        mark.mark_rule(color=WARM, strokeDash=[4, 3]).encode(x="budget:Q"),
    )
    return _svg(drawn.properties(width=430, height=200))


def svg_of(chart: Any) -> bytes:
    """A chart as SVG text."""
    return _svg(chart).encode()


def png_of(chart: Any) -> bytes:
    """A chart as PNG at one and a half pixels per point."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(_finished(chart), scale=1.5))


def _channel(
    curve: pl.DataFrame, current: float, planned: float, break_even: float | None, *, title: str | None = None
) -> Any:
    import altair as alt

    base = alt.Chart(alt.Data(values=curve.fill_nan(None).to_dicts()))
    beyond = alt.Chart(alt.Data(values=curve.filter(~pl.col("observed_range")).fill_nan(None).to_dicts()))
    money = alt.Axis(format="~s", tickCount=4)
    x = alt.X("spend:Q", title=None, axis=money)
    marks = alt.Chart(
        alt.Data(
            values=[
                {
                    "at": current,
                    "kind": "today",
                    "mean": _at(curve, "mean", current),
                    "mroas": _at(curve, "mroas", current),
                },
                {
                    "at": planned,
                    "kind": "plan",
                    "mean": _at(curve, "mean", planned),
                    "mroas": _at(curve, "mroas", planned),
                },
            ]
        )
    )
    fill = alt.Fill("kind:N", scale=alt.Scale(domain=["today", "plan"], range=["white", WARM]), legend=None)
    unseen = beyond.mark_rule(color=QUIET, strokeDash=[2, 3], opacity=0.5).encode(x="min(spend):Q")
    response = alt.layer(
        base.mark_area(opacity=0.16, color=ACCENT).encode(x=x, y=alt.Y("q05:Q", title=None, axis=money), y2="q95:Q"),
        base.mark_line(color=ACCENT, strokeWidth=1.7).encode(x=x, y="mean:Q"),
        unseen,
        marks.mark_point(filled=True, stroke=INK, strokeWidth=1, size=58, opacity=1).encode(
            x="at:Q", y="mean:Q", fill=fill
        ),
    ).properties(width=PANEL, height=TALL, **({"title": title} if title else {}))
    layers = [
        base.mark_line(color=INK, strokeWidth=1.3).encode(
            x=alt.X("spend:Q", title="spend", axis=money),
            y=alt.Y("mroas:Q", title="mROAS", axis=alt.Axis(tickCount=3), scale=alt.Scale(zero=True)),
        ),
        marks.mark_point(filled=True, stroke=INK, strokeWidth=1, size=42, opacity=1).encode(
            x="at:Q", y="mroas:Q", fill=fill
        ),
    ]
    if break_even is not None:
        line = alt.Chart(alt.Data(values=[{"even": break_even}]))
        layers.append(line.mark_rule(color=QUIET, strokeDash=[4, 3]).encode(y="even:Q"))
    marginal = alt.layer(*layers).properties(width=PANEL, height=SHORT)
    return alt.vconcat(response, marginal, spacing=4)


def _at(curve: pl.DataFrame, column: str, spend: float) -> float:
    import numpy as np

    rows = curve.filter(pl.col(column).is_not_nan())
    return float(np.interp(spend, rows["spend"].to_numpy(), rows[column].to_numpy()))


def _finished(chart: Any) -> dict[str, Any]:
    return dict(
        chart.configure(font=FONT, background="white")
        .configure_view(stroke=None)
        .configure_title(anchor="start", fontSize=11, fontWeight="normal", color=INK)
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            gridColor="#e6e6e9",
            domainColor=QUIET,
            tickColor=QUIET,
            titleFontWeight="normal",
        )
        .to_dict()
    )


def _svg(chart: Any) -> str:
    import vl_convert

    return str(vl_convert.vegalite_to_svg(_finished(chart)))
