"""How visible a brand is in AI answers, how sure that is, and whether it changed."""

from __future__ import annotations

from models.visibility.changes import change
from models.visibility.claims import wrong_claims
from models.visibility.consistency import stability, variance_shares
from models.visibility.gaps import competitive_set, prompt_gaps
from models.visibility.noise import engine_noise
from models.visibility.opportunities import source_opportunities
from models.visibility.panel import Panel, newest_weeks, warnings
from models.visibility.rates import metrics
from models.visibility.same_hour import SameHourControl, same_hour_control
from models.visibility.served_model import engine_events, model_family
from models.visibility.trackers import disagreements, tracker_rates

__all__ = [
    "Panel",
    "SameHourControl",
    "change",
    "competitive_set",
    "disagreements",
    "engine_events",
    "engine_noise",
    "metrics",
    "model_family",
    "newest_weeks",
    "prompt_gaps",
    "same_hour_control",
    "source_opportunities",
    "stability",
    "tracker_rates",
    "variance_shares",
    "warnings",
    "wrong_claims",
]
