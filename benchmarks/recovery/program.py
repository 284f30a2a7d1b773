"""`plumbline run` as a program of its own, that can be watched, killed and judged by what it printed."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PRODUCT = ("dagster_project", "models", "feedback", "dbt", "pyproject.toml")
NURSERY = Path(__file__).with_name("nursery.py")
TRACEBACK = "Traceback (most recent call last)"
# A pepper of its own would make the hashes of two workspaces differ.
SETTINGS = {"PLUMBLINE_PEPPER": "one for all trials", "COLUMNS": "200"}


@dataclass(frozen=True)
class Ended:
    """How a run ended. `exit_code` is negative where a signal ended it; `cpu` in seconds of processor time."""

    exit_code: int
    output: str
    cpu: float

    @property
    def has_traceback(self) -> bool:
        return TRACEBACK in self.output

    @property
    def last_words(self) -> str:
        """The last line that the run printed."""
        spoken = [line.strip() for line in self.output.splitlines() if line.strip()]
        return spoken[-1] if spoken else ""


def copy_of_product(source: Path, target: Path) -> Path:
    """The code as it is now, so that a change to the checkout cannot reach a campaign that is going on."""
    for name in PRODUCT:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, ignore=shutil.ignore_patterns("target", "logs"))
        else:
            shutil.copy2(source / name, target / name)
    return target


@dataclass
class Program:
    """The product's command line, run from one copy of the code. `timeout` in seconds of wall time per run."""

    code: Path
    timeout: float = 3600.0
    command: tuple[str, ...] = (sys.executable, str(NURSERY))
    _nursery: subprocess.Popen[str] | None = field(default=None, init=False)

    def run(
        self,
        workspace: Path,
        *options: str,
        kill_when: Callable[[float], bool] | None = None,
        poll_seconds: float = 0.2,
    ) -> Ended:
        """`plumbline run WORKSPACE`, to its end or until `kill_when(cpu seconds so far)` says so: then kill -9."""
        nursery = self._started()
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        log = workspace.with_suffix(".log")
        job = {"arguments": ["run", str(workspace), *options], "log": str(log), "environment": SETTINGS}
        nursery.stdin.write(json.dumps(job) + "\n")
        nursery.stdin.flush()
        pid = int(nursery.stdout.readline())
        cpu, deadline = 0.0, time.monotonic() + self.timeout
        while not select.select([nursery.stdout], [], [], poll_seconds)[0]:
            cpu = _cpu_seconds(pid) or cpu
            if time.monotonic() > deadline or (kill_when is not None and kill_when(cpu)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                break
        exit_code = int(nursery.stdout.readline())
        return Ended(exit_code, log.read_text(encoding="utf-8", errors="replace"), cpu)

    def close(self) -> None:
        """End the process that starts the runs."""
        if self._nursery is not None and self._nursery.stdin is not None:
            self._nursery.stdin.close()
            self._nursery.wait()
            self._nursery = None

    def _started(self) -> subprocess.Popen[str]:
        if self._nursery is None:
            clean = {k: v for k, v in os.environ.items() if not k.startswith(("PLUMBLINE_", "DAGSTER_", "DBT_"))}
            self._nursery = subprocess.Popen(
                self.command,
                cwd=self.code,
                env={
                    **clean,
                    "OMP_NUM_THREADS": "1",
                    "PYTHONPATH": str(self.code),
                    "PLUMBLINE_KEYS": str(self.code.parent / "keys"),
                },
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._nursery


def _cpu_seconds(pid: int) -> float | None:
    """Processor time that a process has used, None when it is gone: a measure of progress on a busy machine too."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / TICKS
