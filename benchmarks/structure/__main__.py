"""The shape of the code in figures: circles, files on the way of a fit, SQL outside dbt, lines, names.

Run: python -m benchmarks.structure [--at REV] [--before REV] [--list]
Without --at the working tree is read; --before prints a second column from that revision beside it. --list names the
files in circles, the files on the way of a fit, the long files and the SQL by file.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import tarfile
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

from benchmarks.structure import lines, modules, reading, sql_text

HERE = Path(__file__).resolve().parents[2]
RULES = {
    "Circle": "files (or children of one package) that import each other, directly or through others; imports inside"
    " functions count.",
    "Way of a fit": (reading.__doc__ or "").partition("Rule: ")[2],
    "SQL": (sql_text.__doc__ or "").partition("Rule: ")[2],
    "Code": "without blank lines, comments and documentation strings.",
    "Meaningless names": f"{', '.join(lines.EMPTY_NAMES)}, counted once per function that binds them.",
}


@dataclass(frozen=True)
class Shape:
    """All figures of one source tree, by name, and the lists behind them."""

    figures: dict[str, int]
    lists: dict[str, list[str]]


def shape_of(source: Path) -> Shape:
    """Read one source tree; nothing in it is executed."""
    tree = modules.modules_of(source)
    graph = modules.import_graph(tree)
    loops = modules.circles(graph)
    siblings = modules.sibling_circles(tree, graph)
    opened = reading.Reader(tree).files()
    sql = {name: len(sql_text.sql_lines(module.tree)) for name, module in tree.items()}
    code = {name: lines.code_lines(module.text, module.tree) for name, module in tree.items()}
    long = sorted((m.text.count("\n"), name) for name, m in tree.items() if m.text.count("\n") > lines.LONG)
    figures = {
        "files in an import circle": sum(map(len, loops)),
        "  in the largest circle": max(map(len, loops), default=0),
        "packages with a circle among their children": len(siblings),
        "  children in such circles": sum(len(c) for components in siblings.values() for c in components),
        "files on the way of models.mmm.fit to its draws": len(opened),
    }
    for label, counts in (("lines of SQL outside dbt", sql), ("lines of code in Python", code)):
        figures[label] = sum(counts.values())
        for root in modules.ROOTS:
            figures[f"  {label.split()[2]} in {root}"] = sum(n for name, n in counts.items() if _below(name, root))
    figures |= {
        "lines of SQL in dbt": lines.dbt_lines(source),
        "statements in Python": sum(lines.statements(m.tree) for m in tree.values()),
        "Python files": len(tree),
        f"files over {lines.LONG} lines": len(long),
        "# fmt: skip": sum(lines.fmt_skips(m.text) for m in tree.values()),
        "meaningless local names": sum(lines.empty_names(m.tree) for m in tree.values()),
    }
    lists = {
        "files in circles": [" ".join(sorted(loop)) for loop in loops],
        "children in circles": [
            f"{p}: {' '.join(sorted(c))}" for p, components in siblings.items() for c in components
        ],
        "files on the way of a fit": sorted(opened),
        "long files": [f"{count:>5} {name}" for count, name in reversed(long)],
        "SQL by file": [f"{count:>5} {name}" for name, count in sorted(sql.items(), key=lambda x: -x[1]) if count],
    }
    return Shape(figures, lists)


def _below(name: str, root: str) -> bool:
    return name == root or name.startswith(f"{root}.")


def shape_at(revision: str | None) -> Shape:
    """The shape of a revision of this repository, unpacked into a temporary folder; None is the working tree."""
    if revision is None:
        return shape_of(HERE)
    packed = subprocess.run(["git", "archive", "--format=tar", revision], cwd=HERE, capture_output=True, check=True)
    with tempfile.TemporaryDirectory(prefix="plumbline-structure-") as folder:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(folder, filter="data")
        return shape_of(Path(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at", metavar="REV", help="a revision instead of the working tree")
    parser.add_argument("--before", metavar="REV", help="a second revision, printed beside the first")
    parser.add_argument("--list", action="store_true", help="name the files behind the figures")
    given = parser.parse_args()
    columns = {given.at or "working tree": shape_at(given.at)}
    if given.before:
        columns = {given.before: shape_at(given.before), **columns}
    print(f"{'':<50}" + "".join(f"{name[:16]:>18}" for name in columns))
    for figure in next(iter(columns.values())).figures:
        print(f"{figure:<50}" + "".join(f"{shape.figures[figure]:>18,}" for shape in columns.values()))
    print("\nThe rules:")
    for name, rule in RULES.items():
        print(textwrap.fill(f"{name}: {' '.join(rule.split())}", 120, initial_indent="  ", subsequent_indent="    "))
    if given.list:
        for name, shape in columns.items():
            for title, entries in shape.lists.items():
                print(f"\n{title}, {name}:")
                print("\n".join(f"  {entry}" for entry in entries) or "  none")


if __name__ == "__main__":
    main()
