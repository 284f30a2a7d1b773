"""The content of a warehouse as digests: equal tables have equal digests, whatever their row order."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb

SCHEMAS = ("raw", "marts", "measurement", "feedback", "ops")
# Wall clock times and durations are the only columns that may differ between two runs of the same inputs.
CLOCK = {"started_at", "finished_at", "seconds"}


def digests(file: Path) -> dict[str, str]:
    """sha256 of the sorted rows of every table."""
    found = {}
    with duckdb.connect(str(file), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        tables = con.execute(
            "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'"
            " order by 1, 2"
        ).fetchall()
        for schema, table in tables:
            if schema not in SCHEMAS:
                continue
            columns = [c[0] for c in con.execute(f'select column_name from (describe {schema}."{table}")').fetchall()]
            kept = ", ".join(f'"{c}"' for c in columns if c not in CLOCK)
            rows = con.execute(f'select {kept} from {schema}."{table}"').fetchall()
            text = sorted(json.dumps(row, default=str) for row in rows)
            found[f"{schema}.{table}"] = hashlib.sha256("\n".join(text).encode()).hexdigest()
    return found
