"""The six cases of PyMC-Marketing's public budget-optimiser audit, against their oracles.

Source: github.com/pymc-labs/pymc-marketing, folder scripts/budget_optimizer_causal_audit, commit 726b2bb. Case 5 has no
answer in a solver: the tests of the planner fit it (`pytest -m slow tests/models/planning`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.planning.media_price import Delivery
from models.planning.optimise import best

log1 = np.log1p


@dataclass(frozen=True)
class Case:
    """True worth of decisions that add up to `total`, the oracle's decisions and those of the audited tool."""

    name: str
    worth: Callable[[np.ndarray], float]
    oracle: tuple[float, ...]
    audited: tuple[float, ...]
    total: float = 10.0


def _timed(x: np.ndarray) -> float:
    return float(np.array([1.0, 0.5, 5.0, 2.5]) @ log1(x))


def _priced(x: np.ndarray) -> float:
    """Delivery of A is sqrt(2 spend): the same money as today (2 a week) buys today's delivery."""
    a = 2 * float(Delivery(exponent=0.5).bought(np.array([x[0] / 2]))[0])
    return 2 * float(log1(a) + 0.5 * log1(x[1]))


CASES = (
    Case(
        "1 additive season", lambda x: float(2 * (0.8 * log1(x[0]) + 0.5 * log1(x[1]))), (6.385, 3.615), (6.385, 3.615)
    ),
    Case(
        "2 future control",
        lambda x: float((1 + 2 * x[0]) ** 0.6 + 4 * (1 + 2 * x[1]) ** 0.4),
        (2.339, 7.661),
        (8.724, 1.276),
    ),
    Case("3 mediator", lambda x: float(2 * (1.05 * log1(x[0]) + 0.6 * log1(x[1]))), (6.636, 3.364), (2.529, 7.471)),
    Case("4 weekly timing", _timed, (1.667, 0.333, 12.333, 5.667), (7.0, 3.0, 7.0, 3.0), 20.0),
    Case("6 price rises with spend", _priced, (4.731, 5.269), (7.0, 3.0)),
)


def table() -> list[tuple[str, str, str, str, float, float]]:
    """case, audited tool's answer, ours, oracle, regret of the audited tool, our regret."""
    rows = []
    for case in CASES:
        n = len(case.oracle)
        found = best(lambda x, w=case.worth: np.array([w(x)]), case.total, np.zeros(n), np.full(n, np.inf))  # type: ignore[misc]
        top = case.worth(np.array(case.oracle))
        rows.append(
            (
                case.name,
                *(" / ".join(f"{v:.3f}" for v in x) for x in (case.audited, found.x, case.oracle)),
                top - case.worth(np.array(case.audited)),
                top - case.worth(found.x),
            )
        )
    return rows  # type: ignore[return-value]
