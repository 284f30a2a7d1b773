"""Fits from the posterior's peak and curvature alone (Laplace): cheap enough for hundreds, for comparisons only.

No number from here may be reported: nothing was sampled, and no convergence gate was passed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from models.mmm.engine import laplace, layout
from models.mmm.engine.parameters import names
from models.mmm.model.build import design as build_design
from models.mmm.model.design import Design, Form, Scales
from models.mmm.model.effect_prior import IDENTITY_LINK
from models.mmm.model.lift_tests import Calibration
from models.mmm.panel.panel import MMMData
from models.mmm.result.fit import MMMFit
from models.mmm.result.posterior import from_kernel
from models.mmm.spec import MMMSpec

DRAWS = 300
LEFT_OUT = 1e-3  # weight of a row that is left out; its media still carry over into the rows that stay


def peak_of(
    data: MMMData, spec: MMMSpec, form: Form, *, scales: Scales | None = None, without: np.ndarray | None = None
) -> tuple[Design, np.ndarray, laplace.Peak]:
    """Design, block and peak without regional differences and tests; `without` (T,) marks periods to leave out."""
    design = build_design(data, spec.model_copy(update={"geo_effects": False}), form, scales=scales)
    if without is not None:
        design = replace(design, weight=design.weight * np.where(without, LEFT_OUT, 1.0))
    block = layout.build(design, Calibration.none(*design.y.shape))
    return design, block, laplace.peak(block, laplace.start(design))


def returns(
    data: MMMData,
    spec: MMMSpec,
    form: Form,
    scales: Scales | None,
    *,
    begin: np.ndarray | None = None,
    without: np.ndarray | None = None,
) -> np.ndarray:
    """iROAS (P,) at the peak without its curvature, searched from `begin`: the peak of nearly the same model."""
    from scipy.optimize import minimize

    from models.mmm.engine.log_density import core

    design = build_design(data, spec.model_copy(update={"geo_effects": False}), form, scales=scales)
    if without is not None:
        design = replace(design, weight=design.weight * np.where(without, LEFT_OUT, 1.0))
    begin = laplace.start(design) if begin is None else begin
    block, grad, nothing = layout.build(design), np.empty(begin.size), np.empty(0)

    def negative(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value = core(theta, grad, block, nothing)
        good = value > -1e200 and bool(np.isfinite(grad).all())
        return (-value, -grad.copy()) if good else (1e10, np.zeros(grad.size))

    optimum = minimize(negative, begin, jac=True, method="L-BFGS-B", bounds=[(b - 12, b + 12) for b in begin])
    return _in_money(design, optimum.x)


def returns_at(design: Design, peak: laplace.Peak) -> tuple[np.ndarray, np.ndarray]:
    """iROAS (P,) of the paid channels at the peak, and its standard deviation by the curvature."""
    paid = len(design.data.channels)
    at = names(design).index(f"effect[{design.data.media_names[0]}]")
    spread = np.sqrt((peak.factor**2).sum(axis=1))[at : at + paid]
    value = _in_money(design, peak.mode)
    signed = design.effect.kind[:paid] == IDENTITY_LINK
    return value, np.where(signed, spread * design.effect.scale_to_iroas[:paid], value * spread)


def _in_money(design: Design, theta: np.ndarray) -> np.ndarray:
    paid = len(design.data.channels)
    at = names(design).index(f"effect[{design.data.media_names[0]}]")
    mode = theta[at : at + paid]
    signed = design.effect.kind[:paid] == IDENTITY_LINK
    return np.asarray(np.where(signed, mode, np.exp(mode)) * design.effect.scale_to_iroas[:paid])


def peak_fit(data: MMMData, spec: MMMSpec, form: Form, *, scales: Scales | None = None, seed: int) -> MMMFit:
    """Normal draws around the peak in the shape of a fit, for checks that take a fit."""
    design, block, peak = peak_of(data, spec, form, scales=scales)
    noise = np.random.default_rng(seed).normal(size=(1, DRAWS, peak.mode.size))
    draws = from_kernel(peak.mode + noise @ peak.factor.T, block, design, seed=seed)
    nothing = pl.DataFrame(
        schema={"quantity": pl.String, "r_hat": pl.Float64, "ess_bulk": pl.Float64, "ess_tail": pl.Float64}
    )
    return MMMFit(design, draws, "peak", "for comparisons only", (), (), nothing, (), seed)
