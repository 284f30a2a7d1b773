"""What one fit of a case yields, by any package, and Plumbline's fit of it under the peer's own priors."""

from __future__ import annotations

import os
import resource
import sys
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from benchmarks.mmm.peer_cases import Case
from models.mmm import MMMData, MMMSpec
from models.mmm.engine import layout
from models.mmm.engine.parameters import names
from models.mmm.model.baseline import FIXED, Baseline
from models.mmm.model.build import design
from models.mmm.model.design import Design, Form
from models.mmm.spec import Sampling

SETTINGS = Sampling(chains=4, tune=200, draws=1000, target_accept=0.95)
REFEREE = Sampling(chains=4, tune=1000, draws=8000, target_accept=0.99)


@dataclass(frozen=True, eq=False)
class Fitted:
    """roi (chains, draws, C), every sampled parameter (chains, draws, n), costs in CPU-seconds, counts."""

    roi: np.ndarray
    parameters: np.ndarray
    compile_cpu: float
    sample_cpu: float
    divergences: int
    gradients: float
    memory_mb: float
    load: float


def cpu_seconds() -> float:
    """User and system time of this process and its finished children; wall time means nothing on a shared machine."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def peak_memory_mb() -> float:
    """Largest resident size of this process so far."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / 1024 if sys.platform != "darwin" else size / 1024**2


def ours(case: Case, *, seed: int, settings: Sampling = SETTINGS) -> Fitted:
    """One national posterior per region, as the peer's default panel has it; the linear part is drawn exactly."""
    from models.mmm.engine import laplace, nuts, reparametrisation
    from models.mmm.engine.log_density import recover

    load = os.getloadavg()[0]
    plans = [_plan(case, g) for g in range(len(case.kpi))]
    scale = np.abs(case.kpi).max()
    began = cpu_seconds()
    money = np.zeros((settings.chains, settings.draws, case.media.shape[2]))
    parameters, divergences, gradients = [], 0, 0.0
    for number, plan in enumerate(plans):
        block = layout.build(plan, peer=layout.PeerPriors())
        order = names(plan)
        peak = laplace.peak(block, laplace.start(plan), order)
        mapped = reparametrisation.with_map(block, peak.mode, peak.factor)
        run = nuts.sample(mapped, len(order), settings, seed=1000 * seed + number)
        linear, _ = recover(run.theta.reshape(-1, len(order)), block, len(plan.baseline.scale), seed)
        at = order.index(f"effect[{plan.data.media_names[0]}]")
        money += np.exp(run.theta[:, :, at : at + case.media.shape[2]]) * scale * case.kpi.shape[1]
        parameters += [run.theta, linear.reshape(*run.theta.shape[:2], -1)]
        divergences, gradients = divergences + run.divergences, gradients + run.steps / len(plans)
    spent = cpu_seconds() - began
    everything = np.concatenate(parameters, axis=2)
    return Fitted(money / case.money, everything, 0.0, spent, divergences, gradients, peak_memory_mb(), load)


def _plan(case: Case, g: int) -> Design:
    """One region under the peer's scaling: media and KPI by their largest value over all regions, fixed priors."""
    channels = [f"x{c}" for c in range(case.media.shape[2])]
    frame = pl.DataFrame({"date": case.dates, "kpi": case.kpi[g], **dict(zip(channels, case.media[g].T, strict=True))})
    data = MMMData.from_frame(frame, date="date", kpi="kpi", spend={c: c for c in channels})
    form = Form("geometric", "logistic", False, case.taps)
    plain = design(data, MMMSpec(winsorise_spikes=False), form)
    scaled = case.kpi[g] / case.kpi.max()
    columns = np.concatenate([np.ones((1, len(case.dates))), case.controls[g].T, case.harmonics])
    sds = np.array([2.0] * (1 + case.controls.shape[2]) + [1.0] * len(case.harmonics))
    count = len(sds)
    return replace(
        plain,
        y=scaled[None],
        media=np.ascontiguousarray((case.media[g] / case.media.max(axis=(0, 1))).T)[:, None],
        weight=np.ones((1, len(case.dates))),
        baseline=Baseline(
            tuple(f"column_{k}" for k in range(count)),
            ("baseline",) * count,
            columns[:, None],
            sds,
            np.full(count, FIXED),
            (),
        ),
        effect=replace(plain.effect, mu=np.full(len(channels), np.log(0.3 * scaled.mean() / len(channels)))),
        scales=replace(plain.scales, baseline=replace(plain.scales.baseline, movement=float(scaled.std()))),
    )
