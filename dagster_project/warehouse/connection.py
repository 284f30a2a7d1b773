"""The DuckDB file of a workspace: who holds it, and one connection per block."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock

from feedback.storage.atomic_files import write_atomically
from models.error import PlumblineError

CONFIG: dict[str, Any] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class WarehouseBusy(PlumblineError, RuntimeError):
    """Another run holds the workspace; the text names it."""


def lock_of(warehouse: Path) -> FileLock:
    """The run lock: the operating system releases it when the process dies, however it dies."""
    return FileLock(f"{warehouse}.lock")


def is_locked(warehouse: Path) -> bool:
    """Whether a run is going on now; asks without writing anything, so also on a read-only disk."""
    try:
        with Path(f"{warehouse}.lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def holder_of(warehouse: Path) -> dict[str, Any]:
    """Who took the lock last: {pid, run_id, since}; empty where nobody did or the note is damaged."""
    try:
        note = json.loads(Path(f"{warehouse}.holder").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) and {"pid", "run_id", "since"} <= set(note) else {}


def note_holder(warehouse: Path, run_id: str) -> None:
    """Leave word beside the lock who holds it: this process, for this Dagster run."""
    note = {"pid": os.getpid(), "run_id": run_id, "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    write_atomically(Path(f"{warehouse}.holder"), json.dumps(note).encode())


def busy_sentence(warehouse: Path) -> str:
    holder = holder_of(warehouse)
    who = f"process {holder['pid']}, since {holder['since']}" if holder else "another process"
    return f"a run is going on in this workspace ({who}); wait for it to finish, then run again"


def connect(path: Path, *, read_only: bool, patience: float = 60.0) -> duckdb.DuckDBPyConnection:
    """A connection in UTC; waits up to `patience` seconds while another process holds the file.

    Raises WarehouseBusy when the file stays locked, duckdb.Error for a file that is no DuckDB file.
    """
    deadline, pause = time.monotonic() + patience, 0.05
    while True:
        try:
            con = duckdb.connect(str(path), read_only=read_only, config=CONFIG)
            break
        except duckdb.IOException:
            if not _is_held(path, read_only=read_only):
                raise
            if time.monotonic() > deadline:
                raise WarehouseBusy(busy_sentence(path)) from None
            time.sleep(pause)
            pause = min(pause * 2, 2.0)
    con.execute("set TimeZone = 'UTC'")
    return con


def _is_held(path: Path, *, read_only: bool) -> bool:
    """Whether another process holds the lock that DuckDB would take: it has no error class of its own for this.

    Asked only after DuckDB failed to open the file, when this process holds no lock that closing it could release.
    """
    try:
        with path.open("rb" if read_only else "r+b") as file:
            try:
                fcntl.lockf(file, (fcntl.LOCK_SH if read_only else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except OSError:
                return True
    except OSError:
        return False
    return False


def first(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
    """The first row of a query, or None. The result is drained: DuckDB 2 keeps a connection busy until it is."""
    rows = con.execute(query, list(parameters)).fetchall()
    return tuple(rows[0]) if rows else None
