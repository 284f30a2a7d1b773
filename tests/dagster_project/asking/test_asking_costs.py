"""The books of asking as rows of ops.llm_cost."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pytest

from dagster_project.asking.cost_rows import copy_costs
from dagster_project.asking.ledger import LedgerError, opened
from dagster_project.warehouse.tables import create_tables
from dagster_project.workspace.ai_settings import Llm

DAY = date(2026, 12, 1)


def test_every_paid_call_is_a_row_and_counts_as_the_cap_counts_it(tmp_path):
    caps = Llm(daily_cap=Decimal(10), monthly_cap=Decimal(10))
    with duckdb.connect() as con:
        create_tables(con)
        assert copy_costs(con, tmp_path / "ledger.sqlite", DAY) == 0
        with opened(tmp_path) as ledger:
            ledger.settle(
                ledger.reserve(caps, DAY, model="a", estimate=Decimal(1)), actual=Decimal("0.3"), source="litellm"
            )
            ledger.release(ledger.reserve(caps, DAY, model="b", estimate=Decimal(1)))
            ledger.settle(ledger.reserve(caps, DAY, model="c", estimate=Decimal(1)), actual=None, source="estimate")
            ledger.reserve(caps, DAY, model="d", estimate=Decimal(1), most=Decimal(4))
            ledger.reserve(caps, date(2026, 12, 2), model="later", estimate=Decimal(1))
        for _ in range(2):
            assert copy_costs(con, tmp_path / "ledger.sqlite", DAY) == 4
            rows = con.sql("select model, state, actual_usd, charged_usd from ops.llm_cost order by model").fetchall()
        assert rows == [
            ("a", "settled", Decimal("0.3"), Decimal("0.3")),
            ("b", "released", None, Decimal(0)),
            ("c", "unknown", None, Decimal(1)),
            ("d", "reserved", None, Decimal(4)),
        ]
        (tmp_path / "ledger.sqlite").write_bytes(b"damaged" * 1000)
        for leftover in tmp_path.glob("ledger.sqlite-*"):
            leftover.unlink()
        with pytest.raises(LedgerError, match="backup"):
            copy_costs(con, tmp_path / "ledger.sqlite", DAY)
