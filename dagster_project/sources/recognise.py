"""Which form a file has: its headers against the fields of the source's shapes, by name and never by position."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dagster_project.sources.contract import Field, Refusal, Shape, Source, Unreadable
from dagster_project.sources.tabulate import Candidate

_TAIL = re.compile(r"\s*\(([^()]*)\)\s*$")


@dataclass(frozen=True)
class Match:
    """A shape found in a row of headers: the column index of each field, and what the headers say beside the name."""

    shape: Shape
    header: Candidate
    places: dict[str, int]  # field position in the shape -> column, keyed by "<index>"
    language: str | None
    currencies: frozenset[str] = field(default_factory=frozenset)

    def place(self, index: int) -> int | None:
        return self.places.get(str(index))

    @property
    def used(self) -> frozenset[int]:
        return frozenset(self.places.values())


def folded(header: str) -> str:
    """A header as it is compared: one form of Unicode, no case, single spaces, `_` and `.` as spaces."""
    text = unicodedata.normalize("NFKC", header).casefold().replace("_", " ").replace(".", " ")
    return " ".join(text.replace("\ufeff", "").split()).strip("\"' ")


def bare(header: str) -> str:
    """`folded` without a trailing parenthesis: `Amount spent (EUR)` is `amount spent`."""
    return folded(_TAIL.sub("", header))


def recognised(source: Source, candidates: Iterable[Candidate], renamed: dict[str, str], chosen: str | None) -> Match:
    """The first header row that some shape accepts; among shapes of one row the one that explains most columns.

    `renamed` (header to column name) and `chosen` (shape name) come from plumbline.yaml. Raises Unreadable:
    `no_header`,
    `missing_column`, or the rule of a known mistake.
    """
    shapes = [s for s in source.shapes if chosen is None or s.name == chosen or s.name.split(":")[0] == chosen]
    if not shapes:
        names = ", ".join(s.name for s in source.shapes)
        raise Unreadable("no_header", f"sources.{source.name}.shape is {chosen!r}; known shapes: {names}")
    rows = sorted(candidates, key=lambda c: (c.sheet, c.line))
    for line in sorted({(c.sheet, c.line) for c in rows}):
        matches = [m for c in rows if (c.sheet, c.line) == line for s in shapes if (m := _matched(s, c, renamed))]
        if matches:
            return _best(source, matches)
    raise _explained(source, shapes, rows)


def currency_in(header: str) -> str | None:
    """The ISO code a header carries in its trailing parenthesis, as Meta writes it."""
    tail = _TAIL.search(header)
    return tail[1].strip() if tail and re.fullmatch(r"[A-Z]{3}", tail[1].strip()) else None


def _matched(shape: Shape, candidate: Candidate, renamed: dict[str, str]) -> Match | None:
    full, short = _lookup(candidate.cells)
    forced = {column: full[folded(header)] for header, column in renamed.items() if folded(header) in full}
    if any(folded(name) in full for name in shape.without):
        return None
    places: dict[str, int] = {}
    local: dict[str, int] = {}
    for index, shape_field in enumerate(shape.fields):
        located = (
            (forced[shape_field.column], None) if shape_field.column in forced else _place(shape_field, full, short)
        )
        if located is None:
            if shape_field.required:
                return None
            continue
        place, language = located
        places[str(index)] = place
        if language:
            local[language] = local.get(language, 0) + 1
    present = {shape.fields[int(i)].column for i in places}
    if any(not present.intersection(group) for group in shape.any_of):
        return None
    language = max(local, key=lambda k: local[k]) if local else shape.language
    money = [i for i, shape_field in enumerate(shape.fields) if shape_field.kind == "money" and str(i) in places]
    codes = frozenset(code for i in money if (code := currency_in(candidate.cells[places[str(i)]])))
    return Match(shape, candidate, places, language, codes)


def _lookup(cells: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    full: dict[str, int] = {}
    short: dict[str, int] = {}
    for place, cell in enumerate(cells):
        if folded(cell):
            full.setdefault(folded(cell), place)
            short.setdefault(bare(cell), place)
    return full, short


def _place(shape_field: Field, full: dict[str, int], short: dict[str, int]) -> tuple[int, str | None] | None:
    for names in (full, short):
        for name in shape_field.names:
            if folded(name) in names:
                return names[folded(name)], None
        for language, aliases in shape_field.local.items():
            for name in aliases:
                if folded(name) in names:
                    return names[folded(name)], language
    return None


def _best(source: Source, matches: list[Match]) -> Match:
    top = max(matches, key=lambda m: (len(m.used), len(m.shape.required)))
    rivals = {
        m.shape.name
        for m in matches
        if (len(m.used), len(m.shape.required)) == (len(top.used), len(top.shape.required))
    }
    if len(rivals) > 1:
        raise Unreadable(
            "no_header",
            f"the columns fit {' and '.join(sorted(rivals))}; say which with sources.{source.name}.shape in"
            f" plumbline.yaml",
        )
    return top


def _explained(source: Source, shapes: list[Shape], rows: list[Candidate]) -> Unreadable:
    for candidate in rows:
        full, short = _lookup(candidate.cells)
        for refusal in source.refusals:
            if _known_mistake(refusal, full, short):
                return Unreadable(refusal.rule, refusal.why, column=refusal.headers[0])
    best: tuple[int, Shape, list[str]] | None = None
    for candidate in rows:
        full, short = _lookup(candidate.cells)
        for shape in shapes:
            lacking = [f for f in shape.required if _place(f, full, short) is None]
            groups = [
                " or ".join(group)
                for group in shape.any_of
                if not any(_place(f, full, short) for f in shape.fields if f.column in group)
            ]
            hits = len(shape.required) - len(lacking)
            if hits and (best is None or hits / len(shape.required) > best[0] / len(best[1].required)):
                best = (hits, shape, [f.names[0] for f in lacking] + groups)
    if best is None:
        first = next((c for c in rows), None)
        cells = [c for c in (first.cells if first else ()) if c]
        hidden = source.about_people or any("@" in c for c in cells)
        shown = f"{len(cells)} cells" if hidden else ", ".join(cells)[:200] or "nothing that looks like a header"
        return Unreadable(
            "no_header",
            f"no row among the first 30 holds the columns of {source.name} (seen: {shown}); nearest form is"
            f" {shapes[0].name}, which needs {', '.join(f.names[0] for f in shapes[0].required)}",
        )
    lacks = ", ".join(best[2]) or f"nothing, but it holds {', '.join(best[1].without)}, which belong to another form"
    return Unreadable(
        "missing_column",
        f"nearest form is {best[1].name}, which lacks: {lacks}; add the column to the export, or name it under"
        f" sources.{source.name}.columns in plumbline.yaml",
        column=best[2][0] if best[2] else None,
    )


def _known_mistake(refusal: Refusal, full: dict[str, int], short: dict[str, int]) -> bool:
    has = any(folded(h) in full or folded(h) in short for h in refusal.headers)
    return has and not any(folded(h) in full or folded(h) in short for h in refusal.unless)
