"""How the tables of two DuckDB files differ: row by row, in any order, values exact.

Rows of tables that keep several runs are compared for the newest run of each file only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.run.run_specific import REPLACED_IN_TEXTS, WORDING_COLUMNS, ignored

SHOWN = 5
PAIRED_AT_MOST = 200
TEXTS = ("VARCHAR", "JSON")
SEVERAL_RUNS = ("measurement", "ops")


@dataclass(frozen=True)
class TableDifference:
    """What differs in one table: columns and counts of rows that only one side has, and up to five examples."""

    name: str
    rows: int
    only_in: str = ""
    columns_only_in_a: tuple[str, ...] = ()
    columns_only_in_b: tuple[str, ...] = ()
    rows_only_in_a: int = 0
    rows_only_in_b: int = 0
    wording_only: bool = False
    examples: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        same_columns = not (self.columns_only_in_a or self.columns_only_in_b)
        return not self.only_in and same_columns and not (self.rows_only_in_a or self.rows_only_in_b)

    def sentences(self) -> Iterator[str]:
        """What a reader needs to find the difference, one line each."""
        if self.only_in:
            yield f"table only in {self.only_in} ({self.rows:,} rows)"
        for side, columns in (("A", self.columns_only_in_a), ("B", self.columns_only_in_b)):
            if columns:
                yield f"columns only in {side}: {', '.join(columns)}"
        if self.rows_only_in_a or self.rows_only_in_b:
            note = "; only their wording differs" if self.wording_only else ""
            yield f"{self.rows_only_in_a:,} rows only in A, {self.rows_only_in_b:,} rows only in B{note}"
        yield from self.examples


def table_differences(a: Path, b: Path) -> list[TableDifference]:
    """One entry per table that either file has, by name. Opens both files for reading only."""
    with duckdb.connect() as con:
        for alias, path in (("a", a), ("b", b)):
            quoted = str(path).replace("'", "''")
            con.execute(f"attach '{quoted}' as {alias} (read_only)")
        tables = {side: _tables(con, side) for side in "ab"}
        return [_table(con, *name, tables) for name in sorted(tables["a"].keys() | tables["b"].keys())]


Tables = dict[tuple[str, str], dict[str, str]]


def _tables(con: duckdb.DuckDBPyConnection, catalog: str) -> Tables:
    """Types by column of every table of one attached file; views are computed from tables and not compared."""
    tables: Tables = {}
    for schema, table, column, kind in con.execute(
        "select c.schema_name, c.table_name, c.column_name, c.data_type from duckdb_columns() as c"
        " semi join duckdb_tables() as t on t.database_name = c.database_name and t.schema_name = c.schema_name"
        " and t.table_name = c.table_name"
        " where c.database_name = ? order by c.schema_name, c.table_name, c.column_index",
        [catalog],
    ).fetchall():
        tables.setdefault((schema, table), {})[column] = kind
    return tables


def _table(con: duckdb.DuckDBPyConnection, schema: str, table: str, tables: dict[str, Tables]) -> TableDifference:
    name = f"{schema}.{table}"
    of_a, of_b = (tables[side].get((schema, table)) for side in "ab")
    if of_a is None or of_b is None:
        side = "b" if of_a is None else "a"
        return TableDifference(name, _count(con, side, schema, table), only_in=side.upper())
    columns = [c for c in of_a if c in of_b and not ignored(schema, table, c)]
    changed = {c for c in columns if of_a[c] != of_b[c]}
    of_run = schema in SEVERAL_RUNS and "run_id" in of_a and "run_id" in of_b
    current = all(("ops", "current_run") in tables[side] for side in "ab")
    selected = {
        side: f'select {_expressions(columns, tables[side][schema, table], changed)} from {side}.{schema}."{table}"'
        + (f" where run_id in (select run_id from {side}.ops.current_run)" if of_run and current else "")
        for side in "ab"
    }
    only_a = _excess(con, selected["a"], selected["b"])
    only_b = _excess(con, selected["b"], selected["a"])
    figures = [columns.index(c) for c in columns if c not in WORDING_COLUMNS]
    reworded = bool(only_a or only_b) and _projected(only_a, figures) == _projected(only_b, figures)
    return TableDifference(
        name,
        _count(con, "a", schema, table),
        columns_only_in_a=tuple(c for c in of_a if c not in of_b),
        columns_only_in_b=tuple(c for c in of_b if c not in of_a),
        rows_only_in_a=len(only_a),
        rows_only_in_b=len(only_b),
        wording_only=reworded and of_a.keys() == of_b.keys(),
        examples=tuple(_examples(columns, only_a, only_b)),
    )


def _count(con: duckdb.DuckDBPyConnection, side: str, schema: str, table: str) -> int:
    row = con.execute(f'select count(*) from {side}.{schema}."{table}"').fetchone()
    return int(row[0]) if row else 0


def _expressions(columns: Sequence[str], kinds: dict[str, str], changed: Collection[str]) -> str:
    """The select list: texts without what belongs to one run, everything else as it stands.

    A column whose type `changed` between the two is compared as text, a list as its items separated by commas.
    """

    def of(column: str) -> str:
        expression = f'"{column}"'
        if column in changed:
            text = f"array_to_string({expression}, ',')" if kinds[column].endswith("[]") else expression
            expression = f"coalesce({text}::varchar, '')"
        elif kinds[column] not in TEXTS:
            return expression
        for pattern, stand_in in REPLACED_IN_TEXTS.items():
            expression = f"regexp_replace({expression}::varchar, '{pattern}', '{stand_in}', 'g')"
        return f'{expression} as "{column}"'

    return ", ".join(of(column) for column in columns) or "1"


def _excess(con: duckdb.DuckDBPyConnection, these: str, those: str) -> list[tuple[Any, ...]]:
    """Rows of `these` that `those` has not, counted as often as they are missing."""
    return con.execute(f"from (({these}) except all ({those})) order by all").fetchall()


def _projected(rows: list[tuple[Any, ...]], places: Sequence[int]) -> list[str]:
    return sorted(repr([row[i] for i in places]) for row in rows)


def _examples(columns: Sequence[str], only_a: list[tuple[Any, ...]], only_b: list[tuple[Any, ...]]) -> Iterator[str]:
    """The first differing cells: each row of A beside the row of B that shares most of its cells."""
    left, lonely, shown = list(only_b[:PAIRED_AT_MOST]), [], 0
    for row in only_a[:PAIRED_AT_MOST]:
        partner = max(left, key=lambda other: _shared(row, other), default=None)
        if partner is None or 2 * _shared(row, partner) < len(columns):
            lonely.append(row)
            continue
        left.remove(partner)
        same = [f"{c}={v}" for c, v, w in zip(columns, row, partner, strict=True) if _same(v, w)][:4]
        cells = [f"{c}: {v!r} | {w!r}" for c, v, w in zip(columns, row, partner, strict=True) if not _same(v, w)]
        yield f"{', '.join(same)}: {'; '.join(cells)}"
        shown += 1
        if shown == SHOWN:
            return
    for side, row in chain((("A", row) for row in lonely[:SHOWN]), (("B", row) for row in left[:SHOWN])):
        yield f"only in {side}: " + ", ".join(f"{c}={v}" for c, v in zip(columns, row, strict=True))


def _same(x: Any, y: Any) -> bool:
    return bool(x == y) or (x != x and y != y)  # NaN equals NaN here


def _shared(row: Sequence[Any], other: Sequence[Any]) -> int:
    return sum(_same(x, y) for x, y in zip(row, other, strict=True))
