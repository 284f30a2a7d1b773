"""Pictures of a test before and after it: what it could find, and how it compares with regions where nothing was done.

The path of a test, actual against what would have happened, is `plots.experiment`.
"""

from __future__ import annotations

import math

import polars as pl

from feedback.reports.asset_plots import ACCENT, INK, QUIET, WARM, _data, _png, _title


def power_curve(frame: pl.DataFrame, *, mde: float, power: float) -> bytes:
    """Chance to find a lift, by its size. Columns: lift, power (days of the choice), validated_power (unseen days).

    `mde` is the smallest lift that is found with the chance `power` on unseen days; infinite where none is.
    """
    import altair as alt

    long = frame.unpivot(index="lift", variable_name="days", value_name="chance").with_columns(
        pl.col("days").replace({"power": "days of the choice", "validated_power": "days nobody had seen"})
    )
    scale = alt.Scale(domain=["days nobody had seen", "days of the choice"], range=[ACCENT, QUIET])
    percent = alt.Axis(format="%")
    x = alt.X("lift:Q", title="true lift of the KPI in the tested regions", axis=percent)
    y = alt.Y("chance:Q", title="chance to find it", axis=percent, scale=alt.Scale(domain=[0, 1]))
    colour = alt.Color("days:N", scale=scale, legend=alt.Legend(title=None, symbolType="stroke"))
    layers = [alt.Chart(_data(long)).mark_line(strokeWidth=2).encode(x=x, y=y, color=colour)]
    level = pl.DataFrame({"chance": [power]})
    layers.append(alt.Chart(_data(level)).mark_rule(color=INK, strokeDash=[3, 3]).encode(y="chance:Q"))
    words = f"no lift up to {float(frame['lift'].to_numpy().max()):.0%} is found with {power:.0%} chance"
    if math.isfinite(mde):
        found = pl.DataFrame({"lift": [mde]})
        layers.append(alt.Chart(_data(found)).mark_rule(color=WARM, strokeWidth=1.6).encode(x="lift:Q"))
        words = f"a lift of {mde:.1%} is found with {power:.0%} chance (brown line)"
    return _png(alt.layer(*layers).properties(title=_title(words)))


def placebos(frame: pl.DataFrame, *, statistic: float | None, p_value: float) -> bytes:
    """The test among its placebos, each in units of its own noise. Columns: t (one row a set of controls).

    `statistic` is the tested regions' own; p is the share of sets at least as far from zero, the test counted.
    """
    import altair as alt

    own_size = statistic if statistic is not None and math.isfinite(statistic) else 0.0
    bars = (
        alt.Chart(_data(_bars(frame.filter(pl.col("t").is_finite())["t"], own_size)))
        .mark_rect(color=QUIET, stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X("begin:Q", title="effect in units of its own noise before the test"),
            x2="end:Q",
            y=alt.Y("sets:Q", title="sets of controls", axis=alt.Axis(format="d", tickMinStep=1)),
            y2="floor:Q",
        )
    )
    layers = [bars]
    if statistic is not None and math.isfinite(statistic):
        own = pl.DataFrame({"t": [statistic]})
        layers.append(alt.Chart(_data(own)).mark_rule(color=WARM, strokeWidth=2.5).encode(x="t:Q"))
    words = (
        f"the tested regions (brown) among {frame.height} sets of controls where nothing was done, p = {p_value:.3f}"
    )
    return _png(alt.layer(*layers).properties(title=_title(words)))


def _bars(values: pl.Series, own: float) -> pl.DataFrame:
    """Histogram begin, end, sets, floor (0): some 25 bars, none thinner than a sixtieth of an axis with `own`."""
    found = values.to_numpy()
    if not found.size:
        return pl.DataFrame({"begin": [0.0], "end": [0.0], "sets": [0], "floor": [0]})
    low, high = float(found.min()), float(found.max())
    width = max((high - low) / 25, (max(high, own) - min(low, own)) / 60, 1e-9)
    place = ((found - low) // width).astype(int)
    counted = pl.DataFrame({"place": place}).group_by("place").agg(pl.len().alias("sets")).sort("place")
    begin = low + pl.col("place") * width
    return counted.select(begin.alias("begin"), (begin + width).alias("end"), "sets", floor=pl.lit(0))
