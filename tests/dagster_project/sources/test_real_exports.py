"""Files as platforms and people really write them: each is read whole, or refused by name while the others land."""

from __future__ import annotations

import io
import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from dagster_project.sources.catalogue import unknown_targets
from dagster_project.sources.check import check
from dagster_project.sources.landing import land_all
from dagster_project.sources.values import day_of, instants
from dagster_project.workspace.settings import Settings

NOW = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
SPEND = "day,channel,spend\n"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-02 15:00:00 UTC", "2026-11-02 15:00:00"),
        ("2026-11-02 11:30 PM", "2026-11-02 23:30:00"),
        ("2026/11/01 23:30:00", "2026-11-01 23:30:00"),
        ("2026-11-02 15:00:00 -0500", "2026-11-02 20:00:00"),
        ("Nov 2, 2026, 3:00 PM", "2026-11-02 15:00:00"),
        ("2026-11-02 15:00:00 EST", None),
        ("2026-11-02 garbage", None),
        ("2026-11-02 - 2026-11-08", None),
        ("2026-11-02 13:30 PM", None),
        ("2026-W45-1", None),
    ],
)
def test_a_time_is_read_from_the_whole_cell_or_not_at_all(text, moment):
    (found,) = instants(pl.Series("t", [text]), "mdy")
    assert (None if found is None else str(found)) == moment


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-02 00:00:00", date(2026, 11, 2)),
        ("2026-11-02T00:00:00.000Z", date(2026, 11, 2)),
        ("11/2/2026 0:00", date(2026, 11, 2)),
        ("11/2/2026 12:00:00 AM", date(2026, 11, 2)),
        ("20261102", date(2026, 11, 2)),
        ("2026-11-02 15:00:00", None),
        ("2026-11-02 garbage", None),
        ("11/2/2026 garbage", None),
        ("2026-11-02 - 2026-11-08", None),
        ("12026-11-02", None),
    ],
)
def test_a_day_is_the_whole_cell_and_midnight_is_its_only_time(text, day):
    assert day_of(text, "mdy") == day


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        ("2026-11-02 - 2026-11-08", "multi_day"),
        ("11/2/2026 – 11/8/2026", "multi_day"),
        ("2026-W45", "multi_day"),
        ("2026-11-02 15:00", "bad_date"),
        ("2026-02-30", "bad_date"),
    ],
)
def test_a_day_cell_that_is_no_day_says_which_it_is(deliver, cell, rule):
    found = deliver("channel_spend", f"{SPEND}{cell},search,1\n2026-11-01,search,2\n")
    assert found.quarantine["rule"].to_list() == [rule]
    assert found.rows_landed == 1


def test_totals_of_a_wider_scope_are_noted_beside_the_report_s_own(deliver):
    rows = "".join(
        f"2026-11-01,C{i},{i},1,EUR,{cost},10,1\n" for i, cost in enumerate(("4000.00", "300", "30", "5.00"))
    )
    head = "Day,Campaign,Campaign ID,Customer ID,Currency code,Cost,Impr.,Clicks\n"
    own = 'Total: Search, , , ,EUR,"4,335.00",40,4\n'
    found = deliver("google_ads", f'{head}{rows}Total: Account, , , ,EUR,"5,900.10",90,9\n{own}')
    assert (found.status, found.rows_landed, found.rows_control) == ("landed", 4, 2)
    assert any("Total: Account" in n and "5,900.10" in n and "4335" in n for n in found.notices)
    cut = deliver("google_ads", f'{head}{rows}Total: Account, , , ,EUR,"5,900.10",90,9\n')
    assert cut.quarantine["rule"].to_list() == ["total_mismatch"], "nothing in the file says that it is whole"


def test_a_week_of_linkedin_is_no_day(deliver):
    head = "Start Date (in UTC),End Date (in UTC),Account ID,Currency,Campaign Name,Total Spent,Impressions,Clicks\n"
    week = "11/2/2026,11/8/2026,1,EUR,C,700,10,1\n"
    assert deliver("linkedin_ads", head + week).quarantine["rule"].to_list() == ["multi_day"]
    mixed = deliver("linkedin_ads", f"{head}{week}11/9/2026,11/9/2026,1,EUR,C,100,10,1\n")
    assert (mixed.rows_landed, mixed.quarantine["row"].to_list()) == (1, [2])
    assert "2026-11-02" in mixed.quarantine["message"][0]


def test_a_weekly_report_of_microsoft_is_told_by_its_preamble(deliver):
    head = "Gregorian date,Account ID,Campaign name,Currency code,Spend,Impressions,Clicks\n"
    row = "11/2/2026,1,A,EUR,70,10,1\n"
    weekly = deliver("microsoft_ads", f'"Report Aggregation: Weekly",x\n{head}{row}')
    assert weekly.quarantine["rule"].to_list() == ["multi_day"]
    assert "Weekly" in weekly.quarantine["message"][0]
    assert deliver("microsoft_ads", f'"Report Aggregation: Daily",x\n{head}{row}').rows_landed == 1


def test_a_column_mapped_to_no_field_is_refused_with_the_field_that_was_meant():
    settings = Settings.model_validate({"sources": {"channel_spend": {"columns": {"Netto": "cost"}}}})
    (sentence,) = unknown_targets(settings)
    assert "sources.channel_spend.columns.Netto is cost" in sentence
    assert "write spend" in sentence
    right = Settings.model_validate({"sources": {"channel_spend": {"columns": {"Netto": "spend"}}}})
    assert unknown_targets(right) == ()


def _parquet(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def test_exotic_bytes_are_refused_by_name_and_the_other_files_land(con, tmp_path):
    folder = tmp_path / "channel_spend"
    folder.mkdir()
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "deep.jsonl").write_text('{"day": ' * 50_000 + "\n")
    (folder / "half.json").write_text(
        r'[{"day":"2026-09-01","channel":"\ud800x","spend":1},'
        r'{"day":"2026-09-01","channel":"whole","spend":2}]'
    )
    row = {"day": ["2026-09-01"], "spend": [3.0]}
    (folder / "duration.parquet").write_bytes(_parquet(channel=["timed"], took=[timedelta(hours=1)], **row))
    (folder / "bytes.parquet").write_bytes(_parquet(channel=[b"caf\xe9"], **row))
    (folder / "good.csv").write_text(SPEND + "2026-09-01,good,4\n")
    report = check(tmp_path, Settings(), NOW)
    landed = {d.file: d for d in land_all(con, tmp_path, settings=Settings(), now=NOW, pepper=b"x")}
    assert {f: (d.status, d.rows_landed) for f, d in landed.items()} == {
        "channel_spend/deep.json": ("unreadable", 0),
        "channel_spend/deep.jsonl": ("unreadable", 0),
        "channel_spend/half.json": ("landed", 1),
        "channel_spend/duration.parquet": ("landed", 1),
        "channel_spend/bytes.parquet": ("landed", 1),
        "channel_spend/good.csv": ("landed", 1),
    }
    said = [m for d in landed.values() for m in d.quarantine["message"]]
    assert sorted(said) == sorted(report.messages), "check and run say the same"
    assert any("nested too deeply" in m for m in said)
    assert any("half of a character" in m for m in said)


def test_a_linked_folder_and_a_name_that_is_no_utf_8_are_read(con, tmp_path):
    elsewhere, landing = tmp_path / "share", tmp_path / "landing"
    elsewhere.mkdir()
    landing.mkdir()
    (landing / "channel_spend").symlink_to(elsewhere, target_is_directory=True)
    (elsewhere / "again").symlink_to(elsewhere, target_is_directory=True)
    (landing / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    with open(os.fsencode(elsewhere) + b"/caf\xe9.csv", "w") as file:
        file.write(SPEND + "2026-09-01,search,5\n")
    report = check(landing, Settings(), NOW)
    assert [d.file for d in report.deliveries] == ["channel_spend/caf\\xe9.csv"]
    assert report.stray == ("gone.csv",)
    list(land_all(con, landing, settings=Settings(), now=NOW, pepper=b"x"))
    assert con.execute("select _file, spend from raw.channel_spend").fetchall() == [
        ("channel_spend/caf\\xe9.csv", Decimal("5"))
    ]


def test_a_reader_that_fails_refuses_its_file_only(con, tmp_path, monkeypatch):
    from dagster_project.sources import read

    folder = tmp_path / "channel_spend"
    folder.mkdir()
    (folder / "a.csv").write_text(SPEND + "2026-09-01,search,5\n")
    (folder / "b.csv").write_text(SPEND + "2026-09-01,tv,6\n")
    original = read.decoded

    def fails_once(data: bytes):
        if b"search" in data:
            raise ZeroDivisionError
        return original(data)

    monkeypatch.setattr(read, "decoded", fails_once)
    landed = {d.file: d for d in land_all(con, tmp_path, settings=Settings(), now=NOW, pepper=b"x")}
    assert landed["channel_spend/a.csv"].quarantine["rule"].to_list() == ["reader_failed"]
    assert landed["channel_spend/b.csv"].rows_landed == 1


def test_salesforce_records_land_and_one_sentence_says_that_they_count_nowhere(deliver):
    head = "Opportunity ID,Opportunity Name,Stage,Amount,Close Date\n"
    rows = "0065g00000AbCdE,One,Closed Won,100,11/2/2026\n0065g00000AbCdF,Two,Prospecting,50,11/3/2026\n"
    found = deliver("salesforce", head + rows)
    assert found.rows_landed == 2
    assert any("no mart reads yet" in notice for notice in found.notices)
