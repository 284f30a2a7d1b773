"""Whether an audit pack is complete and unchanged: its hashes, its chain, and the hash that the page prints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from feedback.reports.audit import inputs
from feedback.reports.figure_store import FigureStore
from feedback.reports.page.view import named_by
from feedback.storage import hash_chain

LEDGER = "ledger.jsonl"
MANIFEST = "manifest.json"
WRITER_LOCK = ".writer.lock"  # marks the audit folder itself, as opposed to a place to which a pack was copied


@dataclass(frozen=True)
class Difference:
    """One mismatch: the level of the check, the file or figure, and what was expected and observed."""

    level: int
    where: str
    message: str


def pack_differences(pack: Path) -> Iterator[Difference]:
    """Level 1 of `verify`: the pack itself, and the ledger of the audit folder where the pack still lies in it."""
    yield from own_differences(pack)
    yield from _common_ledger(pack, hash_chain.lines_of(pack / LEDGER))


def own_differences(pack: Path) -> Iterator[Difference]:
    """What is missing, added or changed inside the pack. A pack without a manifest is one difference."""
    if not (pack / MANIFEST).is_file():
        yield Difference(1, MANIFEST, "is missing")
        return
    content = (pack / MANIFEST).read_bytes()
    report_id = hashlib.sha256(content).hexdigest()
    try:
        manifest = json.loads(content)
        expected = {**manifest["files"], **{e["file"]: e["file_sha256"] for e in manifest["inputs"].values()}}
        printed = manifest["figures_sha256"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        yield Difference(1, MANIFEST, f"cannot be read as a manifest: {error!r}")
        return
    lines = hash_chain.lines_of(pack / LEDGER)
    broken = hash_chain.broken_at(lines)
    if broken is not None or not lines:
        yield Difference(1, LEDGER, f"line {broken or 1} does not follow from the line before")
    else:
        own = json.loads(lines[-1])
        if own.get("report_id") != report_id:
            yield Difference(1, LEDGER, f"its last line is about report {own.get('report_id')}, not about this one")
        expected |= own.get("files", {})
    for name, sha in sorted(expected.items()):
        yield from _file(pack, name, sha)
    held = {p.relative_to(pack).as_posix() for p in pack.rglob("*") if p.is_file()}
    for name in sorted(held - {*expected, MANIFEST, LEDGER}):
        yield Difference(1, name, "is in the pack, but neither the manifest nor the ledger names it")
    yield from _printed_hash(pack, printed)


def _period(lines: list[str]) -> str | None:
    """The period that the pack's own line names."""
    return json.loads(lines[-1]).get("period") if lines else None


def _file(pack: Path, name: str, sha: str) -> Iterator[Difference]:
    path = pack / name
    if not path.resolve().is_relative_to(pack.resolve()):
        yield Difference(1, name, "points outside the pack")
    elif not path.is_file():
        yield Difference(1, name, "is missing")
    elif (now := inputs.file_sha256(path)) != sha:
        yield Difference(1, name, f"its sha256 is {now}, recorded is {sha}")


def _common_ledger(pack: Path, lines: list[str]) -> Iterator[Difference]:
    """Where the pack still lies in its audit folder, the ledger there must begin with the pack's own."""
    if hash_chain.broken_at(lines) is not None:  # already reported as a fault of the pack's own copy
        return
    audit = pack.resolve().parent.parent
    common = hash_chain.lines_of(audit / LEDGER)
    in_place = (audit / WRITER_LOCK).exists() and pack.resolve().parent.name == _period(lines)
    if (common or in_place) and common[: len(lines)] != lines:
        yield Difference(
            1, LEDGER, "the ledger of the audit folder does not contain this pack's lines: it was cut or changed"
        )


def _printed_hash(pack: Path, sha: str) -> Iterator[Difference]:
    try:
        store = FigureStore.from_json((pack / "figures.json").read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError) as error:
        yield Difference(1, "figures.json", f"cannot be read as a figure store: {error!r}")
        return
    if (now := named_by(store)) != sha:
        yield Difference(1, "figures.json", f"its figures have the sha256 {now}, the manifest says {sha}")
    html = pack / "report.html"
    if html.is_file() and f"figures {sha[:12]}" not in html.read_text("utf-8", errors="replace"):
        yield Difference(1, "report.html", f"its footer does not print the figures' hash {sha[:12]}")
