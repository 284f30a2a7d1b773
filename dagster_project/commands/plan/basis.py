"""What a plan stands on: the stored fit of the last published run and each channel's combined level.

Reads only the published snapshot and the fit's file, so that a plan can be made while the next run writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from dagster_project.warehouse.connection import WarehouseBusy, connect, first
from dagster_project.workspace.paths import Workspace
from models.error import PlumblineError
from models.periods import WINDOW

if TYPE_CHECKING:
    from models.mmm import MMMFit
    from models.planning import Evidence

TIER_OF_GRADE = {
    "A": "experiment-validated",
    "B": "experiment-validated",
    "C": "model-identified",
    "D": "prior-dominated",
}
FINISHED = (
    "select run_id, as_of, started_at from ops.run where status in ('finished', 'blocked')"
    " order by started_at desc limit 1"
)


class NothingToPlanFrom(PlumblineError, RuntimeError):
    """There is no fit to plan from; the message says what to do first."""


class PlanRefused(PlumblineError, RuntimeError):
    """There is a fit, but no plan may be made from it; the message says why."""


@dataclass(frozen=True)
class Basis:
    """The fit of run `run_id`, data as of `as_of`, and the combined evidence where there is a triangulation."""

    fit: MMMFit
    evidence: Evidence
    run_id: str
    as_of: date
    combined: bool

    @property
    def gap(self) -> int:
        """Periods after the data that have begun by as-of: too late to plan."""
        from models.planning.forward_response import periods_until

        return periods_until(self.fit, self.as_of)

    def dates(self, periods: int) -> tuple[date, ...]:
        """First day of each of the next `periods` periods that begin after the data and after as-of."""
        from models.planning.forward_response import next_dates

        return next_dates(self.fit, periods, self.gap)


def basis(workspace: Workspace) -> Basis:
    """The newest published fit with the level and grade that all evidence gives each channel.

    Raises NothingToPlanFrom without a published fit, PlanRefused where the model's numbers are withheld.
    """
    snapshot = workspace.published()
    name = workspace.root.name
    if snapshot is None:
        raise NothingToPlanFrom(
            f"nothing is published yet in {name}: `plumbline run` first, `plumbline status` says why"
        )
    with connect(snapshot, read_only=True, patience=5) as con:
        run = first(con, FINISHED)
        if run is None:
            raise NothingToPlanFrom(f"{snapshot.name} holds no finished run: `plumbline run` first")
        run_id = str(run[0])
        _refuse_withheld(con, run_id)
        saved_fit = first(con, "select file from measurement.mmm_fit where run_id = ?", [run_id])
        if saved_fit is None:
            lacks = first(
                con, "select needs from ops.not_run where run_id = ? and capability = 'media mix model'", [run_id]
            )
            needs = f"; it needs {lacks[0]}" if lacks else ""
            raise NothingToPlanFrom(f"run {run_id} has no media mix model{needs}")
        _refuse_newer(workspace, run[2])
        fit = _load(workspace.fits / str(saved_fit[0]))
        evidence = _evidence(con, run_id, fit)
    return Basis(fit, evidence, run_id, run[1].date(), bool(evidence.levels))


def _load(file: Path) -> MMMFit:
    from models.mmm import load

    if not file.exists():
        raise NothingToPlanFrom(f"the fit {file.name} is gone: `plumbline run --force` makes it again")
    try:
        return load(file)
    except (ValueError, OSError) as error:
        raise NothingToPlanFrom(
            f"the fit {file.name} cannot be read ({error}): `plumbline run --force` makes it again"
        ) from None


def _refuse_withheld(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    failed = con.execute(
        """select message from ops."check" where run_id = ? and not passed"""
        " and name in ('mmm:trustworthy', 'triangulation:converged')",
        [run_id],
    ).fetchall()
    if failed:
        raise PlanRefused(f"run {run_id} withholds its numbers, so no plan is made: {' '.join(m for (m,) in failed)}")


def _refuse_newer(workspace: Workspace, started: object) -> None:
    """Refuses when a newer run withheld the model. While a run writes, its state cannot be read and is ignored."""
    if not workspace.warehouse.exists():
        return
    try:
        with connect(workspace.warehouse, read_only=True, patience=0) as con:
            withholding = con.execute(
                'select r.run_id, c.message from ops.run r join ops."check" c using (run_id)'
                " where r.started_at > ? and not c.passed and c.name in ('mmm:trustworthy', 'triangulation:converged')"
                " and r.started_at = (select max(started_at) from ops.run) order by c.name",
                [started],
            ).fetchall()
    except WarehouseBusy:
        return
    if withholding:
        raise PlanRefused(
            f"the newest run {withholding[0][0]} withholds the model's numbers, so no plan is made from an older one:"
            f" {' '.join(m for _, m in withholding)}"
        )


def _evidence(con: duckdb.DuckDBPyConnection, run_id: str, fit: MMMFit) -> Evidence:
    from models.planning import Evidence

    grades = dict(
        con.execute(
            "select channel, if(measured is false, 'D', evidence_grade) from measurement.channel_estimate"
            " where run_id = ?"
            " and method = 'triangulated' and estimand = 'iroas' and period = ? and evidence_grade is not null",
            [run_id, WINDOW],
        ).fetchall()
    )
    spend = dict(zip(fit.data.channels, fit.data.spend.sum(axis=(0, 1)).tolist(), strict=True))
    levels = {}
    for channel in fit.data.channels:
        incremental = con.execute(
            "select incremental from measurement.period_draw where run_id = ? and period = ? and component = ?"
            " order by draw",
            [run_id, WINDOW, channel],
        ).fetchnumpy()["incremental"]
        if channel in grades and len(incremental):
            levels[channel] = np.asarray(incremental, dtype=float) / spend[channel]
    return Evidence(levels=levels, tiers={c: TIER_OF_GRADE[grades[c]] for c in levels})
