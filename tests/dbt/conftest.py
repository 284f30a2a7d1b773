"""One warehouse for all tests of the SQL: built empty first, then with the small company's rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.assets.content_features import read_pieces
from dagster_project.sources.catalogue import create_raw_tables
from dagster_project.warehouse.tables import OPS_TABLES, TABLES

HERE = Path(__file__).parent
DBT = HERE.parents[1] / "dbt"
RUN = "('r1', '2026-10-31 22:59:59', '2026-10-31', 'Europe/Berlin', 'EUR', 'revenue', null, 90, 30, 7.0, 1)"


class Project:
    """The dbt project on one warehouse file; the path stays, because another one means a full parse."""

    def __init__(self, folder: Path) -> None:
        self.warehouse = folder / "warehouse.duckdb"
        self.target = folder / "target"

    def execute(self, sql: str) -> None:
        with duckdb.connect(str(self.warehouse)) as con:
            con.execute(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse)) as con:
            return con.execute(sql).fetchall()

    def invoke(self, *command: str) -> dict[str, str]:
        """Status of every node that ran, by its name."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        os.environ["PLUMBLINE_WAREHOUSE"] = str(self.warehouse)
        folders = ["--project-dir", DBT, "--profiles-dir", DBT, "--target-path", self.target, "--log-path", self.target]
        try:
            outcome = dbtRunner().invoke(["--quiet", "--no-version-check", *command, *(str(part) for part in folders)])
        finally:
            DuckDBConnectionManager.close_all_connections()
        if outcome.exception:
            raise outcome.exception
        results = getattr(outcome.result, "results", [])
        return {node.node.name: f"{node.status}: {node.message}" for node in results}


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Raw and ops tables without a row, besides the run itself."""
    made = Project(tmp_path_factory.mktemp("dbt"))
    with duckdb.connect(str(made.warehouse)) as con:
        create_raw_tables(con)
        for name, columns in OPS_TABLES.items():
            con.execute(f"create table ops.{name} ({columns})")
        con.execute(f"insert into ops.current_run values {RUN}")
        con.execute("create schema measurement")
        con.execute(f"create table measurement.content_feature ({TABLES['measurement.content_feature']})")
    return made


@pytest.fixture(scope="session")
def empty_build(project: Project) -> dict[str, str]:
    """What a build makes of a workspace in which nothing has landed; unit tests run here, once."""
    return project.invoke("build")


@pytest.fixture(scope="session")
def small_build(project: Project, empty_build: dict[str, str]) -> dict[str, str]:
    """The same with the small company's rows; `empty_build` first, because both use one file."""
    project.execute((HERE / "small_company.sql").read_text())
    with duckdb.connect(str(project.warehouse)) as con:
        read_pieces(con)
    return project.invoke("build", "--exclude-resource-type", "unit_test")


@pytest.fixture
def mart(project: Project, small_build: dict[str, str]) -> Callable[[str], list[tuple[Any, ...]]]:
    """Answers of the small company's warehouse to a query."""
    return project.rows
