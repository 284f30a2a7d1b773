"""The tables a report was computed from, as Parquet with two hashes: of the file, and of its rows in any format."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import duckdb

from feedback.reports.snapshot.query import has

TABLES = (
    "ops.current_run",
    "ops.channel",
    "ops.not_run",
    "marts.channel_day",
    "marts.channel_period_spend",
    "marts.kpi_day",
    "marts.ledger_period",
    "marts.ledger_quarantine",
    "marts.reconciliation",
    "measurement.run",
    "measurement.period_draw",
    "measurement.measured_period",
    "measurement.channel_estimate",
    "measurement.weight",
    "measurement.warning",
    "measurement.conflict",
    "measurement.experiment",
    "measurement.next_experiment",
    "measurement.channel_prior",
    "measurement.mmm_change",
    "measurement.operating_metric",
    "measurement.feed_lift",
)
# The clock time at which a run began is no input: equal tables give one report id whenever they were computed.
WITHOUT_CLOCK = {"measurement.run": "select * replace (null::timestamp as started_at) from measurement.run"}


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def logical_sha256(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """Hash of the rows as a multiset: independent of their order, the file format and the DuckDB version.

    Each row is hashed as JSON with its column names; the sorted row hashes are hashed together.
    """
    rows = con.execute(f"select sha256(to_json(t)::varchar) as row_sha from {table} as t order by row_sha").fetchall()
    return hashlib.sha256("".join(row[0] for row in rows).encode()).hexdigest()


def export(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, dict[str, Any]]:
    """Writes `<table>/<sha256>.parquet` for each table of the snapshot; returns their entries for the manifest."""
    import pyarrow.parquet as parquet

    written: dict[str, dict[str, Any]] = {}
    for table in TABLES:
        if not has(con, table):
            continue
        target = folder / table
        target.mkdir(parents=True)
        content = f"({WITHOUT_CLOCK[table]})" if table in WITHOUT_CLOCK else table
        rows = con.sql(f"from {content} order by all").to_arrow_table()
        draft = target / "draft.parquet"
        parquet.write_table(rows, draft, compression="zstd", row_group_size=65536)
        sha = file_sha256(draft)
        draft.rename(target / f"{sha}.parquet")
        written[table] = {
            "rows": len(rows),
            "file_sha256": sha,
            "logical_sha256": logical_sha256(con, content),
            "file": f"inputs/{table}/{sha}.parquet",
        }
    return written


def load(pack: Path, listed: dict[str, dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    """An in-memory database with the pack's tables under their own names."""
    con = duckdb.connect(config={"threads": 1})
    con.execute("set TimeZone = 'UTC'")
    for schema in sorted({table.split(".")[0] for table in listed}):
        con.execute(f"create schema if not exists {schema}")
    for table, entry in listed.items():
        if table not in TABLES:
            raise ValueError(f"manifest.json lists the table {table!r}, but no report reads a table of that name")
        con.execute(f"create table {table} as from read_parquet($file)", {"file": str(pack / entry["file"])})
    return con
