"""The asset of the feed's worth: nothing before the first look, a figure after it, and missing receipts counted."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from dagster_project.assets import feed_experiment, patterns
from dagster_project.warehouse import run_record, tables
from dagster_project.warehouse.resource import Warehouse
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings
from models.patterns import Decision, as_experiments

DAY = date(2026, 11, 16)
COMPANY = Settings.model_validate({"company": {"brand": "acme"}, "clock": DAY, "patterns": {"smallest_lift": 0.2}})


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch) -> Warehouse:
    monkeypatch.setattr(run_record, "code_version", lambda: "git:4f2a91c")
    monkeypatch.setattr(run_record, "packages_sha256", lambda: "0" * 64)
    for module in (feed_experiment, patterns):
        monkeypatch.setattr(module, "settings", lambda: COMPANY)
    (tmp_path / "plumbline.yaml").write_text("company: {brand: acme}\n")
    monkeypatch.setattr(patterns, "workspace", lambda: Workspace.at(tmp_path))
    file = Workspace.at(tmp_path).warehouse
    file.parent.mkdir(parents=True)
    with duckdb.connect(str(file)) as con:
        tables.create_tables(con)
        run_record.begin(con, COMPANY, print_="0" * 64, as_of_day=DAY, seed=1, selection="")
        con.execute("create table raw.quarantine (source varchar)")
        con.execute("insert into raw.quarantine values ('receipts'), ('meta_ads')")
        con.execute("create table marts.receipt_refusal as select 'rcp_x' receipt_id")
    return Warehouse(path=str(file))


def landed(warehouse: Warehouse, pairs: int, lift: float) -> None:
    rng = np.random.default_rng(7)
    rate = 0.03 * np.exp(rng.normal(0, 0.3, pairs))
    frame = pl.DataFrame(
        {
            "brief": [f"b{i:03}" for i in range(pairs)],
            "closed": [DAY - timedelta(days=400 - i) for i in range(pairs)],
            "trials_on": 5000,
            "successes_on": rng.binomial(5000, rate * np.exp(lift)),
            "trials_off": 5000,
            "successes_off": rng.binomial(5000, rate),
            "value_on": pl.Series([None] * pairs, dtype=pl.Float64),
            "value_off": pl.Series([None] * pairs, dtype=pl.Float64),
        }
    )
    receipts = frame.select(
        "brief",
        assigned=pl.lit(True),
        receipted=pl.col("brief") != "b000",
        used=pl.lit(True),
        offered_at=pl.lit(DAY - timedelta(days=500)).cast(pl.Datetime),
    )
    with warehouse.write() as con:
        con.register("pairs", frame.to_arrow())
        con.register("receipts", receipts.to_arrow())
        con.execute("create or replace table marts.feed_pair as from pairs")
        con.execute("create or replace table marts.receipt as from receipts")
        con.execute(
            "create or replace table marts.hook_test (brief varchar, variant varchar, channel varchar, week date,"
            " trials bigint, successes bigint, is_learnable boolean)"
        )


def told(warehouse: Warehouse, query: str) -> list[dict[str, Any]]:
    with warehouse.read() as con:
        return con.sql(query).pl().to_dicts()


def test_without_offers_it_says_what_it_needs(warehouse):
    landed(warehouse, 0, 0.0)
    feed_experiment.lift(warehouse)
    assert told(warehouse, "from measurement.feed_lift") == []
    (missing,) = told(warehouse, "select needs from ops.not_run where capability = 'feed_lift'")
    assert "landing/receipts" in missing["needs"]


def test_nothing_is_shown_before_the_first_look_and_the_worth_after_it(warehouse):
    landed(warehouse, 5, 0.5)
    feed_experiment.lift(warehouse)
    (early,) = told(warehouse, "from measurement.feed_lift")
    assert (early["verdict"], early["lift"], early["may_be_read"]) == ("too early", None, False)
    landed(warehouse, 40, 0.5)
    feed_experiment.lift(warehouse)
    (row,) = told(warehouse, "from measurement.feed_lift")
    assert (row["verdict"], row["may_be_read"], row["round"]) == ("useful", True, 1)
    assert row["low"] < 0.5 < row["high"]
    assert "engagement only" in row["message"]
    assert (row["offered"], row["unanswered"], row["refused"]) == (40, 1, 2)
    codes = {w["code"]: w["message"] for w in told(warehouse, "select code, message from measurement.warning")}
    assert codes.keys() == {"receipts_missing", "receipts_refused"}
    assert codes["receipts_missing"].startswith("1 of 40 offered cards")


def test_a_useless_feed_warns_and_deals_every_card_by_a_coin(warehouse):
    landed(warehouse, 40, 0.0)
    feed_experiment.lift(warehouse)
    (row,) = told(warehouse, "select verdict from measurement.feed_lift")
    assert row["verdict"] == "useless"
    assert "feed_worth_not_shown" in {w["code"] for w in told(warehouse, "select code from measurement.warning")}
    sure = Decision(
        "headline.number", "do", ("meta",), DAY, "promoted", "promoted", DAY, "meets the rules", p_assign=0.9
    )
    off = Decision("headline.one", "neutral", ("meta",), DAY, "promoted", "promoted", DAY, "meets the rules")
    assert [d.p_assign for d in as_experiments([sure, off])] == [0.5, 0.0]
