"""The connector samples beside the repository: every control total, per level, in DECIMAL."""

# ruff: noqa: E501 - files and cases read best one a line
from __future__ import annotations

import shutil
from decimal import Decimal

import duckdb
import pytest

from dagster_project.sources import landing as door
from dagster_project.sources.catalogue import create_raw_tables
from dagster_project.workspace.settings import Settings

pytestmark = pytest.mark.acceptance
PREFIX = {
    "google_ads": "google_ads",
    "facebook_ads": "meta_ads",
    "linkedin": "linkedin_ads",
    "microsoft_ads": "microsoft_ads",
    "tiktok": "tiktok_ads",
}
NO = None
TOTALS = [
    ("google_ads", "campaign", 16, "231.33", 280, 1854, NO, NO),
    ("google_ads", "account", 19, "1632.333323", 9742, 1050214, "176", NO),
    ("google_ads", "ad_group", 15, "3156.84", 620, 4483, "14.483334", NO),
    ("google_ads", "ad", 10, "0", NO, 10, "33", "72.50"),
    ("meta_ads", "ad", 10, "643.63", 149, 37275, NO, NO),
    ("linkedin_ads", "ad_group", 20, "530.62", 919, 1359, NO, NO),
    ("linkedin_ads", "ad", 100, "0", 389, 13265, NO, NO),
    ("tiktok_ads", "campaign", 4, "444.792", 244, 34470, NO, NO),
    ("tiktok_ads", "ad", 4, "2.66", 2, 69, NO, NO),
    ("microsoft_ads", "campaign", 2630, "946.34", 592, 7569, NO, NO),
    ("microsoft_ads", "ad", 401, "208.36", NO, NO, NO, NO),
    ("microsoft_ads", "ad_group", 229, "102.23", NO, NO, NO, NO),
]


@pytest.fixture(scope="module")
def landed(shared_data, tmp_path_factory):
    from datetime import UTC, datetime

    landing = tmp_path_factory.mktemp("samples")
    for path in shared_data("sources/fivetran_dbt_ad_reporting").glob("*.csv"):
        for prefix, source in PREFIX.items():
            if path.name.startswith(prefix):
                (landing / source).mkdir(exist_ok=True)
                shutil.copy(path, landing / source / path.name)
    for folder, source in (("fivetran_dbt_hubspot", "hubspot"), ("fivetran_dbt_salesforce", "salesforce")):
        (landing / source).mkdir()
        for path in shared_data(f"sources/{folder}").glob("*.csv"):
            shutil.copy(path, landing / source / path.name)
    con = duckdb.connect()
    create_raw_tables(con)
    now = datetime(2026, 11, 21, 14, tzinfo=UTC)
    deliveries = list(door.land_all(con, landing, settings=Settings(), now=now, pepper=b"a pepper for tests only"))
    assert all(d.balanced for d in deliveries)
    return con, {d.file: d for d in deliveries}


@pytest.mark.parametrize(("source", "level", "rows", "spend", "clicks", "impressions", "conversions", "value"), TOTALS)
def test_control_totals(landed, source, level, rows, spend, clicks, impressions, conversions, value):
    con, _ = landed
    [found] = con.execute(
        f"select count(*), sum(spend), sum(clicks), sum(impressions), sum(platform_conversions), sum(platform_revenue) from raw.{source} where level = ?",
        [level],
    ).fetchall()
    wanted = (rows, Decimal(spend), clicks, impressions, conversions and Decimal(conversions), value and Decimal(value))
    for seen, expected in zip(found, wanted, strict=True):
        assert expected is None or (seen or 0) == expected


def test_microsoft_by_year_and_campaign_day(landed):
    con, _ = landed
    years = con.execute(
        "select year(day), sum(spend) from raw.microsoft_ads where level = 'campaign' group by 1 order by 1"
    ).fetchall()
    assert years == [(2018, Decimal("107.52")), (2019, Decimal("838.82"))]
    days = con.execute(
        "select count(distinct day), count(distinct (day, campaign_id)) from raw.microsoft_ads where level = 'campaign'"
    ).fetchall()
    assert days == [(238, 403)]


def test_the_shifted_account_row_is_refused_and_histories_keep_their_ids(landed):
    con, deliveries = landed
    shifted = deliveries["google_ads/google_ads_account_history_data.csv"]
    assert (shifted.status, shifted.quarantine["rule"].to_list(), shifted.quarantine["column"].to_list()) == (
        "unreadable",
        ["shifted_columns"],
        ["test_account"],
    )
    [counts] = con.execute(
        "select count(*), count(distinct object_id) from raw.linkedin_ads__object where object_type = 'ad_group'"
    ).fetchall()
    assert counts == (100, 12)
    creatives = deliveries["linkedin_ads/linkedin_ad_creative_history_data.csv"]
    assert (creatives.rows_landed, creatives.rows_duplicate) == (66, 34)


def test_only_what_is_known_to_be_broken_is_refused(landed):
    _, deliveries = landed
    refused = {(d.file, rule) for d in deliveries.values() for rule in d.quarantine["rule"]}
    assert refused == {
        ("google_ads/google_ads_account_history_data.csv", "shifted_columns"),
        ("tiktok_ads/tiktok_advertiser_data.csv", "bad_currency"),
        ("salesforce/sf_contact_data.csv", "bad_id"),
    }


def test_hubspot_tables(landed):
    con, _ = landed
    counts = {
        t: con.execute(f"select count(*) from raw.hubspot__{t}").fetchall()[0][0]
        for t in ("deal", "deal_stage", "contact")
    }
    assert counts == {"deal": 44, "deal_stage": 14, "contact": 22}
    merges = con.execute("select count(*) from raw.hubspot__link where kind = 'contact_merge'").fetchall()
    assert merges == [(4,)]


def test_salesforce_opportunities_and_people(landed):
    con, deliveries = landed
    [found] = con.execute(
        "select count(*), sum(amount), count(*) filter (is_won), count(*) filter (is_deleted) from raw.salesforce__opportunity"
    ).fetchall()
    assert found == (10, Decimal("24530001.00"), 5, 10)
    people = dict(con.execute("select person_type, count(*) from raw.salesforce__person group by 1").fetchall())
    damaged = deliveries["salesforce/sf_contact_data.csv"].quarantine
    assert (people["lead"], people["contact"] + damaged.height) == (1, 4)
