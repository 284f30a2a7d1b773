"""Claims per unit of spend: of the model's own window, in report currency, one witness per click stream."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import pytest

from dagster_project.assets.triangulation.claims import claim_rows, type_of

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 29)  # four weeks


@pytest.fixture
def con():
    with duckdb.connect() as opened:
        opened.execute("create schema marts")
        opened.execute("create schema measurement")
        opened.execute(
            "create table marts.channel_day (day date, channel varchar, source varchar, currency varchar,"
            " grain varchar, spend decimal(38, 6), spend_report decimal(18, 2), platform_conversions decimal(38, 6),"
            " platform_revenue decimal(38, 6))"
        )
        opened.execute(
            "create table measurement.attribution_credit (run_id varchar, model varchar, channel varchar,"
            " stage varchar, day date, credit double, amount decimal(18, 2))"
        )
        opened.execute(
            "create table marts.attribution_credit (model varchar, channel varchar, stage varchar, day date,"
            " credit double, amount_report decimal(18, 2))"
        )
        yield opened


def line(con: duckdb.DuckDBPyConnection, **columns: Any) -> None:
    row = {
        "day": FIRST,
        "channel": "social",
        "source": "meta_ads",
        "currency": "EUR",
        "grain": "day",
        "spend": 100,
        "spend_report": 100,
        "platform_conversions": 300,
        "platform_revenue": 280,
    } | columns
    names = ", ".join(row)
    con.execute(f"insert into marts.channel_day ({names}) values ({', '.join('?' * len(row))})", list(row.values()))


def claims(con: duckdb.DuckDBPyConnection, **classes: str) -> dict[tuple[str, str], dict[str, Any]]:
    spend = dict.fromkeys(classes, 100.0)
    rows = claim_rows(con, "r", spend, FIRST, LAST, classes)
    return {(str(r["channel"]), str(r["method"])): r for r in rows}


@pytest.mark.parametrize(
    ("day", "grain", "share"),
    [
        pytest.param(date(2026, 2, 28), "week", 5 / 7, id="a week that begins before the window"),
        pytest.param(date(2026, 3, 28), "week", 2 / 7, id="a week that ends after it"),
        pytest.param(date(2026, 3, 1), "month", 28 / 31, id="a month around it"),
        pytest.param(date(2026, 3, 10), "week", 1.0, id="a week inside"),
        pytest.param(LAST, "day", 1.0, id="the last day"),
    ],
)
def test_a_line_counts_by_the_share_of_its_days_inside_the_window(con, day, grain, share) -> None:
    line(con, day=day, grain=grain)
    assert claims(con, social="prospecting_social")["social", "platform"]["iroas"] == pytest.approx(2.8 * share)


@pytest.mark.parametrize(("day", "grain"), [(date(2026, 3, 30), "day"), (date(2026, 2, 16), "week")])
def test_a_line_outside_the_window_is_no_claim_about_it(con, day, grain) -> None:
    line(con, day=day, grain=grain)
    assert claims(con, social="prospecting_social") == {}


def test_a_claim_in_another_currency_is_converted_at_the_rate_of_its_spend(con) -> None:
    line(con, currency="USD", spend=100, spend_report=90)
    line(con, currency="USD", spend=0, spend_report=0, day=LAST)  # counted after the last cent was spent
    assert claims(con, social="prospecting_social")["social", "platform"]["iroas"] == pytest.approx(2 * 2.8 * 0.9)


def test_of_platform_and_tracked_clicks_a_channel_has_one_claim(con) -> None:
    line(con)
    for channel in ("social", "affiliates"):
        con.execute(
            "insert into measurement.attribution_credit values ('r', 'markov', ?, 'order', ?, 200, 150)",
            [channel, FIRST],
        )
    found = claims(con, social="prospecting_social", affiliates="affiliate_content")
    assert set(found) == {("social", "platform"), ("affiliates", "markov")}
    assert found["affiliates", "markov"]["claim_type"] == "data_driven"


def test_what_customers_say_is_a_witness_of_its_own_and_of_the_window(con) -> None:
    con.executemany(
        "insert into marts.attribution_credit values ('self_reported', 'social', 'order', ?, 40, 120)",
        [[FIRST], [date(2026, 5, 1)]],
    )
    row = claims(con, social="prospecting_social")["social", "self_reported"]
    assert (row["iroas"], row["claim_type"]) == (1.2, "self_reported")


def test_a_claim_on_few_conversions_is_left_out(con) -> None:
    line(con, platform_conversions=29)
    assert claims(con, social="prospecting_social") == {}


@pytest.mark.parametrize(
    ("kind", "source", "channel_class", "claim_type"),
    [
        ("platform", "google_ads", "brand_search", "click"),
        ("platform", "google_ads", "display", "click"),
        ("platform", "channel_spend", "display", "view"),
        ("platform", "meta_ads", "prospecting_social", "view"),
        ("platform", "meta_ads", "shopping", "click"),
        ("platform", "channel_spend", "tv", "view"),
        ("platform", "channel_spend", "ooh", None),
        ("platform", None, "unknown", "click"),
        ("attribution", "ga4", "newsletter", "data_driven"),
        ("attribution", "ga4", "events", "last_click"),
        ("attribution", "ga4", "detailing", None),
        ("self_reported", None, "review_sites", None),
    ],
)
def test_what_a_claim_counts(kind, source, channel_class, claim_type) -> None:
    assert type_of(kind, source, channel_class) == claim_type
