"""Checks an audit pack: nothing in it changed (level 1), and its figures follow from its inputs (level 2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from feedback.reports.audit import inputs
from feedback.reports.audit.integrity import Difference, pack_differences
from feedback.reports.audit.origin import issuer, origin
from feedback.reports.figure_store import FigureStore
from feedback.reports.figures import figures
from feedback.reports.page.html import html_of
from feedback.reports.page.pdf import fitted, pdf_of
from feedback.reports.page.view import view_of, with_own_hash
from feedback.reports.page.workbook import workbook_of
from feedback.reports.snapshot.settings import ReportSettings

# Which libraries decide on the bytes of a rendered file: pages are cut to the length that typst counts.
WRITERS = {
    "report.html": ("altair", "vl-convert-python", "jinja2", "typst"),
    "report.pdf": ("altair", "vl-convert-python", "typst"),
    "report.xlsx": ("typst", "xlsxwriter"),
}


def verify(pack: Path, *, levels: tuple[int, ...] = (1, 2)) -> list[Difference]:
    """All differences of a pack, lowest level first; an empty list means that it is intact.

    Level 1 checks hashes and then origin: a pack that is whole, but was not issued, has differences of level 0. Level 2
    runs only on inputs that passed level 1: figures from changed inputs would differ for that reason.
    A refit of the model (level 3) is not done here. Raises ValueError when the folder holds no manifest.
    """
    pack = pack.resolve()
    path = pack / "manifest.json"
    if not path.is_file():
        raise ValueError(f"{pack.name}: no manifest.json in this folder; name the folder of one report's audit pack")
    differences = list(pack_differences(pack))
    if differences:
        return differences
    differences += origin(pack, issuer()).differences
    if 2 in levels:
        differences += _figures(pack, json.loads(path.read_text("utf-8")))
    return differences


def _figures(pack: Path, manifest: dict[str, Any]) -> Iterator[Difference]:
    try:
        con = inputs.load(pack, manifest["inputs"])
    except (ValueError, duckdb.Error) as error:
        yield Difference(2, "inputs", str(error))
        return
    for table, entry in manifest["inputs"].items():
        if (now := inputs.logical_sha256(con, table)) != entry["logical_sha256"]:
            yield Difference(2, table, f"its rows have the sha256 {now}, recorded is {entry['logical_sha256']}")
    before = pack / "previous.figures.json"
    previous = FigureStore.from_json(before.read_text("utf-8")) if before.is_file() else None
    settings = ReportSettings.model_validate(manifest["settings"])
    again = figures(con, period=manifest["period"], settings=settings, previous=previous)
    con.close()
    stored = FigureStore.from_json((pack / "figures.json").read_text("utf-8"))
    for key, figure in again.figures.items():
        reported = stored.get(key)
        if reported is None:
            yield Difference(2, key, f"computed again: {figure.value}; the report has no such figure")
        elif (reported.value, reported.low, reported.high) != (figure.value, figure.low, figure.high):
            ours, theirs = ((f.value, f.low, f.high) for f in (figure, reported))
            yield Difference(2, key, f"computed again: {_shown(ours)}; the report says {_shown(theirs)}")
    for key in stored.figures:
        if key not in again.figures and not key.startswith("axis."):
            yield Difference(2, key, f"the report says {stored[key].value}; computed again there is no such figure")
    for key, fact in again.facts.items():
        if stored.text(key) != fact.text:
            yield Difference(2, key, f"computed again: {fact.text!r}; the report says {stored.text(key)!r}")
    yield from _rendered(pack, again, manifest["packages"])


def _rendered(pack: Path, again: FigureStore, packages: dict[str, str]) -> Iterator[Difference]:
    """The report rendered again from the figures that were just computed, compared byte by byte.

    A file is compared only where the libraries that write its bytes have the versions that the manifest names; under
    others its hash in the ledger is all that speaks for it.
    """
    view = fitted(view_of(with_own_hash(again)))
    rendered: dict[str, Callable[[], bytes]] = {
        "report.html": lambda: html_of(view).encode(),
        "report.pdf": lambda: pdf_of(view),
        "report.xlsx": lambda: workbook_of(view.store),
    }
    for name, render in rendered.items():
        same = all(packages.get(library) == version(library) for library in WRITERS[name])
        if same and (pack / name).read_bytes() != render():
            yield Difference(2, name, "is not what these figures give when they are rendered again")


def _shown(figure: tuple[object, ...]) -> str:
    value, low, high = figure
    return f"{value}" if low is None else f"{value} ({low} to {high})"
