"""The peer in its own environment beside the repository, at pinned versions, and one process of it kept alive."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import numpy as np

from benchmarks.mmm.peer_cases import Case
from benchmarks.mmm.peer_fit import Fitted

ROOT = Path(__file__).resolve().parents[2]
PINS = (
    "pymc-marketing==0.19.2",
    "pymc==5.28.5",
    "pytensor==2.38.3",
    "nutpie==0.16.8",
    "numba==0.65.1",
    "numpy==2.4.6",
    "arviz==0.23.4",
)
FOLDER = ROOT / ".bench" / PINS[0].replace("==", "-")


class PeerNotInstalled(RuntimeError):
    """The peer's packages could not be installed here; nothing can be said about it."""


def install() -> Path:
    """Interpreter of the peer's environment; installs it on first use, which needs the package index.

    Raises PeerNotInstalled with the installer's own words. The installer sees all of the user's environment, because a
    proxy, a certificate or an index may be set there.
    """
    python, done = FOLDER / "bin" / "python", FOLDER / "installed.txt"
    if done.exists() and done.read_text() == "\n".join(PINS):
        return python
    uv = [sys.executable, "-m", "uv"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".tools")}
    for command in (
        [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(FOLDER)],
        [*uv, "pip", "install", "--quiet", "--python", str(python), *PINS],
    ):
        done_step = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
        if done_step.returncode:
            raise PeerNotInstalled(f"{PINS[0]} could not be installed: {done_step.stderr.strip()[-400:]}")
    done.write_text("\n".join(PINS))
    return python


class Rival:
    """The peer's process, started at its first fit; compiles `first` once, so that no figure is cold."""

    def __init__(self, folder: Path, *, first: Case) -> None:
        self.folder, self.first = folder, first
        self.process: subprocess.Popen[str] | None = None

    def _start(self) -> None:
        script = Path(__file__).with_name("peer_rival.py")
        self.process = subprocess.Popen(
            [str(install()), str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self.folder / "rival.log").open("w"),
            text=True,
        )
        self._ask(self.first, 0, fit=False)

    def __enter__(self) -> Rival:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    def fit(self, case: Case, *, seed: int) -> Fitted:
        """The peer's default fit of `case`."""
        if self.process is None:
            self._start()
        result = self._ask(case, seed, fit=True)
        with np.load(result) as found:
            return Fitted(
                found["roi"],
                found["parameters"],
                float(found["compile_cpu"]),
                float(found["sample_cpu"]),
                int(found["divergences"]),
                float(found["gradients"]),
                float(found["memory_mb"]),
                float(found["load"]),
            )

    def _ask(self, case: Case, seed: int, *, fit: bool) -> Path:
        where, result = self.folder / "case.npz", self.folder / "result.npz"
        case.save(where)
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {"case": str(where), "result": str(result), "seed": seed, "fit": fit}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        if not self.process.stdout.readline():
            raise RuntimeError(f"the peer stopped at {case.name!r}:\n{(self.folder / 'rival.log').read_text()[-2000:]}")
        return result
