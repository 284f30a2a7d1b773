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


NO_ID = "Day,Campaign,Customer ID,Currency code,Cost,Impr.,Clicks\n"
META = "Day,Campaign name,Campaign ID,Ad set ID,Ad ID,Account ID,Currency,Amount spent,Impressions,Link clicks\n"


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(
            {
                "google_ads/2026-11-05.csv": NO_ID + "2026-11-01,Brand,1,EUR,100.00,1000,10\n",
                "google_ads/2026-11-10.csv": GOOGLE + "2026-11-01,Brand EN,111,1,EUR,100.00,1000,10\n",
            },
            id="renamed and given its id in one delivery",
        ),
        pytest.param(
            {
                "google_ads/2026-11-05.csv": GOOGLE
                + "2026-11-01,Sale,111,1,EUR,60.00,600,6\n2026-11-01,Sale,112,1,EUR,40.00,400,4\n",
                "google_ads/2026-11-10.csv": NO_ID + "2026-11-01,Sale,1,EUR,100.00,1000,10\n",
            },
            id="two campaigns of one name, later without ids",
        ),
        pytest.param(
            {
                "meta_ads/2026-11-05.csv": META + "2026-11-01,Brand,111,9,5,1,EUR,100.00,1000,10\n",
                "meta_ads/2026-11-10.csv": META.replace("Ad set ID,", "")
                + "2026-11-01,Brand,111,5,1,EUR,100,1000,10\n",
            },
            id="an ad report that lost its ad set column",
        ),
        pytest.param(
            {
                "google_ads/2026-11-02.csv": GOOGLE + "2026-11-01,Brand,111,1,EUR,100.00,1000,10\n",
                "google_ads/2026-11-10 one device.csv": GOOGLE.replace("Day,", "Day,Device,")
                + "2026-11-01,Mobile,Brand,111,1,EUR,10,100,1\n",
                "google_ads/2026-11-11 one group.csv": GOOGLE.replace("Day,", "Day,Ad group,")
                + "2026-11-01,One,Brand,111,1,EUR,20,200,2\n",
            },
            id="filtered reports told later than the whole",
        ),
    ],
)
def test_money_is_counted_once_whatever_a_later_file_leaves_out(workspace, files):
    assert spend(workspace("spend", files)) == 100


def test_a_dated_file_that_is_put_back_as_it_was_is_a_delivery(workspace):
    made = workspace("spend", {})
    for amount in (100, 150, 100):
        made.deliver({"channel_spend/s_2026-08-05.csv": f"day,channel,spend\n2026-08-01,search,{amount}\n"})
    assert spend(made.build()) == 100


def test_nothing_is_deleted_while_a_file_of_the_newest_export_cannot_be_read(workspace):
    files = {
        "hubspot/deals 2026-10-05.csv": DEALS + _deal(901) + _deal(902),
        "hubspot/deals 2026-10-12 part1.csv": DEALS + _deal(901),
        "hubspot/deals 2026-10-12 part2.csv": "\x00\x01\x02",
    }
    settings = Settings.model_validate({"sources": {"hubspot": {"complete_days": True}}})
    made = workspace("deals", files, settings)
    assert made.rows("select deal_id from staging.stg_hubspot__deal where is_deleted") == []


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


DEALS = "Record ID,Deal Name,Pipeline,Deal Stage,Amount,Create Date,Close Date\n"


def _deal(number: int, amount: str = "100") -> str:
    return f"{number},Deal {number},Sales,Closed Won,{amount},2026-09-01 10:00,2026-10-01 10:00\n"


@pytest.mark.parametrize(
    ("declared", "later", "deleted"),
    [
        pytest.param(True, _deal(901), ["902", "903"], id="complete exports"),
        pytest.param(False, _deal(901), [], id="nothing declared"),
        pytest.param(True, _deal(901) + _deal(902, "one hundred"), [], id="a row of the newest export was refused"),
    ],
)
def test_a_deal_that_a_complete_export_lacks_was_deleted(workspace, declared, later, deleted):
    files = {
        "hubspot/deals 2026-10-05.csv": DEALS + _deal(901) + _deal(902) + _deal(903),
        "hubspot/deals 2026-10-12.csv": DEALS + later,
    }
    settings = Settings.model_validate({"sources": {"hubspot": {"complete_days": declared}}})
    made = workspace("deals", files, settings)
    assert made.rows("select deal_id from staging.stg_hubspot__deal where is_deleted order by 1") == [
        (d,) for d in deleted
    ]
    assert made.rows("select count(*) filter (is_deleted), count(*) from marts.opportunity") == [(len(deleted), 3)]


def test_a_breakdown_beside_the_plain_report_and_a_deeper_level_are_never_added(workspace):
    day = "2026-11-01,Brand,111,1,EUR"
    files = {
        "google_ads/2026-11-03.csv": GOOGLE + f"{day},100.00,1000,10\n",
        "google_ads/2026-11-05 device.csv": GOOGLE.replace("Day,", "Day,Device,")
        + "2026-11-01,Mobile,Brand,111,1,EUR,40,400,4\n2026-11-01,Desktop,Brand,111,1,EUR,60,600,6\n",
        "google_ads/2026-11-06 groups.csv": GOOGLE.replace("Day,", "Day,Ad group,")
        + "2026-11-01,One,Brand,111,1,EUR,70,700,7\n2026-11-01,Two,Brand,111,1,EUR,30,300,3\n"
        "2026-11-01,Only,Other,112,1,EUR,5,50,1\n",
    }
    assert workspace("spend", files).rows("select campaign, spend from marts.channel_day order by 1") == [
        ("Brand", Decimal("100")),
        ("Other", Decimal("5")),
    ]


def test_random_deliveries_give_the_true_amounts_in_any_order(sql):
    """A short form of `make bench-deliveries`, which tries a thousand."""
    from benchmarks.deliveries.trial import trial

    assert trial(3, (*sql["spend"], *sql["outcome"])).right
