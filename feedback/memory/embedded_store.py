"""The store that needs nothing else: one SQLite file per brand under memory/, for one machine.

SQLite and not DuckDB, because DuckDB admits no reader beside its writer; not a plain log either, because the store has
to refuse a version twice. Its write-ahead log survives a kill at any instant.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from feedback.memory.reader import folder_of
from feedback.memory.sql_store import INSERT_ONLY, TABLES, Rows, SqlStore
from feedback.memory.store import StoreDamaged, StoreUnavailable
from feedback.storage.atomic_files import PART, sync_folder
from feedback.storage.damaged_files import set_aside

FILE = "events.db"
WAIT_SECONDS = 20
NO_DATABASE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class EmbeddedStore(SqlStore):
    """`MemoryStore` in `<memory>/<brand>/events.db`: one writer at a time, any number of readers beside it.

    Reading a store that does not exist yet finds it empty and creates nothing.
    """

    def __init__(self, memory: Path, brand: str) -> None:
        super().__init__(brand)
        self._path = folder_of(memory, brand) / FILE
        self._writer: sqlite3.Connection | None = None
        self._written: int | None = None  # the file that the writer has open, by inode

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def fault(self) -> str | None:
        """What is wrong with the file, in a sentence; None where it is whole: every page, seal and hash was checked."""
        if not self._path.exists():
            return f"memory/{self.brand}/{FILE} is missing"
        try:
            with self.reading() as rows:
                if rows("pragma quick_check(1)")[0][0] != "ok":
                    return f"memory/{self.brand}/{FILE} is damaged"
                kinds = [str(row[0]) for row in rows("select distinct kind from memory_version")]
            for kind in kinds:
                self.versions(kind)
            after = 0
            while events := self.events_after(after, 1000):
                after = events[-1].seq
        except StoreDamaged as damage:
            return str(damage).partition(";")[0]
        return None

    def heal(self) -> str | None:
        """Sets a damaged file aside, so that the next write begins a new log; the sentence about it, None if whole.

        A file that is missing is no reason to do anything: the next write makes it.
        """
        fault = self.fault()
        if fault is None or not self._path.exists():
            return None
        self.close()
        self._set_aside_journal()
        aside = set_aside(self._path)
        return f"{fault}: it was set aside as {aside.name} and begun anew from the cards"

    def _set_aside_journal(self) -> None:
        """What a killed writer left beside the file; SQLite would replay it over a new file of the same name."""
        for beside in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                set_aside(self._path.with_name(self._path.name + beside))

    @contextmanager
    def writing(self) -> Iterator[Rows]:
        """See `SqlStore.writing`: SQLite's own lock keeps a second writer out."""
        with self._sentences():
            if self._writer is not None and self._written != self._inode():
                self.close()  # another process set the file aside: what is written into it would be lost
            if self._writer is None:
                self._writer = self._opened_for_writing()
                self._written = self._inode()
            con = self._writer
            con.execute("begin immediate")
            try:
                yield _rows(con)
                con.execute("commit")
            except BaseException:
                if con.in_transaction:
                    con.execute("rollback")
                raise

    @contextmanager
    def reading(self) -> Iterator[Rows]:
        """See `SqlStore.reading`."""
        with self._sentences():
            con = self._opened_for_reading()
            try:
                con.execute("begin")
                yield _rows(con)
            finally:
                con.close()

    @contextmanager
    def relaying(self, target: str) -> Iterator[bool]:
        """See `MemoryStore.relaying`: a lock file that the system releases when the process dies."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._path.with_name(f".relay-{target}.lock"), mode=0o600)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def close(self) -> None:
        """See `MemoryStore.close`."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _inode(self) -> int | None:
        try:
            return self._path.stat().st_ino
        except FileNotFoundError:
            return None

    def _opened_for_writing(self) -> sqlite3.Connection:
        if not self._path.exists():
            self._make()
        con = sqlite3.connect(self._path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._must_hold_tables(con)
            con.execute("pragma synchronous = full")
        except BaseException:
            con.close()
            raise
        return con

    def _make(self) -> None:
        """The file with its tables, whole from the first instant: an empty one is never ours, but a lost log."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_name(f".{FILE}.{os.getpid()}-{secrets.token_hex(4)}{PART}")
        try:
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # SQLite keeps this mode for all
            con = sqlite3.connect(part, isolation_level=None)
            con.execute("pragma journal_mode = wal")
            con.execute("begin")
            for statement in TABLES:
                con.execute(statement)
            for table in INSERT_ONLY:
                for deed in ("update", "delete"):
                    con.execute(
                        f"create trigger {table}_no_{deed} before {deed} on {table}"
                        f" begin select raise(abort, '{table} is insert only'); end"
                    )
            con.execute("commit")
            con.close()
            if not self._path.exists():
                self._set_aside_journal()
            with suppress(FileExistsError):  # another writer made it meanwhile; a rename would take its place
                os.link(part, self._path)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(self._path.parent)

    def _opened_for_reading(self) -> sqlite3.Connection:
        if not self._path.exists():
            con = sqlite3.connect(":memory:", isolation_level=None)
            for statement in TABLES:
                con.execute(statement)
            return con
        # On a read-only disk nobody writes, and SQLite could not make the file by which readers and writers agree.
        mode = "mode=ro" if os.access(self._path.parent, os.W_OK) else "mode=ro&immutable=1"
        uri = f"{self._path.resolve().as_uri()}?{mode}"
        con = sqlite3.connect(uri, uri=True, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            con.execute("pragma query_only = on")
            self._must_hold_tables(con)
        except BaseException:
            con.close()
            raise
        return con

    def _must_hold_tables(self, con: sqlite3.Connection) -> None:
        names = (
            "select count(*) from sqlite_master where name in ('memory_version', 'memory_outbox', 'memory_delivery')"
        )
        if con.execute(names).fetchone() != (3,):
            raise StoreDamaged(
                "is empty or holds something else",
                file=f"memory/{self.brand}/{FILE}",
                fix="restore it from a backup, or let the next run begin it anew",
            )

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        name = f"memory/{self.brand}/{FILE}"
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in NO_DATABASE:
                self.close()
                raise StoreDamaged(
                    "is damaged or no database",
                    file=name,
                    fix="restore it from a backup, or let the next run begin it anew",
                ) from error
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise StoreUnavailable("another process is writing to it", file=name, fix="try again") from error
            if code == sqlite3.SQLITE_ERROR:
                raise StoreDamaged(f"does not hold the tables of this version: {error}", file=name) from error
            raise StoreUnavailable(f"cannot be read or written: {error}", file=name) from error


def _rows(con: sqlite3.Connection) -> Rows:
    def run(statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return con.execute(statement, tuple(values)).fetchall()

    return run
