"""What a whole fit costs, from a small country to fifty regions: each size in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.mmm.peer_fit import cpu_seconds, peak_memory_mb


@dataclass(frozen=True)
class Size:
    """A simulated panel: regions, periods, channels, days per period."""

    name: str
    geos: int
    periods: int
    channels: int
    days: int = 7


@dataclass(frozen=True)
class Measured:
    """What a fit of one size cost and whether it passed its gates."""

    name: str
    parameters: int
    cpu: float
    wall: float
    again: float
    again_cpu: float
    r_hat: float
    ess: float
    rungs: int
    converged: bool
    memory_mb: float


SIZES = (
    Size("156 weeks, 8 channels", 1, 156, 8),
    Size("20 regions, 156 weeks, 4 channels", 20, 156, 4),
    Size("50 regions, 208 weeks, 10 channels", 50, 208, 10),
    Size("50 regions, 1095 days, 10 channels", 50, 1095, 10, days=1),
)


def frame(size: Size, seed: int = 1) -> pl.DataFrame:
    """Weekly sales of regions with their own size, taste and flights; noise of 5 %, half of it shared by all."""
    rng = np.random.default_rng(seed)
    t = np.arange(size.periods)
    year = 2 * np.pi * t * size.days / 365.25
    shock = rng.normal(0, 0.035, size.periods)
    weights = rng.uniform(0.2, 0.7, size.channels)
    share = np.exp(rng.normal(0, 0.4, size.channels))
    share *= 0.3 / share.sum()
    bend = rng.uniform(0.5, 2.0, size.channels)
    dates = [date(2021, 1, 4) + timedelta(days=size.days * int(i)) for i in t]
    parts = []
    for g in range(size.geos):
        people = float(np.exp(rng.normal(0, 0.5))) * 1e6
        kpi = 1 + 0.08 * np.sin(year) + 0.05 * t / size.periods + shock + rng.normal(0, 0.035, size.periods)
        spends = {}
        for c in range(size.channels):
            x = np.exp(rng.normal(0, 0.7, size.periods)) * (rng.random(size.periods) > 0.25)
            stock, level = np.empty(size.periods), 0.0
            for i in t:
                level = weights[c] * level + (1 - weights[c]) * x[i]
                stock[i] = level
            effect = np.tanh(stock * bend[c] / 2)
            kpi = kpi + share[c] * np.exp(rng.normal(0, 0.2)) * effect / effect.mean()
            spends[f"channel_{c}"] = x * people * 0.01 * share[c] / 0.03
        parts.append(
            pl.DataFrame(
                {
                    "geo": [f"region_{g:02d}"] * size.periods,
                    "date": dates,
                    "kpi": kpi * people,
                    "population": [people] * size.periods,
                    **spends,
                }
            )
        )
    return pl.concat(parts)


def measured(size: Size) -> Measured:
    """The fit of one size in a fresh process."""
    began = time.monotonic()
    done = subprocess.run(  # the size is the only argument
        [sys.executable, "-m", "benchmarks.mmm.scale", json.dumps(asdict(size))],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the fit of {size.name} stopped:\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    found["wall"] = time.monotonic() - began - found.pop("second")
    return Measured(**found)


def main() -> None:
    """One fit, then a second one where it is quick; a line of JSON."""
    size = Size(**json.loads(sys.argv[1]))
    from models.mmm import MMMData, fit

    many = size.geos > 1
    data = MMMData.from_frame(
        frame(size),
        date="date",
        kpi="kpi",
        geo="geo" if many else None,
        population="population" if many else None,
        spend={f"channel_{c}": f"channel_{c}" for c in range(size.channels)},
    )
    done = fit(data, seed=1)
    cpu, began = cpu_seconds(), time.monotonic()
    if not many:
        fit(data, seed=2)
    second, second_cpu = time.monotonic() - began, cpu_seconds() - cpu
    print(
        json.dumps(
            {
                "name": size.name,
                "parameters": len(done.draws.names),
                "cpu": cpu,
                "second": second,
                "again": second if not many else float("nan"),
                "again_cpu": second_cpu if not many else float("nan"),
                "r_hat": float(done.checks["r_hat"].to_numpy().max()),
                "ess": float(done.checks.select("ess_bulk", "ess_tail").to_numpy().min()),
                "rungs": sum("sampled" in step for step in done.decisions),
                "converged": done.converged,
                "memory_mb": peak_memory_mb(),
            }
        )
    )


if __name__ == "__main__":
    main()
