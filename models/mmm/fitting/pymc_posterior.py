"""Draws of the PyMC graph's variables turned into the model's own terms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.mmm.engine.pymc_marginal import draw_weights
from models.mmm.model.build import media_divisor
from models.mmm.model.design import Design
from models.mmm.model.effect_prior import IDENTITY_LINK, LOG_LINK, STEP
from models.mmm.model.response import respond
from models.mmm.result.posterior import Posterior

CHUNK = 200  # draws whose responses are held at once

Named = dict[str, np.ndarray]  # draws by variable of the graph, the first axis running over draws


def posterior_of(sampled: Named, theta: np.ndarray, names: tuple[str, ...], design: Design, seed: int) -> Posterior:
    """Draws in the model's own terms: coefficients, mediated parts and the linear weights follow from what was
    sampled.
    """
    count, channels, geos = theta.shape[0] * theta.shape[1], len(design.media), len(design.data.geos)
    shape, slope = np.ones((count, channels)), np.ones((count, channels))
    for name, mask, into in (
        ("log_shape", design.delayed, shape),
        ("log_peak", design.peaked, shape),
        ("log_slope", design.sloped, slope),
        ("log_frequency_slope", design.data.by_frequency, slope),
    ):
        if name in sampled:
            into[:, mask] = np.exp(sampled[name])
    ratio = np.exp(sampled["log_week_ratio"]) if design.week_effects else np.zeros(count)
    around = np.ones((count, channels, geos))
    if design.geo_effects:
        around = 1 + np.exp(sampled["log_eta"])[:, None, None] * sampled["eps"]
    half_life, half_saturation = np.exp(sampled["log_half_life"]), np.exp(sampled["log_half_saturation"])
    empty = np.zeros((count, channels))
    draws = Posterior(
        theta,
        names,
        half_life,
        shape,
        half_saturation,
        slope,
        empty,
        empty,
        around,
        np.zeros((count, len(design.baseline.scale))),
        sampled["sigma"],
        ratio,
        true_values(sampled, design),
    )
    mean = _mean_response(design, draws, 1.0)
    basis = np.array(design.effect.basis)
    effect = sampled["effect"]
    strength = np.where(design.effect.kind == LOG_LINK, np.exp(effect), effect)
    strength = np.where(basis == "coefficient", strength * mean, strength)
    if (basis == "mroas").any():
        more = _mean_response(design, draws, 1 + STEP) - mean
        strength = np.where(basis == "mroas", strength * mean / more, strength)
    beta = strength / mean
    draws = replace(
        draws,
        beta=beta,
        beta_geo=beta[:, :, None] * around,
        effect=np.where(design.effect.kind == IDENTITY_LINK, strength, np.log(np.maximum(strength, 1e-300))),
    )
    if design.mediators is not None:
        draws = replace(draws, passed_on=sampled["passed_on"], mediated=_mediated(sampled, design, mean))
    return replace(draws, linear=_linear(sampled, design, draws, seed))


def true_values(sampled: Named, design: Design) -> np.ndarray | None:
    if "latent_z_0" not in sampled:
        return None
    divisor = media_divisor(design.data, design.scales.size)
    true = []
    for number, one in enumerate(design.latent):
        unit = (1 / divisor[:, 0, one.channel] / design.scales.media[one.channel])[None, :, None]
        z = sampled[f"latent_z_{number}"]
        moved = np.stack([z[:, 0 if one.shared else g] @ one.factor[g].T for g in range(len(one.mean))], axis=1)
        true.append(np.maximum((one.mean + moved) * unit, 1e-9))
    return np.stack(true, axis=1)


def _mean_response(design: Design, draws: Posterior, factor: float) -> np.ndarray:
    """Mean over cells of each response (D, C), weighted by the regions' size, at `factor` times the media."""
    parts = []
    for start in range(0, draws.count, CHUNK):
        pick = slice(start, start + CHUNK)
        response = [
            respond(design, draws.response, c, design.media[c] * factor, pick) for c in range(len(design.media))
        ]
        parts.append(np.stack([np.einsum("dgt,g->d", r, design.scales.size) / design.cells for r in response], axis=1))
    return np.concatenate(parts)


def _mediated(sampled: Named, design: Design, mean: np.ndarray) -> np.ndarray:
    assert design.data.mediator_paths is not None
    out = np.zeros((len(mean), *design.data.mediator_paths.shape))
    for m, paths in enumerate(design.data.mediator_paths):
        out[:, m, paths] = sampled["passed_on"][:, m, None] * sampled[f"sent_{m}"] / mean[:, paths]
    return out


def _linear(sampled: Named, design: Design, draws: Posterior, seed: int) -> np.ndarray:
    groups = np.concatenate([np.exp(sampled["log_spread"]), np.ones((draws.count, 1))], axis=1)
    spread = design.baseline.scale * groups[:, design.baseline.group]
    if "linear_z" in sampled:
        return np.asarray(sampled["linear_z"] * spread)
    rng = np.random.default_rng(seed)
    out = np.empty((draws.count, len(design.baseline.scale)))
    for start in range(0, draws.count, CHUNK):
        pick = slice(start, min(start + CHUNK, draws.count))
        fixed = np.zeros((pick.stop - pick.start, *design.y.shape))
        for c in range(len(design.media)):
            effect = draws.beta_geo[pick, c]
            if draws.mediated is not None:
                effect = effect - draws.mediated[pick, :, c].sum(axis=1)[:, None]
            fixed += effect[:, :, None] * respond(design, draws.response, c, design.media[c], pick)
        if draws.passed_on is not None and design.mediators is not None:
            fixed += np.einsum("dm,mgt->dgt", draws.passed_on[pick], design.mediators - 1.0)
        out[pick] = draw_weights(design, fixed, spread[pick], draws.sigma[pick], draws.week_ratio[pick], rng)
    return out
