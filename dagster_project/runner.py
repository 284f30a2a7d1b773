"""Drive one run from this process: the same assets as Dagster's UI, with progress and an outcome in words."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from uuid import uuid4

import dagster as dg
import duckdb
from dagster._check import CheckError
from dagster._core.errors import DagsterError, DagsterExecutionInterruptedError
from dagster._utils.error import SerializableErrorInfo
from filelock import Timeout

from dagster_project.warehouse import run_outputs, run_record
from dagster_project.warehouse.connection import WarehouseBusy, busy_sentence, connect, lock_of
from dagster_project.warehouse.resource import HEALED
from dagster_project.warehouse.run_outputs import BLOCKED, RunOutputs
from dagster_project.workspace.memory_store import store_is_whole
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings
from dagster_project.workspace.stop_signals import stop_requests
from models.error import PlumblineError

PUBLISHING = {dg.AssetKey(["feedback", "snapshot"]), dg.AssetKey(["feedback", "cfo_report"])}
INTERRUPTED = {DagsterExecutionInterruptedError.__name__, KeyboardInterrupt.__name__}
GATES = {dg.Failure.__name__, "ReportBlocked"}  # raised where a step says no, rather than breaks


class SelectionError(PlumblineError, ValueError):
    """`--select` names no asset, or is not Dagster's selection syntax."""


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
    """How a run ended: `unchanged`, `finished`, `blocked` (a check said no) or `failed` (something broke).

    `notes` name damaged or missing files that were made again. A run that has nothing to do and whose report was
    blocked is `blocked` again, for the same reasons and without steps.
    """

    status: str
    run_id: str
    seconds: float
    steps: list[Step] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        return {"unchanged": 0, "finished": 0, "blocked": 1}.get(self.status, 3)


def delivered(workspace: Workspace, settings: Settings, fingerprint: str) -> RunOutputs | None:
    """The last run, if it came from exactly these inputs and all that it delivered is still as it left it."""
    from feedback.memory import damaged
    from feedback.reports.audit import undelivered

    outputs = run_outputs.read(workspace)
    if outputs is None or outputs.fingerprint != fingerprint or run_outputs.problems(workspace, outputs):
        return None
    has_pack = any((workspace.root / name).is_relative_to(workspace.audit) for name in outputs.files)
    if has_pack and undelivered(workspace.reports, workspace.audit, outputs.run_id):
        return None
    if damaged(workspace.memory, settings.company.brand) or not store_is_whole(workspace, settings):
        return None
    return outputs


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
            outputs = None if force else delivered(workspace, settings, print_)
    except Timeout:
        raise WarehouseBusy(busy_sentence(workspace.warehouse)) from None
    if outputs is not None:
        status = "blocked" if outputs.verdict == BLOCKED else "unchanged"
        return Outcome(status, outputs.run_id, time.monotonic() - started, reasons=list(outputs.reasons))

    from dagster_project.assets.ingest import SEED_TAG, SELECTION_TAG
    from dagster_project.definitions import defs

    selected = None
    if select:
        graph = defs.resolve_asset_graph()
        try:
            chosen = dg.AssetSelection.from_string(select).resolve(graph)
        except (DagsterError, CheckError) as error:
            raise SelectionError(str(error), key=f"--select {select}") from None
        # A part of the graph is worked on, never published: readers keep the last whole run.
        selected = sorted((chosen - PUBLISHING) | {dg.AssetKey(["ops", "settings"])})
    instance, dagster_run = dg.DagsterInstance.get(), str(uuid4())
    with stop_requests() as stopped:
        watcher = _Watcher(show, stopped)
        instance.add_event_listener(dagster_run, watcher.see)
        result = defs.resolve_job_def("daily").execute_in_process(
            instance=instance,
            run_id=dagster_run,
            partition_key=str(day),
            asset_selection=selected,
            raise_on_error=False,
            tags={SEED_TAG: str(seed), SELECTION_TAG: select or ""},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    if watcher.busy:
        raise WarehouseBusy(busy_sentence(workspace.warehouse))
    if watcher.interrupted:
        raise KeyboardInterrupt
    run_id = f"run_{day:%Y%m%d}_{print_[:10]}"
    status = "finished" if result.success else ("blocked" if watcher.blocked and not watcher.broken else "failed")
    if status == "failed" and workspace.warehouse.exists():
        with suppress(duckdb.Error), connect(workspace.warehouse, read_only=False) as con:
            run_record.close(con, run_id, status)
    seconds = time.monotonic() - started
    return Outcome(status, run_id, seconds, watcher.steps, watcher.reasons, watcher.notes)


class _Watcher:
    """Turns Dagster's events into finished steps and sentences."""

    def __init__(self, show: Callable[[str, Step | None], None], stopped: Callable[[], bool]) -> None:
        self.show = show
        self.stopped = stopped
        self.steps: list[Step] = []
        self.reasons: list[str] = []
        self.notes: list[str] = []
        self.blocked = self.broken = self.interrupted = self.busy = False
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
            if self.stopped():  # a library took the interruption for an error of its own: interrupt the run itself
                signal.raise_signal(signal.SIGINT)
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
        elif kind == "ENGINE_EVENT" and HEALED in event.engine_event_data.metadata:
            self.notes.append(event.message or "")
        elif kind in ("PIPELINE_FAILURE", "PIPELINE_CANCELED"):
            self._stopped(event)

    def _stopped(self, event: dg.DagsterEvent) -> None:
        """The run ended without its last step: interrupted, or refused before the first."""
        errors = _chain(getattr(event.event_specific_data, "error", None))
        names = {error.cls_name for error in errors}
        self.interrupted |= event.event_type_value == "PIPELINE_CANCELED" or bool(names & INTERRUPTED)
        self.busy |= WarehouseBusy.__name__ in names
        if self.steps or self.interrupted or self.busy:
            return
        self.broken = True
        self.reasons.append(_sentence(errors[-1]) if errors else event.message or "the run did not start")

    def _failed(self, name: str, event: dg.DagsterEvent) -> None:
        errors = _chain(event.step_failure_data.error)
        kind = errors[-1].cls_name if errors else None
        if kind in INTERRUPTED or self.stopped():
            self.interrupted = True
            return
        if name in self._said_no or kind == "DagsterAssetCheckFailedError":
            self.blocked = True
            self._end(name, "blocked", self.reasons[-1] if self.reasons else "")
            return
        text = _sentence(errors[-1]) if errors else ""
        gate = kind in GATES
        self.blocked, self.broken = self.blocked or gate, self.broken or not gate
        self.reasons.append(f"{name}: {text}")
        self._end(name, "blocked" if gate else "failed", text)

    def _end(self, name: str, state: str, message: str = "") -> None:
        seconds = time.monotonic() - self._begun.get(name, time.monotonic())
        step = Step(name, state, seconds, self._rows.get(name), message)
        self.steps.append(step)
        self.show(name, step)


def _chain(error: SerializableErrorInfo | None) -> list[SerializableErrorInfo]:
    """An error and what caused it, the cause last."""
    errors = []
    while error is not None:
        errors.append(error)
        error = error.cause
    return errors


def _sentence(error: SerializableErrorInfo) -> str:
    """What the error says, without the name of its class that Dagster puts before it."""
    first = error.message.strip().split("\n")[0]
    name, colon, text = first.partition(": ")
    return text if colon and error.cls_name and name.endswith(error.cls_name) else first
