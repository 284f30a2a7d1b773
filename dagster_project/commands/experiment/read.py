"""`plumbline experiment read`: what a test showed, from the published snapshot, in words, figures and pictures."""

from __future__ import annotations

import math
import re
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer

from dagster_project.assets.experiments import frozen_designs
from dagster_project.commands.status import LATEST, reading
from dagster_project.commands.terminal import (
    BROKEN,
    NO,
    USAGE,
    JsonOption,
    WorkspaceArgument,
    as_json,
    opened,
    out,
    rows_as_table,
    stop,
)
from dagster_project.workspace.paths import Workspace
from feedback.storage.atomic_files import write_atomically

DEPARTURES = ("departs_from_plan", "history_restated")
# A snapshot of an older version holds the names as text: the cast refuses it.
RESULT = (
    "select * exclude (run_id) replace (channels::varchar[] as channels, geos::varchar[] as geos)"
    f" from measurement.experiment where {LATEST}"
)
OLDER_SNAPSHOT = (duckdb.CatalogException, duckdb.BinderException, duckdb.ConversionException)
DECLARED = (
    "select distinct on (experiment_id) experiment_id, channels, geos, design, start_day, end_day, cooldown_end,"
    " (select as_of_day from ops.current_run) as today from marts.experiment where declared order by experiment_id"
)


def read(
    ws: WorkspaceArgument = Path("data"),
    name: Annotated[str | None, typer.Argument(metavar="[ID]", help="One test; all of them if not given.")] = None,
    json_: JsonOption = False,
) -> None:
    """The effect of a test, its uncertainty, and departures from its plan; exit 1 where the test is invalid."""
    workspace, settings = opened(ws)
    try:
        with reading(workspace) as con:
            tests = _all(con)
            if name is None:
                _list(ws, tests, json_)
                return
            if name not in tests:
                stop(USAGE, _unknown(workspace, ws, name, sorted(tests)))
            document = _document(con, workspace, tests[name])
            frames = _frames(con, name)
    except OLDER_SNAPSHOT:
        stop(BROKEN, f"the published snapshot was written by an older version: `plumbline run {ws}` first")
    drawn = _draw(workspace, name, document, frames)
    document["pictures"] = _written(workspace, name, {f"{what}.png": png for what, png in drawn.items()})
    if document["state"] == "read":
        document["page"] = _page(workspace, name, document, drawn, settings.report_currency)
    if json_:
        as_json(_bounded(document | {table: frames[table].to_dicts() for table in ("path", "placebo")}))
    else:
        _print(document, settings.report_currency)
    if document["state"] == "unreadable" or document.get("verdict") == "invalid":
        raise typer.Exit(NO)


def pages(workspace: Workspace, con: duckdb.DuckDBPyConnection, currency: str) -> list[str]:
    """A page with pictures for every test that was read; none from a snapshot that is older than these tables."""
    written = []
    try:
        for name, test in _all(con).items():
            if test["state"] == "read":
                document = _document(con, workspace, test)
                drawn = _draw(workspace, name, document, _frames(con, name))
                written.append(_page(workspace, name, document, drawn, currency))
    except OLDER_SNAPSHOT:
        return []
    return written


def _all(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """Every test by name: those read or delivered with their figures, the others with the reason for having none."""
    unreadable = {w["subject"] for w in _rows(con, _WARNINGS + " and code = 'experiment_unreadable'", [])}
    tests: dict[str, dict[str, Any]] = {
        row["experiment_id"]: {"state": "read", **row} for row in _rows(con, RESULT + " order by experiment_id", [])
    }
    for row in _rows(con, DECLARED, []):
        if row["experiment_id"] not in tests:
            today = row.pop("today")
            state = "unreadable" if row["experiment_id"] in unreadable else _state(row, today)
            tests[row["experiment_id"]] = {"state": state, **row}
    return dict(sorted(tests.items()))


def _state(row: dict[str, Any], today: date) -> str:
    if today < row["start_day"]:
        return "planned"
    return "running" if today < row["cooldown_end"] else "no data"


def _document(con: duckdb.DuckDBPyConnection, workspace: Workspace, test: dict[str, Any]) -> dict[str, Any]:
    """Everything known about a test; a damaged file of its frozen design is among the warnings."""
    _, faults = frozen_designs.known(workspace.experiments, date.max)
    document = test | _details(con, test["experiment_id"])
    document["warnings"] += [
        asdict(f.warning()) for f in faults if f.file == frozen_designs.shown(test["experiment_id"])
    ]
    return document


def _details(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    checks = _rows(
        con,
        f"select * exclude (run_id, experiment_id) from measurement.experiment_check where {LATEST}"
        " and experiment_id = ? order by passed, name",
        [name],
    )
    beside = _rows(
        con,
        f"select * exclude (run_id) from measurement.experiment_pair where {LATEST}"
        " and ? in (first, second) order by first, second",
        [name],
    )
    looks = _rows(
        con,
        f"select * exclude (run_id, experiment_id) from measurement.experiment_look where {LATEST}"
        " and experiment_id = ? order by look",
        [name],
    )
    warned = _warned(con, name)
    return {
        "looks": looks,
        "checks": checks,
        "beside": beside,
        "departures": [w["message"] for w in warned if w["code"] in DEPARTURES],
        "warnings": [w for w in warned if w["code"] not in DEPARTURES],
    }


_WARNINGS = f"select code, severity, subject, message, action from measurement.warning where {LATEST}"


def _warned(con: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    """Warnings of the test itself, and of the pairs of tests it belongs to."""
    pairs = (
        f"select first || ', ' || second from measurement.experiment_pair where {LATEST} and $name in (first, second)"
    )
    order = "list_position(['block', 'high', 'medium', 'low', 'info'], severity), code"
    return _rows(con, f"{_WARNINGS} and (subject = $name or subject in ({pairs})) order by {order}", {"name": name})


def _frames(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    """What the pictures are drawn from: path, placebos, power."""
    return {
        table: con.sql(
            f"select * exclude (run_id, experiment_id) from measurement.experiment_{table} where {LATEST}"
            f" and experiment_id = ? order by all",
            params=[name],
        ).pl()
        for table in ("path", "placebo", "power")
    }


def _draw(workspace: Workspace, name: str, test: dict[str, Any], frames: dict[str, Any]) -> dict[str, bytes]:
    """The charts for which the test has data: path, placebos, power."""
    from feedback.reports import asset_plots
    from feedback.reports.experiment import charts

    drawn: dict[str, bytes] = {}
    if frames["path"].height:
        drawn["path"] = asset_plots.experiment(frames["path"])
    if frames["placebo"].height:
        drawn["placebos"] = charts.placebos(frames["placebo"], statistic=test["statistic"], p_value=test["p_value"])
    frozen, _ = frozen_designs.known(workspace.experiments, date.max)
    if name in frozen:
        design = frozen[name].design
        drawn["power"] = charts.power_curve(design.curve_frame(), mde=design.mde, power=design.power)
    return drawn


def _page(workspace: Workspace, name: str, test: dict[str, Any], drawn: dict[str, bytes], currency: str) -> str:
    from feedback.reports.experiment.page import experiment_page

    html = experiment_page(test, in_words(test, currency), drawn)
    return next(iter(_written(workspace, name, {"html": html.encode()}).values()))


def _written(workspace: Workspace, name: str, files: dict[str, bytes]) -> dict[str, str]:
    """Files of a test under reports/experiments/, by what they show; a name from data never leaves that folder."""
    folder = workspace.reports / "experiments"
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    paths = {}
    for ending, content in files.items():
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{stem}.{ending}"
        write_atomically(path, content)
        paths[ending.removesuffix(".png")] = str(path)
    return paths


def _bounded(thing: Any) -> Any:
    """The same with null for bounds that the data do not give: JSON has no infinity."""
    if isinstance(thing, dict):
        return {key: _bounded(value) for key, value in thing.items()}
    if isinstance(thing, list):
        return [_bounded(value) for value in thing]
    return None if isinstance(thing, float) and not math.isfinite(thing) else thing


def _list(ws: Path, tests: dict[str, dict[str, Any]], json_: bool) -> None:
    shown = (
        "channels",
        "start_day",
        "end_day",
        "effect",
        "low",
        "high",
        "relative",
        "p_value",
        "iroas",
        "iroas_low",
        "iroas_high",
        "grade",
    )
    rows = [
        {"experiment_id": name, "state": t.get("verdict") or t["state"]} | {key: t.get(key) for key in shown}
        for name, t in tests.items()
    ]
    if json_:
        as_json(_bounded({"experiments": rows}))
    else:
        rows_as_table("tests", rows)
        out.print(f"plumbline experiment read {ws} ID: one of them in words, with its pictures", markup=False)


def _unknown(workspace: Workspace, ws: Path, name: str, declared: list[str]) -> str:
    frozen, faults = frozen_designs.known(workspace.experiments, date.max)
    if fault := next((f for f in faults if f.file == frozen_designs.shown(name)), None):
        return str(fault)
    if name in frozen:
        return f"{name} is frozen but no run has seen it yet: `plumbline run {ws}` first"
    return f"no test {name}: {', '.join(declared) or 'no test is declared in landing/experiments'}"


def in_words(test: dict[str, Any], currency: str) -> list[str]:
    """The result in plain words: one sentence each on effect, return and profit."""
    if test["state"] != "read":
        sentences = {
            "planned": f"{test['experiment_id']} starts on {test['start_day']} and is read after"
            f" {test['cooldown_end']}.",
            "running": f"{test['experiment_id']} runs and is read after {test['cooldown_end']}: looking earlier than"
            " its plan allows would find effects by chance.",
            "no data": f"{test['experiment_id']} has ended, but no panel of its regions reached the warehouse.",
            "unreadable": f"{test['experiment_id']} has ended and cannot be read.",
        }
        return [sentences[test["state"]]]
    unit = currency if test["estimand"] in ("incremental_revenue", "iroas") else str(test["kpi"])
    level = f"{test['level']:.0%}"
    lines = []
    if test["effect"] is not None:
        lines.append(
            f"Effect on {test['kpi'] or 'the KPI'}: {test['effect']:+,.0f} {unit}"
            + _range(test["low"], test["high"], level, ",.0f")
            + ("" if test["relative"] is None else f", {test['relative']:+.1%} of what would have happened")
            + _p_value(test["p_value"])
        )
    if test["iroas"] is not None:
        spend = "" if test["spend"] is None else f" on {test['spend']:+,.0f} {currency} of spend"
        lines.append(f"iROAS: {test['iroas']:.2f}{_range(test['iroas_low'], test['iroas_high'], level, '.2f')}{spend}.")
    if test["profit"] is not None:
        lines.append(
            f"Profit of the change at your margin: {test['profit']:+,.0f} {currency}"
            f"{_range(test['profit_low'], test['profit_high'], level, ',.0f')}."
        )
    return lines


def _p_value(p: float | None) -> str:
    if p is None:
        return "."
    return "; p < 0.001." if p < 0.001 else f"; p = {p:.3f}."


def _range(low: float | None, high: float | None, level: str, form: str) -> str:
    if low is None or high is None:
        return ""
    if abs(low) == float("inf") or abs(high) == float("inf"):
        return f" (the data do not bound it at {level})"
    return f" ({level} range {low:{form}} to {high:{form}})"


def _print(test: dict[str, Any], currency: str) -> None:
    def say(text: str) -> None:
        out.print(text, markup=False, highlight=False)

    regions = ", ".join(test["geos"] or ())
    say(f"{test['experiment_id']}: {', '.join(test['channels'])}" + (f" in {regions}" if regions else ""))
    say(f"{test['start_day']} to {test['end_day']}, read until {test['cooldown_end'] or test['end_day']}")
    if test["state"] == "read":
        say(f"verdict: {test['verdict']}, grade {test['grade']}")
    for line in in_words(test, currency):
        say(f"  {line}")
    for look in test.get("looks", ()):
        beyond = "beyond" if look["crossed"] else "within"
        say(f"  look {look['look']} ({look['day']}): {look['effect']:+,.0f}, {beyond} its boundary")
    if test.get("looks"):
        say(f"  {test['looks'][-1]['reason']}")
    if test["state"] == "read":
        say(f"  {test['reasons']}")
        say(f"  method: {test['method']}" + (f"; {test['inference']}" if test["inference"] else ""))
        if test["design_sha256"]:
            say(
                f"plan: frozen before the test, sha256 {test['design_sha256'][:12]}"
                + ("" if test["departures"] else "; no departures from it")
            )
    for line in test.get("departures", ()):
        say(f"  departure: {line}")
    for check in test.get("checks", ()):
        if not check["passed"]:
            say(f"  failed check {check['name']}: {check['message']}. {check['action']}")
    for pair in test.get("beside", ()):
        say(f"  beside: {pair['message']}")
    failed = {check["name"] for check in test.get("checks", ()) if not check["passed"]}
    for w in test["warnings"]:
        if w["code"] not in failed and w["code"] != "inconclusive":
            say(f"  {w['severity']}: {w['message']} {w['action']}")
    for file in (*test["pictures"].values(), *([test["page"]] if "page" in test else [])):
        say(f"  {file}")


def _rows(con: duckdb.DuckDBPyConnection, query: str, values: list[object] | dict[str, object]) -> list[dict[str, Any]]:
    cursor = con.execute(query, values)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
