"""Marketing mix modelling: what each channel added to the KPI, with ranges, gates and evidence tiers."""

from __future__ import annotations

from models.mmm.data import MMMData, Treatment
from models.mmm.experiments import Experiment
from models.mmm.fitting import fit
from models.mmm.result import ContributionDraws, LogReturns, MMMFit
from models.mmm.spec import ChannelSpec, LogNormal, MMMSpec, Normal, Sampling
from models.mmm.storage import load

__all__ = [
    "ChannelSpec", "ContributionDraws", "Experiment", "LogNormal", "LogReturns", "MMMData", "MMMFit", "MMMSpec", "Normal",
    "Sampling", "Treatment", "fit", "load",
]  # fmt: skip
