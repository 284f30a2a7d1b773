"""How visible a brand is in AI answers, how sure that is, and whether it changed."""

from __future__ import annotations

from models.visibility.changes import change
from models.visibility.consistency import stability, variance_shares
from models.visibility.panel import Panel, warnings
from models.visibility.rates import metrics

__all__ = ["Panel", "change", "metrics", "stability", "variance_shares", "warnings"]
