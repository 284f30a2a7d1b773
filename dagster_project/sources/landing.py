"""Files into the warehouse: which are new, and each in one transaction, so that a crash leaves nothing half-written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from dagster_project.sources.catalogue import CATALOGUE, source_named
from dagster_project.sources.contract import BOOKKEEPING
from dagster_project.sources.delivery import QUARANTINE_SCHEMA, Delivery
from dagster_project.sources.order import File, Landed, batch_id, new_deliveries, turn
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


def files_by_source(landing: Path, source: str | None = None) -> dict[str, list[File]]:
    """The data files of every source (or of the one named) with the hashes of their contents."""
    names = {s.name for s in CATALOGUE} if source is None else {source}
    by_source: dict[str, list[File]] = {}
    for path in landing_files(landing):
        folder = source_of(path, landing)
        if folder in names and (sha := content_sha256(path, landing)) is not None:
            by_source.setdefault(folder, []).append(File(path, file_name(path, landing), sha))
    return by_source


def pending(
    landing: Path, con: duckdb.DuckDBPyConnection, settings: Settings | None = None, source: str | None = None
) -> list[Path]:
    """Files (of one source, if named) that are deliveries the warehouse does not hold, in the order of their delivery.

    A file that could not be read is tried again once its source's options in plumbline.yaml have changed (give
    `settings`).
    """
    fresh: list[File] = []
    for folder, files in files_by_source(landing, source).items():
        books = con.execute(
            "select file, sha256, delivered_at, status, options_sha256 from ops.batch where source = ? order by rowid",
            [folder],
        ).fetchall()
        options_now = options_sha256(settings, folder) if settings is not None else None
        refused = {sha for _, sha, _, status, options in books if status != "landed" and options_now in (None, options)}
        retried = [f for f in files if f.sha256 not in refused or f.sha256 == unopened_sha256(f.name)]
        landed = [Landed(name, sha, told) for name, sha, told, status, _ in books if status == "landed"]
        fresh += new_deliveries(retried, landed)
    return [file.path for file in sorted(fresh, key=lambda f: turn(f.name))]


def forget_unreadable(con: duckdb.DuckDBPyConnection, landing: Path, source: str) -> list[str]:
    """Take files that could not be read and are gone from landing/ out of the books; returns their names.

    Nothing of them landed, and whoever took the file away did what its message asked for.
    """
    present = {file_name(path, landing) for path in landing_files(landing)}
    refused = con.execute(
        "select _batch_id, file from ops.batch where source = ? and status = 'unreadable' order by rowid", [source]
    ).fetchall()
    gone = [(batch, file) for batch, file in refused if file not in present]
    con.execute("begin")
    for batch, _ in gone:
        con.execute("delete from raw.quarantine where _batch_id = ?", [batch])
        con.execute("delete from ops.batch where _batch_id = ?", [batch])
    con.execute("commit")
    return [file for _, file in gone]


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
            "select _batch_id, sha256, status, file from ops.batch where source = ? and (sha256 = ? or file = ?)"
            " order by rowid",
            [source, delivery.sha256, delivery.file],
        ).fetchall()
        of_path = [sha for _, sha, status, file in earlier if status == "landed" and file == delivery.file]
        if of_path and of_path[-1] == delivery.sha256:
            con.execute("rollback")
            return None
        for batch, _, status, _ in earlier:
            if status == "unreadable":  # an earlier attempt at this file, of which nothing landed: this one replaces it
                con.execute("delete from raw.quarantine where _batch_id = ?", [batch])
                con.execute("delete from ops.batch where _batch_id = ?", [batch])
        written = _written(path, delivery)
        batch_name = batch_id(delivery.delivered_at, written, delivery.file, len(of_path), delivery.sha256)
        _write(con, delivery, batch_name, options_sha256(settings, source))
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


def _written(path: Path, delivery: Delivery) -> datetime:
    """What orders a file among those delivered at its instant: see `batch_id`."""
    if File(path, delivery.file, delivery.sha256).named_day == delivery.delivered_at.date():
        return delivery.delivered_at
    try:
        modified = path.stat().st_mtime
    except FileNotFoundError:  # taken away after it was read
        return delivery.delivered_at
    return datetime.fromtimestamp(modified, tz=UTC).replace(tzinfo=None)


def options_sha256(settings: Settings, source: str) -> str:
    """Fingerprint of all settings in plumbline.yaml about reading this source."""
    options: SourceOptions = settings.options(source)
    text = json.dumps(
        [options.model_dump(mode="json"), settings.report_currency, settings.time_zone], sort_keys=True, default=str
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _write(con: duckdb.DuckDBPyConnection, delivery: Delivery, batch: str, options: str) -> None:
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


def content_sha256(path: Path, landing: Path) -> str | None:
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
