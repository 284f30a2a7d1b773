"""Single media values that look like wrong records: far above all others, or a lone jump like a moved decimal point.

A value far above all others would decide the channel's curve and is replaced. A lone jump may be real: it stays, and is
named.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from models.mmm.panel.panel import MMMData
from models.mmm.spec import MMMSpec
from models.warning import Warning

FAR = 5.0  # a value above this many times the 99th percentile of the channel's other periods is replaced
ABOVE_OTHERS = 1.5  # a lone jump is this many times the next highest value,
ABOVE_NEIGHBOURS = 5.0  # this many times the usual of the nearest active periods, and above the largest such step
SHARED = 0.5  # part of the jump, in logs, from which another region shares it: then it is a campaign
LEAST_ACTIVE, LEAST_ACTIVE_SHARE = 10, 0.15  # a burst in a year without other spend is a campaign, not a typing error
MOST = 3  # values of one series


def without_spikes(data: MMMData, spec: MMMSpec) -> tuple[np.ndarray, list[Warning]]:
    """Media (G, T, C) with values far above all others replaced by the median of their neighbours, and a warning for
    each of these and for each lone jump; the raw series stays in the data.

    Cut to the maximum of the rest a wrong record would still be the strongest week.
    """
    media, warnings = data.media.copy(), []
    for c, name in enumerate(data.media_names):
        for g, geo in enumerate(data.geos):
            series = media[g, :, c]
            where = f" in {geo}" if len(data.geos) > 1 else ""
            for t in np.argsort(series)[::-1][:MOST]:
                others = np.delete(series, t)
                active = others[others > 0]
                if active.size < max(LEAST_ACTIVE, LEAST_ACTIVE_SHARE * series.size):
                    break
                told = f"{name} is {series[t]:,.6g} on {data.dates[t]}{where}"
                if not series[t] > FAR * np.quantile(active, 0.99):
                    usual = _lone_jump(series, int(t))
                    if usual is not None and not _shared(media[:, :, c], g, int(t)):
                        warnings.append(
                            Warning(
                                "spend_spike",
                                "medium",
                                name,
                                f"{told}, {series[t] / usual:.0f} times what it was in the periods around it and"
                                f" {series[t] / others.max():.1f} times its next highest value: a moved decimal point"
                                " would look like this. The model uses it as it is.",
                                f"Check that row of {name}; if it is real, nothing is to be done.",
                            )
                        )
                    break
                usual = float(np.median(np.concatenate([series[max(t - 2, 0) : t], series[t + 1 : t + 3]])))
                cut = (
                    f"The model uses {usual:,.6g} instead, the median of the periods around it"
                    if spec.winsorise_spikes
                    else "The model uses it as it is"
                )
                warnings.append(
                    Warning(
                        "spend_spike",
                        "high",
                        name,
                        f"{told}, {series[t] / others.max():.0f} times its next highest value. {cut}.",
                        f"Check that row of {name}: a typing error, a yearly invoice booked on one day, or real?",
                    )
                )
                if not spec.winsorise_spikes:
                    break
                series[t] = usual
    return media, warnings


def _lone_jump(series: np.ndarray, t: int) -> float | None:
    """The usual value of the active periods nearest to `t` where its value stands out as a moved decimal would."""
    active = np.flatnonzero(series > 0)
    if not series[t] > ABOVE_OTHERS * np.delete(series, t).max():
        return None
    logs = np.log(series[active])
    steps = logs - np.array([_usual_log(logs, i) for i in range(len(logs))])
    own = int(np.searchsorted(active, t))
    spread = 1.4826 * float(np.median(np.abs(steps - np.median(steps))))
    by_chance = float(ndtri(1 - 1 / len(steps))) * spread  # the largest of so many Normal steps
    if steps[own] < max(np.log(ABOVE_NEIGHBOURS), by_chance):
        return None
    return float(np.exp(_usual_log(logs, own)))


def _usual_log(logs: np.ndarray, i: int) -> float:
    """Median of the two active periods before and the two after."""
    return float(np.median(np.concatenate([logs[max(i - 2, 0) : i], logs[i + 1 : i + 3]])))


def _shared(values: np.ndarray, g: int, t: int) -> bool:
    """Whether other regions of `values` (G, T) jumped in that period too."""
    with np.errstate(divide="ignore", invalid="ignore"):
        jumps = np.log(values[:, t] / np.array([np.median(v[v > 0]) if (v > 0).any() else np.nan for v in values]))
    others = np.delete(jumps, g)
    others = others[np.isfinite(others)]
    return bool(others.size and np.median(others) > SHARED * jumps[g])
