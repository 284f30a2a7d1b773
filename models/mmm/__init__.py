"""Marketing mix modelling: what each channel added to the KPI, with ranges, gates and evidence tiers."""

from __future__ import annotations

from models.mmm.fitting.fit import fit
from models.mmm.model.lift_tests import Experiment, control_path
from models.mmm.panel.panel import MMMData
from models.mmm.panel.roles import Mediator, Treatment
from models.mmm.result.evidence_tiers import evidence_tiers
from models.mmm.result.fit import Lineage, LogReturns, MMMFit, load
from models.mmm.result.frequency import optimal_frequency
from models.mmm.result.mediation import mediation
from models.mmm.result.model_card import model_card
from models.mmm.spec import ChannelSpec, LogNormal, MMMSpec, Normal, Sampling
from models.mmm.updating.explain_change import Changes, changes
from models.mmm.updating.refresh import refresh
from models.mmm.validation.backtest import backtest
from models.mmm.validation.falsification import Falsification, falsify
from models.mmm.validation.lift_test_checks import (
    ExperimentCheck,
    against_experiments,
    captured_return,
    leave_one_experiment_out,
    predicted_lift,
    widened,
)

__all__ = [
    "Changes",
    "ChannelSpec",
    "Experiment",
    "ExperimentCheck",
    "Falsification",
    "Lineage",
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
    "captured_return",
    "changes",
    "control_path",
    "evidence_tiers",
    "falsify",
    "fit",
    "leave_one_experiment_out",
    "load",
    "mediation",
    "model_card",
    "optimal_frequency",
    "predicted_lift",
    "refresh",
    "widened",
]
