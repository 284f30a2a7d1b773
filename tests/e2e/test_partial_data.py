"""A workspace that holds only a part of the data: it runs, finds what can be found and says what it could not do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import FirstRun
from tests.e2e.warehouse_content import digests

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, first_run: FirstRun):
    """The two-file workspace after its first run, the true iROAS of its channels, and what the run printed."""
    workspace = tmp_path_factory.mktemp("two") / "ws"
    shutil.copytree(first_run.workspace, workspace)
    return workspace, first_run.truth, first_run.printed


def test_the_model_covers_the_planted_effects(ran, cli) -> None:
    workspace, truth, _ = ran
    rows = json.loads(cli("show", workspace, "evidence", "--json").stdout)["rows"]
    mmm = {r["channel"]: r for r in rows if r["method"] == "mmm"}
    assert set(mmm) == {"search", "tv"}
    # 90 % intervals of two channels: a miss of one by a little is chance, so each is widened by a quarter of itself.
    for channel, true in truth.items():
        slack = 0.25 * (mmm[channel]["q95"] - mmm[channel]["q05"])
        assert mmm[channel]["q05"] - slack <= true <= mmm[channel]["q95"] + slack, (channel, true, mmm[channel])


def test_what_did_not_run_is_named_with_what_it_needs(ran, cli) -> None:
    workspace, _, printed = ran
    status = json.loads(cli("status", workspace, "--json").stdout)
    missing = {row["capability"]: row["needs"] for row in status["not_run"]}
    assert {"experiments", "attribution", "ai_visibility", "patterns"} <= set(missing)
    assert all("landing/" in needs or "GA4" in needs for needs in missing.values())
    assert "not run: experiments" in printed
    assert "media mix model" not in missing


def test_a_second_run_finds_nothing_new_and_changes_no_table(ran, cli) -> None:
    workspace, _, _ = ran
    before = digests(workspace / "warehouse/plumbline.duckdb")
    said = cli("run", workspace, "--json", timeout=60)
    answer = json.loads(said.stdout)
    assert (said.returncode, answer["status"]) == (0, "unchanged")
    assert digests(workspace / "warehouse/plumbline.duckdb") == before


def test_computing_again_from_the_same_inputs_gives_the_same_tables(ran, cli) -> None:
    workspace, _, _ = ran
    before = digests(workspace / "warehouse/plumbline.duckdb")
    assert cli("run", workspace, "--force").returncode == 0
    after = digests(workspace / "warehouse/plumbline.duckdb")
    assert {t for t in before if before[t] != after.get(t)} == set()


def test_a_restated_file_moves_only_what_it_says(ran, cli) -> None:
    workspace, _, _ = ran
    delivered = json.loads(cli("show", workspace, "marts.channel_day", "--json").stdout)["rows"]
    day = delivered[0]["day"]
    (workspace / "landing/channel_spend/restated.csv").write_text(
        f"day,channel,spend,currency\n{day},search,1234.50,EUR\n"
    )
    part = cli("run", workspace, "--select", 'key:"raw/channel_spend"+ and not group:"measurement"')
    assert part.returncode == 0, part.stdout + part.stderr
    # A partial run is not published: readers still see the finished one.
    again = json.loads(cli("show", workspace, "marts.channel_day", "--json").stdout)["rows"]
    assert again == delivered
    assert cli("run", workspace).returncode == 0
    rows = json.loads(cli("show", workspace, "marts.channel_day", "--json").stdout)["rows"]
    changed = [r for r in rows if r["day"] == day and r["channel"] == "search"]
    assert [float(r["spend"]) for r in changed] == [1234.5]
    assert len(rows) == len(delivered)


def test_the_report_is_built_and_says_that_it_is_not_tied_to_the_books(ran, cli) -> None:
    workspace, _, _ = ran
    said = cli("report", workspace, "--json")
    assert said.returncode == 0, said.stdout + said.stderr
    page = Path(json.loads(said.stdout)["html"]).read_text(encoding="utf-8")
    assert "Two Files" in page
    assert "not tied to the books" in page.lower() or "ledger" in page.lower()


def test_books_alone_land_and_everything_else_says_what_it_needs(tmp_path: Path, cli) -> None:
    ledger = tmp_path / "landing/ledger"
    ledger.mkdir(parents=True)
    (ledger / "2026.csv").write_text(
        "entry_id,posted_on,period,account_code,kind,channel,amount,currency\n"
        "R-07,2026-07-31,2026-07,4400,revenue,,120000.00,EUR\nM-07,2026-07-31,2026-07,6600,media_spend,search,9000.00,EUR\n"
    )
    (tmp_path / "plumbline.yaml").write_text(
        "company: {name: Books, brand: books}\nreport_currency: EUR\nclock: 2026-10-12\n"
    )
    said = cli("run", tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    status = json.loads(cli("status", tmp_path, "--json").stdout)
    missing = {row["capability"]: row["needs"] for row in status["not_run"]}
    assert "landing/revenue" in missing["media mix model"]
    assert "landing/channel_spend" in missing["CFO report"]
    booked = json.loads(cli("show", tmp_path, "reconciliation", "--json").stdout)["rows"]
    assert booked
    refused = cli("report", tmp_path)
    assert refused.returncode == 3
    assert "landing/channel_spend" in refused.stderr


def test_the_next_quarter_can_be_planned_from_two_files(ran, cli) -> None:
    workspace, truth, _ = ran
    answer = cli("plan", workspace, "--budget", "9000", "--json")
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["evidence"] == "all evidence combined"
    assert {r["channel"] for r in found["allocation"]} == set(truth)
    assert sum(r["planned"] for r in found["allocation"]) == pytest.approx(9000, rel=1e-6)
    assert Path(found["files"]["html"]).stat().st_size > 10_000
