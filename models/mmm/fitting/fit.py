"""From data and spec to a checked fit: pick the form, find the peak, sample, climb the ladder, ask the gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from models.mmm.checks import after_sampling, before_sampling, changing_effects, endogeneity, lift_test_conflicts
from models.mmm.engine import laplace, nuts, reparametrisation
from models.mmm.engine import layout as blocks
from models.mmm.fitting import adjustments, engine_choice, robust
from models.mmm.fitting.form_selection import choose_form, plain_form
from models.mmm.model.build import Design, Form, Scales, design
from models.mmm.model.lift_tests import Calibration, Experiment, calibrate
from models.mmm.panel.panel import MMMData
from models.mmm.result.fit import MMMFit
from models.mmm.result.posterior import from_kernel
from models.mmm.spec import MMMSpec, Sampling
from models.warning import Warning


def fit(data: MMMData, spec: MMMSpec | None = None, *, experiments: Sequence[Experiment] = (), seed: int) -> MMMFit:
    """The MMM of `data` under `spec`, with `experiments` as part of the likelihood.

    Returns a fit whatever the gates say: ask `fit.converged` and `fit.warnings()` before using a number. Raises
    ValueError for data no model should be fitted on.
    """
    return fit_with(data, spec or MMMSpec(), experiments=experiments, seed=seed)


def fit_with(
    data: MMMData, spec: MMMSpec, *, experiments: Sequence[Experiment] = (), seed: int,
    scales: Scales | None = None, form: Form | None = None,
) -> MMMFit:  # fmt: skip
    """`fit` under frozen scales or a fixed form, as refresh and falsification need it."""
    before_sampling.refuse_too_few_rows(data)
    decisions: list[str] = []
    findings: list[Warning] = []
    missing = engine_choice.unsupported(spec, data)
    if form is None and engine_choice.own_response(spec, data):
        form = plain_form(data, spec)
        decisions.append(f"the {form.saturation} curve with {form.adstock} carryover, without a search over forms")
    chosen, notes = (form, []) if form else choose_form(data, spec, experiments, scales)
    findings += notes
    decisions += [w.message for w in notes]
    plan = design(data, spec, chosen, scales=scales)
    findings = before_sampling.check(plan) + findings
    if missing:
        from models.mmm.fitting.pymc_fit import fit_reference

        return fit_reference(plan, experiments, findings=findings, decisions=decisions, seed=seed)
    tests = calibrate(data, plan.media, plan.scales, experiments)
    if experiments and not plan.form.hidden:
        suspects, notes = lift_test_conflicts.findings(lift_test_conflicts.against_the_data(plan, tests, seed=seed))
        findings += notes
        decisions += [w.message for w in notes]
        plan = design(data, spec, replace(plan.form, hidden=suspects), scales=plan.scales)
    block = blocks.build(plan, tests)
    peak = laplace.peak(block, laplace.start(plan), blocks.names(plan))
    plan, block, peak, note = _wider_prior(plan, block, peak, tests)
    findings += note
    decisions += [w.message for w in note]
    plan, block, peak, note = adjustments.free_negative(plan, block, peak, tests)
    findings += note
    decisions += [w.message for w in note if w.severity == "high"]
    if spec.likelihood == "auto":
        plan, block, peak, note = robust.reweigh(plan, tests, block, peak)
        findings += note
        decisions += [w.message for w in note]
    run, table, problems, steps = climb(block, peak, plan, spec.sampling, seed=seed)
    decisions += steps
    if problems:
        findings.append(after_sampling.not_converged(problems, decisions))
    draws = from_kernel(run.theta, block, plan, seed=seed)
    reason = engine_choice.engine_reason(missing)
    done = MMMFit(plan, draws, "kernel", reason, tuple(decisions), tuple(experiments), table, tuple(findings), seed)
    return replace(
        done, findings=(*findings, *after_sampling.check(done), *endogeneity.check(done), *changing_effects.check(done))
    )


def climb(
    block: np.ndarray, peak: laplace.Peak, plan: Design, asked: Sampling, *, seed: int
) -> tuple[nuts.Run, pl.DataFrame, list[str], list[str]]:
    """Sample; while a gate fails, sample longer with the last run's covariance, then unwhitened. Every step is
    recorded.
    """
    names = blocks.names(plan)
    n = len(names)
    steps: list[str] = []
    rungs = (
        ("whitened by the peak", asked),
        ("longer, whitened by the last draws", asked.model_copy(update={
            "tune": asked.tune + 200, "draws": asked.draws * 2, "target_accept": max(asked.target_accept, 0.98)})),
        ("longest, own adaptation", asked.model_copy(update={
            "tune": 1500, "draws": asked.draws * 4, "target_accept": max(asked.target_accept, 0.99)})),
    )  # fmt: skip
    lean = reparametrisation.lean(peak, plan)
    centre, factor = peak.mode, lean.factor(peak)
    for number, (label, settings) in enumerate(rungs):
        try:
            run = nuts.sample(blocks.with_map(block, centre, factor, lean), n, settings, seed=seed + number)
        except RuntimeError as broken:  # nutpie finds no point with a finite density: the map is bad, not the model
            steps.append(f"{label}: the sampler found no start ({str(broken).splitlines()[0]})")
            factor = np.diag(np.sqrt(np.diag(peak.factor @ peak.factor.T))) * 0.5
            if number + 1 == len(rungs):
                raise ValueError(
                    "the sampler found no values of the unknowns under which these data are possible: look for a KPI or"
                    " spend column with values of another unit or sign, or fix the form of the response in MMMSpec"
                ) from broken
            continue
        table = after_sampling.convergence_table(run.theta, names)
        problems = after_sampling.failures(table, run)
        steps.append(
            f"sampled {settings.chains} x ({settings.tune} + {settings.draws}), {label}: "
            + ("converged" if not problems else "; ".join(problems))
        )
        if not problems:
            break
        flat = run.theta.reshape(-1, n)
        flat = lean.straight(flat, flat.mean(axis=0))
        centre = flat.mean(axis=0)
        spread = np.cov(flat.T) + 1e-8 * np.eye(n)
        factor = np.linalg.cholesky(spread) if number == 0 else np.diag(np.sqrt(np.diag(spread)))
    return run, table, problems, steps


def _wider_prior(
    plan: Design, block: np.ndarray, peak: laplace.Peak, tests: Calibration
) -> tuple[Design, np.ndarray, laplace.Peak, list[Warning]]:
    """Where the peak lies far outside the default belief, the belief was too narrow: doubled once, and said."""
    at = blocks.names(plan).index(f"effect[{plan.data.media_names[0]}]")
    default = np.array([
        basis == "iroas" and name not in plan.spec.channels
        for basis, name in zip(plan.effect.basis, plan.data.media_names, strict=True)
    ])  # fmt: skip
    away = np.abs(peak.mode[at : at + len(default)] - plan.effect.mu) / plan.effect.sd
    far = default & (away > 2.0)
    if not far.any():
        return plan, block, peak, []
    wider = design(plan.data, plan.spec, plan.form, scales=plan.scales, sigma=2 * plan.spec.iroas.sigma)
    block = blocks.build(wider, tests)
    who = ", ".join(n for n, f in zip(plan.data.media_names, far, strict=True) if f)
    return wider, block, laplace.peak(block, peak.mode, blocks.names(wider)), [Warning(
        "prior_widened", "medium", who,
        f"The data put {who} far outside the usual range of returns, so the belief about all channels was made twice"
        " as wide.",
        "Check units of spend and KPI; if they are right, state the plausible iROAS of this business in MMMSpec.",
    )]  # fmt: skip
