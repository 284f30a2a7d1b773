"""The published page of the engine's figures: every one is rendered from what was measured, none is typed."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.mmm.peer_compare import APART, HOPELESS, UNSURE, Row
from benchmarks.mmm.peer_environment import PINS
from benchmarks.mmm.scale import Measured

PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods" / "mmm-benchmark.md"
TARGETS = {"sampling": (30, 60), "whole": (60, 100)}


def machine(command: str) -> str:
    """What was run, where, with which versions, and what the figures mean."""
    own = ", ".join(f"{p} {version(p)}" for p in ("pymc", "nutpie", "numba", "numpy", "arviz"))
    return "\n\n".join(
        (
            "# MMM engine: speed",
            f"Printed by `{command}` (`make bench-mmm`). Python {platform.python_version()}, {_processor()}, "
            f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end. Ours: {own}. Peer: {', '.join(PINS)}.",
            "A figure of speed is effective draws per CPU-second (user and system time, children included), because"
            " wall time on a shared machine says little. ESS is the smallest over channels of ArviZ's rank-normalised"
            " bulk ESS of iROAS, from plain arrays of either side.",
        )
    )


def peer_section(rows: Sequence[Row], doubts: Mapping[str, float]) -> str:
    """Equal model, equal data: one line per case, then the medians and the targets."""
    kept = [r for r in rows if not r.void and r.rival.r_hat <= HOPELESS]
    sure = [r for r in kept if r.rival.r_hat <= UNSURE]
    lines = [
        (
            r.case,
            f"{r.sampling:.0f}x",
            f"{r.whole:.0f}x",
            f"{r.tail:.0f}x",
            f"{r.worst:.0f}x",
            f"{(r.before.sample_cpu + r.after.sample_cpu) / 2:.2f}",
            f"{r.rival.sample_cpu:.1f} + {r.rival.compile_cpu:.1f}",
            f"{r.before.gradients:.0f} / {r.rival.gradients:.0f}",
            f"{max(r.before.r_hat, r.after.r_hat):.3f} / {r.rival.r_hat:.3f}{_mark(r)}",
            f"{r.before.divergences + r.after.divergences} / {r.rival.divergences}",
            f"{r.apart:.1f}",
            f"{r.rival.memory_mb:.0f}",
            f"{r.before.load:.1f}, {r.rival.load:.1f}, {r.after.load:.1f}",
        )
        for r in rows
    ]
    head = (
        "data",
        "sampling",
        "with compile",
        "tail ESS",
        "worst parameter",
        "ours, CPU-s",
        "peer, CPU-s",
        "gradients a draw",
        "R-hat, all parameters",
        "divergences (two fits / one)",
        "apart",
        "peer's MB",
        "load before each",
    )
    text = [
        "## Against PyMC-Marketing with nutpie, the same posterior",
        "Both sides fit one model: media and KPI by their maxima, geometric carryover, logistic saturation, the peer's"
        " default priors (yearly waves Normal(0, 1) on both sides); regions unpooled, as its default panel has them."
        " Peer: 4 x (1000 + 1000), its defaults, `save_warmup=False`. Ours: 4 x (200 + 1000), target acceptance 0.95,"
        " exact draws of the linear part included. Order: ours, peer, ours; a ratio is the mean of ours over the"
        " peer's. Two cores for both. \"With compile\" adds the peer's build and compile of the model, which every"
        ' new data set costs; caches are warm on both sides. "Apart" is the largest distance between the two'
        " posteriors' means, 5 % and 95 % points of any channel's iROAS, in Monte Carlo standard errors; above"
        f" {APART:.0f} the row is void.",
        _table(head, lines),
    ]
    if kept:
        median = {k: float(np.median([getattr(r, k) for r in kept])) for k in TARGETS}
        worst = {k: min(getattr(r, k) for r in kept) for k in TARGETS}
        text.append(
            _table(
                ("", "median", "lowest", "promised", "aim"),
                [
                    (label, f"{median[k]:.0f}x", f"{worst[k]:.0f}x", *(f"{t}x" for t in TARGETS[k]))
                    for k, label in (("sampling", "sampling only"), ("whole", "with compile"))
                ],
            )
        )
        if sure and len(sure) < len(kept):
            text.append(
                f"Over the {len(sure)} rows in which the peer's chains agreed (R-hat up to {UNSURE}):"
                f" {np.median([r.sampling for r in sure]):.0f}x and {np.median([r.whole for r in sure]):.0f}x."
                f" Rows marked * are those where they did not; rows above {HOPELESS} (**) are not counted."
            )
    text += [
        f"{name} is void: the two posteriors are too far apart. Two ordinary fits of ours lie {apart:.1f} Monte Carlo"
        " errors from a third of ours, eight times as long and with smaller steps."
        for name, apart in doubts.items()
    ]
    return "\n\n".join(text)


def scale_section(sizes: Sequence[Measured]) -> str:
    """Whole fits with the product's own model and gates."""
    lines = [
        (
            s.name,
            f"{s.parameters}",
            f"{s.cpu:.1f}",
            _known(s.again_cpu),
            f"{s.wall:.0f}",
            _known(s.again),
            f"{s.r_hat:.3f}",
            f"{s.ess:.0f}",
            f"{s.rungs}",
            "yes" if s.converged else "no",
            f"{s.memory_mb:.0f}",
        )
        for s in sizes
    ]
    head = (
        "data",
        "sampled",
        "CPU-s",
        "CPU-s, again",
        "wall",
        "wall, again",
        "R-hat, worst",
        "ESS, worst",
        "rungs",
        "converged",
        "MB",
    )
    return "\n\n".join(
        (
            "## Whole fits with the product's model",
            "`fit(data)` with its defaults: choice of the response form, peak, sampling, every gate, on simulated"
            " panels. CPU and wall time are those of a fresh process, imports included, compiled kernel on disk;"
            ' "again" is a second fit in that process, which a resident worker would see. Wall time is that of the'
            " machine as it was loaded. R-hat and ESS (bulk or tail) are the worst of every sampled"
            " parameter. Memory is the largest resident size of the process.",
            _table(head, lines),
        )
    )


def write(parts: Sequence[str]) -> None:
    """The page in docs."""
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _mark(row: Row) -> str:
    if row.void:
        return " void"
    return " **" if row.rival.r_hat > HOPELESS else " *" if row.rival.r_hat > UNSURE else ""


def _known(figure: float) -> str:
    return "" if np.isnan(figure) else f"{figure:.1f}"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
