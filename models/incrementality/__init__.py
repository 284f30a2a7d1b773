"""Experiments designed, read and believed: geo tests, user tests, time series, and what each proves.

No files, no clock, no database: frames and specs in, one `LiftResult` out.
"""

from __future__ import annotations

from models.incrementality.ab import proportion_arms, read_ab
from models.incrementality.ab_many import ArmsResult, read_arms
from models.incrementality.ab_plan import AnyLook, DeclaredLooks, OneLook
from models.incrementality.cells import CellsResult, read_cells
from models.incrementality.design import design_geo, draw_design
from models.incrementality.design_cells import CellsDesign, design_cells
from models.incrementality.design_result import AnalysisPlan, GeoDesign
from models.incrementality.estimator import Estimator
from models.incrementality.geo import read_geo
from models.incrementality.geo_looks import GeoLooks, look_geo
from models.incrementality.handover import LiftContract, lift_contract
from models.incrementality.moments import ArmsError
from models.incrementality.observational import read_observational
from models.incrementality.overlap import Neighbour
from models.incrementality.panel import GeoPanel, PanelError
from models.incrementality.result import Check, LiftResult
from models.incrementality.series import read_series
from models.incrementality.spillover import donor_ring
from models.incrementality.staggered import StaggeredResult, read_staggered
from models.incrementality.switchback import switchback_arms, switchback_schedule
from models.incrementality.switchback_read import read_switchback

__all__ = [
    "AnalysisPlan",
    "AnyLook",
    "ArmsError",
    "ArmsResult",
    "CellsDesign",
    "CellsResult",
    "Check",
    "DeclaredLooks",
    "Estimator",
    "GeoDesign",
    "GeoLooks",
    "GeoPanel",
    "LiftContract",
    "LiftResult",
    "Neighbour",
    "OneLook",
    "PanelError",
    "StaggeredResult",
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
