"""The demo's exports: vendors' shapes, totals that tie, restated days that settle, damage that is written down."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.demo import write
from dagster_project.workspace.settings import load

DAYS = 240


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("demo") / "ws"
    write(workspace, days=DAYS)
    return workspace


@pytest.fixture(scope="module")
def truth(demo: Path) -> dict[str, Any]:
    return json.loads((demo / "truth.json").read_text(encoding="utf-8"))


def _amount(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def _google(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    content = path.read_bytes()
    assert content[:2] == b"\xff\xfe"
    lines = content.decode("utf-16").split("\r\n")
    return lines[:2], list(csv.DictReader(lines[2:], delimiter="\t"))


def _damaged(truth: dict[str, Any], source: str) -> set[tuple[str, int]]:
    return {(row["file"], row["row"]) for row in truth["bad_rows"] if row["file"].startswith(f"{source}/")}


def test_google_ads_has_preamble_tabs_and_totals_that_tie(demo: Path, truth: dict[str, Any]) -> None:
    dirty = {name for name, _ in _damaged(truth, "google_ads")}
    checked = 0
    for path in sorted((demo / "landing/google_ads").glob("*.csv")):
        if f"google_ads/{path.name}" in dirty:
            continue
        preamble, rows = _google(path)
        assert preamble[0] == "Campaign report"
        data = [row for row in rows if not row["Day"].startswith("Total")]
        totals = [row for row in rows if row["Day"].startswith("Total")]
        assert [row["Day"] for row in totals] == ["Total: Campaigns", "Total: Account"]
        for column in ("Cost", "Impr.", "Conversions", "Conv. value"):
            assert sum(_amount(row[column]) for row in data) == _amount(totals[0][column]), (path.name, column)
        checked += 1
    assert checked >= 2


def test_meta_speaks_two_languages_and_its_totals_tie(demo: Path, truth: dict[str, Any]) -> None:
    dirty = {name for name, _ in _damaged(truth, "meta_ads")}
    spanish = english = 0
    for path in sorted((demo / "landing/meta_ads").glob("*.csv")):
        content = path.read_bytes()
        assert content[:3] == b"\xef\xbb\xbf"
        text = content.decode("utf-8-sig")
        if f"meta_ads/{path.name}" in dirty:
            continue
        if text.startswith("Inicio"):
            rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
            column = "Importe gastado (EUR)"
            values = [Decimal(row[column].replace(".", "").replace(",", ".")) for row in rows]
            assert sum(values[:-1]) == values[-1]
            spanish += 1
            continue
        rows = list(csv.DictReader(io.StringIO(text)))
        if rows[-1]["Day"] == "":
            values = [Decimal(row["Amount spent (EUR)"]) for row in rows]
            assert sum(values[:-1]) == values[-1]
            english += 1
        assert all(len(row["Campaign ID"]) == 18 for row in rows if row["Day"])
    assert spanish == 1
    assert english >= 1


def test_linkedin_has_its_preamble_and_month_first_dates(demo: Path) -> None:
    lines = (demo / "landing/linkedin_ads/2026-10-10.csv").read_text(encoding="utf-8").split("\n")
    assert lines[0] == "Campaign Performance Report (in UTC)"
    assert lines[1] == '"Report Start: 9/17/2026, Report End: 9/30/2026"'
    rows = list(csv.DictReader(lines[3:-1]))
    assert rows[0]["Start Date (in UTC)"] == "9/17/2026"
    assert rows[-1]["Start Date (in UTC)"] == "Total"
    assert sum(_amount(row["Total Spent"]) for row in rows[:-1]) == _amount(rows[-1]["Total Spent"])


def test_one_spend_list_is_a_workbook_with_typed_cells(demo: Path, truth: dict[str, Any]) -> None:
    from openpyxl import load_workbook

    (path,) = (demo / "landing/channel_spend/events").glob("*.xlsx")
    rows = list(load_workbook(path)["Costs"].iter_rows(values_only=True))
    assert rows[0][:5] == ("day", "channel", "campaign", "geo", "spend")
    assert len(rows) - 1 == truth["files"][path.relative_to(demo).as_posix()]["rows"]
    assert isinstance(rows[1][0], datetime)
    assert isinstance(rows[1][4], float)


def test_restated_days_settle_on_the_true_revenue(demo: Path, truth: dict[str, Any]) -> None:
    newest: dict[tuple[str, str], Decimal] = {}
    restated = 0
    bad = _damaged(truth, "revenue")
    for path in sorted((demo / "landing/revenue").glob("*.csv")):
        for number, row in enumerate(csv.DictReader(path.read_text(encoding="utf-8").splitlines()), 2):
            if (f"revenue/{path.name}", number) in bad:
                continue
            key = (row["day"], row["geo"])
            restated += key in newest and newest[key] != Decimal(row["value"])
            newest[key] = Decimal(row["value"])
    assert float(sum(newest.values())) == pytest.approx(truth["revenue_total"], abs=0.005)
    assert len(newest) == truth["window"]["days"] * 12
    assert restated > 100


def test_restated_days_settle_on_the_true_spend(demo: Path, truth: dict[str, Any]) -> None:
    newest: dict[tuple[str, str], Decimal] = {}
    bad = _damaged(truth, "google_ads")
    for path in sorted((demo / "landing/google_ads").glob("*.csv")):
        for number, row in enumerate(_google(path)[1], 4):
            if not row["Day"].startswith("Total") and (f"google_ads/{path.name}", number) not in bad:
                newest[row["Day"], row["Campaign ID"]] = _amount(row["Cost"])
    assert float(sum(newest.values())) == pytest.approx(truth["spend_by_source"]["google_ads"], abs=0.005)


def test_the_ledger_files_are_tied_to_the_revenue(demo: Path, truth: dict[str, Any]) -> None:
    bad = _damaged(truth, "ledger")
    total: dict[str, Decimal] = defaultdict(Decimal)
    for path in sorted((demo / "landing/ledger").glob("*.csv")):
        for number, row in enumerate(csv.DictReader(path.read_text(encoding="utf-8").splitlines()), 2):
            if (f"ledger/{path.name}", number) not in bad:
                total[row["account_code"]] += Decimal(row["amount"])
    assert float(total["4400"]) == pytest.approx(truth["revenue_total"], abs=0.005)
    assert total["4410"] > 0
    for channel, entry in truth["channels"].items():
        booked = total[{name: str(6601 + i) for i, name in enumerate(truth["channels"])}[channel]]
        assert float(booked) == pytest.approx(entry["spend"], rel=0.005), channel


def test_damage_stays_below_one_per_cent_and_leaves_the_small_sources_alone(truth: dict[str, Any]) -> None:
    assert 20 <= len(truth["bad_rows"]) <= 96
    for source, counts in truth["sources"].items():
        assert counts["bad"] < 0.01 * counts["rows"], source
    assert truth["sources"]["experiments"]["bad"] == 0


def test_one_file_was_delivered_twice(demo: Path, truth: dict[str, Any]) -> None:
    twice = {name: entry["duplicate_of"] for name, entry in truth["files"].items() if "duplicate_of" in entry}
    assert len(twice) == 1
    for name, original in twice.items():
        assert (demo / name).read_bytes() == (demo / original).read_bytes()


def test_no_file_claims_to_be_older_than_its_newest_day(demo: Path) -> None:
    for path in sorted((demo / "landing/revenue").glob("*.csv")):
        assert pl.read_csv(path, columns=["day"])["day"].drop_nulls().max() <= path.stem


def test_damaged_and_newest_files_land_all_but_the_planted_rows(demo: Path, truth: dict[str, Any]) -> None:
    from dagster_project.sources.catalogue import CATALOGUE
    from dagster_project.sources.read import read_file
    from dagster_project.workspace.feed_key import existing_feed_key

    settings = load(demo / "plumbline.yaml")
    wanted: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in truth["bad_rows"]:
        wanted[f"landing/{row['file']}"].append(row)
    readable = {source.name for source in CATALOGUE}
    for name, entry in truth["files"].items():
        source = name.split("/")[1]
        newest = max(other for other in truth["files"] if other.rpartition("/")[0] == name.rpartition("/")[0])
        if source not in readable or "duplicate_of" in entry or not (entry["bad"] or name == newest):
            continue
        read = read_file(
            demo / name,
            source,
            settings.options(source),
            settings=settings,
            now=datetime(2026, 10, 12, 21, tzinfo=UTC),
            pepper=b"p" * 32,
            feed_key=existing_feed_key(demo),
        )
        assert read.status == "landed", (name, read.quarantine.to_dicts()[:1])
        assert read.rows_landed + read.rows_duplicate == entry["rows"] - entry["bad"], name
        refused = {(row["row"], row["rule"]) for row in read.quarantine.iter_rows(named=True)}
        for row in wanted[name]:
            assert (row["row"], row["rule"]) in refused, (row, refused)


def _lines(demo: Path, truth: dict[str, Any], source: str) -> Iterator[dict[str, Any]]:
    bad = _damaged(truth, source)
    for path in sorted((demo / "landing" / source).iterdir()):
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            if (f"{source}/{path.name}", number) not in bad:
                yield json.loads(line)


def test_visits_without_consent_carry_no_id(demo: Path) -> None:
    events = pl.concat(pl.read_parquet(path) for path in sorted((demo / "landing/ga4").glob("*.parquet")))
    silent = events.filter(pl.col("privacy_info").struct.field("analytics_storage") == "No")
    assert 0.25 < silent.height / events.height < 0.45
    assert silent["user_pseudo_id"].null_count() == silent.height
    assert silent["user_id"].null_count() == silent.height
    keys = silent["event_params"].explode().struct.field("key")
    assert "ga_session_id" not in set(keys)


def test_a_lead_on_the_site_is_a_contact_of_the_crm(demo: Path) -> None:
    events = pl.concat(pl.read_parquet(path) for path in sorted((demo / "landing/ga4").glob("*.parquet")))
    leads = set(events.filter(pl.col("event_name") == "generate_lead")["user_id"].drop_nulls())
    contacts: set[str] = set()
    for path in (demo / "landing/hubspot/contacts").glob("*.csv"):
        contacts |= {row["Email"] for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())}
    assert len(leads) > 50
    assert leads <= contacts


def test_each_event_parameter_has_exactly_one_value(demo: Path) -> None:
    events = pl.read_parquet(demo / "landing/ga4/2026-10-10.parquet")
    values = events["event_params"].explode().struct.field("value").struct.unnest()
    filled = values.select(pl.sum_horizontal(pl.all().is_not_null()).alias("n"))["n"]
    assert set(filled) == {1}
    tagged = events.filter(pl.col("collected_traffic_source").struct.field("gclid").is_not_null())
    assert set(tagged["collected_traffic_source"].struct.field("manual_source")) <= {"google", "youtube"}
    assert tagged.height > 20


def test_deals_carry_their_stage_dates_and_links(demo: Path) -> None:
    rows = []
    for path in sorted((demo / "landing/hubspot/deals").glob("*.csv")):
        rows += list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    won = [row for row in rows if row["Deal Stage"] == "Closed Won"]
    assert len(won) > 15
    for row in won:
        entered = row['Date entered "Closed Won (Sales Pipeline)"']
        assert entered == row["Close Date"]
        assert entered > row["Create Date"]
        assert row["Associated Company IDs"]


def test_hook_tests_and_ai_answers_have_the_fields_their_readers_need(demo: Path, truth: dict[str, Any]) -> None:
    closed = [event for event in _lines(demo, truth, "content_events") if event["type"] == "outcome_closed"]
    assert len(closed) > 100
    for event in closed:
        payload = event["payload"]
        in_money = {"value"} & set(payload)  # the trial of the feed states what its results brought
        assert set(payload) - in_money == {"brief_id", "variant_id", "channel", "week", "trials", "successes"}
        assert 0 <= payload["successes"] <= payload["trials"]
        assert datetime.fromisoformat(payload["week"]).weekday() == 0
    engines = set()
    for answer in _lines(demo, truth, "ai_answers"):
        engines.add(answer["engine"])
        assert answer["text"] or answer["status"] != "ok"
    assert engines == {"openai", "anthropic", "gemini", "perplexity"}
