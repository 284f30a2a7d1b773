"""Read an intervention in one series without a control group: the weakest tier of evidence, and labelled as such."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from models.incrementality.geo.panel import GeoPanel, PanelError, collected, day_of
from models.incrementality.inversion import normal_quantile
from models.incrementality.ratio_interval import ratio_interval
from models.incrementality.result import Check, LiftResult
from models.incrementality.series.bsts import TailReading, forecast, tail_reading
from models.incrementality.verdict import USUAL_RELEVANT_LIFT, Judgement, judge
from models.warning import Warning

PLACEBO_ALPHA = 0.05


def read_series(
    series: pl.DataFrame | pl.LazyFrame,
    *,
    start: date,
    end: date,
    controls: Sequence[str] = (),
    level: float = 0.9,
    seed: int,
    draws: int = 4_000,
    season: int | None = None,
    spend: float | None = None,
    margin: float | None = None,
    relevant_lift: float | None = None,
    name: str = "series",
) -> LiftResult:
    """Incremental KPI of an intervention from a structural time series, when nothing was held out.

    `series` holds date, kpi and the `controls`: columns the intervention cannot have moved. `season` is the length of
    a repeating cycle in periods (7 for weekdays). The range is the posterior predictive one of the total. Whatever
    else happened on the start day is counted as effect, hence grade C and the warning `weakest_tier` on every result.
    Raises PanelError as a geo panel does, and for a control that is missing or incomplete.
    """
    window = _Window.of(collected(series), controls, day_of(start, "start"), day_of(end, "end"))
    predicted = forecast(
        window.before, window.controls_before, window.controls_during, seed=seed, draws=draws, season=season
    )
    read = tail_reading(predicted.effects(window.during), level)
    actual = float(window.during.sum())
    relevant = abs((relevant_lift or USUAL_RELEVANT_LIFT) * (actual - read.point))
    judgement = judge(
        name,
        [_placebo_in_time(window, seed, draws, season, read)],
        effect=read.point,
        low=read.low,
        high=read.high,
        p_value=read.p_value,
        level=level,
        relevant=relevant,
        relevant_reason=f"{relevant_lift or USUAL_RELEVANT_LIFT:.0%} of the KPI",
        further=[_weakest_tier(name, controls)],
    )
    return _result(
        window, predicted.paths, read, judgement, level, seed, spend, margin, name, controls, predicted.inclusion
    )


class _Window:
    """The series cut at the intervention."""

    def __init__(self, panel: GeoPanel, kpi: np.ndarray, controls: np.ndarray, first: int, last: int) -> None:
        self.panel, self.first, self.last = panel, first, last
        self.before, self.during = kpi[:first], kpi[first : last + 1]
        self.controls_before, self.controls_during = controls[:first], controls[first : last + 1]

    @classmethod
    def of(cls, series: pl.DataFrame, controls: Sequence[str], start: date, end: date) -> _Window:
        if lacking := [column for column in ("date", "kpi", *controls) if column not in series.columns]:
            raise PanelError(f"the series has no column {', '.join(lacking)} (it has {', '.join(series.columns)})")
        stacked = [
            series.select(pl.lit(column).alias("geo"), "date", pl.col(column).cast(pl.Float64).alias("kpi"))
            for column in ("kpi", *controls)
        ]
        panel = GeoPanel.from_frame(pl.concat(stacked), allow_negative=True)
        if end < start:
            raise PanelError(f"the window ends on {end}, before it starts on {start}")
        first, last = panel.column_of(start, "start"), panel.column_of(end, "end")
        kpi = panel.kpi[panel.geos.index("kpi")]
        rows = [panel.geos.index(column) for column in controls]
        return cls(panel, kpi, panel.kpi[rows].T.reshape(kpi.size, len(rows)), first, last)


def _placebo_in_time(window: _Window, seed: int, draws: int, season: int | None, read: TailReading) -> Check:
    """The same read on the last stretch before the intervention, where nothing was done."""
    length = min(window.during.size, window.first // 3)
    cut = window.first - length
    if cut < 20 or (season and cut < 2 * season):
        return Check(
            "placebo_in_time", True, False, float("nan"), PLACEBO_ALPHA, "no history to try it on", "Deliver more."
        )
    earlier = forecast(
        window.before[:cut],
        window.controls_before[:cut],
        window.controls_before[cut:],
        seed=seed,
        draws=draws,
        season=season,
    )
    placebo = tail_reading(earlier.effects(window.before[cut:]), 0.9)
    per_period = abs(placebo.point) / length
    half_width = (read.high - read.low) / 2 / window.during.size
    return Check(
        "placebo_in_time",
        placebo.p_value > PLACEBO_ALPHA,
        per_period > half_width,
        placebo.p_value,
        PLACEBO_ALPHA,
        f"the same read on the {length} periods before the intervention finds an effect where nothing was done"
        f" (p = {placebo.p_value:.3f})",
        "Find what changed then and add it as a control, or run a test with a control group.",
    )


def _weakest_tier(name: str, controls: Sequence[str]) -> Warning:
    return Warning(
        "weakest_tier",
        "high",
        name,
        "There was no control group: whatever else changed on the start day is counted as effect"
        + (". Nor are there controls." if not controls else f", unless it shows in {', '.join(controls)}."),
        "Use it as a hint. Hold out regions or users next time.",
    )


def _result(
    window: _Window,
    paths: np.ndarray,
    read: TailReading,
    judgement: Judgement,
    level: float,
    seed: int,
    spend: float | None,
    margin: float | None,
    name: str,
    controls: Sequence[str],
    inclusion: np.ndarray,
) -> LiftResult:
    actual = float(window.during.sum())
    ratio = ratio_interval(read.point, (read.low, read.high), spend) if spend else None
    cost = spend or 0.0

    def share(effect: float) -> float:
        return effect / (actual - effect) if actual != effect else float("nan")

    return LiftResult(
        effect=read.point,
        low=read.low,
        high=read.high,
        level=level,
        relative=share(read.point),
        relative_low=share(read.low),
        relative_high=share(read.high),
        att=read.point / window.during.size,
        p_value=read.p_value,
        iroas=ratio.point if ratio else None,
        iroas_low=ratio.low if ratio else None,
        iroas_high=ratio.high if ratio else None,
        verdict=judgement.verdict,
        warnings=judgement.warnings,
        method="structural_series",
        reasons=judgement.reasons,
        grade="C",
        se=(read.high - read.low) / 2 / normal_quantile(level),
        design="time_series",
        inference=f"posterior predictive, {paths.shape[0]} draws with seed {seed}",
        actual=actual,
        counterfactual=actual - read.point,
        seed=seed,
        data_sha256=window.panel.sha256(),
        spend=spend,
        profit=margin * read.point - cost if margin is not None else None,
        profit_low=margin * read.low - cost if margin is not None else None,
        profit_high=margin * read.high - cost if margin is not None else None,
        treated=(name,),
        start=window.panel.dates[window.first],
        end=window.panel.dates[window.last],
        grain=window.panel.grain,
        periods=window.during.size,
        checks=judgement.checks,
        curves=_curves(window, paths, level),
        weights=pl.DataFrame(
            {"control": list(controls), "inclusion": inclusion}, schema={"control": pl.String, "inclusion": pl.Float64}
        ),
    )


def _curves(window: _Window, paths: np.ndarray, level: float) -> pl.DataFrame:
    """The window by period: actual, counterfactual, effect and cumulated effect with pointwise ranges."""
    daily = window.during - paths
    cumulated = daily.cumsum(axis=1)
    outer = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(daily, outer, axis=0)
    cumulative_low, cumulative_high = np.quantile(cumulated, outer, axis=0)
    return pl.DataFrame(
        {
            "day": window.panel.dates[window.first : window.last + 1],
            "phase": ["read"] * window.during.size,
            "actual": window.during,
            "counterfactual": paths.mean(axis=0),
            "effect": daily.mean(axis=0),
            "low": low,
            "high": high,
            "cumulative": cumulated.mean(axis=0),
            "cumulative_low": cumulative_low,
            "cumulative_high": cumulative_high,
        }
    )
