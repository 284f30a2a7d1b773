"""The stores of the memory, for tests that must hold on each of them: embedded, PostgreSQL, and a Redis beside it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.events import real_servers
from feedback.memory.embedded_store import EmbeddedStore
from feedback.memory.postgres_store import PostgresStore
from feedback.memory.sql_store import SqlStore

OpenStore = Callable[..., SqlStore]


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    with ExitStack() as stack:
        try:
            dsn = stack.enter_context(real_servers.postgres())
        except real_servers.ServerMissing as missing:
            pytest.skip(str(missing))
        yield dsn


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with ExitStack() as stack:
        try:
            url = stack.enter_context(real_servers.redis())
        except real_servers.ServerMissing as missing:
            pytest.skip(str(missing))
        yield url


@pytest.fixture(params=["embedded", pytest.param("postgres", marks=pytest.mark.slow)])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    """Opens the store of a brand; every call is another connection to the same store, as another process has it."""
    opened: list[SqlStore] = []
    dsn = None
    if request.param == "postgres":
        import psycopg

        server = request.getfixturevalue("postgres_dsn")
        name = f"t{os.getpid()}_{secrets.token_hex(4)}"
        with psycopg.connect(server, autocommit=True) as con:
            con.execute(f"create database {name}".encode())
        dsn = server.replace("dbname=postgres", f"dbname={name}")

    def store(brand: str = "acme") -> SqlStore:
        opened.append(PostgresStore(dsn, brand) if dsn else EmbeddedStore(tmp_path / "memory", brand))
        return opened[-1]

    yield store
    for one in opened:
        one.close()
