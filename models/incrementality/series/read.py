"""Read an intervention in one series without a control group: the weakest tier of evidence, and labelled as such."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from models.incrementality.geo.panel import collected, day_of
from models.incrementality.inversion import exact_alpha, normal_quantile
from models.incrementality.ratio_interval import ratio_interval
from models.incrementality.result import LiftResult
from models.incrementality.series.counterfactual import SeriesRead, series_read
from models.incrementality.series.window import SeriesWindow
from models.incrementality.verdict import USUAL_RELEVANT_LIFT, Judgement, judge
from models.warning import Warning

FITS = 0.95  # posterior share of models with a control from which it counts as following the KPI


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
    """Incremental KPI of an intervention in one series, when nothing was held out.

    `series` holds date, kpi and the `controls`: columns the intervention cannot have moved. `season` is the length of
    a repeating cycle in periods (7 for weekdays). The range is the predictive one of the total, with the noise's
    memory and drift integrated out, and as much wider as the same read missed on up to five earlier windows
    (`placebos`, `other_form["placebo_factor"]`). It is invalid where those reads missed by more than 1.5 times, or
    could not be made and no control follows the KPI. A structural series with a tight level (seeded, `draws` paths) is
    used instead where a control, the placebos and the grid all speak for it. Whatever else happened on the start day
    is counted as effect, hence grade C and the warning `weakest_tier` on every result. At most 400 periods before the
    window are read. Raises PanelError as a geo panel does, for a control that is missing, incomplete or constant, and
    for too short a history.
    """
    exact_alpha(level)  # refuses an impossible level before anything is computed
    window = SeriesWindow.of(collected(series), controls, day_of(start, "start"), day_of(end, "end"), season)
    read = series_read(window, level=level, seed=seed, draws=draws)
    fitting = [column for column, share in zip(controls, read.inclusion, strict=True) if share >= FITS]
    actual = float(window.during.sum())
    relevant = relevant_lift or USUAL_RELEVANT_LIFT
    judgement = judge(
        name,
        [read.placebos.check(fitting)],
        effect=read.effect,
        low=read.low,
        high=read.high,
        p_value=read.p_value,
        level=level,
        relevant=abs(relevant * (actual - read.effect)),
        relevant_reason=f"{relevant:.0%} of the KPI",
        further=[_weakest_tier(name, controls)],
    )
    return _result(window, read, judgement, level, seed, spend, margin, name, controls)


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
    window: SeriesWindow,
    read: SeriesRead,
    judgement: Judgement,
    level: float,
    seed: int,
    spend: float | None,
    margin: float | None,
    name: str,
    controls: Sequence[str],
) -> LiftResult:
    actual = float(window.during.sum())
    ratio = ratio_interval(read.effect, (read.low, read.high), spend) if spend else None
    cost = spend or 0.0
    history = window.panel.dates[window.skipped :]

    def share(effect: float) -> float:
        return effect / (actual - effect) if actual != effect else float("nan")

    return LiftResult(
        effect=read.effect,
        low=read.low,
        high=read.high,
        level=level,
        relative=share(read.effect),
        relative_low=share(read.low),
        relative_high=share(read.high),
        att=read.effect / window.length,
        p_value=read.p_value,
        iroas=ratio.point if ratio else None,
        iroas_low=ratio.low if ratio else None,
        iroas_high=ratio.high if ratio else None,
        verdict=judgement.verdict,
        warnings=tuple(sorted(judgement.warnings, key=lambda warning: warning.code != "weakest_tier")),
        method=read.method,
        reasons=judgement.reasons,
        grade="C",
        se=(read.high - read.low) / 2 / normal_quantile(level),
        design="time_series",
        inference=read.inference,
        actual=actual,
        counterfactual=actual - read.effect,
        seed=seed,
        data_sha256=window.panel.sha256(),
        spend=spend,
        profit=margin * read.effect - cost if margin is not None else None,
        profit_low=margin * read.low - cost if margin is not None else None,
        profit_high=margin * read.high - cost if margin is not None else None,
        treated=(name,),
        start=window.panel.dates[window.first],
        end=window.panel.dates[window.last],
        grain=window.panel.grain,
        periods=window.length,
        checks=judgement.checks,
        curves=read.curves,
        placebos=pl.DataFrame(
            [(f"from {history[p.cut]}", p.error, p.standardised) for p in read.placebos.placebos],
            schema={"name": pl.String, "tau": pl.Float64, "t": pl.Float64},
            orient="row",
        ),
        weights=pl.DataFrame(
            {"control": list(controls), "inclusion": read.inclusion},
            schema={"control": pl.String, "inclusion": pl.Float64},
        ),
        other_form={"placebo_factor": read.factor, "tight_level": read.tight},
    )
