"""Landing: once, in order, whole or not at all, and without anybody's address."""

# ruff: noqa: E501 - files and cases read best one a line
from __future__ import annotations

import os
import random
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from dagster_project.sources import landing as door
from dagster_project.sources.catalogue import CATALOGUE, create_raw_tables, entities
from dagster_project.sources.check import check
from dagster_project.workspace.settings import Settings

SETTINGS = Settings()
NOW = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
KEY = b"a pepper for tests only"
HEAD = "day,channel,spend,currency\n"


def put(landing: Path, name: str, content: str | bytes) -> Path:
    path = landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def land_all(con: duckdb.DuckDBPyConnection, landing: Path, settings: Settings = SETTINGS) -> list[str]:
    return [d.file for d in door.land_all(con, landing, settings=settings, now=NOW, pepper=KEY)]


def state(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[object, ...]]]:
    tables = con.execute(
        "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'"
    ).fetchall()
    return {f"{s}.{t}": sorted(con.execute(f"from {s}.{t}").fetchall(), key=str) for s, t in tables}


def test_every_source_has_its_tables_and_creating_them_again_changes_nothing(con, tmp_path):
    from dagster_project.workspace.settings import SOURCES

    assert {s.name for s in CATALOGUE} == set(SOURCES)
    before = state(con)
    create_raw_tables(con)
    assert state(con) == before
    assert {f"raw.{e.table}" for e in entities()} | {"raw.quarantine", "ops.batch"} == set(before)
    assert con.execute("select * from raw.hubspot").description[0][0] == "_entity"


def test_files_land_once_in_the_order_of_their_delivery(con, tmp_path):
    put(tmp_path, "channel_spend/b 2026-09-03.csv", HEAD + "2026-09-01,search,2,EUR\n")
    put(tmp_path, "channel_spend/c 2026-09-02.csv", HEAD + "2026-09-01,search,1,EUR\n")
    put(tmp_path, "channel_spend/undated.csv", HEAD + "2026-09-01,search,3,EUR\n")
    put(tmp_path, "channel_spend/sub/copy 2026-09-09.csv", HEAD + "2026-09-01,search,1,EUR\n")
    put(tmp_path, "channel_spend/undated (1).csv", HEAD + "2026-09-01,search,3,EUR\n")
    put(tmp_path, "channel_spend/.hidden.csv", "x")
    assert land_all(con, tmp_path) == [
        "channel_spend/c 2026-09-02.csv",
        "channel_spend/b 2026-09-03.csv",
        "channel_spend/sub/copy 2026-09-09.csv",  # the bytes of c, and its name says that they were delivered again
        "channel_spend/undated.csv",
    ]
    rows = con.execute("select spend, _batch_id, _delivered_at from raw.channel_spend order by _batch_id").fetchall()
    assert [int(r[0]) for r in rows] == [1, 2, 1, 3]
    days = ["2026-09-02 23:59:59", "2026-09-03 23:59:59", "2026-09-09 23:59:59", "2026-11-21 14:00:00"]
    assert [str(r[2]) for r in rows] == days
    before = state(con)
    assert land_all(con, tmp_path) == []
    assert state(con) == before, "a second run without new files changes no table"


def test_undated_files_of_one_instant_follow_each_other_as_they_were_written(con, tmp_path):
    """Under a clock every landing has the same instant; a correction that was written later counts, whatever its name."""
    put(tmp_path, "channel_spend/spend.csv", HEAD + "2026-09-01,search,1,EUR\n")
    put(tmp_path, "channel_spend/corrected.csv", HEAD + "2026-09-01,search,2,EUR\n")
    put(tmp_path, "channel_spend/of 2999-01-01.csv", HEAD + "2026-09-01,search,3,EUR\n")  # no day that can be true
    for turn, name in enumerate(("spend", "corrected", "of 2999-01-01")):
        os.utime(tmp_path / f"channel_spend/{name}.csv", (1_800_000_000 + turn, 1_800_000_000 + turn))
    land_all(con, tmp_path)
    rows = con.execute("select spend from raw.channel_spend order by _delivered_at, _batch_id").fetchall()
    assert [int(spend) for (spend,) in rows] == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "delivered"),
    [
        pytest.param("channel_spend/spend.csv", "2026-11-21 14:00:00", id="no date: the landing instant"),
        pytest.param("channel_spend/2026-09-05.csv", "2026-09-05 23:59:59", id="the date in the name"),
        pytest.param(
            "channel_spend/delivered_at=2026-09-04/spend.csv", "2026-09-04 23:59:59", id="the date of the folder"
        ),
        pytest.param("channel_spend/2026-12-05.csv", "2026-11-21 14:00:00", id="a date to come is not believed"),
        pytest.param("channel_spend/2026-08-05.csv", "2026-11-21 14:00:00", id="nor one before the data"),
        pytest.param("channel_spend/2026-09-01_2026-09-30.csv", "2026-11-21 14:00:00", id="nor two of them"),
        pytest.param("channel_spend/2026-11-21.csv", "2026-11-21 14:00:00", id="today ends now"),
    ],
)
def test_when_a_file_could_first_be_known(con, tmp_path, name, delivered):
    put(tmp_path, name, HEAD + "2026-09-01,search,1,EUR\n")
    land_all(con, tmp_path)
    [(found,)] = con.execute("select delivered_at from ops.batch").fetchall()
    assert str(found) == delivered


def test_bad_rows_and_unreadable_files_are_in_the_quarantine_and_the_books(con, tmp_path):
    put(tmp_path, "channel_spend/a.csv", HEAD + "2026-09-01,search,1O,EUR\n2026-09-02,search,1,EUR\n")
    put(tmp_path, "channel_spend/b.csv", b"\x00\x01\x02")
    land_all(con, tmp_path)
    lines = con.execute(
        'select q.file, "row", "column", rule from raw.quarantine as q join ops.batch using (_batch_id) order by q.file'
    ).fetchall()
    assert lines == [
        ("channel_spend/a.csv", 2, "spend", "bad_number"),
        ("channel_spend/b.csv", None, None, "encoding_unknown"),
    ]
    books = con.execute(
        "select status, rows_delivered, rows_landed, rows_quarantined, rows_duplicate, rows_control from ops.batch order by file"
    ).fetchall()
    assert books == [("landed", 2, 1, 1, 0, 0), ("unreadable", 1, 0, 1, 0, 0)]


def test_a_file_that_could_not_be_read_leaves_the_books_when_it_is_taken_away(con, tmp_path):
    put(tmp_path, "channel_spend/a.csv", HEAD + "2026-09-01,search,1,EUR\n")
    broken = put(tmp_path, "channel_spend/b.csv", b"\x00\x01\x02")
    land_all(con, tmp_path)
    assert door.forget_unreadable(con, tmp_path, "channel_spend") == []
    broken.unlink()
    assert door.forget_unreadable(con, tmp_path, "channel_spend") == ["channel_spend/b.csv"]
    assert con.execute("select file, status from ops.batch").fetchall() == [("channel_spend/a.csv", "landed")]
    assert con.execute("from raw.quarantine").fetchall() == []


def test_a_file_that_could_not_be_read_is_tried_again_when_its_options_change(con, tmp_path):
    put(tmp_path, "channel_spend/a.csv", 'day,channel,spend\n2026-09-01,a,"1,204"\n')
    land_all(con, tmp_path)
    assert land_all(con, tmp_path) == [], "not tried again while nothing changed"
    told = Settings.model_validate({"sources": {"channel_spend": {"decimal_mark": "."}}})
    assert land_all(con, tmp_path, told) == ["channel_spend/a.csv"]
    assert con.execute("select spend from raw.channel_spend").fetchall()[0][0] == 1204
    assert con.execute("select count(*) from raw.quarantine").fetchall() == [(0,)]
    assert con.execute("select status from ops.batch").fetchall() == [("landed",)]


def test_a_file_put_into_the_wrong_folder_lands_from_the_right_one(con, tmp_path):
    content = "event_id,ts,type\n1,2026-09-01,published\n"
    put(tmp_path, "content/e.csv", content)
    land_all(con, tmp_path)
    put(tmp_path, "content_events/e.csv", content)
    (tmp_path / "content/e.csv").unlink()
    assert land_all(con, tmp_path) == ["content_events/e.csv"]


def test_a_corrected_file_of_the_same_name_replaces_its_refusal(con, tmp_path):
    put(tmp_path, "channel_spend/a.csv", "day,channel\n2026-09-01,a\n")
    land_all(con, tmp_path)
    put(tmp_path, "channel_spend/a.csv", HEAD + "2026-09-01,a,1,EUR\n")
    assert land_all(con, tmp_path) == ["channel_spend/a.csv"]
    assert con.execute("select count(*) from raw.quarantine").fetchall() == [(0,)]
    put(tmp_path, "channel_spend/a.csv", HEAD + "2026-09-01,a,2,EUR\n")
    land_all(con, tmp_path)
    assert con.execute("select count(*) from raw.channel_spend").fetchall() == [(2,)], (
        "what has landed is never replaced"
    )


def test_a_landing_that_dies_leaves_nothing_and_running_again_completes_it(con, tmp_path, monkeypatch):
    put(tmp_path, "channel_spend/a.csv", HEAD + "2026-09-01,search,1O,EUR\n2026-09-02,search,1,EUR\n")
    put(tmp_path, "channel_spend/b.csv", HEAD + "2026-09-03,search,1,EUR\n")
    whole = duckdb.connect()
    create_raw_tables(whole)
    land_all(whole, tmp_path)
    before = state(con)

    class Killed(BaseException):
        pass

    real = door.options_sha256
    write = door._write

    def dying(*what: object) -> None:
        write(*what)
        raise Killed

    monkeypatch.setattr(door, "_write", dying)
    with pytest.raises(Killed):
        land_all(con, tmp_path)
    assert state(con) == before
    monkeypatch.setattr(door, "_write", write)
    assert door.options_sha256 is real
    land_all(con, tmp_path)
    assert state(con) == state(whole)


def test_a_process_killed_while_landing_leaves_whole_files_only(tmp_path):
    """kill -9 in the middle: what the file holds afterwards is a prefix of the undisturbed run."""
    import subprocess
    import sys
    import time

    landing = tmp_path / "landing"
    for index in range(30):
        rows = "".join(f"2026-{1 + index // 28:02d}-{1 + index % 28:02d},c{i},{i}.5,EUR\n" for i in range(2000))
        put(landing, f"channel_spend/{index:02d}.csv", HEAD + rows + "2026-09-01,x,bad,EUR\n")
    program = (
        "import sys, duckdb, pathlib, datetime\n"
        "from dagster_project.workspace.settings import Settings\n"
        "from dagster_project.sources import landing\n"
        "from dagster_project.sources.catalogue import create_raw_tables\n"
        "con = duckdb.connect(sys.argv[1]); create_raw_tables(con)\n"
        "now = datetime.datetime(2026, 11, 21, 14, tzinfo=datetime.timezone.utc)\n"
        "for d in landing.land_all(con, pathlib.Path(sys.argv[2]), settings=Settings(), now=now, pepper=b'k' * 16):\n"
        "    print(d.file, flush=True)\n"
    )
    database = tmp_path / "w.duckdb"
    command = [sys.executable, "-c", program, str(database), str(landing)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).resolve().parents[3])
    assert process.stdout is not None
    for _ in range(5):
        assert process.stdout.readline()
    time.sleep(0.01)  # somewhere inside the sixth file
    process.kill()
    process.wait()
    process.stdout.close()
    with duckdb.connect(str(database)) as con:
        batches = con.execute(
            "select rows_delivered, rows_landed, rows_quarantined, rows_duplicate + rows_control, _batch_id from ops.batch"
        ).fetchall()
        assert 5 <= len(batches) < 30, "the process was to die on its way"
        for delivered, landed, refused, rest, batch in batches:
            assert (delivered, landed + refused + rest) == (2001, 2001)
            assert con.execute("select count(*) from raw.channel_spend where _batch_id = ?", [batch]).fetchall() == [
                (landed,)
            ]
            assert con.execute("select count(*) from raw.quarantine where _batch_id = ?", [batch]).fetchall() == [
                (refused,)
            ]
        assert con.execute("select count(distinct _batch_id) from raw.channel_spend").fetchall() == [(len(batches),)]


def test_check_says_what_would_land_and_writes_nothing(tmp_path):
    put(tmp_path, "channel_spend/a.csv", HEAD + "2026-09-01,search,1O,EUR\n2026-09-02,search,1,EUR\n")
    put(tmp_path, "channel_spend/again.csv", HEAD + "2026-09-01,search,1O,EUR\n2026-09-02,search,1,EUR\n")
    put(tmp_path, "gogle_ads/a.csv", "x")
    put(tmp_path, "lost.csv", "x")
    files = sorted(p for p in tmp_path.rglob("*"))
    report = check(tmp_path, SETTINGS, NOW)
    assert sorted(p for p in tmp_path.rglob("*")) == files
    assert not report.clean
    assert [(d.file, d.rows_landed, d.rows_quarantined) for d in report.deliveries] == [("channel_spend/a.csv", 1, 1)]
    assert report.repeats == {"channel_spend/again.csv": "channel_spend/a.csv"}
    assert report.stray == ("gogle_ads/a.csv", "lost.csv")
    assert any("gogle_ads" in m and "google_ads" in m for m in report.messages)


PEOPLE = ("jane.doe@acme.example", "Doe-Miller", "+49 171 2345678", "192.168.7.31")


def test_nobody_of_the_input_is_in_any_table(con, tmp_path):
    mail, name, phone, address = PEOPLE
    put(
        tmp_path,
        "hubspot/contacts.csv",
        f"Record ID,First Name,Last Name,Email,Phone Number,How did you hear about us?\n501,Jane,{name},{mail},{phone},{mail} or {phone}\n502,{name},{name},{mail.replace('@', ' at ')},,x\n",
    )
    put(
        tmp_path,
        "hubspot/companies.csv",
        f"Record ID,Company name,Company Domain Name,Company owner\n7001,{name},acme.example,{name}\n",
    )
    put(
        tmp_path,
        "hubspot/deals.csv",
        f"Record ID,Deal Name,Deal Stage,Deal owner,Amount,Currency\n9,{name},Won,{name},5.x,EUR\n10,{name},Won,{mail},5.5,EUR\n",
    )
    put(
        tmp_path,
        "hubspot/form_answers.csv",
        f"answer_id,answered_at,person_email,question,answer\n1,2026-01-01,{mail},How?,ask {mail}\n",
    )
    put(
        tmp_path,
        "revenue/orders.csv",
        f"order_id,ordered_at,person_email,gross,currency,Customer name,ip\nA1,2026-01-05,{mail},10,EUR,{name},{address}\n",
    )
    put(
        tmp_path,
        "channel_spend/a.csv",
        f"day,channel,spend,note,contact phone,objective\n2026-01-01,a,1,call {mail},{phone},{mail}\n",
    )
    put(
        tmp_path,
        "content_events/e.jsonl",
        f'{{"event_id":"1","ts":"2026-01-01","type":"approved","actor_id":"{mail}","payload":{{"by":"{mail}","ip":"{address}"}}}}\n',
    )
    put(
        tmp_path,
        "approvals/a.jsonl",
        f'{{"approval_id":"1","ts":"2026-01-01","actor_id":"Jane {name}","decision":"approved","comment":"{mail}"}}\n',
    )
    broken = f'Record ID,First Name,Email\n501,{name},{mail},{phone},surplus\n502,"{name},{mail}\n503,Jo,\n'
    put(tmp_path, "hubspot/broken.csv", broken)
    put(tmp_path, "hubspot/headless.csv", f"501,Jane,{name},{mail}\n502,Joe,{name},{mail}\n")
    put(tmp_path, "channel_spend/headless.csv", f"{mail},Jane\n{mail},Joe\n")
    put(tmp_path, "channel_spend/cell.csv", f"day,channel,spend\n2026-01-01,a,{mail}\n2026-01-02,a,1\n")
    put(
        tmp_path,
        "content_events/cut.jsonl",
        f'{{"event_id":"2","ts":"2026-01-01","type":"x"}}\n{{"event_id":"3","actor_id":"{mail}","ip":"{address}"',
    )
    land_all(con, tmp_path)
    assert len(con.execute("from ops.batch where status = 'landed'").fetchall()) == 11
    assert len(con.execute("from ops.batch where status = 'unreadable'").fetchall()) == 2
    written = str(state(con))
    for person in (*PEOPLE, "jane.doe", "2345678"):
        assert person.lower() not in written.lower()


@given(data=st.data())
@profile(max_examples=15, deadline=None)  # each example lands a handful of files; fifteen orders are plenty
def test_shuffled_and_repeated_deliveries_give_what_one_clean_load_gives(data, tmp_path_factory):
    """Newest delivery per key, as staging takes it: neither the order of files nor repeats nor overlaps may matter."""
    seed = data.draw(st.integers(0, 10_000))
    rng = random.Random(seed)
    told: list[tuple[int, list[tuple[str, str, str]]]] = []
    landing = tmp_path_factory.mktemp("property")
    for delivery in range(1, 6):
        first = rng.randint(1, 15)
        days = [f"2026-09-{d:02d}" for d in range(first, first + 5)]
        rows = [
            (day, channel, f"{rng.randint(0, 10**6) / 100:.2f}") for day in days for channel in ("search", "social")
        ]
        rng.shuffle(rows)
        told.append((delivery, rows))
        doubled = rows + rng.sample(rows, rng.randint(0, 3))
        text = HEAD + "".join(f"{d},{c},{s},EUR\n" for d, c, s in doubled)
        name = rng.choice(["a", "zz", "0"])
        put(landing, f"channel_spend/{name} 2026-10-{delivery:02d}.csv", text)
        if rng.random() < 0.5:
            put(landing, f"channel_spend/late/{name} again 2026-10-{delivery + 9:02d}.csv", text)
            told.append((delivery + 9, rows))
    known = {(day, channel): spend for _, rows in sorted(told) for day, channel, spend in rows}
    con = duckdb.connect()
    create_raw_tables(con)
    files = door.pending(landing, con, SETTINGS)
    rng.shuffle(files)
    for path in files:
        door.land(con, path, landing, settings=SETTINGS, now=NOW, pepper=KEY)
    newest = con.sql(
        "select day, channel, spend from raw.channel_spend qualify row_number() over"
        " (partition by day, channel order by _delivered_at desc, _batch_id desc, _row desc) = 1"
    ).pl()
    expected = pl.DataFrame(
        [(d, c, s) for (d, c), s in known.items()], schema=["day", "channel", "spend"], orient="row"
    )
    assert sorted(
        newest.with_columns(pl.col("day").cast(pl.String), pl.col("spend").round(2).cast(pl.Float64)).rows()
    ) == sorted(expected.with_columns(pl.col("spend").cast(pl.Float64)).rows())
