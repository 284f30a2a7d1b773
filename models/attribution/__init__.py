"""How rules and path models split tracked revenue; none of it says what caused a sale.

What leaves here goes to triangulation as one biased sensor among others, never straight to a budget.
"""

from __future__ import annotations

from models.attribution.apportionment import cents
from models.attribution.bootstrap import Intervals, intervals
from models.attribution.credit import credit_warnings, markov_credit, markov_rows, shapley_credit, shapley_rows
from models.attribution.findings import path_warnings
from models.attribution.order import OrderChoice, choose_order
from models.attribution.paths import aggregate, joined
from models.attribution.removal_effects import markov, transitions
from models.attribution.rules import heuristics, unique_linear
from models.attribution.shapley_values import shapley

__all__ = [
    "Intervals",
    "OrderChoice",
    "aggregate",
    "cents",
    "choose_order",
    "credit_warnings",
    "heuristics",
    "intervals",
    "joined",
    "markov",
    "markov_credit",
    "markov_rows",
    "path_warnings",
    "shapley",
    "shapley_credit",
    "shapley_rows",
    "transitions",
    "unique_linear",
]
