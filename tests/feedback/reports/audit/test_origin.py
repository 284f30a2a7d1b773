"""A pack that was made anew is found out, however consistent it is; an honest one is never accused."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from report_snapshot import changed

from feedback.reports import build
from feedback.reports.audit import AuditKeyUnusable, issuer, origin_of, pack_holding, verify, write
from feedback.storage import hash_chain

AT = datetime(2026, 10, 10, 6, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def keys(tmp_path, monkeypatch) -> Path:
    """A key folder of this test's own: the machine that issues."""
    folder = tmp_path / "keys"
    monkeypatch.setenv("PLUMBLINE_KEYS", str(folder))
    return folder


def issued(snapshot: Path, workspace: Path, settings, period: str = "2026-Q3", at: datetime = AT) -> Path:
    files = build(snapshot, workspace / "reports", period=period, settings=settings)
    return write(files, snapshot, workspace / "audit", settings=settings, at=at)


def levels(pack: Path) -> set[int]:
    return {difference.level for difference in verify(pack, levels=(1,))}


def test_a_pack_is_signed_with_a_key_that_only_its_owner_reads(published, settings, tmp_path, keys):
    pack = issued(published, tmp_path, settings)
    assert (origin_of(pack, issuer()).state, verify(pack)) == ("holds", [])
    assert (keys / "audit.key").stat().st_mode & 0o777 == 0o600
    assert str(tmp_path) not in (keys / "issued.jsonl").read_text(), "the register tells no path"
    assert len((keys / "issued.jsonl").read_text().splitlines()) == 1
    issued(published, tmp_path, settings)
    assert len((keys / "issued.jsonl").read_text().splitlines()) == 1, "the same report is entered once"


def forged(published, settings, tmp_path, monkeypatch, keys: Path | None) -> Path:
    """Draws times 1.5, everything rendered and hashed anew, as somebody does who holds another key or none."""
    more = changed(
        published,
        tmp_path / "more.duckdb",
        "update measurement.period_draw set incremental = incremental * 1.5 where component <> 'baseline'",
    )
    with monkeypatch.context() as elsewhere:
        if keys is None:
            elsewhere.setattr("feedback.reports.audit.pack.issuer", lambda: None)
        else:
            elsewhere.setenv("PLUMBLINE_KEYS", str(keys))
        return issued(more, tmp_path / "forger", settings)


@pytest.mark.parametrize("held", ["another key", "no key"])
def test_draws_that_were_multiplied_and_rendered_anew_are_found(published, settings, tmp_path, monkeypatch, held, keys):
    pack = issued(published, tmp_path, settings)
    false = forged(published, settings, tmp_path, monkeypatch, tmp_path / "other" if held == "another key" else None)
    (difference,) = verify(false)
    assert (difference.level, difference.where) == (0, "ledger.jsonl")
    assert f"this machine issued {pack.name[:12]}" in difference.message
    shutil.rmtree(tmp_path / "audit")
    shutil.copytree(tmp_path / "forger/audit", tmp_path / "audit")
    in_place = tmp_path / "audit/2026-Q3" / false.name
    assert len(verify(in_place)) == 2, "not issued, and the ledger lacks what was"


def test_a_copied_signature_does_not_fit_another_line(published, settings, tmp_path, monkeypatch):
    pack = issued(published, tmp_path, settings)
    mark = json.loads(hash_chain.lines_of(pack / "ledger.jsonl")[-1])
    false = forged(published, settings, tmp_path, monkeypatch, None)
    entry = json.loads(hash_chain.lines_of(false / "ledger.jsonl")[-1])
    body = {name: value for name, value in entry.items() if name not in ("hash", "mac", "previous")}
    relinked = json.loads(hash_chain.line(entry["previous"], {**body, "key_id": mark["key_id"]}))
    (false / "ledger.jsonl").chmod(0o644)
    text = hash_chain.canonical({**relinked, "mac": mark["mac"]}).decode()
    (false / "ledger.jsonl").write_text(text + "\n")
    shutil.copytree(false, tmp_path / "alone")
    assert any("not signed with the key that it names" in d.message for d in verify(tmp_path / "alone"))


def test_a_pack_of_another_machine_is_not_accused_and_not_vouched_for(published, settings, tmp_path, monkeypatch):
    pack = issued(published, tmp_path, settings)
    alone = shutil.copytree(pack, tmp_path / "mail" / "autumn")
    assert origin_of(alone, issuer()).state == "holds"
    monkeypatch.setenv("PLUMBLINE_KEYS", str(tmp_path / "auditor"))
    assert verify(alone) == []
    found = origin_of(alone, issuer())
    assert found.state == "not checked"
    assert "is not on this machine" in found.note


def test_a_ledger_that_lost_its_last_lines_is_found(published, settings, tmp_path):
    first = issued(published, tmp_path, settings, "2026-Q2")
    second = issued(published, tmp_path, settings, "2026-Q3")
    ledger = tmp_path / "audit/ledger.jsonl"
    ledger.write_text(ledger.read_text().splitlines()[0] + "\n")
    shutil.rmtree(second)
    assert [d.message for d in verify(first, levels=(1,))] == [
        f"the audit folder's ledger lacks the report {second.name[:12]} of 2026-Q3"
    ]


def test_an_audit_folder_that_was_deleted_is_rebuilt_and_says_so(published, settings, tmp_path, monkeypatch):
    issued(published, tmp_path, settings)
    shutil.rmtree(tmp_path / "audit")
    again = issued(published, tmp_path, settings, at=AT.replace(hour=9))
    lines = [json.loads(line) for line in hash_chain.lines_of(tmp_path / "audit/ledger.jsonl")]
    assert [line["event"] for line in lines] == ["ledger_lost", "report_built"]
    assert verify(again) == []
    # Without the key nobody can declare a ledger lost.
    shutil.rmtree(tmp_path / "audit")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("feedback.reports.audit.pack.issuer", lambda: None)
        unsigned = issued(published, tmp_path, settings, at=AT.replace(hour=10))
    assert levels(unsigned) == {0}


def test_a_ledger_that_is_gone_is_restored_from_the_packs(published, settings, tmp_path):
    for period in ("2026-Q2", "2026-Q3"):
        pack = issued(published, tmp_path, settings, period)
    ledger = tmp_path / "audit/ledger.jsonl"
    before = ledger.read_bytes()
    ledger.unlink()
    assert issued(published, tmp_path, settings, at=AT.replace(hour=9)) == pack
    assert ledger.read_bytes() == before
    assert verify(pack) == []


def test_a_key_that_can_be_guessed_is_refused(monkeypatch):
    monkeypatch.setenv("PLUMBLINE_AUDIT_KEY", "short")
    with pytest.raises(AuditKeyUnusable, match="5 characters"):
        issuer()


def test_without_a_folder_for_keys_reports_are_still_issued(published, settings, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("PLUMBLINE_KEYS", str(tmp_path / "file"))
    pack = issued(published, tmp_path, settings)
    assert verify(pack) == []
    assert origin_of(pack, issuer()).state == "not checked"


def test_the_pack_of_a_page_is_found_by_its_bytes(published, settings, tmp_path):
    pack = issued(published, tmp_path, settings)
    page = tmp_path / "reports/cfo-report-2026-Q3.pdf"
    assert pack_holding(page) == pack
    page.write_bytes(page.read_bytes() + b"%")
    assert pack_holding(page) is None
