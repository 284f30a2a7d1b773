"""Experiments designed, read and believed: geo tests, user tests, time series, and what each proves.

No files, no clock, no database: frames and specs in, one `LiftResult` out.
"""

from __future__ import annotations

from models.incrementality.ab import proportion_arms, read_ab
from models.incrementality.ab_plan import AnyLook, DeclaredLooks, OneLook
from models.incrementality.estimator import Estimator
from models.incrementality.geo import read_geo
from models.incrementality.moments import ArmsError
from models.incrementality.observational import read_observational
from models.incrementality.panel import GeoPanel, PanelError
from models.incrementality.result import Check, LiftResult
from models.incrementality.series import read_series

__all__ = [
    "AnyLook",
    "ArmsError",
    "Check",
    "DeclaredLooks",
    "Estimator",
    "GeoPanel",
    "LiftResult",
    "OneLook",
    "PanelError",
    "proportion_arms",
    "read_ab",
    "read_geo",
    "read_observational",
    "read_series",
]
