"""Agreement of tests and model: each test against the model fitted without it, and errors widened by age and distance.

Nothing here changes a fit. The fit without any test is returned as well, because evidence that is combined elsewhere
with the same tests must not contain them already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date

import numpy as np
import polars as pl

from models.mmm.checks.predictive_tail import tail_probability
from models.mmm.fitting.fit import fit
from models.mmm.model.lift_tests import Experiment, calibrate
from models.mmm.panel.error import MMMError
from models.mmm.panel.panel import MMMData
from models.mmm.result.contributions import media_sums
from models.mmm.result.fit import REPORT_DRAWS, MMMFit
from models.mmm.spec import MMMSpec
from models.warning import Warning

CONTRADICTS = 0.05  # two-sided probability, under the model without a test, of a value as far out as the test's
BLUNT = 3.0  # an interval of the model that is this many times wider than the test's cannot contradict it
DRAWS = 1000
NO_RETURN = 1e-9  # iROAS below which a ratio of two returns is rounding


@dataclass(frozen=True, eq=False)
class ExperimentCheck:
    """Result of leaving tests out.

    table: experiment, channels, estimand, reading, value, se, predicted, predicted_sd, tail, verdict, in the test's own
    units; `predicted` comes from the fit that holds every other test, `tail` is the two-sided probability, by its
    draws, of a value as far out as the test's. verdict is `agrees`, `contradicts` or `cannot
    tell` (the model without the test is too vague). reading says whether the test was read in its own window or, lying
    outside the data, in steady state. `without` is the fit that holds no test at all.
    """

    table: pl.DataFrame
    without: MMMFit
    warnings: tuple[Warning, ...]


def leave_one_experiment_out(
    data: MMMData, spec: MMMSpec | None = None, experiments: Sequence[Experiment] = (), *, seed: int
) -> ExperimentCheck:
    """Refit without each test and predict it. About 95 of 100 unbiased tests agree.

    Raises ValueError without experiments. Takes one fit per test, and one more without any.
    """
    if not experiments:
        raise MMMError("experiments=(): there is no test to leave out")
    spec = spec or MMMSpec()
    without = fit(data, spec, seed=seed)
    judged, warnings = [], []
    for left_out in experiments:
        rest = [e for e in experiments if e.name != left_out.name]
        other = fit(data, spec, experiments=rest, seed=seed) if rest else without
        judged.append(_judged(other, left_out))
        if not other.converged:
            warnings.append(
                Warning(
                    "not_converged",
                    "high",
                    left_out.name,
                    f"The fit without the test {left_out.name} did not converge, so its verdict means nothing.",
                    "Sample longer (mmm.draws in plumbline.yaml) or simplify the model.",
                )
            )
    return _checked(without, judged, warnings)


def against_experiments(without: MMMFit, experiments: Sequence[Experiment]) -> ExperimentCheck:
    """Each test held against one fit that holds no test at all: needs no further fit, and no test helps another.

    Raises ValueError without experiments, and for a fit that already holds tests.
    """
    if not experiments:
        raise MMMError("experiments=(): there is no test to compare the model with")
    if without.experiments:
        names = ", ".join(e.name for e in without.experiments)
        raise MMMError(f"the fit holds tests already ({names}): give the fit without any")
    return _checked(without, [_judged(without, test) for test in experiments], [])


def _judged(other: MMMFit, test: Experiment) -> tuple[tuple[object, ...], Warning | None]:
    """A row of the table and, where they contradict each other, the finding; `other` does not hold the test."""
    predicted = predicted_lift(other, test)
    se = test.se * test.inflation
    spread = float(predicted.std(ddof=1))
    tail = tail_probability(predicted, test.value, se)
    verdict = "contradicts" if tail < CONTRADICTS else ("cannot tell" if spread > BLUNT * se else "agrees")
    row = (
        test.name,
        ", ".join(test.channels),
        test.estimand,
        _reading(other.data, test),
        test.value,
        se,
        float(predicted.mean()),
        spread,
        tail,
        verdict,
    )
    return row, _contradiction(test, float(np.median(predicted)), tail) if verdict == "contradicts" else None


def _checked(
    without: MMMFit, judged: Sequence[tuple[tuple[object, ...], Warning | None]], more: Sequence[Warning]
) -> ExperimentCheck:
    columns = [
        "experiment",
        "channels",
        "estimand",
        "reading",
        "value",
        "se",
        "predicted",
        "predicted_sd",
        "tail",
        "verdict",
    ]
    table = pl.DataFrame([row for row, _ in judged], schema=columns, orient="row")
    return ExperimentCheck(table, without, (*(w for _, w in judged if w), *more))


def predicted_lift(fitted: MMMFit, test: Experiment, *, most: int = DRAWS) -> np.ndarray:
    """Draws (D,) of what `fitted` expects the test to find, in the test's units (KPI, or money back per money).

    `most` is how many draws are used at most; with REPORT_DRAWS they are the very draws of `fitted.roas_draws()`.
    """
    design = fitted.design
    unit = test.model_copy(update={"value": 1.0})  # its scaled value is what one unit of the estimand means
    tests = calibrate(fitted.data, design.media, design.scales, [unit])
    draws = fitted.draws.thin(most)
    lift = np.zeros(draws.count)
    for i, (_, channel, observed) in enumerate(tests.pairs):
        c, weight = int(channel), tests.weights[i]
        cells = weight != 0
        labels = np.where(cells, 0, -1)
        scale = float((weight[cells] / np.broadcast_to(design.scales.size[:, None], cells.shape)[cells]).mean())
        other = design.media.copy()
        other[c] = tests.control_media[i]
        gap = -media_sums(design, draws, other, labels, 1)[:, 0, c]
        if observed:
            gap = gap + media_sums(design, draws, design.media, labels, 1)[:, 0, c]
        lift += scale * gap
    return np.asarray(lift / (tests.values[0, 0] * design.scales.kpi))


def captured_return(fitted: MMMFit, test: Experiment) -> np.ndarray:
    """Draws (D,) of what a test of one channel reads as iROAS over the channel's iROAS of the window.

    Row by row the same draws as `fitted.roas_draws()`, so that carryover, curve and level of a draw stay together. 1
    where the test measures the average return of the window in full; less where effect falls after the test or a
    doubling runs into saturation. A draw without any effect has no such ratio and takes the median of the others.
    Raises ValueError for a test of several channels, one that the model cannot place (see `Experiment`), and where no
    draw has a ratio.
    """
    if len(test.channels) != 1 or test.estimand != "iroas":
        raise MMMError(f"experiment {test.name!r}: a captured return needs one channel and the estimand iroas")
    returns = fitted.roas_draws()[:, fitted.data.channels.index(test.channels[0])]
    read = predicted_lift(fitted, test, most=REPORT_DRAWS)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(np.abs(returns) > NO_RETURN, read / returns, np.nan)
    usable = np.isfinite(ratio)
    if not usable.any():
        raise MMMError(f"experiment {test.name!r}: {test.channels[0]} has no effect in any draw of the model")
    return np.where(usable, ratio, np.median(ratio[usable]))


def widened(
    experiments: Sequence[Experiment],
    data: MMMData,
    *,
    as_of: Date,
    half_life_weeks: float = 52.0,
    quality: Mapping[str, float] | None = None,
) -> tuple[tuple[Experiment, ...], pl.DataFrame]:
    """The tests with their errors widened for age, distance of spend and quality, and each reason as a figure.

    Table: experiment, se, recency, spend_gap, quality, inflation, se_used with inflation = quality * sqrt(1 + recency +
    spend_gap). recency = 2^(age / half-life) - 1; spend_gap is how far the tested daily spend lies from the usual one,
    larger over smaller less 1; `quality` (1 = randomised and well powered) is the analyst's, by test's name. An
    `inflation` already given is kept as a further factor. Source: Meridian's calibration guide, without its correction
    for duration, which the likelihood of the windowed lift makes unnecessary.
    """
    quality = quality or {}
    unknown = sorted(set(quality) - {e.name for e in experiments})
    if unknown:
        raise MMMError(f"quality names {unknown[0]!r}; the tests are {', '.join(e.name for e in experiments)}")
    rows, out = [], []
    for test in experiments:
        age = (as_of - test.end).days
        if age < 0:
            raise MMMError(f"experiment {test.name!r} ends on {test.end}, after {as_of}: it is not finished")
        if quality.get(test.name, 1.0) < 1:
            raise MMMError(
                f"quality[{test.name!r}]={quality[test.name]}: below 1 would make the test more certain than it is"
            )
        recency = 2 ** (age / (7 * half_life_weeks)) - 1
        gap = _spend_gap(data, test)
        factor = test.inflation * quality.get(test.name, 1.0) * float(np.sqrt(1 + recency + gap))
        out.append(test.model_copy(update={"inflation": factor}))
        rows.append((test.name, test.se, recency, gap, quality.get(test.name, 1.0), factor, test.se * factor))
    columns = ["experiment", "se", "recency", "spend_gap", "quality", "inflation", "se_used"]
    return tuple(out), pl.DataFrame(rows, schema=columns, orient="row")


def _days(data: MMMData) -> float:
    return {"day": 1.0, "week": 7.0, "month": 30.4375}[data.grain] * len(data.dates)


def _reading(data: MMMData, test: Experiment) -> str:
    inside = data.dates[0] <= test.end and test.start <= data.dates[-1]
    plan_window = inside and (test.spend is None or _overlap(data, test) >= 0.9)
    return "window" if plan_window else "steady state"


def _overlap(data: MMMData, test: Experiment) -> float:
    first, last = data.dates[0].toordinal(), data.dates[0].toordinal() + _days(data)
    covered = min(test.end.toordinal() + 1, last) - max(test.start.toordinal(), first)
    return float(covered / ((test.end - test.start).days + 1))


def _inside(data: MMMData, test: Experiment) -> np.ndarray:
    when = np.array([test.start <= d <= test.end for d in data.dates])
    where = np.ones(len(data.geos), dtype=bool) if test.geos is None else np.isin(data.geos, test.geos)
    return np.outer(where, when)


def _spend_gap(data: MMMData, test: Experiment) -> float:
    tested = [data.channels.index(c) for c in test.channels if c in data.channels]
    if not tested:
        return 0.0
    days = (test.end - test.start).days + 1
    where = np.ones(len(data.geos), dtype=bool) if test.geos is None else np.isin(data.geos, test.geos)
    usual = float(data.spend[where][:, :, tested].sum()) / _days(data)
    within = float(data.spend[_inside(data, test)][:, tested].sum()) / days
    daily = test.spend / days if test.spend is not None else max(within, test.control_spend / days)
    if daily <= 0 or usual <= 0:
        return 0.0
    return max(daily, usual) / min(daily, usual) - 1


def _contradiction(test: Experiment, predicted: float, tail: float) -> Warning:
    return Warning.about(
        "experiment_not_predicted",
        "high",
        test.channels,
        f"Without the test {test.name} the model expects {predicted:,.4g}, the test found {test.value:,.4g}"
        f" (chance of such a gap: {tail:.1%}): model and test do not describe the same channel.",
        f"Check window, regions and units of {test.name}; if right, repeat the test and look for hidden demand.",
    )
