"""All evidence on a channel in one posterior: each method is a sensor with its own bias and noise.

The only source of printed iROAS. Response curves and budgets take their level from here and add nothing to
it.
"""

from __future__ import annotations

from models.triangulation.change_bridge import EvidenceSet, explain_change
from models.triangulation.daily import Today, today
from models.triangulation.experiment_value import evsi, next_experiments
from models.triangulation.levels import (
    marginal_levels,
    period_levels,
    window_levels,
    with_unpaid_in_baseline,
)
from models.triangulation.mmm_evidence import MMMDraws, MMMEvidence
from models.triangulation.posterior import Triangulation, combine
from models.triangulation.priors import EvidencePriors, LogNormalPrior
from models.triangulation.readings import counting_error, evidence_frame, pooled
from models.triangulation.sampler import Convergence
from models.triangulation.totals import incremental, total_warnings

__all__ = [
    "Convergence",
    "EvidencePriors",
    "EvidenceSet",
    "LogNormalPrior",
    "MMMDraws",
    "MMMEvidence",
    "Today",
    "Triangulation",
    "combine",
    "counting_error",
    "evidence_frame",
    "evsi",
    "explain_change",
    "incremental",
    "marginal_levels",
    "next_experiments",
    "period_levels",
    "pooled",
    "today",
    "total_warnings",
    "window_levels",
    "with_unpaid_in_baseline",
]
