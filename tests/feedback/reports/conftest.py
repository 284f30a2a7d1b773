"""The published snapshot that the report tests read, written once."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import report_snapshot

from feedback.reports import ReportSettings


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report_snapshot.write_snapshot(tmp_path_factory.mktemp("published") / "published-1.duckdb")


@pytest.fixture(scope="session")
def settings() -> ReportSettings:
    return ReportSettings(company="Acme Instruments GmbH", currency="EUR", margin=Decimal("0.71"))
