"""Charts of a test: what it could detect, and how it compares with regions where nothing was done.

The path of a test, actual against counterfactual, is `asset_plots.experiment`.
"""

from __future__ import annotations

import math

import polars as pl

from feedback.reports.asset_plots import ACCENT, INK, QUIET, WARM, _data, _png, _title


def power_curve(frame: pl.DataFrame, *, mde: float, power: float) -> bytes:
    """Power by size of the lift. Columns: lift, power (days used for the choice), validated_power (unseen days).

    `mde` is the smallest lift that is detected with probability `power` on unseen days; infinite if there is none.
    """
    import altair as alt

    long = frame.unpivot(index="lift", variable_name="days", value_name="chance").with_columns(
        pl.col("days").replace({"power": "days used for the choice", "validated_power": "unseen days"})
    )
    scale = alt.Scale(domain=["unseen days", "days used for the choice"], range=[ACCENT, QUIET])
    percent = alt.Axis(format="%")
    x = alt.X("lift:Q", title="true lift of the KPI in the tested regions", axis=percent)
    y = alt.Y("chance:Q", title="power", axis=percent, scale=alt.Scale(domain=[0, 1]))
    colour = alt.Color("days:N", scale=scale, legend=alt.Legend(title=None, symbolType="stroke"))
    layers = [alt.Chart(_data(long)).mark_line(strokeWidth=2).encode(x=x, y=y, color=colour)]
    level = pl.DataFrame({"chance": [power]})
    layers.append(alt.Chart(_data(level)).mark_rule(color=INK, strokeDash=[3, 3]).encode(y="chance:Q"))
    words = f"no lift up to {float(frame['lift'].to_numpy().max()):.0%} is detected with {power:.0%} power"
    if math.isfinite(mde):
        smallest = pl.DataFrame({"lift": [mde]})
        layers.append(alt.Chart(_data(smallest)).mark_rule(color=WARM, strokeWidth=1.6).encode(x="lift:Q"))
        words = f"a lift of {mde:.1%} is detected with {power:.0%} power (brown line)"
    return _png(alt.layer(*layers).properties(title=_title(words)))


def placebos(frame: pl.DataFrame, *, statistic: float | None, p_value: float) -> bytes:
    """The test among its placebos, each in units of its own noise. Columns: t (one row per set of controls).

    `statistic` is the tested regions' own; p is the share of sets at least as far from zero, including the test.
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
    """Histogram begin, end, sets, floor (0): about 25 bars, none thinner than a sixtieth of an axis with `own`."""
    statistics = values.to_numpy()
    if not statistics.size:
        return pl.DataFrame({"begin": [0.0], "end": [0.0], "sets": [0], "floor": [0]})
    low, high = float(statistics.min()), float(statistics.max())
    width = max((high - low) / 25, (max(high, own) - min(low, own)) / 60, 1e-9)
    place = ((statistics - low) // width).astype(int)
    counted = pl.DataFrame({"place": place}).group_by("place").agg(pl.len().alias("sets")).sort("place")
    begin = low + pl.col("place") * width
    return counted.select(begin.alias("begin"), (begin + width).alias("end"), "sets", floor=pl.lit(0))
