"""Read a geo test: choose the estimator before looking, estimate, invert the placebos, check, judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from models.incrementality.geo.alternatives import SPEND_METHODS, block_reading, rejudged, spend_reading
from models.incrementality.geo.checks import geo_checks
from models.incrementality.geo.earlier_treatments import repaired
from models.incrementality.geo.effect_curves import Total, effect_curves, total_effect
from models.incrementality.geo.estimator import Estimator
from models.incrementality.geo.estimator_choice import Choice, choice_of
from models.incrementality.geo.geo_design import GeoDesign
from models.incrementality.geo.outliers import outlier_warning
from models.incrementality.geo.overlap import Neighbour, overlaps
from models.incrementality.geo.panel import GeoPanel, PanelError, day_of
from models.incrementality.geo.placebo import PlaceboRead, placebo_read, reference_sets
from models.incrementality.geo.plan_departures import departures_from, levels_instead
from models.incrementality.geo.return_on_spend import ExtraSpend, Profit, extra_spend, iroas, profit
from models.incrementality.geo.spillover import spillover
from models.incrementality.geo.window import GeoTest, named
from models.incrementality.inversion import Inversion, exact_alpha, normal_quantile, rank_form, t_form, usual_form
from models.incrementality.ratio_interval import Ratio
from models.incrementality.result import Check, LiftResult
from models.incrementality.verdict import USUAL_RELEVANT_LIFT, Judgement, judge
from models.warning import Warning


def read_geo(
    panel: pl.DataFrame | pl.LazyFrame | GeoPanel,
    treated: Sequence[object] | GeoDesign,
    *,
    start: date,
    end: date,
    method: str = "auto",
    level: float = 0.9,
    seed: int,
    exclude: Sequence[object] = (),
    cooldown: int = 0,
    lag: int = 0,
    margin: float | None = None,
    relevant_lift: float | None = None,
    randomised: bool | None = None,
    holdback: bool = False,
    inference: Literal["placebo", "blocks"] = "placebo",
    neighbours: Sequence[Neighbour] = (),
    earlier: Sequence[Neighbour] = (),
    nearby: Sequence[object] = (),
    allow_negative: bool = False,
) -> LiftResult:
    """Incremental KPI that a test caused in its treated geos between `start` and `end` (plus `cooldown` periods).

    `treated` names geos or is a frozen `GeoDesign`: its geos, exclusions and method are used, and every departure from
    its plan becomes a warning. `panel` holds geo, date, kpi[, spend]; all geos that are neither treated nor in
    `exclude` are controls, all periods before `start` the pre-period, and auto looks at nothing else. `method` is
    "auto" (on logarithms only where every KPI until the window's end is above zero), the name of an `Estimator`, or
    "gbr" or "trimmed_match", which read iROAS from spend by geo. The range is
    effect at `level`, from studentised placebos in space: each set of as many controls is read in the same way
    (`inference="blocks"` permutes blocks of days instead). `margin` (contribution per unit of KPI) adds profit;
    `relevant_lift` is the smallest lift that would change a decision (unset: break-even if spend and margin are known,
    else 5 %). `randomised` says how the treated geos were picked, None for unknown; in a `holdback` the controls are
    the ones whose spend was changed. `neighbours` are other tests and events on the calendar, `earlier`
    tests in some geos before `start`, whose effect is taken off the history (`repaired`). `nearby` are controls that
    border on treated geos (`donor_ring` finds them): they are checked for spill-over. `seed` matters only when the sets
    are too many to enumerate.
    Raises PanelError naming geo and day when the panel or the window cannot be read.
    """
    exact_alpha(level)
    start, end = day_of(start, "start"), day_of(end, "end")
    data = panel if isinstance(panel, GeoPanel) else GeoPanel.from_frame(panel, allow_negative=allow_negative)
    departures: list[Warning] = []
    planned_method = None
    if isinstance(treated, GeoDesign):
        departures = departures_from(treated, data, start=start, end=end, method=method, level=level, cooldown=cooldown)
        further = (geo for geo in named(exclude, "exclude") if str(geo) not in set(treated.excluded))
        exclude = (*treated.excluded, *further)
        planned_method = treated.plan.method
        method = planned_method if method == "auto" else method
        holdback = holdback or treated.kind == "holdback"
        treated = treated.treated
    history, repairs = repaired(data, earlier, data.column_of(start, "start"))
    test = GeoTest.on(history, treated, start=start, end=end, exclude=exclude, cooldown=cooldown, lag=lag)
    if planned_method and method == planned_method and method.endswith("_log") and not test.positive:
        method = method.removesuffix("_log")
        departures.append(levels_instead(planned_method, [data.geos[row] for row in test.treated]))
    if margin is not None and not margin > 0:
        raise ValueError(f"margin={margin}: a contribution margin per unit of KPI is above zero, e.g. 0.62")
    if inference not in ("placebo", "blocks"):
        raise ValueError(f"inference={inference!r}: placebo or blocks")
    choice = choice_of(test, "auto" if method in SPEND_METHODS else method, seed)
    read, inversion, other = placebo_inference(test, choice.estimator, level, seed)
    total = total_effect(test, read, inversion.critical)
    money = _money(test, read, inversion, total, margin, level, holdback)
    relevant, why = _relevant(total, money, margin, relevant_lift)
    reach = inversion.critical * read.spread
    checks = [*geo_checks(test, read, reach, level, holdback=holdback), *_spillover(test, read, nearby, reach, seed)]
    judgement = judge(
        ", ".join(data.geos[row] for row in test.treated),
        checks,
        effect=total.effect,
        low=total.low,
        high=total.high,
        p_value=inversion.p_value,
        level=level,
        relevant=relevant,
        relevant_reason=why,
        further=[
            *departures,
            *repairs,
            *_overlaps(test, neighbours, start, end),
            *_further(test, read, money, randomised),
            *outlier_warning(test),
        ],
    )
    result = _result(test, choice, read, inversion, other, total, money, judgement, level, seed, start, end)
    result = replace(result, data_sha256=data.sha256())  # of what was delivered, not of what was repaired
    if method in SPEND_METHODS:
        return rejudged(result, spend_reading(test, method, level), relevant, why, normal_quantile(level))
    if inference == "blocks":
        return rejudged(result, block_reading(test, read, total, level), relevant, why, normal_quantile(level))
    return result


def _overlaps(test: GeoTest, neighbours: Sequence[Neighbour], start: date, end: date) -> list[Warning]:
    geos = test.panel.geos
    return overlaps(neighbours, [geos[r] for r in test.treated], [geos[r] for r in test.donors], start, end)


def _spillover(test: GeoTest, read: PlaceboRead, nearby: Sequence[object], half_width: float, seed: int) -> list[Check]:
    rows = test.panel.rows_of(named(nearby, "nearby"), "nearby")
    if tested := [row for row in rows if row in test.treated]:
        raise PanelError(f"geo {test.panel.geos[tested[0]]!r} is both treated and nearby: nearby ones are controls")
    rows = [row for row in rows if row in test.donors]
    return [spillover(test, read, rows, half_width, seed)] if rows else []


def placebo_inference(
    test: GeoTest, estimator: Estimator, level: float, seed: int
) -> tuple[PlaceboRead, Inversion, Inversion]:
    """Fit, and both readings of the placebos: the form that their number allows first, the other second."""
    kpi = test.panel.kpi[:, : test.last + 1]
    sets, enumerated = reference_sets(len(test.donors), len(test.treated), seed)
    read = placebo_read(
        kpi[list(test.treated)], kpi[list(test.donors)], test.pre, test.post, estimator, sets, enumerated=enumerated
    )
    forms = {
        "rank": rank_form(read.statistic, read.placebos.studentised, level),
        "t": t_form(read.statistic, read.placebos.studentised, level),
    }
    used = usual_form(sets.shape[0], level)
    return read, forms[used], forms["t" if used == "rank" else "rank"]


class _Money:
    """What spend adds to a read: extra spend, iROAS and, with a margin, profit."""

    def __init__(self, spend: ExtraSpend | None, ratio: Ratio | None, gain: Profit | None) -> None:
        self.spend, self.ratio, self.gain = spend, ratio, gain


def _money(
    test: GeoTest,
    read: PlaceboRead,
    inversion: Inversion,
    total: Total,
    margin: float | None,
    level: float,
    holdback: bool,
) -> _Money:
    spend = test.panel.spend
    if spend is None:
        return _Money(None, None, None)
    used = spend[:, : test.last + 1]
    tested, controls = used[list(test.treated)], used[list(test.donors)]
    extra = extra_spend(tested, controls, test.pre, test.post, read, inversion.critical, holdback=holdback)
    gain = None
    if margin is not None:
        gain = profit(total.effect, total.low, total.high, extra, margin, normal_quantile(level))
    return _Money(extra, iroas(total.effect, total.low, total.high, extra), gain)


def _relevant(total: Total, money: _Money, margin: float | None, lift: float | None) -> tuple[float, str]:
    if lift is not None:
        if lift <= 0:
            raise ValueError(f"relevant_lift={lift}: the smallest lift of interest is above zero, e.g. 0.03 for 3 %")
        return abs(lift * total.counterfactual), f"{lift:.1%} of the KPI, the smallest lift of interest"
    if margin is not None and money.spend is not None and money.spend.total:
        return abs(money.spend.total) / margin, "what pays back the spend"
    return abs(USUAL_RELEVANT_LIFT * total.counterfactual), f"{USUAL_RELEVANT_LIFT:.0%} of the KPI"


def _further(test: GeoTest, read: PlaceboRead, money: _Money, randomised: bool | None) -> list[Warning]:
    subject = ", ".join(test.panel.geos[row] for row in test.treated)
    warnings = []
    if randomised is False:
        warnings.append(
            Warning(
                "not_randomised",
                "medium",
                subject,
                "The tested geos were picked by hand, so they may differ from the controls in unmeasured ways.",
                "Draw the next test's geos at random among the designs that qualify.",
            )
        )
    if read.sets.shape[1] < len(test.treated):
        warnings.append(
            Warning(
                "few_controls",
                "medium",
                subject,
                f"{len(test.treated)} geos were tested beside {len(test.donors)} controls, so the"
                " range comes from placebo"
                f" tests of {read.sets.shape[1]} geos: it is wider than it need be.",
                "Treat fewer geos, or add controls.",
            )
        )
    elif len(test.donors) < 9:
        warnings.append(
            Warning(
                "few_controls",
                "low",
                subject,
                f"Only {len(test.donors)} control geos: the range rests on few placebo tests.",
                "Add comparable control geos.",
            )
        )
    if money.ratio is not None and not money.ratio.bounded:
        warnings.append(
            Warning(
                "iroas_unbounded",
                "low",
                subject,
                "The extra spend of this test cannot be distinguished from zero, so the data cannot bound a"
                " return per unit of spend.",
                "Use the incremental KPI, or check that the spend of the test reached the panel.",
            )
        )
    return warnings


def _result(
    test: GeoTest,
    choice: Choice,
    read: PlaceboRead,
    used: Inversion,
    other: Inversion,
    total: Total,
    money: _Money,
    judgement: Judgement,
    level: float,
    seed: int,
    start: date,
    end: date,
) -> LiftResult:
    geos = test.panel.geos
    other_total = total_effect(test, read, other.critical)
    gain, ratio = money.gain, money.ratio
    return LiftResult(
        effect=total.effect,
        low=total.low,
        high=total.high,
        level=level,
        relative=total.share(total.effect),
        relative_low=total.share(total.low),
        relative_high=total.share(total.high),
        att=total.effect / (len(test.treated) * test.periods),
        p_value=used.p_value,
        iroas=ratio.point if ratio else None,
        iroas_low=ratio.low if ratio else None,
        iroas_high=ratio.high if ratio else None,
        verdict=judgement.verdict,
        warnings=judgement.warnings,
        method=read.estimator.name,
        reasons=(*judgement.reasons, *((choice.reason + ".",) if choice.errors else ())),
        grade=judgement.grade,
        se=(total.high - total.low) / 2 / normal_quantile(level),
        design="geo",
        inference=f"studentised placebos in space, {used.form} form, {read.sets.shape[0]} sets"
        + ("" if read.enumerated else f" drawn with seed {seed}"),
        actual=total.actual,
        counterfactual=total.counterfactual,
        seed=seed,
        data_sha256=test.panel.sha256(),
        spend=money.spend.total if money.spend else None,
        profit=gain.point if gain else None,
        profit_low=gain.low if gain else None,
        profit_high=gain.high if gain else None,
        profit_chance=gain.chance if gain else None,
        treated=tuple(geos[row] for row in test.treated),
        start=start,
        end=end,
        grain=test.panel.grain,
        periods=test.periods,
        checks=judgement.checks,
        curves=effect_curves(test, read, level, used.form),
        placebos=_placebo_frame(test, read),
        weights=pl.DataFrame({"geo": [geos[row] for row in test.donors], "weight": read.treated.weights[0]}),
        selection=_selection_frame(choice),
        other_form={
            "form": other.form,
            "p_value": other.p_value,
            "low": other_total.low,
            "high": other_total.high,
            "statistic": read.statistic,
        },
    )


def _placebo_frame(test: GeoTest, read: PlaceboRead) -> pl.DataFrame:
    geos = np.array([test.panel.geos[row] for row in (*test.donors, *test.treated)], dtype=object)
    return pl.DataFrame(
        {
            "name": [" + ".join(geos[members]) for members in read.sets],
            "tau": read.placebos.tau,
            "t": read.placebos.studentised,
        }
    )


def _selection_frame(choice: Choice) -> pl.DataFrame:
    names = list(choice.errors)
    return pl.DataFrame(
        {
            "candidate": names,
            "error_percent": [choice.errors[name] for name in names],
            "chosen": [name == choice.estimator.name for name in names],
        },
        schema={"candidate": pl.String, "error_percent": pl.Float64, "chosen": pl.Boolean},
    )
