"""Is a workspace, after whatever befell it, the same as one that nothing befell?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb

from benchmarks.recovery.derived_files import PART, derived_files, kind_of
from benchmarks.run.compare import NothingPublished, compare, published
from benchmarks.run.table_differences import table_differences
from feedback.reports.audit import undelivered
from models.mmm import load

WAREHOUSE = "warehouse/plumbline.duckdb"
# Filled only when a lost warehouse was made again: what earlier deliveries were called.
BOOKKEEPING = ("ops.former_delivery",)
BYTE_FOR_BYTE = ("reports/", "memory/", "warehouse/CURRENT")


def differences(reference: Path, workspace: Path) -> list[str]:
    """What differs from the undisturbed workspace, in sentences; an empty list when all outputs are equal.

    Equal are: every table of the published snapshot and of the warehouse, row by row; every file of the reports and of
    the memory, byte by byte, but for the log of events, which is compared row by row; the audit pack and its ledger by
    their own verification, because they hold the time of the run. Files that only one workspace has beside these (what
    was set aside, part files) are no difference.
    """
    return list(_differences(reference, workspace))


def left_behind(workspace: Path) -> list[str]:
    """Part files that a killed run left: harmless, but never removed."""
    return sorted(name for name in derived_files(workspace) if PART.match(name.rpartition("/")[2]))


def _differences(reference: Path, workspace: Path) -> Iterator[str]:
    try:
        for item in compare(reference, workspace).differing():
            yield f"published {item.name}: {'; '.join(item.sentences())[:300]}"
        for table in table_differences(reference / WAREHOUSE, workspace / WAREHOUSE):
            if not table.equal and table.name not in BOOKKEEPING:
                yield f"warehouse {table.name}: {'; '.join(table.sentences())[:300]}"
    except (NothingPublished, duckdb.Error, OSError, ValueError) as error:
        yield f"cannot be read: {str(error).splitlines()[0]}"
    for name, path in sorted(derived_files(reference).items()):
        if name.startswith(BYTE_FOR_BYTE):
            other = workspace / name
            if not other.is_file():
                yield f"{name} is missing"
            elif kind_of(name) == "versions and events":
                if told(path) != told(other):
                    yield f"{name} has other versions or events"
            elif other.read_bytes() != path.read_bytes():
                yield f"{name} has other content"
        elif kind_of(name) == "kept fit" and not (workspace / name).is_file():
            yield f"{name} is missing"
    yield from _undelivered(workspace)
    yield from _unreadable(workspace)


def told(path: Path) -> set[tuple[str, ...]]:
    """Every version and every event of a log, whatever its numbers and the order of its pages.

    Raises sqlite3.Error where it cannot be read.
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as con:
        versions = con.execute("select kind, subject, cast(version as text), sha256 from memory_version").fetchall()
        return {*versions, *con.execute("select event_id, type, subject from memory_outbox").fetchall()}


def _undelivered(workspace: Path) -> Iterator[str]:
    """What the product's own check says is missing or damaged of the report and its audit pack."""
    try:
        snapshot = published(workspace)
    except NothingPublished:
        return
    run_id = snapshot.stem.removeprefix("published-")
    for difference in undelivered(workspace / "reports", workspace / "audit", run_id):
        yield f"{difference.where} {difference.message}"


def _unreadable(workspace: Path) -> Iterator[str]:
    """Kept fits that cannot be loaded: the next run would stumble over them."""
    for path in sorted((workspace / "warehouse/fits").glob("*.npz")):
        try:
            load(path)
        except Exception as error:  # whatever a damaged file raises is the finding
            yield f"{path.relative_to(workspace)} cannot be loaded: {error}"
