"""From data and spec to a checked fit, step by step; each step is a function of its own module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.mmm.checks import after_sampling, before_sampling
from models.mmm.engine import convergence
from models.mmm.fitting import engine_choice
from models.mmm.fitting.adjustments import ADJUSTMENTS, ONLY_REPORTED, first_candidate
from models.mmm.fitting.form_selection import choose_form, plain_form
from models.mmm.fitting.sampling import sample_until_converged
from models.mmm.model.build import design as build_design
from models.mmm.model.design import Form, Scales
from models.mmm.model.lift_tests import Experiment, calibrate
from models.mmm.panel.panel import MMMData
from models.mmm.result.fit import MMMFit
from models.mmm.result.posterior import from_kernel
from models.mmm.spec import MMMSpec
from models.warning import Warning


def fit(data: MMMData, spec: MMMSpec | None = None, *, experiments: Sequence[Experiment] = (), seed: int) -> MMMFit:
    """The MMM of `data` under `spec`, with `experiments` as part of the likelihood.

    Returns a fit whether or not the gates pass: read `fit.converged` and `fit.warnings()` before using a number.
    Raises ValueError for data no model should be fitted on.
    """
    return fit_with(data, spec or MMMSpec(), experiments=experiments, seed=seed)


def fit_with(
    data: MMMData,
    spec: MMMSpec,
    *,
    experiments: Sequence[Experiment] = (),
    seed: int,
    scales: Scales | None = None,
    form: Form | None = None,
) -> MMMFit:
    """`fit` under frozen scales or a fixed form, as refresh and falsification need it."""
    before_sampling.refuse_too_few_rows(data)
    form, form_findings, decisions = _form(data, spec, experiments, scales, form)
    design = build_design(data, spec, form, scales=scales)
    findings = [*before_sampling.check(design), *form_findings]
    missing = engine_choice.unsupported(spec, data)
    if missing:
        from models.mmm.fitting.pymc_fit import fit_reference

        return fit_reference(design, experiments, findings=findings, decisions=decisions, seed=seed)
    candidate = first_candidate(design, calibrate(data, design.media, design.scales, experiments), seed=seed)
    for adjust in ADJUSTMENTS:
        candidate, notes = adjust(candidate)
        findings += notes
        decisions += [w.message for w in notes if w.code not in ONLY_REPORTED]
    sampled = sample_until_converged(candidate.block, candidate.peak, candidate.design, spec.sampling, seed=seed)
    decisions += sampled.attempts
    if sampled.problems:
        findings.append(convergence.not_converged(sampled.problems, decisions))
    result = MMMFit(
        design=candidate.design,
        draws=from_kernel(sampled.run.theta, candidate.block, candidate.design, seed=seed),
        engine="kernel",
        engine_reason=engine_choice.engine_reason(missing),
        decisions=tuple(decisions),
        experiments=tuple(experiments),
        checks=sampled.table,
        known_findings=tuple(findings),
        seed=seed,
    )
    return replace(result, known_findings=(*findings, *after_sampling.check(result)))


def _form(
    data: MMMData, spec: MMMSpec, experiments: Sequence[Experiment], scales: Scales | None, form: Form | None
) -> tuple[Form, list[Warning], list[str]]:
    """The response form with the findings and decisions of its selection; a given form is used unchanged."""
    if form is not None:
        return form, [], []
    if engine_choice.own_response(spec, data):
        form = plain_form(data, spec)
        words = f"the {form.saturation} curve with {form.adstock} carryover, without a search over forms"
        return form, [], [words]
    form, findings = choose_form(data, spec, experiments, scales)
    return form, findings, [w.message for w in findings]
