"""The known season of each kind of company, week by week."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from models.worlds.company_kinds import CompanyKind

PEAK = 1.9  # sales of the week of Black Friday over the weeks around it, where the kind sells to consumers online
BLACK_FRIDAY_WEEK = 48  # of the year


def seasons(kind: CompanyKind, mondays: list[date]) -> np.ndarray:
    """Season factor (T,) with mean 1: demand by month, smoothed over the turn of months, and an online shop's peak."""
    days = np.array(
        [[kind.months[(monday + timedelta(days=7 * w + 3)).month - 1] for w in (-1, 0, 1)] for monday in mondays]
    )
    factor = days @ np.array([0.25, 0.5, 0.25])
    if kind.name == "ecommerce":
        factor = factor * np.array(
            [PEAK if monday.isocalendar().week == BLACK_FRIDAY_WEEK else 1.0 for monday in mondays]
        )
    return np.asarray(factor / factor.mean())
