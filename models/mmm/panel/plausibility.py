"""Whether columns that were read as numbers can mean what they are declared to mean: KPI, controls, delivery.

What the variation of the channels allows to be estimated is judged in `checks.before_sampling`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Date

import numpy as np

from models.mmm.panel.error import MMMError
from models.warning import Warning

LEAST_SALES = 12  # rows with a KPI other than zero below which no fit is possible
IS_KPI, LIKE_KPI = 0.9999, 0.975  # correlations at which a control is the KPI itself, or a part or result of it
MEDIA_LIKE_KPI = 0.95  # the same for a channel, whose own effect is noisy, delayed and one of several
UNDELIVERED, UNPAID = 0.05, 0.20  # share of spend without delivery, and of delivery without spend, that matter
PRICE_JUMP, UNIT_JUMP = 3.0, 30.0  # lasting changes of level, as a factor, of cost per delivery and of any series
DIP = 3.0  # times below the next lowest value
SPIKE, TYPING_ERROR = (
    10.0,
    100.0,
)  # multiples of a region's next highest value at which a KPI value is reported, and refused
EDGE = 6  # periods on either side of a lasting change


def refuse_unusable_kpi(
    name: str, kpi: np.ndarray, dates: Sequence[Date], geos: Sequence[str], geo: str | None
) -> None:
    """Raises ValueError for a KPI (G, T) that no model could explain: constant, rare, below zero or copied."""
    if np.ptp(kpi) <= 1e-6 * np.abs(kpi).max():
        raise MMMError(f"column {name!r} is {kpi.flat[0]:.6g} in every row: there is nothing to explain")
    if (kpi != 0).sum() < LEAST_SALES:
        raise MMMError(
            f"column {name!r} is zero in all but {int((kpi != 0).sum())} of {kpi.size} rows: too little to learn from."
            " Use coarser periods, or an earlier KPI (leads instead of orders)"
        )
    if kpi.sum() <= 0:
        raise MMMError(
            f"column {name!r} adds up to {kpi.sum():,.6g}: shares and returns have no meaning then. Check its sign, and"
            " give sales rather than their change or a loss"
        )
    for g, t, times in _spikes(kpi, TYPING_ERROR):
        where = f" in {geos[g]}" if geo else ""
        raise MMMError(
            f"column {name!r} is {kpi[g, t]:,.6g} on {dates[t]}{where}, {times:,.0f} times its next highest value:"
            " correct that row, no model should be fitted on it"
        )
    if len(geos) == 1:
        return
    for g, where in enumerate(geos):
        if np.ptp(kpi[g]) == 0:
            raise MMMError(
                f"column {name!r} is {kpi[g, 0]:g} in every row of {geo} {where!r}: drop that {geo}, or join it with"
                " another"
            )
    for g in range(len(geos)):
        for other in range(g):
            if np.allclose(kpi[g], kpi[other], rtol=1e-9, atol=0.0):
                raise MMMError(
                    f"column {name!r} is the same in {geo} {geos[other]!r} and {geos[g]!r} in every row: one is a copy"
                    f" of the other, or a national figure was repeated. Give each {geo} its own, or leave out geo"
                )


def kpi_findings(name: str, kpi: np.ndarray, dates: Sequence[Date]) -> list[Warning]:
    """Oddities of the KPI (G, T) that do not rule out a fit."""
    warnings = []
    if (kpi < 0).any():
        warnings.append(
            Warning(
                "negative_kpi",
                "medium",
                name,
                f"{int((kpi < 0).sum())} rows have a {name} below zero (refunds or corrections).",
                "Check whether refunds belong to the period of the sale; the model runs on the signed series.",
            )
        )
    warnings += [
        Warning(
            "kpi_spike",
            "medium",
            name,
            f"{name} is {kpi[g, t]:,.6g} on {dates[t]}, {times:,.0f} times its next highest value.",
            "Check that row; if it is right, name what happened as an event.",
        )
        for g, t, times in _spikes(kpi, SPIKE)
    ]
    for series in kpi:
        low, second = int(np.argmin(series)), float(np.partition(series, 1)[1])
        if 0 <= series[low] * DIP < second:
            warnings.append(
                Warning(
                    "kpi_dip",
                    "low",
                    name,
                    f"{name} is {series[low]:,.6g} on {dates[low]}, its next lowest value is {second:,.6g}.",
                    "Check whether that row is complete; if it is right, name what happened as an event.",
                )
            )
    at, factor = lasting_jump(kpi.sum(axis=0))
    if factor > UNIT_JUMP:
        warnings.append(
            Warning(
                "unit_changes",
                "high",
                name,
                f"From {dates[at]} on, {name} is {factor:,.0f} times as large or as small as before, as if its unit had"
                " changed.",
                f"Bring {name} to one unit and currency, or begin the data after the change.",
            )
        )
    return warnings


def control_findings(
    names: Sequence[str], values: np.ndarray, kpi_name: str, kpi: np.ndarray, declared: str
) -> list[Warning]:
    """Controls or treatments (G, T, K) that explain nothing or too much. Raises ValueError for the KPI itself."""
    warnings = []
    y = _within_geo(kpi)
    for k, name in enumerate(names):
        x = values[:, :, k]
        if np.ptp(x) == 0:
            warnings.append(
                Warning(
                    "constant_column",
                    "low",
                    name,
                    f"{name} is {x.flat[0]:g} in every row, so it explains nothing and has no effect in the model.",
                    f"Leave {name} out, or check that its values arrived.",
                )
            )
            continue
        like = abs(_correlation(_within_geo(x), y))
        if like > IS_KPI:
            raise MMMError(
                f"column {name!r}, declared a {declared}, is {kpi_name!r} in another unit (correlation {like:.4f}):"
                " leave it out, it would explain the KPI on its own"
            )
        if like > LIKE_KPI:
            warnings.append(
                Warning(
                    "control_like_kpi",
                    "high",
                    name,
                    f"{name} moves almost exactly with {kpi_name} (correlation {like:.3f}), like a part or a result of"
                    " sales (orders, visits). As a control it would absorb the effects of the channels.",
                    f"Leave {name} out unless it is set before sales are known.",
                )
            )
    return warnings


def media_findings(channel: str, column: str, media: np.ndarray, kpi_name: str, kpi: np.ndarray) -> list[Warning]:
    """A series (G, T) that moves almost as the KPI does. Raises ValueError for one that was computed from it."""
    like = abs(_correlation(_within_geo(media), _within_geo(kpi)))
    if like > IS_KPI:
        raise MMMError(
            f"column {column!r} of channel {channel!r} is {kpi_name!r} in another unit (correlation {like:.4f}): it was"
            " computed from sales, so nothing can be learned from it. Give what was really spent"
        )
    if like <= MEDIA_LIKE_KPI:
        return []
    return [
        Warning(
            "channel_like_kpi",
            "medium",
            channel,
            f"{channel} moves almost exactly with {kpi_name} in the same period (correlation {like:.2f}). Advertising"
            " rarely does: more often it is paid per sale, or set as a share of sales (affiliates, brand search), and"
            " its number is then far too high.",
            f"Find out how {channel} is paid and set; test it before using its number.",
        )
    ]


def delivery_findings(
    channel: str, column: str, spend: np.ndarray, units: np.ndarray, dates: Sequence[Date]
) -> list[Warning]:
    """Where spend (G, T) and the delivery it bought (impressions, reach; G, T) do not match."""
    warnings = []
    unpaid = float(units[spend <= 0].sum() / max(units.sum(), 1e-300))
    lost = float(spend[units <= 0].sum() / spend.sum())
    if lost > UNDELIVERED:
        first = dates[int(np.flatnonzero(((spend > 0) & (units <= 0)).any(axis=0))[0])]
        warnings.append(
            Warning(
                "spend_without_delivery",
                "medium",
                channel,
                f"{lost:.0%} of the spend of {channel} falls where {column!r} is zero (first in the period of {first})."
                " The model sees no advertising there, so it misses the effect and the return is wrong.",
                f"Complete {column!r}, or leave it out so that {channel} is measured by its spend.",
            )
        )
    if unpaid > UNPAID:
        warnings.append(
            Warning(
                "delivery_without_spend",
                "medium",
                channel,
                f"{unpaid:.0%} of {column!r} ran while {channel} cost nothing, yet its whole effect is divided by its"
                " spend: its return comes out too high if the money is booked elsewhere.",
                f"Complete the spend of {channel}, or give the free part as an organic channel of its own.",
            )
        )
    both = (spend > 0) & (units > 0)
    price = np.where(both, spend, 0).sum(axis=0) / np.maximum(np.where(both, units, 0).sum(axis=0), 1e-300)
    at, factor = lasting_jump(np.where(both.any(axis=0), price, 0.0))
    if factor > PRICE_JUMP:
        warnings.append(
            Warning(
                "cost_per_delivery_jumps",
                "medium",
                channel,
                f"The cost of one unit of {column!r} for {channel} differs by a factor of {factor:,.1f} before and"
                f" after {dates[at]}: a change of unit, of currency or of what was bought.",
                f"Check both columns of {channel} around that date; begin the data after it if the change is real.",
            )
        )
    return warnings


def spend_findings(channel: str, spend: np.ndarray, dates: Sequence[Date]) -> list[Warning]:
    """Spend (G, T) of a channel that seems to change its unit, such as from cents to whole amounts."""
    at, factor = lasting_jump(spend.sum(axis=0))
    if factor <= UNIT_JUMP:
        return []
    return [
        Warning(
            "unit_changes",
            "medium",
            channel,
            f"The usual spend of {channel} differs by a factor of {factor:,.0f} before and after {dates[at]}, as if"
            " its unit had changed.",
            f"Bring {channel} to one unit and currency; if it really grew so much, its number mostly describes the"
            " later part.",
        )
    ]


def lasting_jump(series: np.ndarray) -> tuple[int, float]:
    """Where the usual level of a series (T,) changes for good, and by what factor (at least 1).

    The change is where nearly all values above zero on one side lie beyond nearly all of the other (10 % and 90 %
    points), which flights, seasons and single outliers do not produce; the factor compares the medians. Without such a
    place, or with fewer than `EDGE` values on either side of it, the factor is 1.
    """
    on = np.flatnonzero(series > 0)
    logs = np.log(series[on])
    widest, where, factor = 0.0, 0, 1.0
    for cut in range(EDGE, on.size - EDGE + 1):
        before, after = np.quantile(logs[:cut], [0.1, 0.5, 0.9]), np.quantile(logs[cut:], [0.1, 0.5, 0.9])
        gap = max(after[0] - before[2], before[0] - after[2])
        if gap > widest:
            widest, where, factor = gap, int(on[cut]), float(np.exp(abs(after[1] - before[1])))
    return where, factor


def _spikes(kpi: np.ndarray, factor: float) -> list[tuple[int, int, float]]:
    """Region, period and size of the highest value where it is `factor` times the next; not where most rows are 0."""
    spikes = []
    for g, series in enumerate(kpi):
        top, second = int(np.argmax(series)), float(np.partition(series, -2)[-2])
        if np.median(series) > 0 and series[top] > factor * second:
            spikes.append((g, top, float(series[top] / second)))
    return spikes


def _within_geo(values: np.ndarray) -> np.ndarray:
    return np.asarray(values - values.mean(axis=1, keepdims=True)).ravel()


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    scale = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / scale if scale > 0 else 0.0
