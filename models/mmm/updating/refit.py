"""A sampled fit of new data that starts from an earlier fit: from its draws (warm), or from its form alone (cold)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.mmm.checks import after_sampling, before_sampling
from models.mmm.engine import convergence, laplace, layout
from models.mmm.fitting.fit import fit_with
from models.mmm.fitting.sampling import sample_until_converged
from models.mmm.model.design import Design
from models.mmm.model.lift_tests import calibrate
from models.mmm.panel.panel import MMMData
from models.mmm.result.fit import Lineage, MMMFit
from models.mmm.result.posterior import Posterior, from_kernel

LASTING = (
    "shape_chosen_by_data",
    "prior_widened",
    "heavy_tailed_noise",
    "effect_below_zero",
    "effect_near_zero",
    "experiment_conflict",
    "test_outside_belief",
)  # chosen or found once, and valid for a refreshed fit too
WARM_TUNE = 100  # the covariance is given: tuning only finds the step size


def cold(fit: MMMFit, data: MMMData, *, reason: str, seed: int, fresh: bool) -> MMMFit:
    """A new fit with the same response form; with `fresh`, scales, knots and season are set up again as well."""
    refitted = fit_with(
        data,
        fit.spec,
        experiments=fit.experiments,
        seed=seed,
        scales=None if fresh else fit.design.scales,
        form=fit.design.form,
    )
    return _with_lineage(refitted, Lineage(path="cold refit", reason=reason))


def warm(fit: MMMFit, weighted: Posterior | None, design: Design, *, reason: str, seed: int) -> MMMFit:
    """Sampled again under `design`, whitened by the earlier draws, or by `weighted` ones; same gates as any fit."""
    draws = weighted or fit.draws
    block = layout.build(design, calibrate(design.data, design.media, design.scales, fit.experiments))
    flat = draws.sampled.reshape(draws.count, -1)
    spread = np.cov(flat.T) + 1e-8 * np.eye(flat.shape[1])
    start = laplace.Peak(flat.mean(axis=0), np.linalg.cholesky(spread), float("nan"), 0, True)
    settings = fit.spec.sampling.model_copy(update={"tune": WARM_TUNE})
    sampled = sample_until_converged(block, start, design, settings, seed=seed)
    findings = [*before_sampling.check(design), *(w for w in fit.findings if w.code in LASTING)]
    if sampled.problems:
        findings.append(convergence.not_converged(sampled.problems, sampled.attempts))
    refitted = MMMFit(
        design=design,
        draws=from_kernel(sampled.run.theta, block, design, seed=seed),
        engine=fit.engine,
        engine_reason=fit.engine_reason,
        decisions=sampled.attempts,
        experiments=fit.experiments,
        checks=sampled.table,
        known_findings=tuple(findings),
        seed=seed,
    )
    refitted = replace(refitted, known_findings=(*findings, *after_sampling.check(refitted)))
    return _with_lineage(refitted, Lineage(path="warm refit", reason=reason))


def _with_lineage(fit: MMMFit, lineage: Lineage) -> MMMFit:
    """The fit with its lineage, which is also its last decision."""
    decision = f"refitted ({lineage.path}): {lineage.reason}"
    return replace(fit, lineage=lineage, decisions=(*fit.decisions, decision))
