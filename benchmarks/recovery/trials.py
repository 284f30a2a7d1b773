"""One trial: a workspace, something that befalls it, the next run, and the verdict."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.recovery.derived_files import INTERNAL, kind_of, signatures
from benchmarks.recovery.outcome import differences, left_behind
from benchmarks.recovery.program import Ended, Program

WAYS = ("truncated", "emptied", "one byte flipped", "garbage", "removed")
LONGEST_SENTENCE = 400
FINE = 0.001  # seconds between two looks at a file that is about to be written


@dataclass(frozen=True)
class Trial:
    """What befell a workspace and how it ended.

    `verdict`: `completed` or `healed` (all outputs equal the undisturbed run's), `refused` (exit code 1 to 3 with a
    sentence), `not reached` (the run ended before the moment came; all outputs equal), or `FAILED` with the reasons.
    """

    target: str
    what: str
    verdict: str
    exit_code: int
    cpu: float
    reasons: tuple[str, ...] = ()
    parts_left: int = 0

    @property
    def failed(self) -> bool:
        return self.verdict == "FAILED"


@dataclass(frozen=True)
class Bench:
    """The undisturbed workspace, the code that all trials run, and a folder to work in."""

    program: Program
    inputs: Path
    reference: Path
    reference_run: Ended
    folder: Path

    def fresh(self, *, with_fits: bool) -> Path:
        """A workspace before its first run; kept fits of the same inputs save the time of sampling again."""
        workspace = self._emptied()
        shutil.copytree(self.inputs, workspace)
        fits = self.reference / "warehouse/fits"
        if with_fits and fits.is_dir():
            shutil.copytree(fits, workspace / "warehouse/fits")
        return workspace

    def finished(self) -> Path:
        """A copy of the undisturbed workspace after its run."""
        workspace = self._emptied()
        shutil.copytree(self.reference, workspace)
        return workspace

    def _emptied(self) -> Path:
        workspace = self.folder / "trial"
        shutil.rmtree(workspace, ignore_errors=True)
        return workspace


def kill_at(bench: Bench, target: str, *, again: bool) -> Trial:
    """Kill -9 when a file of the kind `target` first appears or changes; `again`: a forced run over a finished one."""
    workspace = bench.finished() if again else bench.fresh(with_fits=target != "kept fit")
    before = signatures(workspace, target)
    options = ("--force",) if again else ()
    killed = bench.program.run(
        workspace,
        *options,
        kill_when=lambda _: signatures(workspace, target) != before,
        poll_seconds=FINE,
    )
    return _completed(bench, workspace, target, "rewritten" if again else "first written", killed)


def kill_after(bench: Bench, share: float, *, again: bool) -> Trial:
    """Kill -9 when the run has used `share` of the processor time of the undisturbed one."""
    workspace = bench.finished() if again else bench.fresh(with_fits=True)
    moment = share * bench.reference_run.cpu
    options = ("--force",) if again else ()
    killed = bench.program.run(workspace, *options, kill_when=lambda cpu: cpu >= moment, poll_seconds=10 * FINE)
    start = "forced run" if again else "first run"
    return _completed(bench, workspace, "random moment", f"{start}, {moment:.1f} s in", killed)


def _completed(bench: Bench, workspace: Path, target: str, what: str, killed: Ended) -> Trial:
    following = bench.program.run(workspace)
    reasons = _faults(following)
    if following.exit_code != bench.reference_run.exit_code:
        words = following.last_words[:LONGEST_SENTENCE]
        reasons.append(f"exit code {following.exit_code} instead of {bench.reference_run.exit_code}: {words}")
    else:
        reasons += differences(bench.reference, workspace)
    verdict = "FAILED" if reasons else "completed" if killed.exit_code < 0 else "not reached"
    left = len(left_behind(workspace))
    return Trial(target, what, verdict, following.exit_code, killed.cpu + following.cpu, tuple(reasons), left)


def damage(bench: Bench, path: Path, way: str, rng: np.random.Generator) -> Trial:
    """Damage one file of a finished workspace, given by its path in the undisturbed one; run again.

    Silence is a failure: an exit code 0 with an output that differs. A file that only helps the run may stay as it is
    if every output is equal. A run that refuses must say so in a sentence.
    """
    workspace = bench.finished()
    relative = path.relative_to(bench.reference)
    spoil(workspace / relative, way, rng)
    following = bench.program.run(workspace)
    reasons = _faults(following)
    if following.exit_code == 0:
        reasons += differences(bench.reference, workspace)
        verdict = "healed"
    else:
        verdict = "refused"
        reasons += [] if following.exit_code in (1, 2, 3) else [f"exit code {following.exit_code}"]
        reasons += [] if following.last_words else ["it ended without a word"]
    kind = kind_of(relative.as_posix()) or relative.as_posix()
    if verdict == "healed" and kind in INTERNAL and (workspace / relative).is_file():
        verdict = "no effect" if following.output.startswith("nothing new") else "healed"
    if reasons:
        verdict = "FAILED"
    elif verdict == "refused":
        reasons = [following.last_words[:LONGEST_SENTENCE]]
    return Trial(kind, f"{way}: {relative.name}", verdict, following.exit_code, following.cpu, tuple(reasons))


def spoil(path: Path, way: str, rng: np.random.Generator) -> None:
    """Damage a file in one of WAYS; a read-only file is replaced, as a failing disk asks no permission."""
    content = bytearray(path.read_bytes())
    path.unlink()
    if way == "removed":
        return
    changed: dict[str, Callable[[], bytes]] = {
        "truncated": lambda: bytes(content[: int(rng.integers(0, max(len(content), 1)))]),
        "emptied": lambda: b"",
        "one byte flipped": lambda: _flipped(content, rng),
        "garbage": lambda: rng.bytes(max(len(content), 16)),
    }
    path.write_bytes(changed[way]())


def _flipped(content: bytearray, rng: np.random.Generator) -> bytes:
    if content:
        content[int(rng.integers(0, len(content)))] ^= 1 << int(rng.integers(0, 8))
    return bytes(content)


def _faults(ended: Ended) -> list[str]:
    return ["a traceback in the output"] if ended.has_traceback else []
