"""The costs in the books of asking as rows of `ops.llm_cost`, so that SQL and reports see them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from dagster_project.asking.ledger import read
from dagster_project.asking.spending import CHARGED, MICRO

_COLUMNS = "entry_id, charged_at, day, purpose, engine, model, answer_id, state, estimate_usd, actual_usd, cost_source"


def copy_costs(con: duckdb.DuckDBPyConnection, books: Path, as_of_day: date) -> int:
    """Replace ops.llm_cost by the books' entries up to the run's day; returns their number.

    The books are the truth: the warehouse may be rebuilt, a cap must not be. Raises LedgerError for damaged books.
    """
    if not books.exists():
        return 0
    with read(books) as ledger:
        rows = ledger.con.execute(
            f"select {_COLUMNS}, {CHARGED} from cost where day <= ? order by charged_at, entry_id",
            (as_of_day.isoformat(),),
        ).fetchall()
    con.execute("delete from ops.llm_cost")
    if rows:
        con.executemany(
            f"insert into ops.llm_cost ({_COLUMNS}, charged_usd) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [[*row[:8], _dollars(row[8]), _dollars(row[9]), row[10], _dollars(row[11])] for row in rows],
        )
    return len(rows)


def _dollars(micro: int | None) -> Decimal | None:
    return None if micro is None else Decimal(micro) / MICRO
