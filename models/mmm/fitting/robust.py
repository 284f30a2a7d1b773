"""Rows that no Normal noise would produce: found at the peak, and weighed down as Student-t noise would weigh them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.mmm.engine import laplace
from models.mmm.engine import layout as blocks
from models.mmm.model.build import Design
from models.mmm.model.lift_tests import Calibration
from models.mmm.result.posterior import from_kernel, linear_sums, media_sums
from models.warning import Warning

FREEDOM = 4.0  # degrees of freedom of the implied Student-t noise
KURTOSIS_Z, SINGLE = 4.0, 4.5  # how many standard errors of excess kurtosis, or how wild a single row, starts it
ROUNDS = 3


def reweigh(
    plan: Design, tests: Calibration, block: np.ndarray, peak: laplace.Peak
) -> tuple[Design, np.ndarray, laplace.Peak, list[Warning]]:
    """Design, block and peak with wild rows weighed down, or as they came when there are none.

    The weights are those of the Student-t's EM step at the peak and are then held fixed: close to Student-t noise
    for the centre, without its own uncertainty. `MMMSpec(likelihood="student_t")` gives the exact model.
    """
    z = residuals(plan, block, peak.mode)
    kurtosis = float((z**4).mean() / (z**2).mean() ** 2 - 3)
    wild = float(np.abs(z).max())
    if kurtosis / np.sqrt(24 / z.size) < KURTOSIS_Z and wild < SINGLE + 0.5 * np.log10(z.size / 100):
        return plan, block, peak, []
    plain = plan.weight
    for _ in range(ROUNDS):
        plan = replace(plan, weight=plain * np.sqrt((FREEDOM + 1) / (FREEDOM + z**2)))
        block = blocks.build(plan, tests)
        peak = laplace.peak(block, peak.mode, blocks.names(plan))
        z = residuals(plan, block, peak.mode) * plain / plan.weight
    hit = np.argsort(-np.abs(z).ravel())[:3]
    when = ", ".join(str(plan.data.dates[i % z.shape[1]]) for i in hit)
    return plan, block, peak, [Warning(
        "heavy_tailed_noise", "low", plan.data.kpi_name,
        f"Some periods lie far from anything the model can explain (most of all {when}); they were given less weight.",
        "Name what happened there as an event control; if these rows are wrong, correct them.",
    )]  # fmt: skip


def residuals(plan: Design, block: np.ndarray, mode: np.ndarray) -> np.ndarray:
    """Standardised residuals (G, T) at one point, with the linear part at its conditional mean."""
    many = 64  # averages the conditional draws of the linear part; its own noise is far below sigma
    draws = from_kernel(np.repeat(mode[None, None, :], many, axis=1), block, plan, seed=0)
    geos, periods = plan.y.shape
    labels = np.arange(geos * periods).reshape(geos, periods)
    one = draws.thin(1)
    media = media_sums(plan, one, plan.media, labels, geos * periods)[0].sum(axis=1)
    linear = linear_sums(plan, replace(one, linear=draws.linear.mean(axis=0)[None]), labels, geos * periods)[1][0].sum(
        axis=1
    )
    gap = plan.data.kpi.ravel() - media - linear
    scaled = gap.reshape(geos, periods) / (plan.scales.size[:, None] * plan.scales.kpi) * plan.weight
    if plan.week_effects:  # a shock that hit every region is not a wild row
        scaled = scaled - scaled.mean(axis=0)
    return np.asarray(scaled / np.sqrt((scaled**2).mean()))
