"""Warnings about a set of paths: uses for which its credit is unsuitable."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.attribution.paths import journeys
from models.warning import Warning

THIN_CONVERSIONS = 30


def path_warnings(paths: pl.DataFrame) -> tuple[Warning, ...]:
    """Warnings on the paths themselves: nothing converted, thin channels, refunds above sales, no unsuccessful path."""
    walked = journeys(paths)
    warnings: list[Warning] = []
    if walked.conversions.sum() == 0:
        return (_nothing_converted(),)
    if walked.nulls.sum() == 0:
        warnings.append(_no_nulls())
    touched = walked.channel_sets().T.astype(float) @ walked.conversions
    thin = [(walked.channels[c], touched[c]) for c in range(len(walked.channels)) if touched[c] < THIN_CONVERSIONS]
    warnings += [_thin(name, count) for name, count in thin]
    last = walked.code[walked.start[1:] - 1]
    booked = np.bincount(last, walked.value, minlength=len(walked.channels))
    warnings += [_refunds_above_sales(walked.channels[c]) for c in np.flatnonzero(booked < 0)]
    return tuple(warnings)


def _nothing_converted() -> Warning:
    return Warning(
        code="no_conversion",
        severity="high",
        subject="all",
        message="No path ended in a conversion, so every attribution model gives zero to every channel.",
        action="Check that conversions are landed and that their buyers can be matched to touches.",
    )


def _no_nulls() -> Warning:
    return Warning(
        code="no_unsuccessful_paths",
        severity="low",
        subject="all",
        message="Only converting paths are present, so path models cannot see touches that led to nothing.",
        action="Land visits of buyers who never converted, or interpret the path models as counts of presence.",
    )


def _thin(channel: str, count: float) -> Warning:
    return Warning(
        code="thin_channel",
        severity="medium",
        subject=channel,
        message=f"{channel} touched only {count:.0f} conversions; below {THIN_CONVERSIONS} its credit is"
        " mostly chance.",
        action="Read it together with a similar channel or over a longer period.",
    )


def _refunds_above_sales(channel: str) -> Warning:
    return Warning(
        code="refunds_above_sales",
        severity="medium",
        subject=channel,
        message=f"Refunds of conversions whose last touch was {channel} exceed their value.",
        action="Look at the refunds of this channel; its negative value is kept and shown.",
    )
