"""A workspace whose marts are built in memory: files go through the readers, and the project's compiled SQL is run.

A run of dbt takes seconds; the same statements, executed one after the other, take a tenth of one. So thousands of
deliveries can be tried, and a test of the SQL can begin with the file that a person would put into landing/.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.sources.catalogue import create_raw_tables
from dagster_project.sources.delivery import Delivery
from dagster_project.sources.landing import land_all
from dagster_project.warehouse.run_record import begin
from dagster_project.warehouse.tables import create_tables
from dagster_project.workspace.paths import DBT_PROJECT
from dagster_project.workspace.settings import Settings

SPEND = ("channel_day", "channel_spend_day")
OUTCOME = ("kpi_day",)
_PEPPER = b"hashes made here are thrown away"


@dataclass(frozen=True)
class Statement:
    """One dbt model as SQL that any connection to the warehouse can run."""

    relation: str
    is_view: bool
    sql: str


def compiled(folder: Path) -> Path:
    """The manifest of the whole dbt project, compiled against an empty warehouse in `folder`."""
    from dbt.cli.main import dbtRunner

    warehouse = folder / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as con:
        create_tables(con)
        create_raw_tables(con)
    os.environ["PLUMBLINE_WAREHOUSE"] = str(warehouse)
    places = [
        "--project-dir",
        DBT_PROJECT,
        "--profiles-dir",
        DBT_PROJECT,
        "--target-path",
        folder,
        "--log-path",
        folder,
    ]
    outcome = dbtRunner().invoke(["--quiet", "--no-version-check", "compile", *(str(part) for part in places)])
    if outcome.exception:
        raise outcome.exception
    return folder / "manifest.json"


def statements(manifest: Path, marts: Sequence[str]) -> tuple[Statement, ...]:
    """The models that the marts stand on, in the order in which they can be built; seeds come first."""
    nodes: dict[str, Any] = json.loads(manifest.read_text())["nodes"]
    ordered: dict[str, Statement] = {}

    def visit(name: str) -> None:
        node = nodes.get(name)
        if node is None or name in ordered:
            return
        for parent in node["depends_on"].get("nodes", ()):  # a seed has none
            visit(parent)
        if node["resource_type"] == "seed":
            ordered[name] = Statement(node["relation_name"], False, _seed(DBT_PROJECT / node["original_file_path"]))
        else:
            is_view = node["config"]["materialized"] == "view"
            ordered[name] = Statement(node["relation_name"], is_view, node["compiled_code"])

    for mart in marts:
        visit(f"model.plumbline.{mart}")
    return tuple(ordered.values())


def _seed(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as handle:
        header, *rows = list(csv.reader(handle))
    lines = ", ".join(
        "(" + ", ".join(f"nullif('{c.replace(chr(39), chr(39) * 2)}', '')" for c in r) + ")" for r in rows
    )
    return f"select * from (values {lines}) as seed ({', '.join(header)})"


class InMemoryWorkspace:
    """landing/ on disk, the warehouse in memory. `build` may be called after each delivery, as a daily run would."""

    def __init__(self, landing: Path, sql: Sequence[Statement], settings: Settings, as_of: date) -> None:
        self.landing, self.sql, self.settings, self.as_of, self.built = landing, sql, settings, as_of, False
        self.con = duckdb.connect(":memory:", config={"threads": 1})
        self.con.execute("set TimeZone = 'UTC'; attach ':memory:' as warehouse; use warehouse")
        create_tables(self.con)
        create_raw_tables(self.con)
        begin(self.con, settings, print_="in memory", as_of_day=as_of, seed=1, selection="")
        for schema in ("staging", "intermediate", "marts"):
            self.con.execute(f"create schema if not exists {schema}")

    def deliver(self, files: Mapping[str, str | bytes], on: date | None = None) -> list[Delivery]:
        """Writes the files below landing/ and lands what is new, at the end of the day `on` (that of `as_of`)."""
        for name, content in files.items():
            path = self.landing / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.land(on)

    def land(self, on: date | None = None) -> list[Delivery]:
        """Lands what is new in landing/, as a run at the end of that day would."""
        now = datetime.combine(on or self.as_of, time(23, 59, 59), tzinfo=UTC)
        return list(land_all(self.con, self.landing, settings=self.settings, now=now, pepper=_PEPPER))

    def build(self) -> InMemoryWorkspace:
        """Makes every relation again from the raw rows."""
        for statement in self.sql:
            kind = "view" if statement.is_view else "table"
            self.con.execute(f"create or replace {kind} {statement.relation} as {statement.sql}")
        self.built = True
        return self

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.con.execute(sql).fetchall()

    def close(self) -> None:
        self.con.close()
