"""Experiments, their design and analysis: geo tests, user tests, time series, and the strength of evidence of each.

No files, no clock, no database: frames and specs in, one `LiftResult` out.
"""

from __future__ import annotations

from models.incrementality.geo.cells import CellsResult, read_cells
from models.incrementality.geo.estimator import Estimator
from models.incrementality.geo.geo_design import AnalysisPlan, CellsDesign, GeoDesign
from models.incrementality.geo.interim_looks import GeoLooks, NoLookYet, look_geo
from models.incrementality.geo.overlap import Neighbour
from models.incrementality.geo.panel import GeoPanel, PanelError
from models.incrementality.geo.read import read_geo
from models.incrementality.geo.spillover import donor_ring
from models.incrementality.geo.staggered import StaggeredResult, read_staggered
from models.incrementality.geo_design.cells import design_cells
from models.incrementality.geo_design.design import design_geo, draw_design
from models.incrementality.lift_contracts import (
    DeliveredFigures,
    ExperimentScope,
    LiftContract,
    delivered_contract,
    lift_contract,
)
from models.incrementality.observational import read_observational
from models.incrementality.result import Check, LiftResult
from models.incrementality.series.read import read_series
from models.incrementality.users.looks import AnyLook, DeclaredLooks, OneLook
from models.incrementality.users.many_arms import ArmsResult, read_arms
from models.incrementality.users.moments import ArmsError
from models.incrementality.users.read import proportion_arms, read_ab
from models.incrementality.users.switchback import read_switchback
from models.incrementality.users.switchback_design import switchback_arms, switchback_schedule

__all__ = [
    "AnalysisPlan",
    "AnyLook",
    "ArmsError",
    "ArmsResult",
    "CellsDesign",
    "CellsResult",
    "Check",
    "DeclaredLooks",
    "DeliveredFigures",
    "Estimator",
    "ExperimentScope",
    "GeoDesign",
    "GeoLooks",
    "GeoPanel",
    "LiftContract",
    "LiftResult",
    "Neighbour",
    "NoLookYet",
    "OneLook",
    "PanelError",
    "StaggeredResult",
    "delivered_contract",
    "design_cells",
    "design_geo",
    "donor_ring",
    "draw_design",
    "lift_contract",
    "look_geo",
    "proportion_arms",
    "read_ab",
    "read_arms",
    "read_cells",
    "read_geo",
    "read_observational",
    "read_series",
    "read_staggered",
    "read_switchback",
    "switchback_arms",
    "switchback_schedule",
]
