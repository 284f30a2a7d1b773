"""One candidate of a geo test, scored: what it would detect on selection days and on unseen days, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from models.incrementality.geo.estimator import Estimator
from models.incrementality.geo.estimator_choice import choose
from models.incrementality.geo.geo_design import AnalysisPlan, GeoDesign, Kind
from models.incrementality.geo.panel import GeoPanel, PanelError
from models.incrementality.geo.published_estimators import paper_fit
from models.incrementality.geo_design.power import (
    NullWindow,
    detectable_lift,
    null_windows,
    own_noise,
    power_at,
    windows_before,
)

VALIDATION_WINDOWS = 2
SELECTION_WINDOWS = 3
SHORTEST_HISTORY = 15  # periods to fit on before the first simulated window
CURVE = tuple(round(0.01 * step, 2) for step in range(31))
CURSE = 0.10  # distance of claimed and validated power that is pointed out


@dataclass(frozen=True)
class PanelRequest:
    """What a design must satisfy, with geos as rows of the panel."""

    panel: GeoPanel
    duration: int
    kind: Kind
    level: float
    power: float
    excluded: tuple[int, ...]
    margin: float | None
    target_iroas: float | None
    seed: int
    start: date | None = None
    cooldown: int = 0


@dataclass(frozen=True)
class History:
    """Windows used for selection (`looked_at`) and validation (`kept_back`), and how many periods selection may use."""

    looked_at: tuple[tuple[int, int], ...]
    kept_back: tuple[tuple[int, int], ...]
    choice_periods: int

    @classmethod
    def split(cls, panel: GeoPanel, duration: int, used: Sequence[int]) -> History:
        """Raises PanelError when the history is too short or a geo never moves in it."""
        kept_back = _kept_back(len(panel.dates), duration)
        choice_periods = kept_back[-1][0] if kept_back else 0
        looked_at = windows_before(choice_periods, duration, SELECTION_WINDOWS, SHORTEST_HISTORY)
        if not kept_back or not looked_at:
            raise PanelError(
                f"{len(panel.dates)} periods of history are too few for a test of {duration}:"
                f" {max(SHORTEST_HISTORY, duration) + 2 * duration}"
                " are needed to choose a design and to prove it on days it was not chosen on"
            )
        _refuse_constant_history(panel, used, choice_periods)
        return cls(tuple(looked_at), tuple(kept_back), choice_periods)


def methods_by_size(
    request: PanelRequest, groups: Sequence[tuple[int, ...]], choice_periods: int
) -> dict[int, Estimator]:
    """The estimator per group size, chosen on the selection days; the first group of a size represents it."""
    chosen: dict[int, Estimator] = {}
    for group in groups:
        if len(group) not in chosen:
            history = request.panel.kpi[:, :choice_periods]
            donors = [r for r in range(history.shape[0]) if r not in set(group) | set(request.excluded)]
            picked = choose(history[list(group)], history[donors], request.duration, seed=request.seed)
            chosen[len(group)] = picked.estimator
    return chosen


def windows_of(
    request: PanelRequest, group: tuple[int, ...], windows: Sequence[tuple[int, int]], estimator: Estimator
) -> list[NullWindow]:
    """Each window read as if the group had been tested in it."""
    return null_windows(
        request.panel.kpi,
        group,
        windows,
        estimator,
        level=request.level,
        seed=request.seed,
        exclude=request.excluded,
    )


def scored(
    request: PanelRequest,
    estimator: Estimator,
    group: tuple[int, ...],
    claimed: float,
    correlation: float,
    windows: Sequence[NullWindow],
    history: History,
) -> GeoDesign:
    """The design of this group: `claimed` and `windows` use the selection days, validation the others."""
    choice_periods = history.choice_periods
    proof = windows_of(request, group, history.kept_back, estimator)
    plan = AnalysisPlan(
        request.start,
        request.duration,
        request.cooldown,
        request.panel.grain,
        estimator.name,
        request.level,
        _decision(request.level, request.margin),
    )
    panel, duration = request.panel, request.duration
    noise = own_noise([*windows, *proof])
    validated = detectable_lift(proof, request.power, noise)
    claimed = max(claimed, detectable_lift(windows, request.power, own_noise(windows)))
    controls = [r for r in range(len(panel.geos)) if r not in set(group) | set(request.excluded)]
    tested, donors = panel.kpi[list(group), :choice_periods], panel.kpi[controls, :choice_periods]
    pre = choice_periods - duration
    fit = paper_fit(tested.mean(axis=0), donors, pre, "difp")
    uniform = paper_fit(tested.mean(axis=0), donors, pre, "did")
    recent = panel.kpi[list(group), -duration:].sum()
    promised = max(validated, claimed)  # the smaller one was lucky: it was the reason to choose this group
    units = promised * float(recent)
    spend, iroas, cost = _money(request, group, controls, units)
    validated_power = power_at(proof, claimed, noise)
    reasons = [
        f"on days no choice has seen, a lift of {validated:.1%} would be found with {request.power:.0%} chance",
        f"on the days it was chosen on, {claimed:.1%} was enough",
    ]
    if abs(validated_power - request.power) > CURSE:
        luck = "winner's curse" if validated_power < request.power else "the days of the choice were the noisier ones"
        reasons.append(
            f"{luck}: at {claimed:.1%} the chance on unseen days is {validated_power:.0%}, not {request.power:.0%}"
        )
    return GeoDesign(
        treated=tuple(panel.geos[row] for row in group),
        controls=tuple(panel.geos[row] for row in controls),
        excluded=tuple(panel.geos[row] for row in request.excluded),
        kind=request.kind,
        plan=plan,
        mde=promised,
        mde_claimed=claimed,
        power=request.power,
        validated_power=validated_power,
        correlation=correlation,
        scaled_l2=fit.l2 / uniform.l2,
        share_of_kpi=float(tested.sum() / (tested.sum() + donors.sum())),
        mde_units=units,
        spend_needed=spend,
        mde_iroas=iroas,
        cost=cost,
        reasons=tuple(reasons),
        rejected=(),
        accepted=(),
        power_curve=tuple((lift, power_at(windows, lift, noise), power_at(proof, lift, noise)) for lift in CURVE),
        data_sha256=panel.sha256(),
        data_until=panel.last_day,
        seed=request.seed,
    )


def _money(
    request: PanelRequest, group: tuple[int, ...], controls: Sequence[int], units: float
) -> tuple[float | None, float | None, float | None]:
    """Spend at stake, the smallest return it would show, and the cost in margin if the effect is as hoped.

    Heavy-up: the spend whose hoped-for return is just the detectable lift; it costs what the margin does not bring
    back. Go-dark and holdback: the recent spend of those who lose it (the treated geos, in a holdback the controls) is
    saved, and the margin on its hoped-for return lost; what is read is the return on the treated geos' spend.
    """
    target, margin, spend = request.target_iroas, request.margin, request.panel.spend
    if request.kind == "heavy_up":
        if target is None:
            return None, None, None
        needed = units / target
        return needed, target, None if margin is None else needed - margin * units
    if spend is None:
        return None, None, None
    recent = spend[:, -request.duration :].sum(axis=1)
    compared = float(recent[list(group)].sum())
    saved = float(recent[list(controls)].sum()) if request.kind == "holdback" else compared
    lost = None if target is None or margin is None else margin * target * saved - saved
    return compared, units / compared if compared > 0 else None, lost


def _decision(level: float, margin: float | None) -> str:
    if margin is None:
        return f"the {level:.0%} range of the effect decides: above zero scale, holding zero and large effects repeat"
    return f"scale if the {level:.0%} range of profit at a margin of {margin:g} lies above zero, else keep or repeat"


def _refuse_constant_history(panel: GeoPanel, used: Sequence[int], choice_periods: int) -> None:
    for row in used:
        if np.ptp(panel.kpi[row, :choice_periods]) == 0:
            raise PanelError(
                f"geo {panel.geos[row]!r} has the same KPI ({panel.kpi[row, 0]:g}) from {panel.dates[0]} to"
                f" {panel.dates[choice_periods - 1]}: leave it out with exclude"
            )


def _kept_back(periods: int, duration: int) -> list[tuple[int, int]]:
    """Windows for validation; a short history gives one and leaves one for selection."""
    usual = windows_before(periods, duration, VALIDATION_WINDOWS, SHORTEST_HISTORY + 2 * duration)
    return usual or windows_before(periods, duration, 1, max(SHORTEST_HISTORY, duration) + duration)
