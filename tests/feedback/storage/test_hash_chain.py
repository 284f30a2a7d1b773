"""The hash chain: every edit breaks it, and chains written in the form of before still hold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from feedback.storage import hash_chain

# Written when a chain had a JSON form of its own; equal bytes as long as numbers are whole.
CHAIN_OF_BEFORE = [
    '{"action":"publish","event":"requested","hash":"7669221cfb2852244ae0f0db216ec29fb4f208c3b085342ba8aad5e1420f2089",'
    '"params":{"text":"Größe „S“ \u2028 \\\\ \\" \\t","z":"1"},"previous":"' + "0" * 64 + '","quorum":1,'
    '"subject":"' + "f3" * 32 + '","worth":"0"}',
    '{"at":"2026-11-16T06:00:00+00:00","by":"ann@example.org","event":"approved",'
    '"hash":"b8eda66e043593e70625e4d2467550ff4e8835866aefa3dacfbad6dd3f4e49b8",'
    '"previous":"7669221cfb2852244ae0f0db216ec29fb4f208c3b085342ba8aad5e1420f2089","subject":"' + "f3" * 32 + '"}',
    '{"event":"report_built","files":{"report.html":"' + "bb" * 32 + '","report.pdf":"' + "cc" * 32 + '"},'
    '"hash":"5a2300057f688f92cbeb63ce274d114687d39fc5ccfe12534c09f1fe0d7499fc","period":"2026-Q3",'
    '"previous":"b8eda66e043593e70625e4d2467550ff4e8835866aefa3dacfbad6dd3f4e49b8","seq":3}',
]


def test_a_chain_of_before_still_holds_and_takes_new_lines() -> None:
    assert hash_chain.broken_at(CHAIN_OF_BEFORE) is None
    for number, text in enumerate(CHAIN_OF_BEFORE):
        body = {key: value for key, value in json.loads(text).items() if key not in ("hash", "previous")}
        assert hash_chain.line(hash_chain.head(CHAIN_OF_BEFORE[:number]), body) == text
    longer = [*CHAIN_OF_BEFORE, hash_chain.line(hash_chain.head(CHAIN_OF_BEFORE), {"event": "denied"})]
    assert hash_chain.broken_at(longer) is None


def test_two_hundred_one_character_edits_and_a_deleted_line_break_the_chain() -> None:
    lines: list[str] = []
    for number in range(50):
        lines.append(hash_chain.line(hash_chain.head(lines), {"seq": number, "event": "x"}))
    assert hash_chain.broken_at(lines) is None
    rng = np.random.default_rng(200)
    for _ in range(200):
        number = int(rng.integers(len(lines)))
        at = int(rng.integers(len(lines[number])))
        other = "0" if lines[number][at] != "0" else "1"
        edited = [*lines[:number], lines[number][:at] + other + lines[number][at + 1 :], *lines[number + 1 :]]
        assert hash_chain.broken_at(edited) == number + 1
    assert hash_chain.broken_at(lines[:20] + lines[21:]) == 21


def test_a_body_without_a_canonical_form_is_refused() -> None:
    with pytest.raises(ValueError):
        hash_chain.line(hash_chain.GENESIS, {"amount": float("nan")})


def test_a_line_that_a_crash_cut_is_left_out_and_written_over(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    hash_chain.append(ledger, CHAIN_OF_BEFORE[0])
    with ledger.open("a", encoding="utf-8") as file:
        file.write(CHAIN_OF_BEFORE[1][:40])
    assert hash_chain.lines_of(ledger) == CHAIN_OF_BEFORE[:1]
    hash_chain.append(ledger, CHAIN_OF_BEFORE[1])
    assert hash_chain.lines_of(ledger) == CHAIN_OF_BEFORE[:2]


def test_a_damaged_byte_breaks_its_line_and_not_the_reader(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    for text in CHAIN_OF_BEFORE:
        hash_chain.append(ledger, text)
    content = bytearray(ledger.read_bytes())
    content[len(CHAIN_OF_BEFORE[0].encode()) + 20] = 0xFF
    ledger.write_bytes(bytes(content))
    assert hash_chain.broken_at(hash_chain.lines_of(ledger)) == 2
