"""A test from its frozen design to what `plumbline experiment read` says of it."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import small_market
from small_market import Read
from typer.testing import CliRunner

from dagster_project.assets.experiments import frozen_designs
from dagster_project.workspace.paths import Workspace

TRUE_SPEND = small_market.rows(dark=False).filter(
    small_market.pl.col("geo").is_in(small_market.TREATED)
    & small_market.pl.col("day").is_between(small_market.START, small_market.END)
)["spend"].sum()  # fmt: skip


def plumbline(*arguments: object) -> Any:
    from dagster_project.cli import app

    return CliRunner().invoke(app, [str(a) for a in arguments])


def rows_of(made: Workspace, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(made.published() or made.warehouse), read_only=True) as con:
        return con.execute(query).fetchall()


def test_the_read_finds_what_the_market_did(dark_market: Workspace) -> None:
    [(low, high, iroas_low, iroas_high, verdict, plan)] = rows_of(
        dark_market,
        "select low, high, iroas_low, iroas_high, verdict, design_sha256 from measurement.experiment",
    )
    assert low < -small_market.IROAS * TRUE_SPEND < high < 0
    assert iroas_low < small_market.IROAS < iroas_high
    assert verdict == "valid"
    assert len(plan) == 64


def test_the_pictures_can_be_drawn_again_from_the_tables(dark_market: Workspace) -> None:
    [(placebos,)] = rows_of(dark_market, "select count(*) from measurement.experiment_placebo")
    [(checks, failed)] = rows_of(
        dark_market, "select count(*), count(*) filter (not passed) from measurement.experiment_check"
    )
    [(lifts,)] = rows_of(dark_market, "select count(*) from measurement.experiment_power")
    assert (placebos, lifts) == (44, 31)  # every other pair of ten regions; lifts of 0 to 30 %
    assert checks >= 6
    assert failed == 0


def test_a_test_read_as_planned_departs_in_nothing(dark_market: Workspace) -> None:
    answer = plumbline("experiment", "read", dark_market.root, "dark", "--json")
    assert answer.exit_code == 0, answer.output
    document = json.loads(answer.output)
    assert document["departures"] == []
    assert document["design"] == "geo_rct"
    assert len(document["placebo"]) == 44
    assert document["path"][0].keys() == {"day", "actual", "counterfactual", "effect", "low", "high"}
    assert {Path(p).name for p in document["pictures"].values()} == {
        "dark.path.png",
        "dark.placebos.png",
        "dark.power.png",
    }
    assert all(Path(p).stat().st_size > 2_000 for p in document["pictures"].values())


@pytest.mark.slow
def test_the_page_stands_alone_and_escapes_what_it_shows(dark_market: Workspace) -> None:
    plumbline("experiment", "read", dark_market.root, "dark")
    page = (dark_market.reports / "experiments/dark.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert "no departures from it" in page
    assert "placebo in time" in page
    assert "http" not in page
    assert "<script" not in page


def test_it_says_in_words_what_was_found(dark_market: Workspace) -> None:
    answer = plumbline("experiment", "read", dark_market.root, "dark")
    assert "verdict: valid" in answer.output
    assert "Effect on revenue: -" in answer.output
    assert "no departures from it" in answer.output
    assert "iROAS: " in answer.output
    listed = plumbline("experiment", "read", dark_market.root)
    assert "dark" in listed.output
    unknown = plumbline("experiment", "read", dark_market.root, "light")
    assert unknown.exit_code == 2
    assert "no test light: dark" in unknown.output


def test_each_departure_is_said(tmp_path: Path, read_tests: Read) -> None:
    made = small_market.workspace(tmp_path)
    small_market.freeze_dark(made, days=21)
    small_market.declare(made, geos=("r02", "r07"))
    read_tests(made)
    [(message, severity)] = rows_of(
        made, "select message, severity from measurement.warning where code = 'departs_from_plan' and subject = 'dark'"
    )
    assert "tested were r02, r07, planned were r02, r05" in message
    assert "read over 28 periods (day), planned were 21" in message
    assert severity == "medium"


def test_a_running_test_is_looked_at_only_as_its_plan_allows(tmp_path: Path, read_tests: Read) -> None:
    """Seven of twelve weeks have passed: looks at a quarter and a half are due, the end is not."""
    made = small_market.workspace(tmp_path)
    end, until = small_market.START + timedelta(days=83), small_market.START + timedelta(days=49)
    for name, looks in (("dark", (0.25, 0.5, 1.0)), ("blind", ())):
        frozen = small_market.freeze_dark(made, name, days=21, looks=looks)
        assert frozen_designs.load(made.experiments / f"{name}.json") == frozen
        small_market.declare(made, name, end=end, until=until)
    read_tests(made)
    found = rows_of(made, "select experiment_id, look, day, crossed, decision from measurement.experiment_look")
    assert [row[:2] for row in found] == [("dark", 1), ("dark", 2)]
    assert found[-1][2] <= until
    assert rows_of(made, "select count(*) from measurement.experiment") == [(0,)]
    small_market.finish(made)
    said = plumbline("experiment", "read", made.root, "dark")
    assert "look 1 (" in said.output
    assert "look 1 (" not in plumbline("experiment", "read", made.root, "blind").output


@pytest.mark.slow
def test_the_end_of_a_test_with_looks_is_one_of_them(tmp_path: Path, read_tests: Read) -> None:
    made = small_market.workspace(tmp_path)
    small_market.freeze_dark(made, looks=(0.5, 1.0))
    small_market.declare(made)
    read_tests(made)
    [(look, crossed, decision)] = rows_of(
        made, "select look, crossed, decision from measurement.experiment_look order by look desc limit 1"
    )
    assert (look, decision) == (2, "stop_effect")
    assert crossed
    assert rows_of(made, "select severity from measurement.warning where code = 'looked_at_early'") == [("low",)]


def test_a_changed_design_is_not_believed(tmp_path: Path, read_tests: Read) -> None:
    made = small_market.workspace(tmp_path)
    small_market.freeze_dark(made)
    file = made.experiments / "dark.json"
    file.write_text(file.read_text().replace('"level": 0.9', '"level": 0.8'))
    small_market.declare(made)
    read_tests(made)
    [(subject,)] = rows_of(made, "select subject from measurement.warning where code = 'frozen_design_unusable'")
    assert subject == "experiments/dark.json"
    assert rows_of(made, "select design_sha256, level from measurement.experiment") == [(None, 0.9)]


@pytest.mark.slow
def test_a_name_from_data_never_leaves_the_folder(tmp_path: Path, read_tests: Read) -> None:
    made = small_market.workspace(tmp_path)
    small_market.declare(made, "../../up")
    read_tests(made)
    small_market.finish(made)
    answer = json.loads(plumbline("experiment", "read", made.root, "../../up", "--json").output)
    folder = made.reports / "experiments"
    assert {Path(p).parent for p in (*answer["pictures"].values(), answer["page"])} == {folder}
    assert not list(tmp_path.glob("up*"))


def test_what_cannot_be_read_is_an_answer_no(tmp_path: Path, read_tests: Read) -> None:
    made = small_market.workspace(tmp_path)
    small_market.declare(made, geos=("r02", "r99"))
    small_market.declare(made, "later", end=date(2026, 10, 30))
    read_tests(made)
    small_market.finish(made)
    bad = plumbline("experiment", "read", made.root, "dark")
    assert bad.exit_code == 1
    assert "r99" in bad.output
    running = plumbline("experiment", "read", made.root, "later")
    assert running.exit_code == 0
    assert "read after 2026-10-30" in running.output


def test_two_tests_of_one_channel_stand_side_by_side(tmp_path: Path, read_tests: Read) -> None:
    made = small_market.workspace(tmp_path)
    small_market.declare(made)
    begin, end = date(2025, 3, 1), date(2025, 3, 28)
    with duckdb.connect(str(made.warehouse)) as con:
        insert = (
            "insert into marts.experiment (experiment_id, estimand, channels, geos, design, start_day, end_day,"
            " cooldown_end, value, se, level, spend_treated, spend_control, kpi, declared) values"
            " (?, ?, ['social'], ['r08'], 'platform_lift', ?, ?, ?, ?, ?, 0.9, 1000, 0, 'revenue', false)"
        )
        con.execute(insert, ["lift", "incremental_revenue", begin, end, end, 9000, 300])
        con.execute(insert, ["lift", "iroas", begin, end, end, 9, 0.3])
        con.execute(insert, ["dark", "iroas", begin, end, end, 9, 0.3])
    metadata = read_tests(made)
    assert rows_of(made, "select experiment_id, iroas from measurement.experiment where method = 'delivered'") == [
        ("lift", 9.0)
    ]
    [(z, agree)] = rows_of(made, "select z, agree from measurement.experiment_pair")
    assert z > 2
    assert not agree
    assert "side by side" in metadata["same_channel"].value
    codes = {c for (c,) in rows_of(made, "select code from measurement.warning")}
    assert {"tests_disagree", "result_not_counted_twice"} <= codes


def test_a_marginal_return_is_not_taken_for_an_average_one(tmp_path: Path, read_tests: Read) -> None:
    made = small_market.workspace(tmp_path)
    with duckdb.connect(str(made.warehouse)) as con:
        con.execute(
            "insert into marts.experiment (experiment_id, estimand, channels, design, start_day, end_day, cooldown_end,"
            " value, se, level, spend_treated, spend_control, kpi, declared) values"
            " ('step', 'mroas', ['social'], 'ab', $1, $1, $1, 1.5, 0.2, 0.9, 1000, 500, 'revenue', false)",
            [date(2026, 5, 1)],
        )
    read_tests(made)
    assert rows_of(made, "select iroas, se, estimand from measurement.experiment") == [(None, None, "mroas")]


@pytest.mark.slow
def test_another_test_on_the_same_days_is_named_and_its_regions_left_out(tmp_path: Path, read_tests: Read) -> None:
    made = small_market.workspace(tmp_path)
    small_market.declare(made)
    with duckdb.connect(str(made.warehouse)) as con:
        con.execute(
            "insert into marts.experiment (experiment_id, estimand, channels, geos, design, start_day, end_day,"
            " cooldown_end, kpi, declared) values ('other', 'incremental_revenue', ['tv'], ['r05', 'r09'], 'geo_quasi',"
            " $1, $2, $2, 'revenue', true)",
            [small_market.START, small_market.START + timedelta(days=6)],
        )
    read_tests(made)
    warned = rows_of(
        made, "select severity, message from measurement.warning where code = 'contaminated_by_other_test'"
    )
    assert warned[0][0] == "high"
    assert "tested geos (r05)" in warned[0][1]
    assert rows_of(made, "select count(*) from measurement.experiment_placebo where name like '%r09%'") == [(0,)]
