"""The snapshot that readers open while the next run writes: a candidate first, then a name and one pointer."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

from dagster_project.warehouse.connection import CONFIG
from dagster_project.workspace.paths import Workspace
from feedback.storage.atomic_files import replacing, sync_folder, write_atomically
from feedback.storage.damaged_files import checksum_file, write_checksum

SCHEMAS = ("marts", "measurement", "feedback", "ops")
ALSO = (("raw", "quarantine"),)
OWN = (("ops", "former_delivery"), ("ops", "content_reading"))  # the warehouse's own bookkeeping


def candidate_of(workspace: Workspace) -> Path:
    """Where the snapshot of a run waits until its report is built, or known to be blocked."""
    return workspace.derived / "candidate.duckdb"


def copy(workspace: Workspace) -> Path:
    """Copy what readers need into the candidate; views become tables, so that a snapshot stands alone."""
    candidate = candidate_of(workspace)
    with replacing(candidate) as part, duckdb.connect(config=CONFIG) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"attach '{_quoted(workspace.warehouse)}' as warehouse (read_only)")
        con.execute(f"attach '{_quoted(part)}' as snapshot")
        for schema, table in _tables(con):
            con.execute(f"create schema if not exists snapshot.{schema}")
            con.execute(f'create table snapshot.{schema}."{table}" as from warehouse.{schema}."{table}"')
        con.execute("detach snapshot")
    return candidate


def refresh(workspace: Workspace, tables: tuple[str, ...]) -> None:
    """Copy `tables` of the warehouse into the candidate once more: what the end of the run wrote into them."""
    with duckdb.connect(config=CONFIG) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"attach '{_quoted(workspace.warehouse)}' as warehouse (read_only)")
        con.execute(f"attach '{_quoted(candidate_of(workspace))}' as snapshot")
        for table in tables:
            con.execute(f"create or replace table snapshot.{table} as from warehouse.{table}")
        con.execute("detach snapshot")


def publish(workspace: Workspace, run_id: str, keep: int) -> Path:
    """Give the candidate the name `published-<run>.duckdb` and move the pointer to it; keep the newest `keep` files.

    The file is complete and on the disk before the pointer names it: a crash leaves the old snapshot in force. Its
    digest stands beside it. Returns the new file.
    """
    final = workspace.derived / f"published-{run_id}.duckdb"
    candidate = candidate_of(workspace)
    checksum_file(final).unlink(missing_ok=True)  # between the two names there is no digest rather than a wrong one
    with candidate.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(candidate, final)
    sync_folder(workspace.derived)
    write_checksum(final)
    write_atomically(workspace.pointer, final.name.encode())
    older = sorted(workspace.derived.glob("published-*.duckdb"), key=lambda p: p.stat().st_mtime, reverse=True)
    for path in older[keep:]:
        if path != final:
            path.unlink()
            checksum_file(path).unlink(missing_ok=True)
    return final


def _tables(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    rows = con.execute(
        "select table_schema, table_name from information_schema.tables where table_catalog = 'warehouse'"
        " order by table_schema, table_name"
    ).fetchall()
    return [(s, t) for s, t in rows if (s in SCHEMAS or (s, t) in ALSO) and (s, t) not in OWN]


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
