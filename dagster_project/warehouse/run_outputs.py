"""What the last run delivered: one record of its verdict and of every file it left, written last.

The record `warehouse/DELIVERED` exists only while the last run of the workspace has reached its end and no other has
begun. It is what "nothing to do" rests on: same inputs, and every file as the run left it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dagster_project.workspace.paths import Workspace
from feedback.storage.atomic_files import write_atomically
from feedback.storage.damaged_files import sha256_of

SPEC = "plumbline/run-outputs/1"
FINISHED, BLOCKED = "finished", "blocked"
QUICK_BYTES = 32_000_000  # a quick look reads smaller files only: the large ones carry DuckDB's own checksums


@dataclass(frozen=True)
class OutputFile:
    """A file as the run left it: digest and size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class RunOutputs:
    """A run that reached its end: `finished`, or `blocked` with the reasons why it has no report.

    `files` maps paths relative to the workspace to what stood there.
    """

    run_id: str
    fingerprint: str
    verdict: str
    reasons: tuple[str, ...] = ()
    files: dict[str, OutputFile] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """An output that is not as the run left it."""

    file: str
    path: Path
    missing: bool

    def __str__(self) -> str:
        return f"{self.file} is {'missing' if self.missing else 'not as the last run left it'}"


def write(workspace: Workspace, outputs: RunOutputs, paths: Iterable[Path]) -> RunOutputs:
    """Record the end of a run with the digest of each of `paths`; the last write of a run.

    Returns the record as written. Raises OSError, e.g. for a path that does not exist or on a full disk.
    """
    files = {
        path.relative_to(workspace.root).as_posix(): OutputFile(sha256_of(path), path.stat().st_size)
        for path in sorted(set(paths))
    }
    complete = RunOutputs(outputs.run_id, outputs.fingerprint, outputs.verdict, outputs.reasons, files)
    content = json.dumps({"spec": SPEC, **asdict(complete)}, indent=1, ensure_ascii=False)
    write_atomically(workspace.run_outputs, content.encode())
    return complete


def read(workspace: Workspace) -> RunOutputs | None:
    """The record of the last run; None where there is none or it is damaged: then the run is made again."""
    try:
        content = json.loads(workspace.run_outputs.read_bytes())
        return _parsed(content) if content["spec"] == SPEC else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _parsed(content: dict[str, Any]) -> RunOutputs:
    files = {str(name): OutputFile(str(f["sha256"]), int(f["size"])) for name, f in content["files"].items()}
    reasons = tuple(str(reason) for reason in content["reasons"])
    if content["verdict"] not in (FINISHED, BLOCKED):
        raise ValueError(content["verdict"])
    return RunOutputs(str(content["run_id"]), str(content["fingerprint"]), content["verdict"], reasons, files)


def withdraw(workspace: Workspace) -> None:
    """A run begins: from here on nothing counts as delivered until it reaches its end."""
    workspace.run_outputs.unlink(missing_ok=True)


def problems(workspace: Workspace, outputs: RunOutputs, *, quick: bool = False) -> list[Problem]:
    """Every output that is missing or changed. `quick` compares only the size of files above 32 MB."""
    return [
        Problem(name, workspace.root / name, not (workspace.root / name).exists())
        for name, file in outputs.files.items()
        if not _is_whole(workspace.root / name, file, quick=quick)
    ]


def _is_whole(path: Path, file: OutputFile, *, quick: bool) -> bool:
    try:
        if path.stat().st_size != file.size:
            return False
        return (quick and file.size > QUICK_BYTES) or sha256_of(path) == file.sha256
    except OSError:
        return False


def update(workspace: Workspace, paths: Iterable[Path]) -> None:
    """Take over files that a command wrote again on purpose (`plumbline report`); others stay as recorded."""
    outputs = read(workspace)
    if outputs is None:
        return
    renewed = {
        path.relative_to(workspace.root).as_posix(): OutputFile(sha256_of(path), path.stat().st_size)
        for path in paths
        if path.relative_to(workspace.root).as_posix() in outputs.files
    }
    if any(outputs.files[name] != file for name, file in renewed.items()):
        kept = [workspace.root / name for name in outputs.files]
        write(workspace, outputs, [path for path in kept if path.exists()])
