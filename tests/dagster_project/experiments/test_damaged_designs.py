"""A damaged frozen design is refused in a sentence that names the file, wherever it is met; nothing rewrites it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import small_market
from small_market import Read
from typer.testing import CliRunner

from dagster_project.assets.experiments import frozen_designs
from dagster_project.assets.experiments.frozen_designs import DesignError
from dagster_project.workspace.paths import Workspace

DAMAGE = {
    "cut in half": lambda whole: whole[: len(whole) // 2],
    "last byte lost": lambda whole: whole.rstrip()[:-1],
    "empty": lambda whole: b"",
    "blank": lambda whole: b"\n",
    "not text": lambda whole: b"\xff\xfe\x00garbage",
    "zeros": lambda whole: bytes(len(whole)),
    "deeply nested": lambda whole: b"[" * 100_000,
    "a list": lambda whole: b"[1, 2]",
    "another object": lambda whole: b'{"spec": "plumbline/experiment-design/1"}',
    "a number for the hash": lambda whole: whole.replace(b'"sha256": "', b'"sha256": 1, "was": "'),
    "an endless test": lambda whole: whole.replace(b'"duration": 28', b'"duration": 99999999999'),
    "another format": lambda whole: whole.replace(b"experiment-design/1", b"experiment-design/9"),
    "one digit": lambda whole: whole.replace(b'"seed": 1', b'"seed": 2'),
}


@pytest.fixture(params=DAMAGE)
def damaged(request: pytest.FixtureRequest, dark_market: Workspace, tmp_path: Path) -> Workspace:
    made = Workspace.at(shutil.copytree(dark_market.root, tmp_path / "copy"))
    path = made.experiments / "dark.json"
    whole = path.read_bytes()
    path.write_bytes(DAMAGE[request.param](whole))
    assert path.read_bytes() != whole
    return made


def plumbline(*arguments: object):
    from dagster_project.cli import app

    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_loading_names_the_file(damaged: Workspace) -> None:
    path = damaged.experiments / "dark.json"
    before = path.read_bytes()
    with pytest.raises(DesignError, match=r"^experiments/dark\.json: ") as refused:
        frozen_designs.load(path)
    assert "restore it" in str(refused.value) or "this version reads" in str(refused.value)
    [fault] = frozen_designs.known(damaged.experiments, small_market.END)[1]
    assert fault.warning().subject == "experiments/dark.json"
    assert path.read_bytes() == before


def test_readers_say_it_and_go_on(damaged: Workspace) -> None:
    answer = plumbline("experiment", "read", damaged.root, "dark")
    assert answer.exit_code == 0, answer.output
    assert "high: experiments/dark.json" in answer.output
    document = json.loads(plumbline("experiment", "read", damaged.root, "dark", "--json").output)
    assert [w["code"] for w in document["warnings"]].count("frozen_design_unusable") == 1


@pytest.mark.parametrize("damage", ["cut in half", "empty", "not text"])
def test_a_run_reads_the_test_without_its_design_and_warns(
    dark_market: Workspace, tmp_path: Path, read_tests: Read, damage: str
) -> None:
    made = Workspace.at(shutil.copytree(dark_market.root, tmp_path / "copy"))
    path = made.experiments / "dark.json"
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    metadata = read_tests(made)
    assert metadata["read"] == 1
    assert "experiments/dark.json" in metadata["warnings"].value
    assert "| high | experiments/dark.json |" in metadata["warnings"].value


def test_designing_and_freezing_beside_a_damaged_file(dark_market: Workspace, tmp_path: Path) -> None:
    made = Workspace.at(shutil.copytree(dark_market.root, tmp_path / "copy"))
    (made.experiments / "dark.json").write_bytes(b"")
    asked = ("experiment", "design", made.root, "--channel", "social", "--weeks", "2", "--sizes", "1", "--count", "1")
    asked += ("--start", "2026-10-05")
    answer = plumbline(*asked, "--json")
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.output)["unusable_designs"] == [
        "experiments/dark.json: is no frozen design: it is empty; restore it from your backup"
    ]
    refused = plumbline(*asked, "--freeze", "1", "--id", "dark")
    assert refused.exit_code == 2
    assert "experiments/dark.json: is no frozen design" in refused.output
    assert (made.experiments / "dark.json").read_bytes() == b""
