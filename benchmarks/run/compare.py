"""Are two finished workspaces the same? Their newest published tables and the figures of their reports, value by value.

Run: python -m benchmarks.run.compare A B [--ignore-wording] [--schema marts --schema measurement ...]
Exit code 0: equal. 1: something differs. 2: a workspace has nothing published. Writes nothing.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.run.figure_differences import FigureDifference, figure_differences
from benchmarks.run.run_specific import WORDING_COLUMNS, WORDING_FIELDS, listed
from benchmarks.run.table_differences import TableDifference, table_differences

SCHEMAS = ("marts", "measurement", "feedback", "ops", "raw")


class NothingPublished(RuntimeError):
    """The workspace has no published snapshot to compare."""


@dataclass(frozen=True)
class Comparison:
    """All that was compared, equal or not."""

    tables: tuple[TableDifference, ...]
    figures: tuple[FigureDifference, ...]

    @property
    def everything(self) -> list[TableDifference | FigureDifference]:
        return [*self.tables, *self.figures]

    def differing(self, *, ignore_wording: bool = False) -> list[TableDifference | FigureDifference]:
        """What is not equal; with `ignore_wording`, what differs in more than its sentences."""
        return [d for d in self.everything if not d.equal and not (ignore_wording and d.wording_only)]


def published(workspace: Path) -> Path:
    """The snapshot that the workspace's pointer names. Raises NothingPublished where there is none."""
    pointer = workspace / "warehouse" / "CURRENT"
    snapshot = pointer.parent / pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else None
    if snapshot is None or not snapshot.is_file():
        raise NothingPublished(f"{workspace} has no published snapshot: run it to the end first")
    return snapshot


def compare(a: Path, b: Path, schemas: tuple[str, ...] = SCHEMAS) -> Comparison:
    """Every published table of `schemas`, and every figures.json below reports/."""
    tables = table_differences(published(a), published(b))
    selected = tuple(t for t in tables if t.name.split(".")[0] in schemas)
    return Comparison(selected, tuple(figure_differences(a, b)))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", type=Path)
    parser.add_argument("b", type=Path)
    parser.add_argument("--schema", action="append", choices=SCHEMAS, help="only these schemas; may be repeated")
    parser.add_argument("--ignore-wording", action="store_true", help="ignore differences in the wording of sentences")
    given = parser.parse_args(arguments)
    try:
        comparison = compare(given.a, given.b, tuple(given.schema or SCHEMAS))
    except NothingPublished as nothing:
        print(nothing)
        return 2
    print("Compared exactly, in any order of rows. Not compared, because it belongs to one run:")
    print("\n".join(listed()))
    print(f"Wording: the columns {', '.join(WORDING_COLUMNS)} and the fields {', '.join(WORDING_FIELDS)}.\n")
    for item in comparison.everything:
        verdict = "equal" if item.equal else "equal but for wording" if item.wording_only else "DIFFERENT"
        print(f"{item.name:<40}{item.rows:>9,}  {verdict}")
        for sentence in () if item.equal else item.sentences():
            print(f"    {sentence}")
    differing = comparison.differing(ignore_wording=given.ignore_wording)
    compared = len(comparison.everything)
    print(f"\n{compared - len(differing)} of {compared} equal" + (", wording aside" if given.ignore_wording else ""))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
