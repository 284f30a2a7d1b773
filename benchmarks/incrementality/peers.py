"""`python -m benchmarks.incrementality --peers`: Meridian GeoX and Plumbline on GeoX's own example, in one run.

The peer lives in an environment of its own under `.bench/`, made on first use from PyPI. Both sides run as child
processes on one thread; seconds are CPU seconds of the child with everything it started.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.incrementality.page import table

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "meridian-geox==1.0.1"
HOME = ROOT / ".bench" / "geox"


@dataclass(frozen=True)
class Ran:
    """What one child found, its CPU seconds from start to exit, and those of the second call in the same process."""

    found: dict[str, Any]
    process: float
    again: float


def peers(shared: Path, command: str) -> str:
    """The page that sets both side by side. Raises RuntimeError with the installer's last words."""
    peer, folder = _environment(), str(shared / "incrementality")
    own = [sys.executable, "-m", "benchmarks.incrementality.own_case"]
    script = [str(peer), str(Path(__file__).with_name("geox_case.py"))]
    theirs = {task: _ran([*script, task, folder]) for task in ("read", "design")}
    ours = {task: _ran([*own, task, folder]) for task in ("read", "read_tbr", "design")}
    return _page(theirs, ours, command)


def _environment() -> Path:
    python = HOME / "bin" / "python"
    ready = HOME / PACKAGE
    if not ready.exists():
        _installed([sys.executable, "-m", "venv", "--clear", str(HOME)])
        _installed([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE])
        ready.touch()
    return python


def _installed(step: list[str]) -> None:
    done = subprocess.run(step, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{PACKAGE} could not be installed: {(done.stderr or done.stdout).strip()[-800:]}")


def _ran(step: list[str]) -> Ran:
    single = {"OMP_NUM_THREADS": "1", "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "PYTHONPATH": str(ROOT)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(step, capture_output=True, text=True, check=False, env={**os.environ, **single}, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(step[1:3])} failed: {done.stderr.strip()[-800:]}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    spent = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return Ran(found, spent, found.pop("seconds")[1])


def _page(theirs: dict[str, Ran], ours: dict[str, Ran], command: str) -> str:
    read, default, tbr = theirs["read"], ours["read"], ours["read_tbr"]
    rows = [("Meridian GeoX 1.0.1", read), ("**Plumbline tbr**", tbr), ("**Plumbline auto**", default)]
    answers = [(name, *(_shown(ran.found[key], key) for key in ("effect", "relative", "iroas"))) for name, ran in rows]
    low, high = read.found["effect"][1:]
    same = "lies inside" if low <= tbr.found["effect"][0] <= high else "lies outside"
    other = default.found["effect"]
    own = "lies inside" if low <= other[0] <= high else "lies outside"
    cross = "overlap" if other[1] <= high and low <= other[2] else "do not overlap"
    times = [
        ("read, default method", *_pace(read, default)),
        ("read, same method (tbr)", *_pace(read, tbr)),
        ("design of 30 days", *_pace(theirs["design"], ours["design"])),
    ]
    made, mine = theirs["design"].found, ours["design"].found
    return "\n\n".join(
        [
            "# Beside Meridian GeoX",
            f"Printed by `{command}`: Google's Meridian GeoX 1.0.1, installed from PyPI into its own environment, and"
            " Plumbline on the single-cell holdback example that GeoX ships (113 regions, 27 of them tested, 91 days"
            " before, 30 days of test; 90 % ranges).",
            "## The same test, read by both",
            table(("", "incremental conversions", "lift", "conversions per unit of spend"), answers),
            f"With the same method Plumbline's figure {same} GeoX's range. The figure of Plumbline's own choice of"
            f" method {own} that range; the two ranges {cross}. GeoX compares the test with the"
            " 500 placebo sets that fit best, Plumbline with unselected sets: at the same method its range is"
            f" {_width(tbr) / _width(read):.1f} times as wide, which is what such days of noise support. Plumbline's"
            f" own choice of controls gets it down to {_width(default) / _width(read):.1f} times GeoX's without that"
            " selection. In a holdback the controls spend nothing, so nothing is what the tested regions would have"
            " spent: Plumbline divides by what was paid, GeoX by a regression line of spend.",
            "## Time",
            "CPU seconds, one thread, both in the same run. The process counts imports and compilation.",
            table(
                ("task", "GeoX process", "ours", "ratio", "GeoX second call", "ours", "ratio"),
                times,
            ),
            "## Design",
            f"GeoX advertises {made['geos']} regions and a detectable lift of {made['mde']:.2%} on the days it chose"
            f" them on. Plumbline's best has {mine['geos']} regions; {mine['mde_claimed']:.2%} on the days of choice"
            f" and {mine['mde']:.2%} on a month that no choice has seen, by the placebos that will read it.",
        ]
    )


def _pace(theirs: Ran, ours: Ran) -> tuple[str, ...]:
    whole = (f"{theirs.process:.1f}", f"{ours.process:.1f}", f"{theirs.process / ours.process:.1f}")
    return (*whole, f"{theirs.again:.2f}", f"{ours.again:.2f}", f"{theirs.again / ours.again:.1f}")


def _width(ran: Ran) -> float:
    return float(ran.found["effect"][2] - ran.found["effect"][1])


def _shown(amounts: list[float], key: str) -> str:
    point, low, high = amounts
    if key == "effect":
        return f"{point:,.0f} [{low:,.0f}, {high:,.0f}]"
    if key == "relative":
        return f"{point:.2%} [{low:.2%}, {high:.2%}]"
    return f"{point:.3f} [{low:.3f}, {high:.3f}]"
