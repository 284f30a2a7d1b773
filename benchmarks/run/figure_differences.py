"""How two figures.json differ: each fact and figure by its id, each field exact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.run.run_specific import IGNORED_FIGURES, WORDING_FIELDS, without_run

SHOWN = 10


@dataclass(frozen=True)
class FigureDifference:
    """What differs in one file of figures. `changed` are (id, field, value in A, value in B)."""

    name: str
    rows: int
    only_in: str = ""
    ids_only_in_a: tuple[str, ...] = ()
    ids_only_in_b: tuple[str, ...] = ()
    changed: tuple[tuple[str, str, Any, Any], ...] = ()

    @property
    def equal(self) -> bool:
        return not (self.only_in or self.ids_only_in_a or self.ids_only_in_b or self.changed)

    @property
    def wording_only(self) -> bool:
        """Do the two say the same figures in other words?"""
        same_ids = not (self.only_in or self.ids_only_in_a or self.ids_only_in_b)
        return same_ids and bool(self.changed) and all(field in WORDING_FIELDS for _, field, _, _ in self.changed)

    def sentences(self) -> Iterator[str]:
        """What a reader needs to find the difference, one line each."""
        if self.only_in:
            yield f"file only in {self.only_in}"
        for side, ids in (("A", self.ids_only_in_a), ("B", self.ids_only_in_b)):
            if ids:
                yield f"{len(ids)} entries only in {side}: {', '.join(ids[:SHOWN])}"
        if self.changed:
            note = "; only their wording differs" if self.wording_only else ""
            yield f"{len(self.changed)} fields differ{note}"
        for entry, field, a, b in self.changed[:SHOWN]:
            yield f"{entry} {field}: {a!r} | {b!r}"


def figure_differences(a: Path, b: Path) -> list[FigureDifference]:
    """One entry per file `*figures.json` below `reports/` of either workspace."""
    files = {
        side: {p.relative_to(side).as_posix(): p for p in side.glob("reports/**/*figures.json")} for side in (a, b)
    }
    differences = []
    for name in sorted(files[a].keys() | files[b].keys()):
        if name not in files[a] or name not in files[b]:
            differences.append(FigureDifference(name, 0, only_in="A" if name in files[a] else "B"))
            continue
        differences.append(_difference(name, _entries(files[a][name]), _entries(files[b][name])))
    return differences


def _difference(name: str, a: dict[str, dict[str, Any]], b: dict[str, dict[str, Any]]) -> FigureDifference:
    changed = [
        (entry, field, a[entry].get(field), b[entry].get(field))
        for entry in a
        if entry in b
        for field in sorted(a[entry].keys() | b[entry].keys())
        if a[entry].get(field) != b[entry].get(field)
    ]
    return FigureDifference(
        name,
        len(a),
        ids_only_in_a=tuple(e for e in a if e not in b),
        ids_only_in_b=tuple(e for e in b if e not in a),
        changed=tuple(changed),
    )


def _entries(path: Path) -> dict[str, dict[str, Any]]:
    """Facts and figures by id, without what belongs to one run."""
    content = json.loads(path.read_text(encoding="utf-8"))
    entries = {}
    for item in [*content["facts"], *content["figures"]]:
        if item["id"] in IGNORED_FIGURES:
            continue
        entries[item["id"]] = {
            field: without_run(value) if isinstance(value, str) else value
            for field, value in item.items()
            if f"*.{field}" not in IGNORED_FIGURES
        }
    return entries
