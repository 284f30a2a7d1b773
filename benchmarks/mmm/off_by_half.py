"""Is the stated probability that a number is off by more than half true? Truths are drawn from the prior.

Run: python -m benchmarks.mmm.off_by_half [--replicates N]. Only where truths follow the prior must a right probability
come true as often as it says: worlds whose truths all lie near the middle of the prior would make any probability look
too high. Each replicate is fitted as `fit` does, once with independent noise, as the model assumes, and once with noise
of autocorrelation .5 and the same spread, for which `residuals.memory` is there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import polars as pl

from benchmarks.mmm.sbc import PANELS, SETTINGS, simulated, template
from models.mmm import MMMFit
from models.mmm.checks import residuals
from models.mmm.checks.after_sampling import off_by_half
from models.mmm.engine import layout
from models.mmm.engine.parameters import names
from models.mmm.model.design import Design
from models.mmm.result.fit import contraction
from models.mmm.result.posterior import from_kernel

PERSISTENCE = (0.0, 0.5)
BANDS = (0.0, 0.05, 0.15, 0.35, 1.0)
FAR = 0.5


@dataclass(frozen=True)
class Judged:
    """One channel of one world: probability stated by each rule, and whether its mean is off by more than half."""

    persistence: float
    stated: dict[str, float]
    off: bool


def as_sampled(fit: MMMFit) -> np.ndarray:
    """No allowance for autocorrelated residuals."""
    return _share_far(fit, fit.incremental())


def data_spread(fit: MMMFit) -> np.ndarray:
    """Autocorrelated residuals lower the precision that comes from the data, not that of the prior; on logarithms."""
    from_data = np.clip(contraction(fit), 0.0, 1.0)
    factor = 1 / np.sqrt(1 - from_data + from_data / residuals.memory(fit) ** 2)
    draws = fit.incremental()
    median = np.median(draws, axis=0)
    return _share_far(fit, median * (draws / median) ** factor)


def _share_far(fit: MMMFit, possible: np.ndarray) -> np.ndarray:
    middle = fit.incremental().mean(axis=0)
    return np.asarray((np.abs(middle - possible) > FAR * np.abs(possible)).mean(axis=0))


RULES: dict[str, Callable[[MMMFit], np.ndarray]] = {
    "draws as sampled": as_sampled,
    "only the data's part spread": data_spread,
    "in use: all draws spread": off_by_half,
}


def fitted(plan: Design, kpi: np.ndarray, seed: int) -> MMMFit | None:
    """The fit of one simulated KPI (G, T) in model units; None when a gate of convergence failed."""
    from models.mmm.engine import laplace
    from models.mmm.fitting.sampling import sample_until_converged

    unit = plan.scales.size * plan.scales.kpi
    world = replace(plan, y=kpi, data=replace(plan.data, kpi=kpi * unit[:, None]))
    block = layout.build(world)
    peak = laplace.peak(block, laplace.start(world), names(world))
    sampled = sample_until_converged(block, peak, world, SETTINGS, seed=seed)
    if sampled.problems:
        return None
    draws = from_kernel(sampled.run.theta, block, world, seed=seed)
    return MMMFit(world, draws, "kernel", "", (), (), sampled.table, (), seed)


def judged(replicates: int, seed: int) -> Iterator[Judged]:
    """Every channel of every world whose fit converged."""
    size, form = PANELS["one country"]
    plan = template(size, form)
    at = [names(plan).index(f"effect[{c}]") for c in plan.data.media_names]
    for number in range(replicates):
        for persistence in PERSISTENCE:
            rng = np.random.default_rng((seed, number))
            theta, _, kpi = simulated(plan, rng, persistence)
            found = fitted(plan, kpi, seed + number)
            if found is None:
                continue
            truth = np.exp(theta[at]) * plan.cells * plan.scales.kpi
            off = np.abs(found.incremental().mean(axis=0) - truth) > FAR * truth
            stated = {name: rule(found) for name, rule in RULES.items()}
            for c, wrong in enumerate(off):
                yield Judged(persistence, {name: float(values[c]) for name, values in stated.items()}, bool(wrong))


def table(rows: list[Judged]) -> pl.DataFrame:
    """Per noise and rule: how many channels each band of stated probability holds, mean stated, share truly off."""
    lines = []
    for persistence in PERSISTENCE:
        for rule in RULES:
            for low, high in [*pairwise(BANDS), (0.0, 1.0)]:
                chosen = [r for r in rows if r.persistence == persistence and low <= r.stated[rule] <= high]
                if chosen:
                    stated = float(np.mean([r.stated[rule] for r in chosen]))
                    off = float(np.mean([r.off for r in chosen]))
                    lines.append((persistence, rule, f"{low:.2f} to {high:.2f}", len(chosen), stated, off))
    columns = ["autocorrelation", "rule", "stated", "channels", "mean_stated", "truly_off"]
    return pl.DataFrame(lines, schema=columns, orient="row")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    rows = list(judged(chosen.replicates, chosen.seed))
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=160, float_precision=3):
        print(table(rows))


if __name__ == "__main__":
    main()
