"""All evidence on a channel in one posterior: every method is a sensor whose bias is learned, not assumed.

The only source of printed iROAS. Response curves and budgets take their level from here and add nothing to
it.
"""

from __future__ import annotations

from models.triangulation.change_bridge import EvidenceSet, explain_change
from models.triangulation.daily import Today, today
from models.triangulation.experiment_value import evsi, next_experiments
from models.triangulation.levels import (
    Rescaled,
    Window,
    marginal_levels,
    period_levels,
    rescale,
    window_levels,
    with_unpaid_in_baseline,
)
from models.triangulation.mmm_evidence import MMMEvidence, without_prior
from models.triangulation.posterior import Triangulation, combine
from models.triangulation.priors import EvidencePriors, LogNormalPrior
from models.triangulation.readings import counting_error, pooled
from models.triangulation.sampler import Convergence, SamplerSettings
from models.triangulation.totals import incremental, total_warnings

__all__ = [
    "Convergence",
    "EvidencePriors",
    "EvidenceSet",
    "LogNormalPrior",
    "MMMEvidence",
    "Rescaled",
    "SamplerSettings",
    "Today",
    "Triangulation",
    "Window",
    "combine",
    "counting_error",
    "evsi",
    "explain_change",
    "incremental",
    "marginal_levels",
    "next_experiments",
    "period_levels",
    "pooled",
    "rescale",
    "today",
    "total_warnings",
    "window_levels",
    "with_unpaid_in_baseline",
    "without_prior",
]
