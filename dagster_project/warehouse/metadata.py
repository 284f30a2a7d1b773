"""What an asset says about itself in Dagster: pictures, the result of its check, and why it did not run."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import dagster as dg

from dagster_project.warehouse.run_record import Check

LARGEST = 100_000


def picture(png: bytes, alt: str) -> dg.MetadataValue:
    """The PNG inline as Markdown; one too large for the event log is replaced by a sentence that says so."""
    if len(png) > LARGEST:
        return dg.MetadataValue.text(f"{alt}: the picture has {len(png)} bytes, more than the event log should hold")
    return dg.MetadataValue.md(f"![{alt}](data:image/png;base64,{base64.b64encode(png).decode()})")


def check_result(name: str, check: Check, metadata: Mapping[str, Any] | None = None) -> dg.AssetCheckResult:
    """A check of the run as the result of an asset's check `name`; its severity is what stops downstream steps."""
    severity = dg.AssetCheckSeverity.ERROR if check.severity == "error" else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        passed=check.passed,
        check_name=name,
        severity=severity,
        description=check.message,
        metadata=dict(metadata or {}),
    )


def not_run(check_name: str, needs: str) -> dg.MaterializeResult:
    """The result of an asset that has nothing to work on: no rows, a passed check, and what it needs in words."""
    message = f"not run: needs {needs}"
    return dg.MaterializeResult(
        metadata={"dagster/row_count": 0, "result": message},
        check_results=[check_result(check_name, Check(check_name, True, "error", "not run", message))],
    )
