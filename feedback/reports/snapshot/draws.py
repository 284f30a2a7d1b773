"""The joint draws of one period: the only honest source of a range for a sum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import numpy as np

from feedback.reports.figure_store import LEVEL, Figure, cents, millionths
from feedback.reports.snapshot.query import SnapshotError, query

BASELINE = "baseline"


@dataclass(frozen=True)
class Draws:
    """Incremental outcome in report currency: `values` has shape (draws, components), `components` names the columns.

    Row d of all columns is one joint draw: sums are taken within a row, so a range of a sum keeps what the model
    learned about two channels that trade off against each other.
    """

    components: tuple[str, ...]
    values: np.ndarray
    sql_sha256: str

    def of(self, component: str) -> np.ndarray:
        """Draws of one component, shape (draws,)."""
        return self.values[:, self.components.index(component)]

    @property
    def channels(self) -> tuple[str, ...]:
        """Every component but the baseline."""
        return tuple(name for name in self.components if name != BASELINE)

    @property
    def incremental(self) -> np.ndarray:
        """What all channels caused together, per draw."""
        return np.asarray(sum(self.of(name) for name in self.channels))


def period_draws(con: duckdb.DuckDBPyConnection, run_id: str, period: str) -> Draws | None:
    """The draws of a run and period; None if the model wrote none.

    Raises SnapshotError when some component lacks draws that another has, or a draw is not a number: the sum of such
    rows would be a number without meaning.
    """
    result = query(
        con,
        "select component, draw, incremental::double as incremental from measurement.period_draw"
        " where run_id = $run_id and period = $period order by component, draw",
        {"run_id": run_id, "period": period},
        needs=["measurement.period_draw"],
    )
    if not result.rows:
        return None
    by_component: dict[str, dict[int, float]] = {}
    for row in result.rows:
        by_component.setdefault(row["component"], {})[row["draw"]] = row["incremental"]
    numbers = next(iter(by_component.values())).keys()
    for name, draws in by_component.items():
        if draws.keys() != numbers:
            raise SnapshotError(
                f"measurement.period_draw, period {period}: {name} has {len(draws)} draws where another component has"
                f" {len(numbers)}; the draws must be joint. Run the model again."
            )
        if not all(value is not None and math.isfinite(value) for value in draws.values()):
            raise SnapshotError(f"measurement.period_draw, period {period}: {name} holds a draw that is not a number")
    values = np.array([[by_component[name][draw] for name in by_component] for draw in sorted(numbers)])
    return Draws(tuple(by_component), values, result.sql_sha256)


def mean(draws: np.ndarray) -> float:
    """Arithmetic mean with exact summation, the same on every machine."""
    return math.fsum(draws.tolist()) / len(draws)


def estimated(identifier: str, draws: np.ndarray, unit: str, basis: str, sql_sha256: str) -> Figure:
    """Posterior mean with its central 90 % range; money in cents, other units in millionths."""
    exact = cents if len(unit) == 3 and unit.isupper() else millionths
    tail = float((1 - LEVEL) / 2)
    low, high = (exact(float(q)) for q in np.quantile(draws, [tail, 1 - tail]))
    return Figure(identifier, exact(mean(draws)), unit, basis, sql_sha256, low, high, LEVEL)


def probability(identifier: str, holds: np.ndarray, basis: str, sql_sha256: str) -> Figure:
    """Share of draws in which a statement holds."""
    return Figure(identifier, millionths(Decimal(int(holds.sum())) / len(holds)), "share", basis, sql_sha256)
