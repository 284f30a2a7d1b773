"""The DuckDB file of a workspace: one run at a time, one connection per block, all of a block or none of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from filelock import FileLock, Timeout

CONFIG: dict[str, Any] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class WarehouseBusy(RuntimeError):
    """Another run holds the workspace; the text names it."""


def lock_of(warehouse: Path) -> FileLock:
    """The run lock: the operating system lets go of it when the process dies, however it dies."""
    return FileLock(f"{warehouse}.lock")


def holder_of(warehouse: Path) -> dict[str, Any]:
    """Who took the lock last: {pid, run_id, since}; empty where nobody ever did or the note is unreadable."""
    try:
        note = json.loads(Path(f"{warehouse}.holder").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def busy_sentence(warehouse: Path) -> str:
    holder = holder_of(warehouse)
    who = f"process {holder['pid']}, since {holder['since']}" if holder else "another process"
    return f"a run is going on in this workspace ({who}); wait for it to finish, then run again"


def connect(path: Path, *, read_only: bool, patience: float = 60.0) -> duckdb.DuckDBPyConnection:
    """A connection in UTC; waits up to `patience` seconds while another process holds the file.

    Raises WarehouseBusy when the file stays locked.
    """
    deadline, pause = time.monotonic() + patience, 0.05
    while True:
        try:
            con = duckdb.connect(str(path), read_only=read_only, config=CONFIG)
            break
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise
            if time.monotonic() > deadline:
                raise WarehouseBusy(busy_sentence(path)) from None
            time.sleep(pause)
            pause = min(pause * 2, 2.0)
    con.execute("set TimeZone = 'UTC'")
    return con


def close_dead_run(instance: dg.DagsterInstance, warehouse: Path, run_id: str) -> None:
    """Whoever held the lock last has let go: if its run never finished, its process died, and its slot is freed."""
    last_id = holder_of(warehouse).get("run_id")
    last = instance.get_run_by_id(last_id) if last_id else None
    if last and last.run_id != run_id and not last.is_finished:
        instance.report_run_failed(last, "the process of this run died")
        instance.event_log_storage.free_concurrency_slots_for_run(last.run_id)
    note = {"pid": os.getpid(), "run_id": run_id, "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    Path(f"{warehouse}.holder").write_text(json.dumps(note), encoding="utf-8")


class Warehouse(dg.ConfigurableResource):
    """Holds the run lock for a whole run and the DuckDB file only for one block at a time."""

    path: str
    patience: float = 60.0

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Warehouse]:
        """Take the run lock, or fail with a sentence that names who has it."""
        lock = lock_of(Path(self.path))
        try:
            lock.acquire(timeout=self.patience)
        except Timeout:
            raise WarehouseBusy(busy_sentence(Path(self.path))) from None
        try:
            if context.instance is not None and context.run is not None:
                close_dead_run(context.instance, Path(self.path), context.run.run_id)
            yield self
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


def first(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
    """The first row of a query, or None. The result is drained: DuckDB 2 keeps a connection busy until it is."""
    rows = con.execute(query, list(parameters)).fetchall()
    return tuple(rows[0]) if rows else None
