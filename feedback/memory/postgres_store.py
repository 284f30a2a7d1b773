"""The store for several writers and readers on several machines: the same tables in a PostgreSQL database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from feedback.memory.sql_store import INSERT_ONLY, TABLES, Rows, SqlStore
from feedback.memory.store import StoreDamaged, StoreError, StoreUnavailable

if TYPE_CHECKING:
    import psycopg

VARIABLE = "PLUMBLINE_POSTGRES_DSN"
CONNECT_SECONDS, WAIT_SECONDS = 10, 20
PASSWORD = re.compile(r"(?i)(password\s*=\s*)\S+|(//[^/@\s:]*:)[^@\s]*@")


class PostgresStore(SqlStore):
    """`MemoryStore` in PostgreSQL 12 or newer. Writers of one brand take turns by an advisory lock.

    `dsn` is a connection string or URL as libpq reads it; no message repeats its password. The tables are made in the
    first schema of the connection's search path, once. Raises StoreUnavailable where the extra `postgres` is missing.
    """

    def __init__(self, dsn: str, brand: str) -> None:
        super().__init__(brand)
        self._dsn = dsn
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    @contextmanager
    def writing(self) -> Iterator[Rows]:
        """See `SqlStore.writing`: the lock ends with the transaction, also when this process is killed."""
        with self._sentences():
            con = self._connected()
            with con.transaction():
                con.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"plumbline:{self.brand}"])
                yield _rows(con)

    @contextmanager
    def reading(self) -> Iterator[Rows]:
        """See `SqlStore.reading`: a repeatable read, so the state and its number belong together."""
        with self._sentences():
            con = self._connected()
            with con.transaction():
                con.execute("set transaction isolation level repeatable read, read only")
                yield _rows(con)

    @contextmanager
    def relaying(self, target: str) -> Iterator[bool]:
        """See `MemoryStore.relaying`: a lock of the session, which ends when the connection does."""
        name = f"plumbline:{self.brand}:relay:{target}"
        with self._sentences():
            con = self._connected()
            got = con.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", [name]).fetchone()
        held = bool(got and got[0])
        try:
            yield held
        finally:
            if held and self._connection is con and not con.closed:
                with self._sentences():
                    con.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", [name])

    def close(self) -> None:
        """See `MemoryStore.close`."""
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection[tuple[Any, ...]]:
        import psycopg

        if self._connection is not None and not self._connection.closed and not self._connection.broken:
            return self._connection
        try:
            con = psycopg.connect(self._dsn, autocommit=True, connect_timeout=CONNECT_SECONDS)
        except psycopg.Error:
            # The driver's own sentence may repeat parts of the address, and so of a password that was not escaped.
            raise StoreUnavailable(
                "PostgreSQL did not accept the connection, or its address cannot be read",
                key=VARIABLE,
                fix="check that the server runs, and write /, @, : and spaces of the password as %2F, %40, %3A and %20",
            ) from None
        try:
            con.execute(f"set lock_timeout = '{WAIT_SECONDS}s'")
            con.execute("set statement_timeout = '60s'")
            with con.transaction():
                # `create … if not exists` fails when two sessions run it at once.
                con.execute("select pg_advisory_xact_lock(hashtextextended('plumbline:tables', 0))")
                if con.execute("select to_regclass('memory_outbox')").fetchone() == (None,):
                    _create(con)
        except BaseException:
            con.close()
            raise
        self._connection = con
        return con

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            import psycopg
        except ImportError as error:
            raise StoreUnavailable(
                "the memory is kept in PostgreSQL, and the package psycopg is not installed",
                fix="pip install 'plumbline[postgres]'",
            ) from error
        try:
            yield
        except psycopg.errors.LockNotAvailable as error:
            raise StoreUnavailable("another writer holds the brand's lock in PostgreSQL", fix="try again") from error
        except (psycopg.errors.UndefinedColumn, psycopg.errors.DataError) as error:
            raise StoreDamaged(f"PostgreSQL does not hold the tables of this version: {_first(error)}") from error
        except psycopg.Error as error:
            self.close()
            raise StoreUnavailable(
                f"PostgreSQL: {_first(error)}", key=VARIABLE, fix="check that the server runs and the address is right"
            ) from error
        except StoreError:
            raise


def _create(con: psycopg.Connection[tuple[Any, ...]]) -> None:
    for statement in TABLES:
        con.execute(statement.encode())
    con.execute(
        "create or replace function memory_insert_only() returns trigger language plpgsql as"
        " $$ begin raise exception '% is insert only', tg_table_name; end $$"
    )
    for table in INSERT_ONLY:
        con.execute(
            f"create trigger {table}_insert_only before update or delete or truncate on {table}"
            " for each statement execute function memory_insert_only()".encode()
        )


def _rows(con: psycopg.Connection[tuple[Any, ...]]) -> Rows:
    def run(statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        cursor = con.execute(statement.replace("?", "%s").encode(), list(values))
        return cursor.fetchall() if cursor.description else []

    return run


def _first(error: BaseException) -> str:
    text = next(iter(str(error).splitlines()), type(error).__name__)
    return PASSWORD.sub(lambda match: f"{match[1] or match[2]}…{'@' if match[2] else ''}", text)
