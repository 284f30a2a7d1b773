"""Which fit a run reports: sampled on an anchored stretch of the data and carried on to today, or sampled today.

The choice depends on the data alone, never on what an earlier run left behind: a fit that is already on disk saves
time, a missing one is made again. See docs/decisions/0020-the-daily-fit.md.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from dagster_project.assets.mmm import channel_priors
from dagster_project.assets.mmm.panel import MmmInput
from dagster_project.warehouse.connection import first
from dagster_project.workspace.settings import Settings
from feedback.storage.atomic_files import write_atomically
from feedback.storage.damaged_files import DAMAGED, set_aside
from models.error import PlumblineError
from models.warning import Warning

if TYPE_CHECKING:
    from models.mmm import MMMData, MMMFit, MMMSpec

RESTATED = timedelta(days=28)  # platforms still rewrite these days: the anchor lies before them
STEP_WEEKS = 4  # weekly anchors move this far at a time
LEAST = timedelta(days=364)  # an anchor that has not seen a year has not seen the season


class FitLost(PlumblineError, RuntimeError):
    """The fit that a step needs is no longer on disk, or cannot be read; the message says how it comes back."""


@dataclass(frozen=True)
class Found:
    """A fit with how it came about: `path` and `reason` are the same whether it was `kept` on disk or made now.

    `warnings` name kept fits that could not be read and were made again.
    """

    fit: MMMFit
    key: str
    file: str
    path: str
    reason: str
    base_key: str | None
    seconds: float
    kept: bool
    warnings: tuple[Warning, ...] = ()


def panel(prepared: MmmInput, company: Settings) -> MMMData:
    """The model's validated panel. Raises ValueError, naming column and fix, for data it should not be fitted on."""
    from models.mmm import MMMData

    counted = company.kpi.name != "revenue"
    return MMMData.from_frame(
        prepared.frame,
        date="date",
        kpi="kpi",
        spend={c: c for c in prepared.channels},
        controls=prepared.controls,  # type: ignore[arg-type]  # roles were checked when the context landed
        geo=prepared.geo,
        organic={c: c for c in prepared.measured},
        organic_se={c: f"{c}_se" for c in prepared.measured},
        levels=prepared.measured,
        events=prepared.events,
        kpi_unit="count" if counted else "revenue",
        value_per_kpi=float(company.kpi.value_per_unit) if counted and company.kpi.value_per_unit else None,
    )


def specification(company: Settings, data: MMMData) -> MMMSpec:
    """What plumbline.yaml says about the model, and the priors of its channels' classes; the rest is the default.

    Where the KPI has no value in money, or one in another currency than spend, no prior of a return can be set: the
    classes then give the half-lives only.
    """
    from models.mmm import MMMSpec
    from models.mmm.model.effect_prior import returns_in_money
    from models.mmm.spec import Sampling

    priors = [channel_priors.channel_prior(company, channel) for channel in data.channels]
    return MMMSpec(
        channels=channel_priors.channel_specs(priors, with_return=returns_in_money(data)),
        break_even_iroas=1 / float(company.margin) if company.margin else 1.0,
        max_lag_weeks=company.mmm.max_lag_weeks,
        sampling=Sampling(chains=company.mmm.chains, draws=company.mmm.draws),
    )


def fit_or_load(folder: Path, prepared: MmmInput, company: Settings, *, seed: int, code: str) -> Found:
    """The fit of exactly these inputs, from disk where it was made before. `code` is the digest of the model's code.

    A kept fit that cannot be read is set aside (`.damaged`), named in `Found.warnings` and made again.
    """
    from models.mmm import fit, load, refresh

    began = time.monotonic()
    data = panel(prepared, company)
    spec = specification(company, data)
    base, why_not = _base(prepared, company, data, spec)
    base_key = _key("sampled", spec, base, seed, code) if base else None
    key = _key("carried" if base else "sampled", spec, prepared, seed, code)
    file = folder / file_of(key)
    kept, warnings = kept_fit(file)
    if kept is not None:
        estimate = kept
    elif base is None or base_key is None:
        estimate = fit(data, spec, seed=seed)
    else:
        behind = folder / file_of(base_key)
        sampled, damaged = kept_fit(behind)
        warnings += damaged
        if sampled is None:
            write_atomically(behind, fit(panel(base, company), spec, seed=seed).to_bytes())
            sampled = load(behind)  # read back: what a run reports does not depend on whether the fit was kept
        estimate = refresh(sampled, data, seed=seed)
    if kept is None:
        write_atomically(file, estimate.to_bytes())
    path, reason = (estimate.lineage.path, estimate.lineage.reason) if estimate.lineage else ("cold refit", why_not)
    seconds = time.monotonic() - began
    return Found(estimate, key, file.name, path, reason, base_key, seconds, kept is not None, tuple(warnings))


def kept_fit(file: Path) -> tuple[MMMFit | None, list[Warning]]:
    """The fit in `file`; None where there is none.

    A file that cannot be read (truncated, damaged, of another release) is set aside as `<name>.damaged` and named in a
    warning: everything in it can be made again.
    """
    from models.mmm import load

    try:
        return load(file), []
    except FileNotFoundError:
        return None, []
    except ValueError as unreadable:
        aside = set_aside(file)
        return None, [
            Warning(
                "kept_fit_unreadable",
                "low",
                file.name,
                f"The kept fit {file.name} could not be read and was made again: {unreadable}.",
                f"Nothing to do for this run. {aside.name} holds what was on the disk: if this happens again,"
                " check the disk.",
            )
        ]


def fit_of_run(con: duckdb.DuckDBPyConnection, folder: Path, run_id: str) -> MMMFit | None:
    """The fit that the model's step of this run kept in `folder`; None where the run has no model.

    Raises FitLost where its file is missing or was set aside because it cannot be read: the step that makes fits has
    already run, so the next run makes this one again.
    """
    named = first(con, "select file from measurement.mmm_fit where run_id = ?", [run_id])
    if named is None:
        return None
    fit, damage = kept_fit(folder / named[0])
    if fit is None:
        reason = "cannot be read and was set aside" if damage else "is missing"
        raise FitLost(reason, file=f"warehouse/{folder.name}/{named[0]}", fix="the next `plumbline run` makes it again")
    return fit


def write_card(path: Path, text: str) -> None:
    """The model card of the newest fit as a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())


def anchor(first: date, last: date, grain: str) -> date | None:
    """The day before which the sampled fit's periods begin: at least four weeks back, and the same for weeks on end.

    Daily data: the first of a month. Weekly data: every fourth week. None for months, and under a year of history.
    """
    if grain == "month":
        return None
    back = last - RESTATED
    cut = back.replace(day=1)
    if grain == "week":
        cut = back - timedelta(days=(back.toordinal() // 7 % STEP_WEEKS) * 7)
    return cut if cut - first >= LEAST else None


def needed(con: duckdb.DuckDBPyConnection, run_id: str, published: Collection[str], keep: int) -> set[str]:
    """Files that a run, the one it is compared with, and the retained runs stand on, sampled fits included.

    Retained are the runs of the `published` snapshots (`published-<run>`) and the `keep` that finished last.
    """
    rows = con.execute(
        "select file, base_key from measurement.mmm_fit where run_id in (select unnest($runs))"
        " or run_id in (select previous_run_id from measurement.mmm_fit where run_id = $run)"
        " or run_id in (select run_id from ops.run where status in ('finished', 'blocked')"
        " order by finished_at desc limit $keep)",
        {"runs": [run_id, *(name.removeprefix("published-") for name in published)], "run": run_id, "keep": keep},
    ).fetchall()
    return {file for file, _ in rows} | {file_of(base) for _, base in rows if base}


def prune(folder: Path, keep: Collection[str]) -> list[str]:
    """Delete the fits outside `keep` (file names), and what a killed run left half written.

    Returns the names that are gone. A fit that is wanted again later is made again, to the same digits.
    """
    gone = [path for path in folder.glob("*.npz*") if path.name.partition(DAMAGED)[0] not in keep]
    for path in gone:
        path.unlink(missing_ok=True)
    return sorted(path.name for path in gone)


def file_of(key: str) -> str:
    """Name of the file that holds the fit of a key."""
    return f"{key[:16]}.npz"


def _base(prepared: MmmInput, company: Settings, data: MMMData, spec: MMMSpec) -> tuple[MmmInput | None, str]:
    """The part of the panel that is sampled, or None and the reason why all of it is."""
    from models.mmm.fitting.engine_choice import unsupported
    from models.mmm.updating.refresh import refuse_another_model

    cut = anchor(data.dates[0], data.dates[-1], data.grain)
    refused = unsupported(spec, data)
    if refused:
        return None, f"sampled on all periods: {refused[0]} is not in the density that re-weighting runs on"
    if cut is None:
        return None, "sampled on all periods: too few, or too coarse, to anchor a fit before the days still restated"
    part = prepared.before(cut)
    try:
        refuse_another_model(panel(part, company), data)
    except ValueError as lacking:
        return None, f"sampled on all periods, as those before {cut} do not make this model: {lacking}"
    return part, ""


def _key(kind: str, spec: MMMSpec, prepared: MmmInput, seed: int, code: str) -> str:
    content = f"{prepared.frame.write_csv(float_precision=9)}|{sorted(prepared.events.items())}"
    return hashlib.sha256(f"{kind}|{spec.model_dump_json()}|{seed}|{code}|{content}".encode()).hexdigest()
