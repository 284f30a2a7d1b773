"""Files into the warehouse: which are new, and each in one transaction, so that a crash leaves nothing half-written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb

from dagster_project.sources.catalogue import CATALOGUE, source_named
from dagster_project.sources.contract import BOOKKEEPING
from dagster_project.sources.delivered import delivered_at
from dagster_project.sources.delivery import QUARANTINE_SCHEMA, Delivery
from dagster_project.sources.privacy import Pepper
from dagster_project.sources.read import ENDINGS, read_file, unopened_sha256
from dagster_project.workspace.landing_folder import files_below, printable_name
from dagster_project.workspace.settings import Settings, SourceOptions

_BOOK_COLUMNS = (
    "source",
    "entity",
    "shape",
    "file",
    "sha256",
    "delivered_at",
    "rows_delivered",
    "rows_landed",
    "rows_quarantined",
    "rows_duplicate",
    "rows_control",
    "day_min",
    "day_max",
    "encoding",
    "status",
)


def landing_files(landing: Path) -> list[Path]:
    """Every data file below landing/, sorted; hidden files and files still being written (`.tmp`, `.part`, `~`)
    are left out."""
    return [p for p in files_below(landing) if p.is_file() and _is_data(p, landing)]


def file_name(path: Path, landing: Path) -> str:
    """The file's path below landing/ as it is stored and shown."""
    return printable_name(path, landing)


def source_of(path: Path, landing: Path) -> str:
    """The folder directly below landing/ that contains the file."""
    return path.relative_to(landing).parts[0]


def stray_files(landing: Path) -> list[Path]:
    """Files that no source reads: directly in landing/, under a folder of no source, of an unknown kind, or a link
    that leads nowhere."""
    names = {s.name for s in CATALOGUE}
    return [
        p
        for p in files_below(landing)
        if not _hidden(p, landing)
        and (
            len(p.relative_to(landing).parts) < 2
            or source_of(p, landing) not in names
            or not _is_data(p, landing)
            or not p.is_file()
        )
    ]


def pending(
    landing: Path, con: duckdb.DuckDBPyConnection, settings: Settings | None = None, source: str | None = None
) -> list[Path]:
    """Files (of one source, if named) whose content the warehouse does not hold yet, in the order of their delivery.

    A file that could not be read is tried again once its source's options in plumbline.yaml have changed (give
    `settings`).
    """
    attempts: dict[tuple[str, str], set[tuple[str, str]]] = {}
    books = con.execute("select source, sha256, status, options_sha256 from ops.batch").fetchall()
    for folder, sha, status, options in books:
        attempts.setdefault((folder, sha), set()).add((status, options))
    names = {s.name for s in CATALOGUE} if source is None else {source}
    files = [p for p in landing_files(landing) if source_of(p, landing) in names]
    files.sort(key=lambda p: turn(file_name(p, landing)))
    fresh: dict[tuple[str, str], Path] = {}
    for path in files:  # in order of delivery, so that of equal files the first one counts
        folder = source_of(path, landing)
        sha = _sha256(path, landing)
        if sha is None:
            continue
        options_now = options_sha256(settings, folder) if settings is not None else None
        is_settled = sha != unopened_sha256(file_name(path, landing)) and any(
            status == "landed" or options_now in (None, options) for status, options in attempts.get((folder, sha), ())
        )
        if not is_settled:
            fresh.setdefault((folder, sha), path)
    return list(fresh.values())


def land(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    landing: Path,
    *,
    settings: Settings,
    now: datetime,
    pepper: Pepper,
    feed_key: bytes | None = None,
) -> Delivery | None:
    """Reads one file and writes rows, quarantine and its line of `ops.batch` in one transaction.

    Returns what the file brought, or None where its content was landed before or the file is gone. `now` is an aware
    UTC instant.
    """
    source = source_of(path, landing)
    try:
        delivery = read_file(
            path,
            source,
            settings.options(source),
            settings=settings,
            now=now,
            pepper=pepper,
            feed_key=feed_key,
            file=file_name(path, landing),
        )
    except FileNotFoundError:  # taken away since the folder was listed: it was never delivered
        return None
    con.execute("begin")
    try:
        earlier = con.execute(
            "select _batch_id, sha256, status from ops.batch where source = ? and (sha256 = ? or file = ?)",
            [source, delivery.sha256, delivery.file],
        ).fetchall()
        if any(status == "landed" and sha == delivery.sha256 for _, sha, status in earlier):
            con.execute("rollback")
            return None
        for batch, _, status in earlier:
            if status == "unreadable":  # an earlier attempt at this file, of which nothing landed: this one replaces it
                con.execute("delete from raw.quarantine where _batch_id = ?", [batch])
                con.execute("delete from ops.batch where _batch_id = ?", [batch])
        _write(con, delivery, options_sha256(settings, source))
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    return delivery


def land_all(
    con: duckdb.DuckDBPyConnection,
    landing: Path,
    *,
    settings: Settings,
    now: datetime,
    pepper: Pepper,
    feed_key: bytes | None = None,
    source: str | None = None,
) -> Iterator[Delivery]:
    """Lands what is pending (of one source, if named), file by file, each committed before the next is read."""
    for path in pending(landing, con, settings, source):
        delivery = land(con, path, landing, settings=settings, now=now, pepper=pepper, feed_key=feed_key)
        if delivery is not None:
            yield delivery


def options_sha256(settings: Settings, source: str) -> str:
    """Fingerprint of all settings in plumbline.yaml about reading this source."""
    options: SourceOptions = settings.options(source)
    text = json.dumps(
        [options.model_dump(mode="json"), settings.report_currency, settings.time_zone], sort_keys=True, default=str
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _write(con: duckdb.DuckDBPyConnection, delivery: Delivery, options: str) -> None:
    [(last,)] = con.execute("select coalesce(max(_batch_id), '0') from ops.batch").fetchall()
    batch = f"{int(last) + 1:012d}"
    source = source_named(delivery.source)
    for table, frame in delivery.frames.items():
        if frame.is_empty():
            continue
        names = [n for n, _ in source.entity(table).columns]
        listed = ", ".join(f'"{n}"' for n in (*names, *(n for n, _ in BOOKKEEPING)))
        con.register("delivered_frame", frame.to_arrow())
        columns = ", ".join(f'"{n}"' for n in names)
        con.execute(
            f"insert into raw.{table} ({listed}) select {columns}, ?, ?, _row, ?, ?, _extra from delivered_frame",
            [batch, delivery.file, delivery.delivered_at, delivery.sha256],
        )
        con.unregister("delivered_frame")
    if delivery.quarantine.height:
        con.register("refused_frame", delivery.quarantine.to_arrow())
        columns = ", ".join(f'"{c}"' for c in QUARANTINE_SCHEMA)
        con.execute(
            f"insert into raw.quarantine ({columns}, _batch_id, _delivered_at)"
            f" select {columns}, ?, ? from refused_frame",
            [batch, delivery.delivered_at],
        )
        con.unregister("refused_frame")
    line = {
        "_batch_id": batch,
        **{name: getattr(delivery, name) for name in _BOOK_COLUMNS},
        "notices": json.dumps(list(delivery.notices), ensure_ascii=False),
        "options_sha256": options,
    }
    marks = ", ".join("?" for _ in line)
    con.execute(f"insert into ops.batch ({', '.join(line)}) values ({marks})", list(line.values()))


def turn(name: str) -> tuple[datetime, str, str]:
    """The order in which files are read: by delivery, then by name, `report.csv` before its copy `report (1).csv`."""
    return delivered_at(name, None, datetime(9999, 1, 1)), name.rpartition(".")[0], name


def _sha256(path: Path, landing: Path) -> str | None:
    """Hash of the file's bytes; None where it is gone by now."""
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except FileNotFoundError:
        return None
    except OSError:
        return unopened_sha256(file_name(path, landing))


def _hidden(path: Path, landing: Path) -> bool:
    return any(part.startswith((".", "~")) for part in path.relative_to(landing).parts)


def _is_data(path: Path, landing: Path) -> bool:
    name = path.name.casefold().removesuffix(".gz")
    return not _hidden(path, landing) and name.endswith(ENDINGS) and len(path.relative_to(landing).parts) >= 2
