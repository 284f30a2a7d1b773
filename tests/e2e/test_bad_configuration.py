"""What a user gets back for a mistake in plumbline.yaml or on the command line: one sentence, exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("margin: 62\n", "write 0.62 for 62 %", id="margin in percent"),
        pytest.param("colour: red\n", "plumbline.yaml: colour is not a setting", id="unknown key"),
        pytest.param("company: {nmae: x}\n", "company.nmae is not a setting; known here: name", id="nested key"),
        pytest.param("time_zone: Mars/Base\n", "time_zone is Mars/Base: not an IANA time zone", id="unknown zone"),
        pytest.param("kpi: {name: leads}\n", "needs value_per_unit", id="leads without a value"),
        pytest.param("report_currency: euro\n", "report_currency is euro", id="currency that is no code"),
        pytest.param("a: [\n", "not valid YAML", id="broken YAML"),
        pytest.param("channels:\n  - {name: tv}\n  - {name: tv}\n", "channel tv is listed twice", id="channel twice"),
        pytest.param(
            "channels:\n  - {name: tv, campaigns: [{source: google_ads, match: '('}]}\n",
            "not a regular expression",
            id="broken pattern",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_named(tmp_path: Path, cli, text: str, complaint: str) -> None:
    (tmp_path / "plumbline.yaml").write_text(text)
    said = cli("status", tmp_path)
    assert said.returncode == 2
    assert complaint in said.stderr
    assert "Traceback" not in said.stderr


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, cli) -> None:
    said = cli("run", tmp_path / "nowhere")
    assert said.returncode == 2
    assert "plumbline init" in said.stderr


def test_a_day_in_the_future_is_refused(two_files: Path, cli) -> None:
    said = cli("run", two_files, "--as-of", "2031-01-01")
    assert said.returncode == 2
    assert "lies in the future" in said.stderr


def test_a_clock_that_is_ahead_is_refused(two_files: Path, cli) -> None:
    settings = two_files / "plumbline.yaml"
    kept = settings.read_text()
    lines = [line for line in kept.splitlines() if not line.startswith("clock:")]
    settings.write_text("\n".join([*lines, "clock: 2096-01-01"]) + "\n")
    try:
        said = cli("run", two_files)
    finally:
        settings.write_text(kept)
    assert said.returncode == 2
    assert "clock is 2096-01-01, after today" in said.stderr


def test_init_never_overwrites(tmp_path: Path, cli) -> None:
    assert cli("init", tmp_path / "ws").returncode == 0
    (tmp_path / "ws/plumbline.yaml").write_text("margin: 0.5\n")
    assert cli("init", tmp_path / "ws").returncode == 2
    assert (tmp_path / "ws/plumbline.yaml").read_text() == "margin: 0.5\n"


def test_a_panel_that_is_not_there_is_named_with_the_way_to_make_one(tmp_path: Path, cli) -> None:
    assert cli("init", tmp_path / "ws").returncode == 0
    said = cli("ask", tmp_path / "ws", "--dry-run")
    assert said.returncode == 2
    assert "landing/ai_panel" in said.stderr
    assert "--propose" in said.stderr
