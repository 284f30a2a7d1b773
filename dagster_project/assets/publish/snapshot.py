"""The published snapshot: what readers open while the next run writes. A new file a run, then one pointer."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

from dagster_project.warehouse.connection import CONFIG
from dagster_project.workspace.paths import Workspace

SCHEMAS = ("marts", "measurement", "feedback", "ops")
ALSO = (("raw", "quarantine"),)


def publish(workspace: Workspace, run_id: str, keep: int) -> Path:
    """Copy what readers need into `published-<run>.duckdb` and move the pointer to it; keep the newest `keep` files.

    The file is complete and on disk before the pointer names it: a crash leaves the old snapshot in force. Views
    become tables, so that a snapshot stands alone. Returns the new file.
    """
    final = workspace.derived / f"published-{run_id}.duckdb"
    part = final.with_suffix(".part")
    part.unlink(missing_ok=True)
    with duckdb.connect(config=CONFIG) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"attach '{_quoted(workspace.warehouse)}' as warehouse (read_only)")
        con.execute(f"attach '{_quoted(part)}' as snapshot")
        for schema, table in _tables(con):
            con.execute(f"create schema if not exists snapshot.{schema}")
            con.execute(f'create table snapshot.{schema}."{table}" as from warehouse.{schema}."{table}"')
        con.execute("detach snapshot")
    _sync(part)
    os.replace(part, final)
    pointer = workspace.pointer.with_suffix(".part")
    pointer.write_text(final.name, encoding="utf-8")
    _sync(pointer)
    os.replace(pointer, workspace.pointer)
    _sync(workspace.derived)
    older = sorted(workspace.derived.glob("published-*.duckdb"), key=lambda p: p.stat().st_mtime, reverse=True)
    for path in older[keep:]:
        if path != final:
            path.unlink()
    return final


def _tables(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    rows = con.execute(
        "select table_schema, table_name from information_schema.tables where table_catalog = 'warehouse'"
        " order by table_schema, table_name"
    ).fetchall()
    return [(s, t) for s, t in rows if s in SCHEMAS or (s, t) in ALSO]


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
