"""Experiments designed, read and believed: geo tests, user tests, time series, and what each proves.

No files, no clock, no database: frames and specs in, one `LiftResult` out.
"""

from __future__ import annotations

from models.incrementality.estimator import Estimator
from models.incrementality.geo import read_geo
from models.incrementality.panel import GeoPanel, PanelError
from models.incrementality.result import Check, LiftResult

__all__ = ["Check", "Estimator", "GeoPanel", "LiftResult", "PanelError", "read_geo"]
