"""Before a run: derived files that are damaged are set aside, and a lost warehouse gets its history back.

Raw rows and marts are made again from landing/. What cannot be made again (when each file was delivered, earlier runs,
pattern cards, costs) is taken from the newest published snapshot that can be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

from dagster_project.warehouse import run_outputs, tables
from dagster_project.warehouse.connection import CONFIG, WarehouseBusy, connect
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.pepper import set_aside_damaged_pepper
from feedback.memory.embedded_store import FILE, EmbeddedStore
from feedback.memory.reader import BRAND
from feedback.storage.atomic_files import replacing
from feedback.storage.damaged_files import checksum_file, has_its_checksum, set_aside

# What describes raw rows of this very warehouse is made again together with them.
NOT_RESTORED = {
    "ops.batch",
    "ops.current_run",
    "ops.former_delivery",
    "ops.content_reading",
    "measurement.content_feature",
}


def prepare(workspace: Workspace) -> list[str]:
    """Make the workspace fit for a run that is about to begin; the caller holds the run lock.

    Outputs of the last run that are damaged are set aside, its record is withdrawn, and a warehouse that is missing
    or cannot be read is replaced by one with the history of the newest snapshot. Returns one sentence per file.
    """
    sentences = []
    outputs = run_outputs.read(workspace)
    suspect = outputs is None
    for problem in run_outputs.problems(workspace, outputs) if outputs else ():
        if problem.path == workspace.warehouse:
            suspect = True
        elif not problem.missing:
            sentences.append(_set_aside_output(workspace, problem))
        else:
            sentences.append(f"{problem}: this run makes it again")
    run_outputs.withdraw(workspace)
    sentences += set_aside_damaged_pepper(workspace.derived)
    sentences += _damaged_snapshots(workspace)
    sentences += _damaged_events(workspace)
    if suspect:
        sentences += _healed_warehouse(workspace)
    return [sentence for sentence in sentences if sentence]


def rebuild(workspace: Workspace, why: str) -> str:
    """Set the warehouse aside and begin a new one with the history of the newest snapshot; returns the sentence."""
    aside = set_aside(workspace.warehouse)
    log = workspace.warehouse.with_name(workspace.warehouse.name + ".wal")
    if log.exists():
        set_aside(log)
    history = _history(_restored(workspace))
    name = f"warehouse/{workspace.warehouse.name}"
    return f"{name} {why}: it was set aside as {aside.name}, and this run makes it again from landing/{history}"


def unreadable(path: Path) -> str | None:
    """Why a DuckDB file cannot be read from its first table to its last; None for one that can.

    Every column of every table is read, so that DuckDB compares each block with its checksum. Raises WarehouseBusy
    where another process holds the file.
    """
    try:
        with connect(path, read_only=True) as con:
            for schema, name in con.execute(
                "select schema_name, table_name from duckdb_tables() where not internal and not temporary"
            ).fetchall():
                con.execute(f'select bit_xor(hash(t)) from "{schema}"."{name}" as t').fetchall()
    except WarehouseBusy:
        raise
    except (duckdb.Error, UnicodeDecodeError) as error:
        return str(error).splitlines()[0]
    return None


def _set_aside_output(workspace: Workspace, problem: run_outputs.Problem) -> str:
    """An audit pack stays where it is: writing the pack again moves a damaged one to audit/replaced/."""
    if problem.path.is_relative_to(workspace.audit):
        return f"{problem}: this run writes its pack again"
    return f"{problem}: it was set aside as {set_aside(problem.path).name}, and this run makes it again"


def _damaged_snapshots(workspace: Workspace) -> Iterable[str]:
    for path in sorted(workspace.derived.glob("published-*.duckdb")):
        if checksum_file(path).exists() and not has_its_checksum(path):
            aside = set_aside(path)
            checksum_file(path).unlink(missing_ok=True)
            yield f"warehouse/{path.name} is damaged: it was set aside as {aside.name}"


def _damaged_events(workspace: Workspace) -> Iterable[str]:
    for path in sorted(workspace.memory.glob(f"*/{FILE}")):
        healed = EmbeddedStore(workspace.memory, path.parent.name).heal() if BRAND.fullmatch(path.parent.name) else None
        if healed:
            yield healed


def _healed_warehouse(workspace: Workspace) -> Iterable[str]:
    if not workspace.warehouse.exists():
        source = _restored(workspace)
        if source:
            yield f"warehouse/{workspace.warehouse.name} is missing: this run makes it again{_history(source)}"
        return
    reason = unreadable(workspace.warehouse)
    if reason is not None:
        yield rebuild(workspace, f"is damaged ({reason})")


def _history(source: Path | None) -> str:
    return f"; delivery times and earlier runs come from {source.name}" if source else ""


def _restored(workspace: Workspace) -> Path | None:
    """A new warehouse with all that the newest readable snapshot knows of the past; the snapshot, or None."""
    newest = sorted(workspace.derived.glob("published-*.duckdb"), key=lambda p: p.stat().st_mtime, reverse=True)
    current = workspace.published()
    for snapshot in dict.fromkeys([*([current] if current else []), *newest]):
        try:
            with replacing(workspace.warehouse) as part:
                _copy_history(snapshot, part)
        except duckdb.Error:
            continue
        return snapshot
    return None


def _copy_history(snapshot: Path, part: Path) -> None:
    with duckdb.connect(str(part), config=CONFIG) as con:
        con.execute("set TimeZone = 'UTC'")
        tables.create_tables(con)
        con.execute(f"attach '{str(snapshot).replace(chr(39), chr(39) * 2)}' as past (read_only)")
        tables_of = "select schema_name, table_name from duckdb_tables() where (database_name = 'past') = ?"
        known = con.execute(f"{tables_of} and schema_name in ('measurement', 'feedback', 'ops')", [True]).fetchall()
        own = con.execute(tables_of, [False]).fetchall()
        con.begin()
        for schema, name in sorted(set(known) & set(own)):
            if f"{schema}.{name}" not in NOT_RESTORED:
                con.execute(f'insert into {schema}."{name}" by name from past.{schema}."{name}"')
        if ("ops", "batch") in known:
            con.execute(
                "insert into ops.former_delivery select source, sha256, delivered_at, _batch_id from past.ops.batch"
                " where status = 'landed'"
            )
        con.commit()
        con.execute("detach past")
