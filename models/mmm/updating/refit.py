"""A sampled fit of new data that starts from an earlier fit: from its draws (warm), or from its form alone (cold)."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from models.mmm.checks import after_sampling, before_sampling, changing_effects, endogeneity
from models.mmm.engine import laplace
from models.mmm.engine import layout as blocks
from models.mmm.fitting.fit import climb, fit_with
from models.mmm.model.build import Design
from models.mmm.model.lift_tests import calibrate
from models.mmm.panel.panel import MMMData
from models.mmm.result.fit import MMMFit
from models.mmm.result.posterior import Posterior, from_kernel
from models.mmm.result.refreshed import Path, Refreshed

LASTING = (
    "shape_chosen_by_data",
    "prior_widened",
    "heavy_tailed_noise",
    "effect_below_zero",
    "effect_near_zero",
    "experiment_conflict",
)  # what was chosen or found once and holds for a refreshed fit too
WARM_TUNE = 100  # the map is known already: tuning only finds the step size


def cold(fit: MMMFit, data: MMMData, *, seed: int, fresh: bool) -> Refreshed:
    """Everything anew but the response form; with `fresh` scales, knots and season are laid out anew as well."""
    done = fit_with(
        data, fit.spec, experiments=fit.experiments, seed=seed, scales=None if fresh else fit.design.scales,
        form=fit.design.form,
    )  # fmt: skip
    return _as_refreshed(done, "cold refit")


def warm(fit: MMMFit, weighted: Posterior | None, plan: Design, *, seed: int) -> Refreshed:
    """Sampled anew under `plan`, whitened by the earlier draws (re-weighted where they were); same gates as any fit."""
    draws = weighted or fit.draws
    block = blocks.build(plan, calibrate(plan.data, plan.media, plan.scales, fit.experiments))
    flat = draws.sampled.reshape(draws.count, -1)
    spread = np.cov(flat.T) + 1e-8 * np.eye(flat.shape[1])
    start = laplace.Peak(flat.mean(axis=0), np.linalg.cholesky(spread), float("nan"), 0, True)
    settings = fit.spec.sampling.model_copy(update={"tune": WARM_TUNE})
    run, table, problems, steps = climb(block, start, plan, settings, seed=seed)
    inherited = [w for w in fit.findings if w.code in LASTING]
    findings = [*before_sampling.check(plan), *inherited]
    if problems:
        findings.append(after_sampling.not_converged(problems, steps))
    plain = MMMFit(**{f.name: getattr(fit, f.name) for f in fields(MMMFit)})
    done = replace(plain, design=plan, draws=from_kernel(run.theta, block, plan, seed=seed), decisions=tuple(steps),
                   checks=table, findings=tuple(findings), seed=seed)  # fmt: skip
    findings += [*after_sampling.check(done), *endogeneity.check(done), *changing_effects.check(done)]
    return _as_refreshed(replace(done, findings=tuple(findings)), "warm refit")


def _as_refreshed(fit: MMMFit, path: Path) -> Refreshed:
    parts: dict[str, Any] = {f.name: getattr(fit, f.name) for f in fields(MMMFit)}
    return Refreshed(**parts, path=path)
