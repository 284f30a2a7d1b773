"""Attempts to get an action past its gate: each is refused, and what was written into the file is named by row."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from made_requests import ADA, BOB, CARA, KEY, NOW, OTHER, SHA, WRITER, ledger, request
from pydantic import ValidationError

from feedback.approvals import ApprovalRefused, Approvals, Request
from feedback.approvals.policy import amount_of
from feedback.approvals.seal import KeyUnusable, LedgerBroken, signing_key
from feedback.storage import hash_chain
from feedback.storage.hash_chain import ChainBroken

YES = {"event": "approved", "subject": request().subject, "by": ADA, "at": NOW.isoformat(), "how": "person"}


def forge(folder: Path, *bodies: dict[str, Any], key: bytes | None = None) -> None:
    """Append well-chained lines, as a program with write access to the file would."""
    path = folder / "ledger.jsonl"
    for body in bodies:
        hash_chain.append(path, hash_chain.line(hash_chain.head(hash_chain.lines_of(path)), body, key=key))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param({**YES, "how": "agent"}, "a machine never approves", id="approved by a machine"),
        pytest.param({**YES, "by": WRITER}, "a machine never approves", id="approved by an agent's id"),
        pytest.param({k: v for k, v in YES.items() if k != "how"}, "a machine never", id="nobody says how"),
        pytest.param({**YES, "by": "eve@acme.example"}, "may not decide", id="approved by a stranger"),
        pytest.param({**YES, "by": "аda@acme.example"}, "may not decide", id="a Cyrillic a in the name"),
        pytest.param({**YES, "by": CARA}, "needs editor", id="approved by another role"),
        pytest.param({**YES, "at": (NOW - timedelta(hours=1)).isoformat()}, "only later", id="before the request"),
        pytest.param({**YES, "at": (NOW + timedelta(days=4)).isoformat()}, "is expired", id="after the expiry"),
        pytest.param({**YES, "subject": OTHER}, "no decision was requested", id="on another subject"),
        pytest.param({**YES, "at": "yesterday"}, "cannot be read", id="no time"),
        pytest.param({**YES, "event": "aproved"}, "is not an event", id="an unknown event"),
        pytest.param({**YES, "event": "consumed"}, "nobody has approved", id="used without approval"),
        pytest.param({**YES, "event": "passed"}, "waits for a person", id="passed by silence"),
        pytest.param({**YES, "event": "bypassed"}, "needs its reason", id="a bypass without reason"),
    ],
)
def test_a_well_chained_line_that_breaks_a_rule_counts_for_nothing(tmp_path: Path, line, why) -> None:
    approvals = ledger(tmp_path)
    approvals.ask(request())
    forge(tmp_path, line)
    assert approvals.status(request().subject, NOW).state == "pending"
    with pytest.raises(ApprovalRefused, match="is pending"):
        approvals.consume(request(), at=NOW)
    (void,) = approvals.check().void
    assert void.line == 2
    assert why in void.reason


def _requested_without_gate(folder: Path) -> None:
    forge(folder, {"event": "requested", "subject": SHA, **request(action="erase_all").model_dump(mode="json")})


def _requested_with_foreign_subject(folder: Path) -> None:
    forge(folder, {"event": "requested", "subject": OTHER, **request(artifact_sha256=OTHER).model_dump(mode="json")})


@pytest.mark.parametrize("plant", [_requested_without_gate, _requested_with_foreign_subject])
def test_a_planted_request_is_no_request(tmp_path: Path, plant: Callable[[Path], None]) -> None:
    approvals = ledger(tmp_path)
    approvals.ask(request())
    plant(tmp_path)
    assert [r.subject for r in approvals.pending(NOW)] == [request().subject]
    assert approvals.check().void[0].line == 2


def _approved(folder: Path, key: bytes | None = KEY) -> Approvals:
    approvals = ledger(folder, key=key)
    approvals.approve(approvals.ask(request()), by=ADA, at=NOW)
    return approvals


def _cut(folder: Path) -> None:
    path = folder / "ledger.jsonl"
    path.write_text("".join(f"{line}\n" for line in hash_chain.lines_of(path)[:-1]))


def _empty(folder: Path) -> None:
    (folder / "ledger.jsonl").unlink()


def _append_without_key(folder: Path) -> None:
    forge(folder, {**YES, "by": BOB})


def _append_with_another_key(folder: Path) -> None:
    forge(folder, {**YES, "by": BOB}, key=b"another key of good length")


def _write_anew_without_key(folder: Path) -> None:
    entries = [json.loads(line) for line in hash_chain.lines_of(folder / "ledger.jsonl")]
    _empty(folder)
    forge(folder, *({k: v for k, v in e.items() if k not in ("hash", "mac", "previous")} for e in entries))


def _cut_with_anchor(folder: Path) -> None:
    _cut(folder)
    lines = hash_chain.lines_of(folder / "ledger.jsonl")
    anchor = {"lines": len(lines), "head": hash_chain.head(lines)}
    (folder / "elsewhere/anchor.json").write_text(json.dumps(anchor))


def _anchor_gone(folder: Path) -> None:
    (folder / "elsewhere/anchor.json").unlink()


def _anchor_garbage(folder: Path) -> None:
    (folder / "elsewhere/anchor.json").write_text('["no anchor"]')


def _swap(folder: Path) -> None:
    path = folder / "ledger.jsonl"
    path.write_text("".join(f"{line}\n" for line in reversed(hash_chain.lines_of(path))))


def _edit(folder: Path) -> None:
    path = folder / "ledger.jsonl"
    path.write_text(path.read_text().replace(ADA, BOB))


def _bytes(folder: Path) -> None:
    path = folder / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b"approved", b"\xff\xfe\x00"))


@pytest.mark.parametrize(
    ("tamper", "complaint"),
    [
        pytest.param(_cut, "lines were cut off", id="tail cut"),
        pytest.param(_empty, "lines were cut off", id="file deleted"),
        pytest.param(_append_without_key, "row 3", id="a line without the key"),
        pytest.param(_append_with_another_key, "row 3", id="a line with another key"),
        pytest.param(_write_anew_without_key, "carry no signature", id="all hashes written anew"),
        pytest.param(_cut_with_anchor, "not written with the key", id="tail and anchor cut"),
        pytest.param(_anchor_gone, "anchor.json is missing", id="anchor deleted"),
        pytest.param(_anchor_garbage, "no number of lines", id="anchor damaged"),
        pytest.param(_swap, "row 1", id="lines swapped"),
        pytest.param(_edit, "row 2", id="the approver's name edited"),
        pytest.param(_bytes, "row 2", id="bytes that are no text"),
    ],
)
def test_a_tampered_file_closes_every_gate_and_says_where(tmp_path: Path, tamper, complaint) -> None:
    approvals = _approved(tmp_path)
    tamper(tmp_path)
    for attempt in (
        lambda: approvals.consume(request(), at=NOW),
        lambda: approvals.pending(NOW),
        lambda: approvals.ask(request(artifact_sha256=OTHER)),
        approvals.check,
    ):
        with pytest.raises((LedgerBroken, ChainBroken), match=complaint):
            attempt()


def test_a_signed_ledger_is_not_continued_without_its_key_and_a_key_is_adopted_once(tmp_path: Path) -> None:
    _approved(tmp_path, key=None)
    with pytest.raises(LedgerBroken, match="--adopt-key"):
        ledger(tmp_path, key=KEY).consume(request(), at=NOW)
    ledger(tmp_path, key=KEY).adopt_key(NOW)
    with pytest.raises(LedgerBroken, match="the key is not at hand"):
        ledger(tmp_path).consume(request(), at=NOW)
    with pytest.raises(ApprovalRefused, match="signed already"):
        ledger(tmp_path, key=KEY).adopt_key(NOW)
    assert ledger(tmp_path, key=KEY).consume(request(), at=NOW) == (ADA,)


def test_a_program_without_the_key_does_not_believe_unsigned_lines_of_a_signed_ledger(tmp_path: Path) -> None:
    ledger(tmp_path, key=KEY).ask(request())
    forge(tmp_path, YES)
    for attempt in (lambda: ledger(tmp_path).status(request().subject, NOW), lambda: ledger(tmp_path).pending(NOW)):
        with pytest.raises(LedgerBroken, match=r"row 1.*PLUMBLINE_APPROVAL_KEY"):
            attempt()


def test_only_who_asked_acts_on_the_approval(tmp_path: Path) -> None:
    approvals = _approved(tmp_path)
    with pytest.raises(ApprovalRefused, match=r"agent:writer asked for it, so bob@acme\.example may not act on it"):
        approvals.consume(request(requested_by=BOB), at=NOW, used_for="post 17")
    assert approvals.consume(request(), at=NOW, used_for="post 17") == (ADA,)
    with pytest.raises(ApprovalRefused, match="may not act on it"):
        approvals.consume(request(requested_by=BOB), at=NOW, used_for="post 17")


@pytest.mark.parametrize("field", ["worth", "at_risk"])
def test_an_amount_that_no_sum_can_hold_is_refused(field) -> None:
    """An exponent of millions is a finite number, but its negative overflows: the whole queue could not be sorted."""
    with pytest.raises(ValidationError):
        request(**{field: "1e9999999"})


def test_a_spend_of_such_an_amount_counts_as_above_every_limit() -> None:
    assert amount_of(request(action="spend", params={"amount": "1e9999999"})) is None


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        pytest.param({"params": {"brand": "bolt"}}, "brand 'bolt'", id="foreign brand"),
        pytest.param({"params": {}}, "brand None", id="no brand"),
        pytest.param({"params": {"brand": "аcme"}}, "is of 'acme'", id="homoglyph brand"),
        pytest.param({"action": "delete_everything"}, "has no gate", id="no such action"),
        pytest.param({"requested_by": "agent:nobody"}, "may not request anything", id="an agent outside the roster"),
    ],
)
def test_a_request_from_outside_the_policy_is_refused(tmp_path: Path, changed, complaint) -> None:
    with pytest.raises(ApprovalRefused, match=complaint):
        ledger(tmp_path, brand="acme").ask(request(**{"params": {"brand": "acme"}, **changed}))


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"title": "x" * 301}, id="an oversized title"),
        pytest.param({"params": {"note": "x" * 201}}, id="an oversized parameter"),
        pytest.param({"params": {f"p{i}": "1" for i in range(21)}}, id="too many parameters"),
        pytest.param({"title": "harmless\u202etxet"}, id="text that runs backwards"),
        pytest.param({"title": "two\nlines"}, id="a line break"),
        pytest.param({"evidence": "zero\u200bwidth"}, id="a zero-width space"),
        pytest.param({"params": {"Brand": "x"}}, id="a parameter's name"),
        pytest.param({"requested_by": "agent:wrіter"}, id="a homoglyph in the id"),
        pytest.param({"requested_by": "a" * 200}, id="an oversized id"),
        pytest.param({"approved": True}, id="a field that says approved"),
        pytest.param({"quorum": 0}, id="a quorum of nobody"),
        pytest.param({"worth": "NaN"}, id="a worth that is no number"),
    ],
)
def test_a_request_that_could_mislead_a_reader_cannot_be_made(changed) -> None:
    with pytest.raises(ValidationError):
        Request.model_validate({**request().model_dump(), **changed})


def test_a_key_that_can_be_guessed_or_lies_in_the_workspace_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PLUMBLINE_APPROVAL_KEY", "short")
    with pytest.raises(KeyUnusable, match="at least 16"):
        signing_key(tmp_path, None)
    monkeypatch.delenv("PLUMBLINE_APPROVAL_KEY")
    assert signing_key(tmp_path, None) is None
    with pytest.raises(KeyUnusable, match="inside the workspace"):
        signing_key(tmp_path, "approvals/key")
    with pytest.raises(KeyUnusable, match="cannot be read"):
        signing_key(tmp_path / "ws", str(tmp_path / "nowhere"))
    (tmp_path / "key").write_text("0123456789abcdef0123456789abcdef\n")
    assert signing_key(tmp_path / "ws", str(tmp_path / "key")) == b"0123456789abcdef0123456789abcdef"
