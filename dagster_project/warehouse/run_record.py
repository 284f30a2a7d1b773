"""What a run is: its inputs' fingerprint, its instant, its settings as tables, its checks and what it could not do.

The run id is derived from the inputs, so the same files, settings, code, day and seed give the same run: a second
run has nothing to do, and one that was killed is completed rather than repeated under a new name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import metadata
from pathlib import Path

import duckdb

from dagster_project.warehouse.connection import first
from dagster_project.workspace.paths import DBT_PROJECT, PROJECT, Workspace
from dagster_project.workspace.settings import Settings

DEFAULT_SEED = 20260101
SCHEMAS = ("raw", "staging", "intermediate", "marts", "measurement", "feedback", "ops")

OPS_TABLES = {
    "run": "run_id varchar primary key, as_of timestamp, started_at timestamp, finished_at timestamp, status varchar,"
    " fingerprint varchar, seed bigint, selection varchar",
    "check": "run_id varchar, name varchar, passed boolean, severity varchar, observed varchar, message varchar,"
    " primary key (run_id, name)",
    "not_run": "run_id varchar, capability varchar, needs varchar, primary key (run_id, capability)",
    "llm_cost": "entry_id varchar primary key, charged_at timestamp, purpose varchar, model varchar, state varchar,"
    " estimate_usd decimal(18,6), actual_usd decimal(18,6)",
    "current_run": "run_id varchar, as_of timestamp, as_of_day date, time_zone varchar, report_currency varchar,"
    " kpi varchar,"
    " value_per_unit decimal(18,6), window_days bigint, order_window_days bigint, half_life_days double,"
    " year_starts_in_month bigint",
    "channel_rule": "source varchar, match varchar, channel varchar, priority bigint",
    "utm_rule": "source varchar, medium varchar, campaign varchar, channel varchar, priority bigint",
    "channel": "channel varchar, label varchar, channel_class varchar, default_geo varchar, position bigint",
    "geo": "geo varchar, match varchar, aliases varchar[], population double",
    "ledger_account": "account_code varchar, kind varchar, channel varchar, modelled boolean, reason varchar",
    "stage_rule": "system varchar, pipeline varchar, stage varchar, ladder varchar",
    "self_reported_rule": "match varchar, channel varchar, priority bigint",
    "source_option": "source varchar, grain varchar, zero_fill boolean, complete_days boolean, currency varchar,"
    " account_id varchar",
}


@dataclass(frozen=True)
class RunFacts:
    """One row of `ops.current_run`, and the seed."""

    run_id: str
    as_of: datetime
    as_of_day: date
    seed: int


@dataclass(frozen=True)
class Check:
    """One finding of a run: passed or not, how grave, what was observed, and a sentence about it."""

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


MMM_CODE = ("models/mmm", "models/periods.py", "models/warning.py")  # what a kept fit depends on
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


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(workspace: Workspace, as_of_day: date, seed: int, selection: str = "") -> str:
    """Digest of all that a run depends on: files, frozen designs, settings, code, packages, day, seed, selection."""
    digest = hashlib.sha256(f"{as_of_day}|{seed}|{selection}|{code_version()}|{packages_sha256()}".encode())
    digest.update(workspace.settings_file.read_bytes())
    for folder, pattern in ((workspace.landing, "**/*"), (workspace.experiments, "*.json")):
        for path in sorted(p for p in folder.glob(pattern) if p.is_file()):
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(bytes.fromhex(sha256_of(path)))
    return digest.hexdigest()


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Every schema and every table of `ops`; existing ones stay as they are."""
    for schema in SCHEMAS:
        con.execute(f"create schema if not exists {schema}")
    for table, columns in OPS_TABLES.items():
        con.execute(f'create table if not exists ops."{table}" ({columns})')


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
        "channel_rule": [(r.source, r.match, name, i) for i, (r, name) in enumerate(rules, 1)],
        "utm_rule": [(r.source, r.medium, r.campaign, name, i) for i, (r, name) in enumerate(visits, 1)],
        "channel": [
            (c.name, c.label or c.name.replace("_", " ").capitalize(), c.channel_class, c.default_geo, i)
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
    """The run that is going on, as the first step wrote it down."""
    row = first(
        con, "select c.run_id, c.as_of, c.as_of_day, r.seed from ops.current_run c join ops.run r using (run_id)"
    )
    if row is None:
        raise RuntimeError("no run has been opened in this warehouse: start with the asset ops/settings")
    return RunFacts(*row)


def record_checks(con: duckdb.DuckDBPyConnection, run_id: str, checks: Iterable[Check]) -> None:
    """Keep each check of the run once; the newest reading replaces an earlier one."""
    for c in checks:
        con.execute(
            "insert or replace into ops.check values (?, ?, ?, ?, ?, ?)",
            [run_id, c.name, c.passed, c.severity, c.observed, c.message],
        )


def record_not_run(con: duckdb.DuckDBPyConnection, run_id: str, capability: str, needs: str | None) -> None:
    """Say that a capability did not run and what it needs; `needs=None` takes the statement back."""
    con.execute("delete from ops.not_run where run_id = ? and capability = ?", [run_id, capability])
    if needs:
        con.execute("insert into ops.not_run values (?, ?, ?)", [run_id, capability, needs])


def close(con: duckdb.DuckDBPyConnection, run_id: str, status: str) -> None:
    """Set the run's end: `finished`, or `failed` where a gate or a step stopped it."""
    finished = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    con.execute("update ops.run set status = ?, finished_at = ? where run_id = ?", [status, finished, run_id])


def landed_sha256(con: duckdb.DuckDBPyConnection, as_of: datetime) -> str:
    """Digest of the content hashes of every file that the run may know about."""
    rows = con.execute("select sha256 from ops.batch where delivered_at <= ? order by sha256", [as_of]).fetchall()
    return hashlib.sha256(json.dumps([r[0] for r in rows]).encode()).hexdigest()
