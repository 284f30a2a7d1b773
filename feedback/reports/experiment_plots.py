"""Pictures of a test before and after it: what it could find, and how it compares with regions where nothing was done.

The path of a test, actual against what would have happened, is `plots.experiment`.
"""

from __future__ import annotations

import math

import polars as pl

from feedback.reports.plots import ACCENT, INK, QUIET, WARM, _data, _png, _title


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

    finite = frame.filter(pl.col("t").is_finite()).select("t")
    bars = (
        alt.Chart(_data(finite))
        .mark_bar(color=QUIET)
        .encode(
            x=alt.X("t:Q", bin=alt.Bin(maxbins=40), title="effect in units of its own noise before the test"),
            y=alt.Y("count():Q", title="sets of controls"),
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
