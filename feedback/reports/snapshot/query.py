"""Queries on the published snapshot: bound parameters, a hash per query, and empty results for absent tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from models.error import PlumblineError


class SnapshotError(PlumblineError, ValueError):
    """The snapshot does not suffice for a report; the text says what is missing and how to get it."""


@dataclass(frozen=True)
class QueryResult:
    """Rows of one query and the hash of its SQL and parameters."""

    rows: tuple[dict[str, Any], ...]
    sql_sha256: str


def open_snapshot(path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection that can reach nothing but this file. Raises SnapshotError if there is no snapshot."""
    if not path.is_file():
        raise SnapshotError("there is no published snapshot", file=path.name, fix="`plumbline run` publishes one")
    con = duckdb.connect(str(path), read_only=True, config={"threads": 1})
    con.execute("set TimeZone = 'UTC'")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
    return con


def has(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether `schema.table` exists: partial data is normal."""
    schema, name = table.split(".")
    matches = con.execute(
        "select count(*) from information_schema.tables where table_schema = $schema and table_name = $name",
        {"schema": schema, "name": name},
    ).fetchall()
    return bool(matches[0][0])


def query(
    con: duckdb.DuckDBPyConnection,
    sql: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    needs: Sequence[str],
) -> QueryResult:
    """The rows of `sql`; no rows when a table of `needs` does not exist in this workspace."""
    bound = dict(parameters or {})
    text = " ".join(sql.split())
    sha = hashlib.sha256(json.dumps([text, bound], sort_keys=True, default=str).encode()).hexdigest()
    if not all(has(con, table) for table in needs):
        return QueryResult((), sha)
    cursor = con.execute(sql, bound)
    columns = [column[0] for column in cursor.description or ()]
    return QueryResult(tuple(dict(zip(columns, row, strict=True)) for row in cursor.fetchall()), sha)
