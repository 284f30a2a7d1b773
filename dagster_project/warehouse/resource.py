"""The warehouse as Dagster's assets see it: one run at a time, one connection per block, all of a block or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import duckdb
from dagster._core.events import EngineEventData
from dagster._core.execution.stats import StepEventStatus
from filelock import Timeout

from dagster_project.warehouse import healing, run_record
from dagster_project.warehouse.connection import (
    WarehouseBusy,
    busy_sentence,
    connect,
    holder_of,
    lock_of,
    note_holder,
)
from dagster_project.workspace.paths import Workspace

HEALED = "plumbline/healed"  # marks the event that says which damaged file was set aside


class Warehouse(dg.ConfigurableResource):
    """Holds the run lock for a whole run and the DuckDB file only for one block at a time."""

    path: str
    patience: float = 60.0

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Warehouse]:
        """Take the run lock and set damaged files aside; at the end close a run that did not reach its own end.

        Raises WarehouseBusy, naming who holds the lock.
        """
        file = Path(self.path)
        lock = lock_of(file)
        try:
            lock.acquire(timeout=self.patience)
        except Timeout:
            raise WarehouseBusy(busy_sentence(file)) from None
        try:
            if context.instance is not None and context.run is not None:
                close_dead_run(context.instance, file, context.run.run_id)
                announce(context.instance, context.run, healing.prepare(Workspace.at(file.parents[1])))
            try:
                yield self
            finally:
                run_record.close_unfinished(file, failed=_has_failed(context))
        finally:
            lock.release()

    @contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One transaction: all of the block, or none of it."""
        with connect(Path(self.path), read_only=False, patience=self.patience) as con:
            con.begin()
            yield con
            con.commit()

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A writing connection whose block makes its own transactions (one per landed file)."""
        with connect(Path(self.path), read_only=False, patience=self.patience) as con:
            yield con

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that cannot write."""
        with connect(Path(self.path), read_only=True, patience=self.patience) as con:
            yield con


def _has_failed(context: dg.InitResourceContext) -> bool:
    if context.instance is None or context.run is None:
        return True
    steps = context.instance.get_run_step_stats(context.run.run_id)
    return not steps or any(step.status is not StepEventStatus.SUCCESS for step in steps)


def close_dead_run(instance: dg.DagsterInstance, warehouse: Path, run_id: str) -> None:
    """The lock is free: if the run that held it last never finished, its process died.

    Such a run is marked as failed and its slot of the pool is freed.
    """
    last_id = holder_of(warehouse).get("run_id")
    last = instance.get_run_by_id(str(last_id)) if last_id else None
    if last and last.run_id != run_id and not last.is_finished:
        instance.report_run_failed(last, "the process of this run died")
        instance.event_log_storage.free_concurrency_slots_for_run(last.run_id)
    note_holder(warehouse, run_id)


def announce(instance: dg.DagsterInstance, run: dg.DagsterRun, sentences: Iterable[str]) -> None:
    """Say in the run's event log which damaged files were set aside; the command line prints the same events."""
    for sentence in sentences:
        instance.report_engine_event(sentence, run, EngineEventData(metadata={HEALED: True}))
