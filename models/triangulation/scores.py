"""Errors against a simulated truth, coverage of ranges, and false-alarm rates of the conflict check."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.triangulation.conflicts import conflicts
from models.triangulation.evidence import readings
from models.triangulation.priors import EvidencePriors
from models.triangulation.sampler import SamplerSettings, sample
from models.triangulation.worlds import World, WorldSpec, from_priors, simulate

LEVEL = 0.90
SMALLEST = 0.05


@dataclass(frozen=True)
class Score:
    """Errors over replicates x channels: `rmse` of log iROAS per method, `coverage` of the model's 90 %
    range.

    `best_single` is the least rmse among sensors taken at their word (MMM, platform, newest test where
    there is one and the MMM elsewhere). `untested_*` look at channels without a test. `diverging` is the
    share of divergent draws, `r_hat` and `ess` the worst of all fits, `seconds` is left to the caller:
    models read no clock.
    """

    rmse: dict[str, float]
    coverage: float
    untested_rmse: float
    untested_coverage: float
    diverging: float
    r_hat: float
    ess: float

    @property
    def best_single(self) -> float:
        return min(self.rmse[name] for name in ("mmm", "platform", "newest test"))


def score(spec: WorldSpec, *, replicates: int, seed: int, settings: SamplerSettings | None = None) -> Score:
    """The evidence model against single sensors over fresh worlds; each replicate has its own seed."""
    errors: dict[str, list[np.ndarray]] = {"triangulated": [], "mmm": [], "platform": [], "newest test": []}
    held, untested, health = [], [], []
    for replicate in range(replicates):
        world = simulate(spec, np.random.default_rng([seed, replicate]))
        read = readings(world.evidence, mmm=world.mmm)
        drawn = sample(read, EvidencePriors(), settings or SamplerSettings(), seed=seed + replicate)
        truth = np.log(world.theta)
        low, high = np.quantile(drawn.eta, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        errors["triangulated"].append(drawn.eta.mean(axis=0) - truth)
        for name, reading in _sensors(world).items():
            errors[name].append(reading - truth)
        held.append((low <= truth) & (truth <= high))
        untested.append(~world.tested)
        health.append(drawn.convergence)
    covered, bare = np.concatenate(held), np.concatenate(untested)
    ours = np.concatenate(errors["triangulated"])
    return Score(
        rmse={name: float(np.sqrt(np.mean(np.concatenate(gap) ** 2))) for name, gap in errors.items()},
        coverage=float(covered.mean()),
        untested_rmse=float(np.sqrt(np.mean(ours[bare] ** 2))) if bare.any() else float("nan"),
        untested_coverage=float(covered[bare].mean()) if bare.any() else float("nan"),
        diverging=sum(h.divergences for h in health) / sum(h.draws for h in health),
        r_hat=max(h.r_hat for h in health),
        ess=min(h.ess_bulk for h in health),
    )


def alarms(spec: WorldSpec, *, replicates: int, seed: int) -> tuple[float, float]:
    """Shares of tests flagged (p < .05): among sound tests (false alarms), and of the botched first one (found)."""
    false: list[bool] = []
    detected: list[bool] = []
    for replicate in range(replicates):
        world = simulate(spec, np.random.default_rng([seed, replicate]))
        read = readings(world.evidence, mmm=world.mmm)
        beliefs = EvidencePriors()
        drawn = sample(read, beliefs, SamplerSettings(draws=500), seed=seed + replicate)
        table = conflicts(read, beliefs, drawn, seed=seed + replicate, kinds=("experiment",))
        for method, p in table.select("method", "p").iter_rows():
            (detected if spec.botched and method == "test_0" else false).append(p < 0.05)
    return float(np.mean(false)), float(np.mean(detected)) if detected else float("nan")


def rank_uniformity(*, replicates: int, channels: int, tests: int, seed: int, bins: int = 10) -> np.ndarray:
    """Simulation-based calibration: how often the truth's posterior rank falls in each of `bins` equal bins.

    One channel per replicate, since channels of one world share biases. Uniform counts mean that ranges have
    their stated coverage when the priors are right. Source: Talts et al. (2018).
    """
    counts = np.zeros(bins)
    for replicate in range(replicates):
        generator = np.random.default_rng([seed, replicate])
        world = from_priors(channels, tests, EvidencePriors(), generator)
        drawn = sample(
            readings(world.evidence, mmm=world.mmm), EvidencePriors(), SamplerSettings(draws=500), seed=seed + replicate
        )
        channel = int(generator.integers(channels))
        # Thinned so that neighbouring draws do not sharpen the rank by being alike.
        rank = float(np.mean(np.exp(drawn.eta[::10, channel]) < world.theta[channel]))
        counts[min(int(rank * bins), bins - 1)] += 1
    return counts


def _sensors(world: World) -> dict[str, np.ndarray]:
    platform = world.evidence.filter(method="platform").sort("channel")["iroas"].log().to_numpy()
    newest = world.mmm.mean.copy()
    tests = world.evidence.filter(kind="experiment").sort("age_days", descending=True)
    for channel, iroas in tests.select("channel", "iroas").iter_rows():
        # The log of a reading at or below zero does not exist; the floor is what such a method would print.
        newest[world.channels.index(channel)] = np.log(max(iroas, SMALLEST))
    return {"mmm": world.mmm.mean, "platform": platform, "newest test": newest}
