"""The declared future of the model's controls: what must be known, its file, and a template of it."""

from __future__ import annotations

import csv
import io
import math
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dagster_project.commands.plan.basis import Basis, PlanRefused
from feedback.storage.atomic_files import write_atomically
from models.error import PlumblineError

if TYPE_CHECKING:
    from models.mmm import MMMFit

PREFIX = "control_"


class ControlsRefused(PlumblineError, ValueError):
    """The declared future of the controls is missing or wrong; names control, file, row and value."""


def control_names(fit: MMMFit) -> dict[str, str]:
    """Name of each control as its file calls it, and as the model calls it; holidays have a future of their own."""
    declared = [n for n, role in zip(fit.data.control_names, fit.data.control_roles, strict=True) if role != "event"]
    return {n.removeprefix(PREFIX): n for n in (*declared, *fit.data.treatment_names)}


def holidays_ahead(basis: Basis, horizon: int, country: str | None) -> dict[str, list[float]]:
    """Days of each holiday of the model in each period of the horizon, by the calendar of `mmm.holidays`.

    Raises PlanRefused where that country is no longer in the settings.
    """
    from dagster_project.workspace.public_holidays import ahead

    fit = basis.fit
    roles = zip(fit.data.control_names, fit.data.control_roles, strict=True)
    dates = basis.dates(horizon + 1)
    try:
        return ahead([n for n, r in roles if r == "event"], country, dates[:-1], dates[-1] - timedelta(days=1))
    except ValueError as error:
        raise PlanRefused(str(error)) from None


def no_future(basis: Basis, horizon: int, command: str) -> str:
    """The message for a control without a declared future."""
    names = control_names(basis.fit)
    dates = basis.dates(horizon)
    return (
        f"the model was fitted with {', '.join(names)}, whose future is not declared; zero would be a"
        f" guess. Give --controls FILE.csv with the columns date,{','.join(names)} (and geo where regions differ), one"
        f" row for each {basis.fit.data.grain} from {dates[0]} to {dates[-1]}. `{command} --controls-template FILE.csv`"
        " writes that file with last year's values, to be edited"
    )


def read_controls(path: Path, basis: Basis, horizon: int) -> dict[str, np.ndarray]:
    """Declared future of every control, (H,) or (G, H), from a CSV: date[, geo], one column per control.

    Raises ControlsRefused naming file, row, column and value.
    """
    fit, dates = basis.fit, basis.dates(horizon)
    names, geos = control_names(fit), fit.data.geos
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


def write_template(path: Path, basis: Basis, horizon: int) -> None:
    """A file that `read_controls` accepts, filled with the values of the same periods one year before.

    Where the data do not reach back a year, with the values of the last periods. Raises ControlsRefused if the file
    exists, because it may have been edited.
    """
    if path.exists():
        raise ControlsRefused(f"{path} exists and may have been edited: name another file, or remove it")
    if not path.parent.is_dir():
        raise ControlsRefused(f"{path}: the folder {path.parent} does not exist")
    from models.planning.forward_response import YEAR

    fit, dates = basis.fit, basis.dates(horizon)
    names = control_names(fit)
    every = (*fit.data.control_names, *fit.data.treatment_names)
    columns = [every.index(name) for name in names.values()]
    values = np.concatenate([fit.data.controls, fit.data.treatments], axis=2)[:, :, columns]
    year, seen = YEAR[fit.data.grain], len(fit.data.dates)
    a_year_before = [seen + basis.gap + t - year for t in range(horizon)]
    rows = [row if 0 <= row < seen else max(seen - horizon, 0) + t for t, row in enumerate(a_year_before)]
    by_geo = len(fit.data.geos) > 1 and bool((np.ptp(values, axis=0) > 1e-12).any())
    lines = [["date", *(["geo"] if by_geo else []), *names]]
    for t, day in enumerate(dates):
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
