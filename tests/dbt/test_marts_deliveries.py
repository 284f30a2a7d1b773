"""From files to marts: what a person delivers, in whichever order and form, is the amount that stands in the marts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.deliveries.marts import OUTCOME, SPEND, InMemoryWorkspace, statements
from dagster_project.workspace.settings import Settings

GOOGLE = "Day,Campaign,Campaign ID,Customer ID,Currency code,Cost,Impr.,Clicks\n"
Files = Mapping[str, str]


@pytest.fixture(scope="module")
def sql(project, empty_build):
    manifest = project.target / "manifest.json"
    return {
        "spend": statements(manifest, SPEND),
        "outcome": statements(manifest, OUTCOME),
        "deals": statements(manifest, ("opportunity",)),
    }


@pytest.fixture
def workspace(sql, tmp_path: Path) -> Iterator[Callable[..., InMemoryWorkspace]]:
    """`workspace("spend", files, …)` delivers the files one after the other and builds the marts of that area."""
    opened: list[InMemoryWorkspace] = []

    def make(area: str, files: Files, settings: Settings | None = None) -> InMemoryWorkspace:
        made = InMemoryWorkspace(
            tmp_path / f"landing{len(opened)}", sql[area], settings or Settings(), date(2026, 11, 30)
        )
        opened.append(made)
        for name, content in files.items():
            made.deliver({name: content})
        return made.build()

    yield make
    for made in opened:
        made.close()


def spend(made: InMemoryWorkspace) -> Decimal:
    return made.rows("select coalesce(sum(spend), 0) from marts.channel_day")[0][0]


def test_a_renamed_campaign_is_the_same_campaign(workspace):
    files = {
        "google_ads/2026-11-03.csv": GOOGLE + "2026-11-01,Brand,111,1,EUR,100.00,1000,10\n",
        "google_ads/2026-11-10.csv": GOOGLE + "2026-11-01,Brand EN,111,1,EUR,100.00,1000,10\n",
    }
    assert workspace("spend", files).rows("select campaign, spend from marts.channel_day") == [
        ("Brand EN", Decimal("100"))
    ]


def test_a_campaign_that_loses_its_id_and_its_name_at_once_is_recognised_by_its_figures(workspace):
    files = {
        "google_ads/2026-11-03.csv": GOOGLE + "2026-11-01,Brand,111,1,EUR,100.00,1000,10\n",
        "google_ads/2026-11-10.csv": "Day,Campaign,Customer ID,Currency code,Cost,Impr.,Clicks\n"
        "2026-11-01,Brand EN,1,EUR,100.00,1000,10\n",
    }
    assert spend(workspace("spend", files)) == 100


def test_an_order_falls_on_the_business_day_of_its_instant(workspace):
    files = {"revenue/o.csv": "order_id,ordered_at,gross,currency\n1,2026-11-02 15:00:00 UTC,100,EUR\n"}
    made = workspace("outcome", files, Settings(time_zone="America/New_York"))
    assert made.rows("select day::varchar, revenue from marts.kpi_day where kpi = 'revenue'") == [
        ("2026-11-02", Decimal("100"))
    ]


def test_revenue_delivered_again_with_a_currency_is_one_fact(workspace):
    files = {
        "revenue/2026-11-02.csv": "day,revenue\n2026-11-01,1000\n",
        "revenue/2026-11-03.csv": "day,revenue,currency\n2026-11-01,1100,USD\n",
    }
    assert workspace("outcome", files).rows("select revenue, currency from marts.kpi_day") == [(Decimal("1100"), "USD")]


def test_a_monthly_average_rate_holds_for_its_month(workspace):
    files = {
        "context/fx_rates.csv": "date,from_currency,to_currency,rate,rate_type\n2026-11-01,USD,EUR,0.9,month_avg\n",
        "channel_spend/s.csv": "day,channel,spend,currency\n2026-11-01,tv,100,USD\n2026-11-09,tv,10,USD\n",
    }
    made = workspace("spend", files)
    assert made.rows("select spend_report from marts.channel_day order by day") == [(Decimal("90"),), (Decimal("9"),)]


def test_bytes_that_return_after_a_correction_count_again(workspace):
    files = {
        "channel_spend/s_2026-08-05.csv": "day,channel,spend\n2026-08-01,search,100\n",
        "channel_spend/s_2026-08-06.csv": "day,channel,spend\n2026-08-01,search,150\n",
        "channel_spend/s_2026-08-07.csv": "day,channel,spend\n2026-08-01,search,100\n",
    }
    assert spend(workspace("spend", files)) == 100


def test_a_channel_is_one_in_every_spelling(workspace):
    files = {
        "channel_spend/s_2026-08-05.csv": "day,channel,spend\n2026-08-01,search,100\n",
        "channel_spend/s_2026-08-06.csv": "day,channel,spend\n2026-08-01,Search,150\n",
    }
    assert workspace("spend", files).rows("select channel, spend from marts.channel_day") == [
        ("search", Decimal("150"))
    ]
