"""Brand documents: typed, dated, versioned; a fault names file, line and key and holds back the whole folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedback.memory.brand_documents import BrandDocumentError, BrandFolder, in_force, load, parse

VOICE = """---
kind: voice
id: voice
version: 2
title: How we sound
source: Brand team, January 2026
valid_from: 2026-01-15
tone: [plain, warm]
no_gos: [No superlatives]
human_required: [prices]
---
Write as a colleague would speak.
"""
NOW = datetime(2026, 11, 16, tzinfo=UTC)


def test_a_document_is_read_with_its_front_matter_and_hash() -> None:
    document = parse("brand/voice.md", VOICE.encode())
    assert (document.name, document.front.tone, document.text) == (
        "voice@2",
        ("plain", "warm"),
        "Write as a colleague would speak.",
    )
    assert parse("brand/voice.md", VOICE.replace("\n", "\r\n").encode()).front == document.front


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(("---\nkind", "kind"), "brand/voice.md, row 1: has no front matter", id="no fence"),
        pytest.param(("kind: voice\n", ""), "row 1, kind: Field required", id="a key is missing"),
        pytest.param(
            ("kind: voice", "kind: poem"),
            "row 2, kind: Input should be 'voice' or 'guideline' (found 'poem')",
            id="kind",
        ),
        pytest.param(("version: 2", "version: two"), "row 4, version", id="a word for a number"),
        pytest.param(("tone: [plain", "tune: [plain"), "row 8, tune: Extra inputs are not permitted", id="unknown key"),
        pytest.param(("valid_from: 2026-01-15", "valid_from: soon"), "row 7, valid_from", id="a word for a day"),
        pytest.param(("tone: [plain, warm]", "tone: [plain"), "is not YAML", id="an open bracket"),
        pytest.param(("title: How", "id: twice\ntitle: How"), "row 5, id: is given twice", id="a key twice"),
        pytest.param(
            ("plain, warm", "plain\u202e, warm"), "row 8: holds the invisible character U+202E", id="invisible"
        ),
        pytest.param(("source:", "valid_until: 2026-01-15\nsource:"), "is not after valid_from", id="never valid"),
        pytest.param(("id: voice", "id: ../voice"), "row 3, id", id="a path for an id"),
    ],
)
def test_a_fault_is_named_with_file_line_and_key(change: tuple[str, str], told: str) -> None:
    with pytest.raises(BrandDocumentError) as fault:
        parse("brand/voice.md", VOICE.replace(*change).encode())
    assert str(fault.value).startswith("brand/voice.md, row ")
    assert told in str(fault.value)


def test_what_is_no_text_or_too_long_is_refused() -> None:
    with pytest.raises(BrandDocumentError, match="row 2: is not UTF-8"):
        parse("brand/voice.md", b"---\n\xff")
    with pytest.raises(BrandDocumentError, match="split it"):
        parse("brand/voice.md", b"x" * 70_000)


def test_the_newest_valid_version_is_in_force_and_the_old_ones_stay_readable(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(VOICE.replace("version: 2", "version: 1\nsuperseded_by: voice@2"))
    (tmp_path / "b.md").write_text(VOICE)
    (tmp_path / "c.md").write_text(VOICE.replace("version: 2", "version: 3").replace("2026-01-15", "2027-01-01"))
    (tmp_path / "d.md").write_text(VOICE.replace("id: voice", "id: claims\nvalid_until: 2026-11-16"))
    documents = load(tmp_path)
    assert [d.name for d in documents] == ["claims@2", "voice@1", "voice@2", "voice@3"]
    assert [d.name for d in in_force(documents, NOW)] == ["voice@2"]
    assert [d.name for d in in_force(documents, datetime(2027, 1, 1, tzinfo=UTC))] == ["voice@3"]


def test_a_document_stays_in_force_until_its_successor_is(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(VOICE.replace("version: 2", "version: 2\nsuperseded_by: voice@3"))
    (tmp_path / "b.md").write_text(VOICE.replace("version: 2", "version: 3").replace("2026-01-15", "2027-01-01"))
    assert [d.name for d in in_force(load(tmp_path), NOW)] == ["voice@2"]
    assert [d.name for d in in_force(load(tmp_path), datetime(2027, 1, 1, tzinfo=UTC))] == ["voice@3"]


def test_versions_are_unique_and_successors_exist(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(VOICE)
    (tmp_path / "b.md").write_text(VOICE)
    with pytest.raises(BrandDocumentError, match=r"brand/b.md, version: voice@2 stands in brand/a.md as well"):
        load(tmp_path)
    (tmp_path / "b.md").write_text(VOICE.replace("version: 2", "version: 1\nsuperseded_by: voice@9"))
    with pytest.raises(BrandDocumentError, match=r"brand/b.md, superseded_by: voice@9 is not in brand/"):
        load(tmp_path)


def test_a_folder_is_read_again_when_a_file_changes(tmp_path: Path) -> None:
    folder = BrandFolder(tmp_path / "brand")
    assert folder.documents() == []
    (tmp_path / "brand").mkdir()
    (tmp_path / "brand" / "voice.md").write_text(VOICE)
    first = folder.documents()
    assert folder.documents() is first
    (tmp_path / "brand" / "voice.md").write_text(VOICE.replace("kind: voice", "kind: poem"))
    with pytest.raises(BrandDocumentError):
        folder.documents()
