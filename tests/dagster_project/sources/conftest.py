"""One way to hand a file to a reader: bytes or text in, the delivery out, its books always checked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from dagster_project.sources.catalogue import create_raw_tables
from dagster_project.sources.delivery import Delivery
from dagster_project.sources.read import read_file
from dagster_project.workspace.settings import Settings, SourceOptions

NOW = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
PEPPER = b"a pepper for tests only"

Deliver = Callable[..., Delivery]


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def pepper() -> bytes:
    return PEPPER


@pytest.fixture
def deliver(tmp_path: Path) -> Deliver:
    """`deliver(source, content, name="file.csv", settings=…, **options)` reads one file and checks that its rows
    add up."""

    def read(
        source: str, content: str | bytes, name: str = "file.csv", settings: Settings | None = None, **options: object
    ) -> Delivery:
        path = tmp_path / "landing" / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        chosen = SourceOptions.model_validate(options)
        delivery = read_file(path, source, chosen, settings=settings or Settings(), now=NOW, pepper=PEPPER)
        assert delivery.balanced, "delivered = landed + quarantined + duplicate + control must hold for every file"
        return delivery

    return read


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create_raw_tables(connection)
    return connection
