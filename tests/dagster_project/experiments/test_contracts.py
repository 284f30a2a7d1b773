"""The hand-over survives the warehouse: what a run writes of a test is what its readers take back."""

from __future__ import annotations

import duckdb
import pytest

from dagster_project.assets.experiments import rows as experiment_rows
from dagster_project.assets.experiments.contracts import lift_contracts
from dagster_project.warehouse import tables
from dagster_project.workspace.paths import Workspace


def test_a_contract_comes_back_as_it_was_written(dark_market: Workspace) -> None:
    with duckdb.connect(str(dark_market.warehouse), read_only=True) as con:
        run_id = con.execute("select run_id from measurement.experiment").fetchall()[0][0]
        [contract] = lift_contracts(con, run_id)
        row = con.sql("from measurement.experiment").pl().to_dicts()[0]
    assert (contract.test_id, contract.channels, contract.geos) == ("dark", ("social",), ("r02", "r05"))
    assert {name: row[name] for name in experiment_rows.contract_row(contract)} == experiment_rows.contract_row(
        contract
    )
    assert contract.tested_spend == pytest.approx(0.0)  # the regions went dark
    assert contract.spend is not None
    assert contract.spend < 0


def test_a_warehouse_that_holds_names_as_text_gets_lists() -> None:
    with duckdb.connect() as con:
        for schema in ("measurement", "feedback"):
            con.execute(f"create schema {schema}")
        columns = tables.TABLES["measurement.experiment"].replace("varchar[]", "varchar")
        con.execute(f"create table measurement.experiment ({columns})")
        con.execute(
            "insert into measurement.experiment (run_id, experiment_id, channels, geos)"
            " values ('r', 'a', 'search|video', ''), ('r', 'b', 'search', 'north|west'), ('r', 'c', 'search', null)"
        )
        tables.create_tables(con)
        tables.create_tables(con)
        found = con.execute("select channels, geos from measurement.experiment order by experiment_id").fetchall()
    assert found == [(["search", "video"], []), (["search"], ["north", "west"]), (["search"], None)]
