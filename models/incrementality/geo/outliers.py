"""Days on which all geos jumped together: holidays, outages, double deliveries. Shown, never removed."""

from __future__ import annotations

from datetime import date

import numpy as np

from models.incrementality.geo.window import GeoTest
from models.warning import Warning

FAR = 6.0  # robust standard deviations of the usual change
SHOWN = 3


def outlier_dates(test: GeoTest) -> list[date]:
    """Periods whose mean KPI over the geos of the test is far from the same weekday a week before and after.

    Distances are in robust standard deviations (median and MAD) of the logarithmic change; periods without KPI are far
    from any other. Weekly and coarser panels compare neighbouring periods.
    """
    rows = [*test.treated, *test.donors]
    mean = test.panel.kpi[rows, : test.last + 1].mean(axis=0)
    lag = 7 if test.panel.grain == "day" else 1
    if mean.size < 4 * lag:
        return []
    floor = 1e-3 * np.median(np.abs(mean))
    logs = np.log(np.maximum(mean, floor if floor > 0 else 1.0))
    change = logs[lag:] - logs[:-lag]
    centred = change - np.median(change)
    spread = 1.4826 * float(np.median(np.abs(centred)))
    if spread <= 0:
        return []
    strange = np.abs(centred) > FAR * spread
    away = np.zeros(mean.size, dtype=bool)
    # A day that jumps is strange beside the week before and the week after; a lasting step is strange only once.
    away[lag:-lag] = strange[:-lag] & strange[lag:] & (centred[:-lag] * centred[lag:] < 0)
    away[-lag:] = strange[-lag:]
    return [test.panel.dates[column] for column in np.flatnonzero(away)]


def outlier_warning(test: GeoTest) -> list[Warning]:
    """One note that names the days, the read window's first."""
    outliers = outlier_dates(test)
    window = [day for day in outliers if day >= test.panel.dates[test.first]]
    if not outliers:
        return []
    ordered = window + [day for day in outliers if day not in window]
    named = ", ".join(map(str, ordered[:SHOWN])) + (
        f" and {len(outliers) - SHOWN} more" if len(outliers) > SHOWN else ""
    )
    where = f"{len(window)} of them in the window that is read" if window else "all before the test"
    return [
        Warning(
            "outlier_dates",
            "low",
            ", ".join(test.panel.geos[row] for row in test.treated),
            f"On {named} the KPI of all geos jumped at once ({where}). It cancels out where every geo felt it alike.",
            "Find out what happened; if it was an error of delivery, correct the data and read again.",
        )
    ]
