"""Inputs of a plan: the stored fit of the last published run, each channel's combined level, declared futures.

Reads only the published snapshot and the fit's file, so that a plan can be made while the next run writes.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from dagster_project.warehouse.connection import WarehouseBusy, connect, first
from dagster_project.workspace.paths import Workspace
from feedback.storage.atomic_files import write_atomically
from models.error import PlumblineError
from models.periods import WINDOW

if TYPE_CHECKING:
    from models.mmm import MMMFit
    from models.planning import Evidence

TIER_OF_GRADE = {
    "A": "experiment-validated",
    "B": "experiment-validated",
    "C": "model-identified",
    "D": "prior-dominated",
}
PREFIX = "control_"
FINISHED = (
    "select run_id, as_of, started_at from ops.run where status in ('finished', 'blocked')"
    " order by started_at desc limit 1"
)


class NothingToPlanFrom(PlumblineError, RuntimeError):
    """There is no fit to plan from; the message says what to do first."""


class PlanRefused(PlumblineError, RuntimeError):
    """There is a fit, but no plan may be made from it; the message says why."""


class ControlsRefused(PlumblineError, ValueError):
    """The declared future of the controls is missing or wrong; names control, file, row and value."""


@dataclass(frozen=True)
class Basis:
    """The fit of run `run_id`, data as of `as_of`, and the combined evidence where there is a triangulation."""

    fit: MMMFit
    evidence: Evidence
    run_id: str
    as_of: date
    combined: bool


def basis(workspace: Workspace) -> Basis:
    """The newest published fit with the level and grade that all evidence gives each channel.

    Raises NothingToPlanFrom without a published fit, PlanRefused where the model's numbers are withheld.
    """
    snapshot = workspace.published()
    name = workspace.root.name
    if snapshot is None:
        raise NothingToPlanFrom(
            f"nothing is published yet in {name}: `plumbline run` first, `plumbline status` says why"
        )
    with connect(snapshot, read_only=True, patience=5) as con:
        run = first(con, FINISHED)
        if run is None:
            raise NothingToPlanFrom(f"{snapshot.name} holds no finished run: `plumbline run` first")
        run_id = str(run[0])
        _refuse_withheld(con, run_id)
        saved_fit = first(con, "select file from measurement.mmm_fit where run_id = ?", [run_id])
        if saved_fit is None:
            lacks = first(
                con, "select needs from ops.not_run where run_id = ? and capability = 'media mix model'", [run_id]
            )
            needs = f"; it needs {lacks[0]}" if lacks else ""
            raise NothingToPlanFrom(f"run {run_id} has no media mix model{needs}")
        _refuse_newer(workspace, run[2])
        fit = _load(workspace.fits / str(saved_fit[0]))
        evidence = _evidence(con, run_id, fit)
    return Basis(fit, evidence, run_id, run[1].date(), bool(evidence.levels))


def _load(file: Path) -> MMMFit:
    from models.mmm import load

    if not file.exists():
        raise NothingToPlanFrom(f"the fit {file.name} is gone: `plumbline run --force` makes it again")
    try:
        return load(file)
    except (ValueError, OSError) as error:
        raise NothingToPlanFrom(
            f"the fit {file.name} cannot be read ({error}): `plumbline run --force` makes it again"
        ) from None


def _refuse_withheld(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    failed = con.execute(
        """select message from ops."check" where run_id = ? and not passed"""
        " and name in ('mmm:trustworthy', 'triangulation:converged')",
        [run_id],
    ).fetchall()
    if failed:
        raise PlanRefused(f"run {run_id} withholds its numbers, so no plan is made: {' '.join(m for (m,) in failed)}")


def _refuse_newer(workspace: Workspace, started: object) -> None:
    """Refuses when a newer run withheld the model. While a run writes, its state cannot be read and is ignored."""
    if not workspace.warehouse.exists():
        return
    try:
        with connect(workspace.warehouse, read_only=True, patience=0) as con:
            withholding = con.execute(
                'select r.run_id, c.message from ops.run r join ops."check" c using (run_id)'
                " where r.started_at > ? and not c.passed and c.name in ('mmm:trustworthy', 'triangulation:converged')"
                " and r.started_at = (select max(started_at) from ops.run) order by c.name",
                [started],
            ).fetchall()
    except WarehouseBusy:
        return
    if withholding:
        raise PlanRefused(
            f"the newest run {withholding[0][0]} withholds the model's numbers, so no plan is made from an older one:"
            f" {' '.join(m for _, m in withholding)}"
        )


def _evidence(con: duckdb.DuckDBPyConnection, run_id: str, fit: MMMFit) -> Evidence:
    from models.planning import Evidence

    grades = dict(
        con.execute(
            "select channel, evidence_grade from measurement.channel_estimate where run_id = ?"
            " and method = 'triangulated' and estimand = 'iroas' and period = ? and evidence_grade is not null",
            [run_id, WINDOW],
        ).fetchall()
    )
    spend = dict(zip(fit.data.channels, fit.data.spend.sum(axis=(0, 1)).tolist(), strict=True))
    levels = {}
    for channel in fit.data.channels:
        incremental = con.execute(
            "select incremental from measurement.period_draw where run_id = ? and period = ? and component = ?"
            " order by draw",
            [run_id, WINDOW, channel],
        ).fetchnumpy()["incremental"]
        if channel in grades and len(incremental):
            levels[channel] = np.asarray(incremental, dtype=float) / spend[channel]
    return Evidence(levels=levels, tiers={c: TIER_OF_GRADE[grades[c]] for c in levels})


def control_names(fit: MMMFit) -> dict[str, str]:
    """Name of each control as its file calls it, and as the model calls it; holidays have a future of their own."""
    declared = [n for n, role in zip(fit.data.control_names, fit.data.control_roles, strict=True) if role != "event"]
    return {n.removeprefix(PREFIX): n for n in (*declared, *fit.data.treatment_names)}


def holidays_ahead(fit: MMMFit, horizon: int, country: str | None) -> dict[str, list[float]]:
    """Days of each holiday of the model in each period of the horizon, by the calendar of `mmm.holidays`.

    Raises PlanRefused where that country is no longer in the settings.
    """
    from dagster_project.workspace.public_holidays import ahead
    from models.planning.forward_response import next_dates

    roles = zip(fit.data.control_names, fit.data.control_roles, strict=True)
    dates = next_dates(fit, horizon + 1)
    try:
        return ahead([n for n, r in roles if r == "event"], country, dates[:-1], dates[-1] - timedelta(days=1))
    except ValueError as error:
        raise PlanRefused(str(error)) from None


def no_future(fit: MMMFit, horizon: int, command: str) -> str:
    """The message for a control without a declared future."""
    from models.planning.forward_response import next_dates

    names = control_names(fit)
    dates = next_dates(fit, horizon)
    return (
        f"the model was fitted with {', '.join(names)}, whose future is not declared; zero would be a"
        f" guess. Give --controls FILE.csv with the columns date,{','.join(names)} (and geo where regions differ), one"
        f" row for each {fit.data.grain} from {dates[0]} to {dates[-1]}. `{command} --controls-template FILE.csv`"
        " writes that file with last year's values, to be edited"
    )


def read_controls(path: Path, fit: MMMFit, horizon: int) -> dict[str, np.ndarray]:
    """Declared future of every control, (H,) or (G, H), from a CSV: date[, geo], one column per control.

    Raises ControlsRefused naming file, row, column and value.
    """
    from models.planning.forward_response import next_dates

    names, geos = control_names(fit), fit.data.geos
    dates = next_dates(fit, horizon)
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise ControlsRefused(f"{path}: cannot be read ({error})") from None
    if not rows:
        raise ControlsRefused(f"{path}: is empty; its first line is date,{','.join(names)}")
    header = [cell.strip().removeprefix(PREFIX) for cell in rows[0]]
    missing = [n for n in ("date", *names) if n not in header]
    if missing:
        raise ControlsRefused(f"{path}: column {missing[0]} is missing; it has {', '.join(header)}")
    by_geo = "geo" in header
    values = np.full((len(names), len(geos) if by_geo else 1, horizon), math.nan)
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        cells = dict(zip(header, row, strict=False))
        day = _day(path, number, cells.get("date", ""))
        if day not in dates:
            raise ControlsRefused(
                f"{path}, row {number}: {day} is no {fit.data.grain} of this plan; they start on {dates[0]}"
                f" and end on {dates[-1]}"
            )
        geo = cells.get("geo", "").strip()
        if by_geo and geo not in geos:
            raise ControlsRefused(f"{path}, row {number}: geo {geo!r} is unknown; the model has {', '.join(geos)}")
        where = (geos.index(geo) if by_geo else 0, dates.index(day))
        for k, name in enumerate(names):
            if not math.isnan(values[k][where]):
                raise ControlsRefused(f"{path}, row {number}: {day}{' in ' + geo if geo else ''} is declared twice")
            values[k][where] = _number(path, number, name, cells.get(name, ""))
    holes = np.argwhere(np.isnan(values))
    if len(holes):
        k, g, t = holes[0]
        where_text = f" in {geos[g]}" if by_geo else ""
        raise ControlsRefused(
            f"{path}: {list(names)[k]} is not declared for {dates[t]}{where_text} ({len(holes)} values are missing)"
        )
    return {model: values[k] if by_geo else values[k, 0] for k, model in enumerate(names.values())}


def write_template(path: Path, fit: MMMFit, horizon: int) -> None:
    """A file that `read_controls` accepts, filled with the values of the same periods one year before.

    Where the data do not reach back a year, with the values of the last periods. Raises ControlsRefused if the file
    exists, because it may have been edited.
    """
    if path.exists():
        raise ControlsRefused(f"{path} exists and may have been edited: name another file, or remove it")
    if not path.parent.is_dir():
        raise ControlsRefused(f"{path}: the folder {path.parent} does not exist")
    from models.planning.forward_response import YEAR, next_dates

    names = control_names(fit)
    every = (*fit.data.control_names, *fit.data.treatment_names)
    columns = [every.index(name) for name in names.values()]
    values = np.concatenate([fit.data.controls, fit.data.treatments], axis=2)[:, :, columns]
    year, seen = YEAR[fit.data.grain], len(fit.data.dates)
    rows = [seen + t - year if 0 <= seen + t - year < seen else max(seen - horizon, 0) + t for t in range(horizon)]
    by_geo = len(fit.data.geos) > 1 and bool((np.ptp(values, axis=0) > 1e-12).any())
    lines = [["date", *(["geo"] if by_geo else []), *names]]
    for t, day in enumerate(next_dates(fit, horizon)):
        for g, geo in enumerate(fit.data.geos if by_geo else fit.data.geos[:1]):
            lines.append(
                [str(day), *([geo] if by_geo else []), *(f"{v:.6g}" for v in values[g, min(rows[t], seen - 1)])]
            )
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(lines)
    write_atomically(path, text.getvalue().encode())


def _day(path: Path, number: int, text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ControlsRefused(f"{path}, row {number}: {text!r} is not a date like 2026-01-31") from None


def _number(path: Path, number: int, name: str, text: str) -> float:
    try:
        value = float(text.strip())
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ControlsRefused(f"{path}, row {number}: {text!r} is not a number for {name}")
    return value
