"""Which channel to test next: money for the doubtful one, nothing for the one whose answer would change nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
import small_market

from dagster_project.assets.triangulation.next_tests import proposals
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings, load

pytestmark = pytest.mark.slow  # one real combination and one design
DAY = date(2026, 9, 24)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = small_market.workspace(tmp_path_factory.mktemp("next"), dark=False)
    with duckdb.connect(str(made.warehouse)) as con:
        con.execute("insert into marts.channel_day select * replace ('sure' as channel) from marts.channel_day")
    return made


@pytest.fixture(scope="module")
def combined():
    """`social` lies at its hurdle and is unsure, `sure` is far above it and well known."""
    from models.triangulation import combine

    rows = [
        {"channel": "social", "method": "t1", "kind": "experiment", "iroas": 1.7, "se": 0.8, "age_days": 10.0},
        {"channel": "sure", "method": "t2", "kind": "experiment", "iroas": 9.0, "se": 0.2, "age_days": 10.0},
    ]
    frame = pl.DataFrame(rows).with_columns(share_captured=pl.lit(1.0), quality=pl.lit(1.0), design=pl.lit("rct"))
    return combine(frame, seed=1, channels=["social", "sure"])


def asked(market: Workspace, combined, settings: Settings) -> tuple[pl.DataFrame, str | None]:
    with duckdb.connect(str(market.warehouse), read_only=True) as con:
        return proposals(con, settings, combined, None, as_of_day=DAY, seed=1)


def test_the_doubtful_channel_comes_first_with_its_price(market: Workspace, combined) -> None:
    found, lacking = asked(market, combined, load(market.settings_file))
    assert lacking is None
    assert found["channel"].to_list() == ["social", "sure"]
    first, second = found.to_dicts()
    assert first["evsi"] > 100 * max(second["evsi"], 1e-9)
    assert first["net_value"] == pytest.approx(first["evsi"] - first["cost"])
    assert second["cost"] > 0, "going dark on a good channel costs margin"
    assert "Switch social off for 4 weeks" in first["message"]


def test_without_a_margin_nothing_is_proposed(market: Workspace, combined) -> None:
    found, lacking = asked(market, combined, load(market.settings_file).model_copy(update={"margin": None}))
    assert found.is_empty()
    assert "margin" in str(lacking)


def test_without_regions_it_says_what_a_test_needs(market: Workspace, combined, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "national.duckdb")) as con:
        con.execute(f"attach '{market.warehouse}' as m (read_only); create schema marts")
        con.execute("create table marts.kpi_day as select * replace ('all' as geo) from m.marts.kpi_day")
        con.execute("create table marts.channel_day as from m.marts.channel_day")
        found, lacking = proposals(con, load(market.settings_file), combined, None, as_of_day=DAY, seed=1)
    assert found.is_empty()
    assert str(lacking).startswith("landing/revenue by region and day")
