"""Marketing mix modelling: what each channel added to the KPI, with ranges, gates and evidence tiers."""

from __future__ import annotations

from models.mmm.backtesting import backtest
from models.mmm.card import model_card
from models.mmm.changes import Changes, changes
from models.mmm.data import Mediator, MMMData, Treatment
from models.mmm.experiment_checks import (
    ExperimentCheck,
    against_experiments,
    leave_one_experiment_out,
    predicted_lift,
    widened,
)
from models.mmm.experiments import Experiment
from models.mmm.falsification import Falsification, falsify
from models.mmm.fitting import fit
from models.mmm.result import ContributionDraws, LogReturns, MMMFit
from models.mmm.spec import ChannelSpec, LogNormal, MMMSpec, Normal, Sampling
from models.mmm.storage import load
from models.mmm.updating import refresh

__all__ = [
    "Changes",
    "ChannelSpec",
    "ContributionDraws",
    "Experiment",
    "ExperimentCheck",
    "Falsification",
    "LogNormal",
    "LogReturns",
    "MMMData",
    "MMMFit",
    "MMMSpec",
    "Mediator",
    "Normal",
    "Sampling",
    "Treatment",
    "against_experiments",
    "backtest",
    "changes",
    "falsify",
    "fit",
    "leave_one_experiment_out",
    "load",
    "model_card",
    "predicted_lift",
    "refresh",
    "widened",
]
