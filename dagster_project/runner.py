"""Drive one run from this process: the same assets as Dagster's UI, with progress and an outcome in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from uuid import uuid4

import dagster as dg
from filelock import Timeout

from dagster_project.warehouse import run_record
from dagster_project.warehouse.connection import WarehouseBusy, busy_sentence, connect, first, lock_of
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings

PUBLISHING = {dg.AssetKey(["feedback", "snapshot"]), dg.AssetKey(["feedback", "cfo_report"])}


@dataclass(frozen=True)
class Step:
    """One finished step: its name, `ok`, `blocked` (a check said no), `failed` or `skipped`, seconds, and why."""

    name: str
    state: str
    seconds: float
    rows: int | None = None
    message: str = ""


@dataclass
class Outcome:
    """How a run ended: `unchanged`, `finished`, `blocked` (a check said no) or `failed` (something broke)."""

    status: str
    run_id: str
    seconds: float
    steps: list[Step] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        return {"unchanged": 0, "finished": 0, "blocked": 1}.get(self.status, 3)


def unchanged(workspace: Workspace, fingerprint: str) -> str | None:
    """The run that already finished from exactly these inputs, or None. Reads the published snapshot only."""
    published = workspace.published()
    if published is None:
        return None
    with connect(published, read_only=True) as con:
        row = first(con, "select run_id from ops.run where fingerprint = ? and status = 'finished'", [fingerprint])
    return row[0] if row else None


def run(
    workspace: Workspace,
    settings: Settings,
    *,
    day: date,
    seed: int,
    select: str | None,
    show: Callable[[str, Step | None], None],
    force: bool = False,
) -> Outcome:
    """Materialise everything (or `select`) as of the end of `day`.

    `show(name, None)` is called when a step starts and `show(name, step)` when it ends. Raises WarehouseBusy when a
    run is going on in the workspace.
    """
    started = time.monotonic()
    try:
        with lock_of(workspace.warehouse).acquire(timeout=0):
            print_ = run_record.fingerprint(workspace, day, seed, select or "")
            same = None if force else unchanged(workspace, print_)
    except Timeout:
        raise WarehouseBusy(busy_sentence(workspace.warehouse)) from None
    if same:
        return Outcome("unchanged", same, time.monotonic() - started)

    from dagster_project.assets.ingest import SEED_TAG, SELECTION_TAG
    from dagster_project.definitions import defs

    only = None
    if select:
        graph = defs.resolve_asset_graph()
        chosen = dg.AssetSelection.from_string(select).resolve(graph)
        # A part of the graph is worked on, never published: readers keep the last whole run.
        only = sorted((chosen - PUBLISHING) | {dg.AssetKey(["ops", "settings"])})
    watcher = _Watcher(show)
    instance, dagster_run = dg.DagsterInstance.get(), str(uuid4())
    instance.add_event_listener(dagster_run, watcher.see)
    result = defs.resolve_job_def("daily").execute_in_process(
        instance=instance,
        run_id=dagster_run,
        partition_key=str(day),
        asset_selection=only,
        raise_on_error=False,
        tags={SEED_TAG: str(seed), SELECTION_TAG: select or ""},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    if watcher.busy:
        raise WarehouseBusy(watcher.busy)
    if watcher.interrupted:
        raise KeyboardInterrupt
    run_id = f"run_{day:%Y%m%d}_{print_[:10]}"
    status = "finished" if result.success else ("blocked" if watcher.blocked and not watcher.broken else "failed")
    if workspace.warehouse.exists() and (not result.success or select):
        with connect(workspace.warehouse, read_only=False) as con:
            run_record.create_tables(con)
            run_record.close(con, run_id, "partial" if result.success else "failed")
    return Outcome(status, run_id, time.monotonic() - started, watcher.steps, watcher.reasons)


class _Watcher:
    """Turns Dagster's events into finished steps and sentences."""

    def __init__(self, show: Callable[[str, Step | None], None]) -> None:
        self.show = show
        self.steps: list[Step] = []
        self.reasons: list[str] = []
        self.blocked = self.broken = self.interrupted = False
        self.busy = ""
        self._begun: dict[str, float] = {}
        self._rows: dict[str, int] = {}
        self._said_no: set[str] = set()

    def see(self, entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None:
            return
        name = (event.step_key or "").replace("__", "/")
        kind = event.event_type_value
        if kind == "STEP_START":
            self._begun[name] = time.monotonic()
            self.show(name, None)
        elif kind == "ASSET_MATERIALIZATION":
            rows = event.step_materialization_data.materialization.metadata.get("dagster/row_count")
            if rows is not None and isinstance(rows.value, int):
                self._rows[name] = self._rows.get(name, 0) + rows.value
        elif kind == "ASSET_CHECK_EVALUATION":
            check = event.asset_check_evaluation_data
            if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR:
                self.blocked = True
                self._said_no.add(name)
                self.reasons.append(
                    check.description or f"{check.asset_key.to_user_string()}: {check.check_name} failed"
                )
        elif kind == "STEP_SUCCESS":
            self._end(name, "ok")
        elif kind == "STEP_SKIPPED":
            self._end(name, "skipped", "something it needs did not pass")
        elif kind == "STEP_FAILURE":
            self._failed(name, event)
        elif kind in ("PIPELINE_FAILURE", "PIPELINE_CANCELED"):
            message = str(event.message or "")
            error = getattr(event.event_specific_data, "error", None)
            text = " ".join(str(part) for part in (message, error) if part)
            self.interrupted = self.interrupted or kind == "PIPELINE_CANCELED" or "Interrupt" in text
            if self.steps or self.interrupted:
                return
            if "WarehouseBusy" in text:
                self.busy = text.split("WarehouseBusy:", 1)[1].split("\n")[0].strip()
            self.broken = True
            self.reasons.append(text.split("\n")[0])

    def _failed(self, name: str, event: dg.DagsterEvent) -> None:
        error = event.step_failure_data.error
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None and "Interrupt" in (error.cls_name or ""):
            self.interrupted = True
            return
        if name in self._said_no or (error is not None and error.cls_name == "DagsterAssetCheckFailedError"):
            self.blocked = True
            self._end(name, "blocked", self.reasons[-1] if self.reasons else "")
            return
        text = error.message.strip() if error is not None else ""
        text = text.removeprefix("dagster._core.definitions.events.Failure:").strip()
        gate = error is not None and error.cls_name in {"Failure", "ReportBlocked"}
        self.blocked, self.broken = self.blocked or gate, self.broken or not gate
        self.reasons.append(f"{name}: {text}")
        self._end(name, "blocked" if gate else "failed", text)

    def _end(self, name: str, state: str, message: str = "") -> None:
        seconds = time.monotonic() - self._begun.get(name, time.monotonic())
        step = Step(name, state, seconds, self._rows.get(name), message)
        self.steps.append(step)
        self.show(name, step)
