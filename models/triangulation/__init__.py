"""All evidence on a channel in one posterior: every method is a sensor whose bias is learned, not assumed.

The only source of printed iROAS. Response curves and budgets take their level from here and add nothing to
it.
"""

from __future__ import annotations

from models.triangulation.change_bridge import EvidenceSet, explain_change
from models.triangulation.daily import Today, today
from models.triangulation.experiment_value import evsi, next_experiments
from models.triangulation.levels import Rescaled, Window, rescale
from models.triangulation.mmm_evidence import MMMEvidence, without_prior
from models.triangulation.posterior import Triangulation, combine
from models.triangulation.priors import EvidencePriors, LogNormalPrior
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
    "evsi",
    "explain_change",
    "incremental",
    "next_experiments",
    "rescale",
    "today",
    "total_warnings",
    "without_prior",
]
