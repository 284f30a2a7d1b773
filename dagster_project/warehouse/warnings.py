"""Warnings of models as rows: one per run, code and subject; the gravest wins."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from dagster_project.warehouse.connection import first
from models.warning import Warning

GRAVITY = ("info", "low", "medium", "high", "block")


def record_warnings(con: duckdb.DuckDBPyConnection, run_id: str, warnings: Iterable[Warning]) -> int:
    """Add warnings to the run; one that is there already is replaced only by a graver one. Returns how many came."""
    count = 0
    for w in warnings:
        known = first(
            con,
            "select severity from measurement.warning where run_id = ? and code = ? and subject = ?",
            [run_id, w.code, w.subject],
        )
        if known is None or GRAVITY.index(known[0]) <= GRAVITY.index(w.severity):
            con.execute(
                "insert or replace into measurement.warning values (?, ?, ?, ?, ?, ?)",
                [run_id, w.code, w.subject, w.severity, w.message, w.action],
            )
        count += 1
    return count


def forget_warnings(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Remove the warnings of the run, which is about to collect them anew."""
    con.execute("delete from measurement.warning where run_id = ?", [run_id])


def markdown(warnings: Iterable[Warning]) -> str:
    """Warnings as a table for the asset's page, gravest first."""
    rows = sorted(warnings, key=lambda w: (-GRAVITY.index(w.severity), w.code, w.subject))
    if not rows:
        return "nothing to warn about"
    lines = [f"| {w.severity} | {w.subject} | {w.message} | {w.action} |".replace("\n", " ") for w in rows]
    return "\n".join(["| severity | about | what was seen | what to do |", "|---|---|---|---|", *lines])
