"""Checks an audit pack: that nothing in it changed (level 1), and that its figures follow from its inputs (level 2)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from feedback.reports.audit import inputs
from feedback.reports.audit.pack import LEDGER
from feedback.reports.figure_store import FigureStore
from feedback.reports.figures import figures
from feedback.reports.page.view import named_by
from feedback.reports.snapshot.settings import ReportSettings
from feedback.storage import hash_chain


@dataclass(frozen=True)
class Difference:
    """One thing that does not hold: at which level, in which file or figure, and what was expected and found."""

    level: int
    where: str
    message: str


def verify(pack: Path, *, levels: tuple[int, ...] = (1, 2)) -> list[Difference]:
    """All differences of a pack, level 1 first; an empty list means that it holds.

    Level 2 runs only on inputs that passed level 1's hashes: figures from changed inputs would differ for that reason.
    A refit of the model (level 3) is not done here. Raises ValueError when the folder holds no manifest.
    """
    path = pack / "manifest.json"
    if not path.is_file():
        raise ValueError(f"{pack.name}: no manifest.json in this folder; name the folder of one report's audit pack")
    found = list(_files(pack))
    if 2 in levels and not found:
        found += _figures(pack, json.loads(path.read_text("utf-8")))
    return found


def _files(pack: Path) -> Iterator[Difference]:
    content = (pack / "manifest.json").read_bytes()
    report_id = hashlib.sha256(content).hexdigest()
    if report_id != pack.name:
        yield Difference(1, "manifest.json", f"its sha256 is {report_id}, the folder is named {pack.name}")
    try:
        manifest = json.loads(content)
        expected = {**manifest["files"], **{e["file"]: e["file_sha256"] for e in manifest["inputs"].values()}}
        printed = manifest["figures_sha256"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        yield Difference(1, "manifest.json", f"cannot be read as a manifest: {error!r}")
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
        yield from _common_ledger(pack, lines)
    for name, sha in sorted(expected.items()):
        yield from _file(pack, name, sha)
    held = {p.relative_to(pack).as_posix() for p in pack.rglob("*") if p.is_file()}
    for name in sorted(held - {*expected, "manifest.json", LEDGER}):
        yield Difference(1, name, "is in the pack, but neither the manifest nor the ledger names it")
    yield from _printed_hash(pack, printed)


def _file(pack: Path, name: str, sha: str) -> Iterator[Difference]:
    path = pack / name
    if not path.resolve().is_relative_to(pack.resolve()):
        yield Difference(1, name, "points outside the pack")
    elif not path.is_file():
        yield Difference(1, name, "is missing")
    elif (now := inputs.file_sha256(path)) != sha:
        yield Difference(1, name, f"its sha256 is {now}, written was {sha}")


def _common_ledger(pack: Path, lines: list[str]) -> Iterator[Difference]:
    """Where the pack still lies in its audit folder, the ledger there must begin with the pack's own."""
    common = hash_chain.lines_of(pack.parent.parent / LEDGER)
    if common and common[: len(lines)] != lines:
        yield Difference(
            1, LEDGER, "the ledger of the audit folder does not hold this pack's lines: it was cut or changed"
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


def _figures(pack: Path, manifest: dict[str, Any]) -> Iterator[Difference]:
    try:
        con = inputs.load(pack, manifest["inputs"])
    except (ValueError, duckdb.Error) as error:
        yield Difference(2, "inputs", str(error))
        return
    for table, entry in manifest["inputs"].items():
        if (now := inputs.logical_sha256(con, table)) != entry["logical_sha256"]:
            yield Difference(2, table, f"its rows have the sha256 {now}, written was {entry['logical_sha256']}")
    before = pack / "previous.figures.json"
    previous = FigureStore.from_json(before.read_text("utf-8")) if before.is_file() else None
    settings = ReportSettings.model_validate(manifest["settings"])
    again = figures(con, period=manifest["period"], settings=settings, previous=previous)
    con.close()
    stored = FigureStore.from_json((pack / "figures.json").read_text("utf-8"))
    for key, figure in again.figures.items():
        kept = stored.get(key)
        if kept is None:
            yield Difference(2, key, f"computed again: {figure.value}; the report has no such figure")
        elif (kept.value, kept.low, kept.high) != (figure.value, figure.low, figure.high):
            ours, theirs = ((f.value, f.low, f.high) for f in (figure, kept))
            yield Difference(2, key, f"computed again: {_shown(ours)}; the report says {_shown(theirs)}")
    for key in stored.figures:
        if key not in again.figures and not key.startswith("axis."):
            yield Difference(2, key, f"the report says {stored[key].value}; computed again there is no such figure")
    for key, fact in again.facts.items():
        if stored.text(key) != fact.text:
            yield Difference(2, key, f"computed again: {fact.text!r}; the report says {stored.text(key)!r}")


def _shown(figure: tuple[object, ...]) -> str:
    value, low, high = figure
    return f"{value}" if low is None else f"{value} ({low} to {high})"
