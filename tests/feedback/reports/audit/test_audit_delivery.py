"""A report counts as delivered only while every one of its files is there and whole; building again mends the rest."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import report_snapshot

from feedback.reports import ReportBlocked, build
from feedback.reports.audit import undelivered, verify, write

RUN = report_snapshot.RUN
AT = datetime(2026, 10, 10, 6, 0, tzinfo=UTC)
BLOCKED = (
    "insert into measurement.warning values (?, 'not_converged', 'all', 'block', 'It did not converge.', 'Rerun.')"
)


@pytest.fixture(scope="module")
def delivered(published, settings, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("delivered")
    write(build(published, root / "reports", settings=settings), published, root / "audit", settings=settings, at=AT)
    return root


@pytest.fixture
def root(delivered, tmp_path) -> Path:
    copy = shutil.copytree(delivered, tmp_path / "ws")
    for path in copy.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return copy


def pack_of(root: Path) -> Path:
    (pack,) = (root / "audit" / "2026-Q3").iterdir()
    return pack


def differences(root: Path) -> list[str]:
    return [f"{d.where} {d.message}" for d in undelivered(root / "reports", root / "audit", RUN)]


def test_a_complete_report_lacks_nothing_and_another_run_has_none(root):
    assert differences(root) == []
    assert "names no complete audit pack" in undelivered(root / "reports", root / "audit", "run-other")[0].message


DAMAGES = {
    "no pdf": (lambda r: (r / "reports/cfo-report-2026-Q3.pdf").unlink(), "cfo-report-2026-Q3.pdf is missing"),
    "no figures": (
        lambda r: (r / "reports/cfo-report-2026-Q3.figures.json").unlink(),
        "reports/cfo-report-2026-Q3.figures.json is missing",
    ),
    "an older workbook beside a newer page, as a crash between two files leaves it": (
        lambda r: (r / "reports/cfo-report-2026-Q3.xlsx").write_bytes(b"older"),
        "reports/cfo-report-2026-Q3.xlsx is not the file that the audit pack holds",
    ),
    "no audit folder": (lambda r: shutil.rmtree(r / "audit"), "audit/ledger.jsonl names no complete audit pack"),
    "no manifest": (lambda r: (pack_of(r) / "manifest.json").unlink(), "names no complete audit pack"),
    "half an input": (
        lambda r: next(pack_of(r).glob("inputs/*/*.parquet")).write_bytes(b"PAR1"),
        ".parquet its sha256 is",
    ),
    "a pack's file is gone": (lambda r: (pack_of(r) / "VERIFY.md").unlink(), "VERIFY.md is missing"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_named_and_mended_by_building_again(root, published, settings, damage, message):
    damage(root)
    assert any(message in line for line in differences(root))
    files = build(published, root / "reports", settings=settings)
    write(files, published, root / "audit", settings=settings, at=AT)
    assert differences(root) == []
    assert verify(pack_of(root)) == []


def test_a_damaged_pack_is_kept_as_evidence(root, published, settings):
    (pack_of(root) / "report.html").write_text("edited")
    files = build(published, root / "reports", settings=settings)
    write(files, published, root / "audit", settings=settings, at=AT)
    (kept,) = (root / "audit" / "replaced").iterdir()
    assert (kept / "report.html").read_text() == "edited"


def test_a_draft_of_a_killed_process_is_swept_away(root, published, settings):
    (root / "audit" / ".draft-killed" / "inputs").mkdir(parents=True)
    write(build(published, root / "reports", settings=settings), published, root / "audit", settings=settings, at=AT)
    assert not list((root / "audit").glob(".draft-*"))


def test_a_withheld_report_is_delivered_by_the_page_that_says_why(settings, tmp_path):
    import duckdb

    snapshot = report_snapshot.write_snapshot(tmp_path / "published-1.duckdb")
    with duckdb.connect(str(snapshot)) as con:
        con.execute(BLOCKED, [RUN])
    with pytest.raises(ReportBlocked):
        build(snapshot, tmp_path / "reports", settings=settings)
    assert differences(tmp_path) == []
    assert undelivered(tmp_path / "reports", tmp_path / "audit", "run-other") != []
