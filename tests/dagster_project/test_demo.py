"""`plumbline demo`: what is written, that it repeats byte for byte, and what it refuses to overwrite."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

import pytest

from dagster_project.demo import write
from dagster_project.workspace.settings import load
from models.worlds.quillhaven import QUILLHAVEN

SHORT = 120


def _hashes(workspace: Path) -> dict[str, str]:
    return {
        path.relative_to(workspace).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(workspace.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("short") / "ws"
    write(workspace, days=SHORT)
    return workspace


def test_the_same_arguments_write_the_same_bytes(short: Path, tmp_path: Path) -> None:
    write(tmp_path / "ws", days=SHORT)
    assert _hashes(tmp_path / "ws") == _hashes(short)


def test_another_seed_is_another_company(short: Path, tmp_path: Path) -> None:
    write(tmp_path / "ws", days=SHORT, seed=8)
    assert (
        json.loads((tmp_path / "ws/truth.json").read_text())["revenue_total"]
        != json.loads((short / "truth.json").read_text())["revenue_total"]
    )


def test_the_summary_counts_what_is_there(tmp_path: Path) -> None:
    summary = write(tmp_path / "ws", days=SHORT)
    truth = json.loads(summary.truth_path.read_text())
    on_disk = {name for name in _hashes(tmp_path / "ws") if name != "truth.json"}
    assert set(summary.files) == on_disk
    assert summary.rows == sum(entry["rows"] for entry in truth["files"].values())
    assert truth["complete"] is True


def test_the_settings_are_valid_and_name_the_company(short: Path) -> None:
    settings = load(short / "plumbline.yaml")
    assert tuple(channel.name for channel in settings.channels) == QUILLHAVEN.channel_names
    assert {geo.name for geo in settings.geos} == set(QUILLHAVEN.region_names)
    assert settings.clock == date(2026, 10, 12)
    assert settings.margin is not None
    assert settings.ledger.accounts["4400"].modelled
    assert settings.ledger.accounts["4410"].reason
    assert settings.ai.brands[0] == "Quillhaven"


def test_writing_again_clears_what_an_older_version_left_and_keeps_a_users_own_file(tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    write(workspace, days=SHORT)
    before = _hashes(workspace)
    stale = workspace / "landing/revenue/2020-01-01.csv"
    stale.write_text("day\n")
    truth = json.loads((workspace / "truth.json").read_text())
    truth["files"]["landing/revenue/2020-01-01.csv"] = {"rows": 0, "bad": 0}
    (workspace / "truth.json").write_text(json.dumps(truth))
    own = workspace / "landing/channel_spend/mine.csv"
    own.write_text("day,channel,spend,currency\n2026-09-01,podcast,10.00,EUR\n")
    write(workspace, days=SHORT)
    assert own.exists()
    own.unlink()
    assert _hashes(workspace) == before


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("shop") / "ws"
    write(workspace, company="ecommerce", days=SHORT)
    return workspace


def test_a_company_of_a_kind_has_its_own_settings_and_says_what_it_is(shop: Path) -> None:
    settings = load(shop / "plumbline.yaml")
    truth = json.loads((shop / "truth.json").read_text(encoding="utf-8"))
    assert truth["company"] == "ecommerce"
    assert float(settings.margin or 0) == truth["margin"]
    assert {channel.name: channel.channel_class for channel in settings.channels} == {
        name: entry["class"] for name, entry in truth["channels"].items()
    }
    assert (shop / "landing/tiktok_ads").is_dir()
    assert not (shop / "landing/hubspot").exists()


def test_a_company_of_a_kind_is_not_mixed_with_the_demo_company(short: Path, shop: Path) -> None:
    with pytest.raises(FileExistsError, match=f"another demo company .size small, seed 7, days {SHORT}."):
        write(short, company="ecommerce", days=SHORT)
    with pytest.raises(FileExistsError, match=r"another demo company .company ecommerce, size small"):
        write(shop, days=SHORT)


def test_the_command_names_the_companies_that_it_knows(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from dagster_project.cli import app

    result = CliRunner().invoke(app, ["demo", str(tmp_path / "ws"), "--company", "bakery"])
    assert result.exit_code == 2
    assert "--company bakery: one of b2b_software, ecommerce" in " ".join(result.output.split())
    assert not (tmp_path / "ws").exists()


def test_an_interrupted_writing_can_be_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster_project.demo import workspace as module

    real = module.exports

    def breaks(*args: object, **kwargs: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "exports", breaks)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "ws", days=SHORT)
    monkeypatch.setattr(module, "exports", real)
    assert json.loads((tmp_path / "ws/truth.json").read_text())["complete"] is False
    write(tmp_path / "ws", days=SHORT)
    assert json.loads((tmp_path / "ws/truth.json").read_text())["complete"] is True


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ledger.xlsx").write_bytes(b"somebody's books")
    with pytest.raises(FileExistsError, match="not empty and was not made by the demo"):
        write(tmp_path, days=SHORT)
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.xlsx"]


def test_another_demo_company_is_not_mixed_in(short: Path) -> None:
    before = _hashes(short)
    with pytest.raises(FileExistsError, match=f"another demo company .size small, seed 7, days {SHORT}."):
        write(short, days=SHORT, seed=8)
    assert _hashes(short) == before


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param({"size": "tiny"}, "size 'tiny' is unknown: choose one of small, medium, large", id="unknown size"),
        pytest.param({"days": 30}, "days=30: need at least 120", id="too short"),
    ],
)
def test_wrong_arguments_write_nothing(tmp_path: Path, arguments: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        write(tmp_path / "ws", **arguments)
    assert not (tmp_path / "ws").exists()


def test_the_truth_can_be_read_as_tables(short: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dagster_project.demo.__main__ import main

    assert main([str(short)]) == 0
    shown = capsys.readouterr().out
    truth = json.loads((short / "truth.json").read_text(encoding="utf-8"))
    assert f"{truth['channels']['events']['contribution']:,.0f}" in shown
    assert f"{truth['revenue_total']:,.0f}" in shown


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param([], "usage: python -m dagster_project.demo WS", id="no workspace"),
        pytest.param(["nowhere"], "truth.json is missing: `plumbline demo nowhere` writes it", id="not a demo"),
    ],
)
def test_reading_the_truth_says_what_is_missing(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from dagster_project.demo.__main__ import main

    assert main(arguments) == 2
    assert complaint in capsys.readouterr().err
