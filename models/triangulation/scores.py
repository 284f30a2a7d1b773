"""Errors against a simulated truth, coverage of ranges, and false-alarm rates of the conflict check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.triangulation.posterior import Triangulation, combine
from models.triangulation.priors import EvidencePriors
from models.triangulation.worlds import World, WorldSpec, simulate

LEVEL = 0.90
SMALLEST = 0.1  # truth and estimate are floored here before logarithms are compared, so that useless channels count


@dataclass(frozen=True)
class Score:
    """Errors over replicates x channels: `rmse` of log iROAS of the printed mean per method, `coverage` of the model's
    90 % range.

    `best_single` is the least rmse among sensors taken at their word (MMM, platform, newest test where there is one and
    the MMM elsewhere). `untested_*` look at channels without a test, `useless_coverage` at those whose true iROAS is
    below 0.1. `ess` is the least effective number of draws, `moved` the share of fits that needed Gibbs steps.
    """

    rmse: Mapping[str, float]
    coverage: float
    untested_rmse: float
    untested_coverage: float
    useless_coverage: float
    ess: float
    moved: float

    @property
    def best_single(self) -> float:
        return min(self.rmse[name] for name in ("mmm", "platform", "newest test"))


def score(spec: WorldSpec, *, replicates: int, seed: int, priors: EvidencePriors | None = None) -> Score:
    """The evidence model against single sensors over fresh worlds; each replicate has its own seed."""
    errors: dict[str, list[np.ndarray]] = {"triangulated": [], "mmm": [], "platform": [], "newest test": []}
    covered, bare, useless, health = [], [], [], []
    for replicate in range(replicates):
        world, result = _combined(spec, seed, replicate, priors)
        low, high = result.estimates["q05"].to_numpy(), result.estimates["q95"].to_numpy()
        errors["triangulated"].append(_log(result.estimates["mean"].to_numpy()) - _log(world.theta))
        for name, reading in _sensors(world).items():
            errors[name].append(_log(reading) - _log(world.theta))
        covered.append((low <= world.theta) & (world.theta <= high))
        bare.append(~world.tested)
        useless.append(world.theta < SMALLEST)
        health.append(result.convergence)
    inside, untested, without = np.concatenate(covered), np.concatenate(bare), np.concatenate(useless)
    ours = np.concatenate(errors["triangulated"])
    return Score(
        rmse={name: float(np.sqrt(np.mean(np.concatenate(gap) ** 2))) for name, gap in errors.items()},
        coverage=float(inside.mean()),
        untested_rmse=float(np.sqrt(np.mean(ours[untested] ** 2))) if untested.any() else float("nan"),
        untested_coverage=float(inside[untested].mean()) if untested.any() else float("nan"),
        useless_coverage=float(inside[without].mean()) if without.any() else float("nan"),
        ess=min(h.ess for h in health),
        moved=float(np.mean([h.method == "moved" for h in health])),
    )


def alarms(spec: WorldSpec, *, replicates: int, seed: int) -> tuple[float, float]:
    """Shares of tests flagged (p < .05): among sound tests (false alarms), and of the botched first one (found)."""
    false: list[bool] = []
    detected: list[bool] = []
    for replicate in range(replicates):
        _, result = _combined(spec, seed, replicate, None)
        for method, p in result.conflicts.filter(kind="experiment").select("method", "p").iter_rows():
            (detected if spec.botched and method == "test_0" else false).append(p < 0.05)
    return float(np.mean(false)), float(np.mean(detected)) if detected else float("nan")


def _combined(spec: WorldSpec, seed: int, replicate: int, priors: EvidencePriors | None) -> tuple[World, Triangulation]:
    world = simulate(spec, np.random.default_rng([seed, replicate]))
    return world, combine(
        world.evidence,
        mmm=world.mmm,
        classes=world.classes,
        margin=world.margin,
        priors=priors,
        seed=seed + replicate,
    )


def _log(iroas: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.maximum(iroas, SMALLEST)))


def _sensors(world: World) -> dict[str, np.ndarray]:
    platform = world.evidence.filter(method="platform").sort("channel")["iroas"].to_numpy()
    mmm = world.mmm.returns.mean(axis=0)
    newest = mmm.copy()
    tests = world.evidence.filter(kind="experiment").sort("age_days", descending=True)
    for channel, iroas in tests.select("channel", "iroas").iter_rows():
        newest[world.channels.index(channel)] = iroas
    return {"mmm": mmm, "platform": platform, "newest test": newest}
