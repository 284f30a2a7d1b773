"""What a run is: fingerprint of its inputs, instant, settings as tables, checks, and what it could not do.

The run id is derived from the inputs, so the same files, settings, code, day and seed give the same run: a second
run has nothing to do, and one that was killed is completed rather than repeated under a new name.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import metadata
from pathlib import Path

import duckdb

from dagster_project.warehouse.connection import WarehouseBusy, connect, first
from dagster_project.workspace.landing_folder import files_below
from dagster_project.workspace.paths import DBT_PROJECT, PROJECT, Workspace
from dagster_project.workspace.report_settings import report_settings
from dagster_project.workspace.settings import Settings
from feedback.approvals import decisions_digest
from feedback.storage.damaged_files import sha256_of

DEFAULT_SEED = 20260101


@dataclass(frozen=True)
class RunFacts:
    """One row of `ops.current_run`, and the seed."""

    run_id: str
    as_of: datetime
    as_of_day: date
    seed: int


@dataclass(frozen=True)
class Check:
    """One check of a run: passed or not, how severe, what was observed, and a sentence about it."""

    name: str
    passed: bool
    severity: str
    observed: str
    message: str


def today(settings: Settings) -> date:
    """The business day that it is: `clock` where plumbline.yaml sets one, else the calendar in the workspace's zone."""
    return settings.clock or datetime.now(settings.zone).date()


def end_of(day: date, settings: Settings) -> datetime:
    """The last microsecond of a business day, as UTC without zone."""
    local = datetime.combine(day + timedelta(days=1), time(), tzinfo=settings.zone)
    return (local.astimezone(UTC) - timedelta(microseconds=1)).replace(tzinfo=None)


def now(settings: Settings) -> datetime:
    """The instant at which a file landed now counts as delivered, as UTC without zone."""
    return end_of(settings.clock, settings) if settings.clock else datetime.now(UTC).replace(tzinfo=None)


# What a kept fit depends on.
MMM_CODE = ("models/mmm", "models/period_draws.py", "models/periods.py", "models/warning.py")
CODE = ("dagster_project", "models", "feedback", "dbt")
CODE_ENDINGS = {".py", ".sql", ".yml", ".json", ".csv", ".j2", ".html", ".typ"}


@cache
def code_version() -> str:
    """The version and the digest of everything that computes: the three packages and the SQL."""
    return f"{metadata.version('plumbline')}+src.{digest_of(*CODE)[:12]}"


@cache
def digest_of(*sources: str) -> str:
    """Digest of some source files of the project, and of those below some of its folders.

    Files are named as in a checkout, so a checkout and an install of the same code give the same digest.
    """
    files: dict[str, Path] = {}
    for source in sources:
        top = DBT_PROJECT if source == "dbt" else PROJECT / source
        for path in [top] if top.is_file() else top.rglob("*"):
            if path.suffix in CODE_ENDINGS and path.is_file():
                files[_name_in_checkout(path)] = path
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _name_in_checkout(path: Path) -> str:
    """A source file's path relative to the checkout; a wheel keeps dbt/ elsewhere, see `DBT_PROJECT`."""
    if path.is_relative_to(DBT_PROJECT):
        return f"dbt/{path.relative_to(DBT_PROJECT).as_posix()}"
    return path.relative_to(PROJECT).as_posix()


@cache
def packages_sha256() -> str:
    """Digest of the names and versions of every installed package."""
    found = sorted(f"{d.metadata['Name'].lower()}=={d.version}" for d in metadata.distributions() if d.metadata["Name"])
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def fingerprint(workspace: Workspace, as_of_day: date, seed: int, selection: str = "") -> str:
    """Digest of all that a run depends on.

    Files, frozen designs, people's decisions, settings, code, packages, day, seed and selection.
    """
    digest = hashlib.sha256(f"{as_of_day}|{seed}|{selection}|{code_version()}|{packages_sha256()}".encode())
    digest.update(workspace.settings_file.read_bytes())
    landed = [p for p in files_below(workspace.landing) if p.is_file()]
    designs = sorted(p for p in workspace.experiments.glob("*.json") if p.is_file())
    for folder, files in ((workspace.landing, landed), (workspace.experiments, designs)):
        for path in files:
            digest.update(os.fsencode(path.relative_to(folder).as_posix()))
            digest.update(bytes.fromhex(sha256_of(path)))
    # No ledger and one of requests only are the same: a run writes requests, and must not be its own next news.
    digest.update(bytes.fromhex(decisions_digest(workspace.approvals)))
    return digest.hexdigest()


def begin(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    *,
    print_: str,
    as_of_day: date,
    seed: int,
    selection: str,
) -> RunFacts:
    """Open the run: close runs that died, name this one after its inputs, write the settings that SQL reads."""
    run_id = f"run_{as_of_day:%Y%m%d}_{print_[:10]}"
    as_of = end_of(as_of_day, settings)
    con.execute("update ops.run set status = 'died' where status = 'running' and run_id <> ?", [run_id])
    con.execute("delete from ops.run where run_id = ?", [run_id])
    started = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    con.execute(
        "insert into ops.run values (?, ?, ?, null, 'running', ?, ?, ?)",
        [run_id, as_of, started, print_, seed, selection],
    )
    for table in ("check", "not_run"):
        con.execute(f'delete from ops."{table}" where run_id = ?', [run_id])
    _write_settings(con, settings, run_id, as_of, as_of_day)
    return RunFacts(run_id, as_of, as_of_day, seed)


def _write_settings(
    con: duckdb.DuckDBPyConnection, settings: Settings, run_id: str, as_of: datetime, as_of_day: date
) -> None:
    rules = [(r, c.name) for c in settings.channels for r in c.campaigns]
    visits = [(r, c.name) for c in settings.channels for r in c.utm]
    rows: dict[str, list[tuple[object, ...]]] = {
        "current_run": [
            (
                run_id,
                as_of,
                as_of_day,
                settings.time_zone,
                settings.report_currency,
                settings.kpi.name,
                settings.kpi.value_per_unit,
                settings.attribution.window_days,
                settings.attribution.order_window_days,
                settings.attribution.half_life_days,
                settings.fiscal.year_starts_in_month,
            )
        ],
        "report_settings": [(run_id, report_settings(settings).model_dump_json())],
        "channel_rule": [(r.source, r.match, name, i) for i, (r, name) in enumerate(rules, 1)],
        "utm_rule": [(r.source, r.medium, r.campaign, name, i) for i, (r, name) in enumerate(visits, 1)],
        "channel": [
            (c.name, c.label or c.name.replace("_", " ").capitalize(), settings.class_of(c.name).name, c.default_geo, i)
            for i, c in enumerate(settings.channels, 1)
        ],
        "geo": [(g.name, g.match, list(g.aliases), g.population) for g in settings.geos],
        "ledger_account": [
            (code, a.kind, a.channel, a.modelled, a.reason) for code, a in sorted(settings.ledger.accounts.items())
        ],
        "stage_rule": [(s.system, s.pipeline, s.stage, s.ladder) for s in settings.stages],
        "self_reported_rule": [(r.match, r.channel, i) for i, r in enumerate(settings.self_reported, 1)],
        "source_option": [
            (name, o.grain, o.zero_fill, o.complete_days, o.currency, o.account_id)
            for name, o in sorted(settings.sources.items())
        ],
    }
    for table, content in rows.items():
        con.execute(f"delete from ops.{table}")
        for row in content:
            con.execute(f"insert into ops.{table} values ({', '.join('?' * len(row))})", list(row))


def current(con: duckdb.DuckDBPyConnection) -> RunFacts:
    """The current run, as its first step recorded it."""
    row = first(
        con, "select c.run_id, c.as_of, c.as_of_day, r.seed from ops.current_run c join ops.run r using (run_id)"
    )
    if row is None:
        raise RuntimeError("no run has been opened in this warehouse: start with the asset ops/settings")
    return RunFacts(*row)


def is_of_its_day(con: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Whether the current run is of the business day on which it began, and not a rerun of an earlier day.

    A run that ends after midnight is still of its day.
    """
    row = first(con, "select c.as_of_day, r.started_at from ops.current_run c join ops.run r using (run_id)")
    if row is None:
        return False
    began = settings.clock or row[1].replace(tzinfo=UTC).astimezone(settings.zone).date()
    return bool(row[0] == began)


def record_checks(con: duckdb.DuckDBPyConnection, run_id: str, checks: Iterable[Check]) -> None:
    """Keep each check of the run once; the newest reading replaces an earlier one."""
    for c in checks:
        con.execute(
            "insert or replace into ops.check values (?, ?, ?, ?, ?, ?)",
            [run_id, c.name, c.passed, c.severity, c.observed, c.message],
        )


def record_not_run(con: duckdb.DuckDBPyConnection, run_id: str, capability: str, needs: str | None) -> None:
    """Record that a capability did not run and what it needs; `needs=None` removes the record."""
    con.execute("delete from ops.not_run where run_id = ? and capability = ?", [run_id, capability])
    if needs:
        con.execute("insert into ops.not_run values (?, ?, ?)", [run_id, capability, needs])


def close(con: duckdb.DuckDBPyConnection, run_id: str, status: str) -> None:
    """Set the run's end: `finished`, `blocked` (a check said no), `partial` (a selection) or `failed`."""
    finished = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    con.execute("update ops.run set status = ?, finished_at = ? where run_id = ?", [status, finished, run_id])


def close_unfinished(warehouse: Path, *, failed: bool) -> None:
    """Close the current run if none of its steps did; called when its process lets go of the warehouse.

    `failed` says that a step failed: the run is then `blocked` where a check of it said no, else `failed`. A selection
    of assets that went through is `partial`.

    Never raises: a warehouse that cannot be written now has its run marked as died by the next one.
    """
    try:
        with connect(warehouse, read_only=False, patience=5) as con:
            running = first(
                con,
                "select run_id, selection from ops.run join ops.current_run using (run_id) where status = 'running'",
            )
            if running is None:
                return
            run_id, selection = running
            said_no = first(
                con, "select 1 from ops.\"check\" where run_id = ? and not passed and severity = 'error'", [run_id]
            )
            status = "partial" if selection and not failed else "blocked" if failed and said_no else "failed"
            close(con, run_id, status)
    except (duckdb.Error, OSError, WarehouseBusy):
        return


def landed_sha256(con: duckdb.DuckDBPyConnection, as_of: datetime) -> str:
    """Digest of the content hashes of every file that the run may know about."""
    rows = con.execute("select sha256 from ops.batch where delivered_at <= ? order by sha256", [as_of]).fetchall()
    return hashlib.sha256(json.dumps([r[0] for r in rows]).encode()).hexdigest()
