"""A content agent's own journey: from the skill file alone to a variant with receipts that the next run lands."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from benchmarks.feed.memory import cards
from dagster_project.cli import app
from feedback.memory import publish

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)
VOICE = "---\nkind: voice\nid: voice\nversion: 1\ntitle: T\nsource: S\nvalid_from: 2026-01-15\n---\nWrite plainly.\n"


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLUMBLINE_FEED_KEY", "k" * 40)
    for name in ("landing", "brand"):
        (tmp_path / name).mkdir()
    (tmp_path / "brand" / "voice.md").write_text(VOICE)
    (tmp_path / "plumbline.yaml").write_text("company: {brand: acme}\nclock: 2026-11-16\n")
    publish(tmp_path / "memory", "acme", cards(12, NOW), NOW)
    return tmp_path


def commands(skill: str, work: Path, variant: int) -> dict[str, list[str]]:
    """The commands in the skill's code blocks, by name, with its placeholders filled in as an agent would."""
    filled = {"BRIEF": "b7", "NUMBER": str(variant), "CHANNEL": "meta", "AGENT": "copy-1"}
    found = {}
    for block in re.findall(r"```\n(plumbline .+?)\n```", skill, re.S):
        words = [filled.get(word, word) for word in shlex.split(block)]
        if ">" in words:
            words = words[: words.index(">")]
        words = [str(work / word) if word in ("offer.json", "variant.txt") else word for word in words]
        found[words[2]] = words[1:]
    return found


def run(arguments: list[str]) -> Result:
    return CliRunner().invoke(app, arguments)


def test_the_skill_file_alone_leads_to_receipts_for_every_variant(ws: Path, tmp_path: Path) -> None:
    written = run(["feed", "skill", str(ws), "--out", str(tmp_path / "skill")])
    assert written.exit_code == 0
    skill = (tmp_path / "skill" / "SKILL.md").read_text()
    assert re.match(r"---\nname: [a-z-]+\ndescription: .+ acme\..+\n---\n", skill)
    assert "{" not in re.sub(r"```.*?```", "", skill, flags=re.S)
    offered = 0
    for variant in range(6):
        steps = commands(skill, tmp_path, variant)
        assert set(steps) == {"brand", "offer", "receipt"}
        assert json.loads(run(steps["brand"]).stdout)["documents"][0]["in force"] is True
        offer = run(steps["offer"])
        assert offer.exit_code == 0, offer.output
        (tmp_path / "offer.json").write_text(offer.stdout)
        patterns = [card["pattern_id"] for card in json.loads(offer.stdout)["patterns"]]
        offered += len(patterns)
        (tmp_path / "variant.txt").write_text(f"Variant {variant} of the piece.")
        returned = run([*steps["receipt"], *(word for name in patterns for word in ("--applied", name))])
        assert returned.exit_code == 0, returned.output
    assert offered > 0
    files = sorted((ws / "landing" / "receipts" / "returned").glob("*.jsonl"))
    receipts = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    offers = [
        json.loads(line)
        for path in (ws / "landing" / "receipts" / "offers").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert {r["receipt_id"]: (r["arm"], r["p"]) for r in receipts} == {
        o["receipt_id"]: (o["arm"], o["p"]) for o in offers
    }
    checked = run(["check", str(ws), "--json"])
    assert checked.exit_code == 0, checked.output
    told = json.dumps(json.loads(checked.stdout))
    assert "quarantin" not in told or not re.search(r'"quarantined": [1-9]', told), told


def test_an_empty_text_and_a_foreign_offer_are_refused(ws: Path, tmp_path: Path) -> None:
    (tmp_path / "offer.json").write_text("{}")
    (tmp_path / "variant.txt").write_text(" ")
    arguments = [
        "feed",
        "receipt",
        str(ws),
        "--offer",
        str(tmp_path / "offer.json"),
        "--text",
        str(tmp_path / "variant.txt"),
    ]
    empty = run(arguments)
    assert (empty.exit_code, "is empty" in empty.output) == (2, True)
    (tmp_path / "variant.txt").write_text("Text.")
    foreign = run(arguments)
    assert (foreign.exit_code, "is not an offer" in foreign.output) == (2, True)
    (tmp_path / "variant.txt").unlink()
    assert run(arguments).exit_code == 3
