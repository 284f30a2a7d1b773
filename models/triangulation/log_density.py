"""The evidence model's log density and gradient, compiled once per machine; `pymc_model.py` is the readable
reference.

Imported inside functions only, because numba is. Additive constants are left out.
"""

from __future__ import annotations

import math

import numba as nb  # noqa: TID253 - this module is itself imported inside functions
import numpy as np

from models.triangulation.layout import PRIORS, SHARED, SIZES

N_SHARED = len(SHARED)


@nb.njit(error_model="numpy", cache=True)  # pragma: no cover - compiled
def _bell(x: float, mean: float, sd: float) -> tuple[float, float]:
    """Log density of a normal, without its constant, and the slope in x."""
    z = (x - mean) / sd
    return -0.5 * z * z, -z / sd


# error_model: numba's default raises on a division by zero, and a raise inside a callback is read as success.
@nb.njit(error_model="numpy", cache=True)  # pragma: no cover - compiled
def log_density(x: np.ndarray, grad: np.ndarray, block: np.ndarray) -> float:
    """Log density at the unconstrained point x; writes the gradient into `grad`."""
    channels, tests, modelled = int(block[0]), int(block[1]), int(block[2])
    claims, sources, classes = int(block[3]), int(block[4]), int(block[5])
    prior = block[SIZES : SIZES + PRIORS]
    at = SIZES + PRIORS
    channel_class = block[at : at + channels]
    centred = block[at + channels : at + 2 * channels]
    at += 2 * channels
    test_channel = block[at : at + tests]
    design = block[at + tests : at + 2 * tests]
    y = block[at + 2 * tests : at + 3 * tests]
    se = block[at + 3 * tests : at + 4 * tests]
    share = block[at + 4 * tests : at + 5 * tests]
    age = block[at + 5 * tests : at + 6 * tests]
    at += 6 * tests
    mmm_channel = block[at : at + modelled]
    mmm_mean = block[at + modelled : at + 2 * modelled]
    spectrum = block[at + 2 * modelled : at + 3 * modelled]
    at += 3 * modelled
    rotation = block[at : at + modelled * modelled]
    at += modelled * modelled
    claim_channel = block[at : at + claims]
    claim_source = block[at + claims : at + 2 * claims]
    log_claim = block[at + 2 * claims : at + 3 * claims]
    log_se = block[at + 3 * claims : at + 4 * claims]

    bias = N_SHARED
    noise = bias + sources
    alpha = noise + sources
    delta = alpha + classes
    eta = delta + sources * classes
    grad[:] = 0.0
    total = 0.0

    # Priors. Spreads live on the log scale, where a log-normal is a normal.
    value, slope = _bell(x[0], prior[0], prior[1])
    total += value
    grad[0] += slope
    tau = math.exp(x[1])
    total += -0.5 * (tau / prior[2]) ** 2 + x[1]
    grad[1] += -((tau / prior[2]) ** 2) + 1.0
    for i in range(3):
        value, slope = _bell(x[2 + i], prior[10 + 2 * i], prior[11 + 2 * i])
        total += value
        grad[2 + i] += slope
    value, slope = _bell(x[5], 0.0, prior[4])
    total += value
    grad[5] += slope
    value, slope = _bell(x[6], prior[16], prior[17])
    total += value
    grad[6] += slope
    for k in range(sources):
        value, slope = _bell(x[bias + k], prior[5], prior[6])
        total += value
        grad[bias + k] += slope
        value, slope = _bell(x[noise + k], prior[18], prior[19])
        total += value
        grad[noise + k] += slope
    for g in range(classes):
        value, slope = _bell(x[alpha + g], 0.0, prior[3])
        total += value
        grad[alpha + g] += slope
    for i in range(sources * classes):
        value, slope = _bell(x[delta + i], 0.0, prior[7])
        total += value
        grad[delta + i] += slope

    # Channels around the common level, in coordinates between centred (1) and not (0), see `block.centred`.
    log_tau = x[1]
    effect = np.empty(channels)
    pull_on = np.zeros(channels)
    for c in range(channels):
        g = int(channel_class[c])
        level = x[0] + (x[alpha + g] if g >= 0 else 0.0)
        moved = x[eta + c] - centred[c] * level
        effect[c] = level + math.exp((1.0 - centred[c]) * log_tau) * moved
        z = moved * math.exp(-centred[c] * log_tau)
        total += -0.5 * z * z - centred[c] * log_tau

    # Experiments: Student t on the natural scale, variance growing with size and age.
    drift = math.exp(2.0 * x[2])
    nu = prior[9]
    for e in range(tests):
        c = int(test_channel[e])
        d = int(design[e])
        method = prior[8] ** 2 if d == 0 else math.exp(2.0 * x[2 + d])
        mean = share[e] * math.exp(effect[c])
        extra = method + drift * age[e]
        variance = se[e] ** 2 + mean * mean * extra
        scale = math.sqrt(variance)
        z = (y[e] - mean) / scale
        total += -0.5 * math.log(variance) - 0.5 * (nu + 1.0) * math.log1p(z * z / nu)
        pull = -(nu + 1.0) * z / (nu + z * z)
        per_variance = (-1.0 - pull * z) / (2.0 * variance)
        pull_on[c] += per_variance * 2.0 * mean * mean * extra - pull * mean / scale
        grad[2] += per_variance * mean * mean * 2.0 * drift * age[e]
        if d > 0:
            grad[2 + d] += per_variance * mean * mean * 2.0 * method

    # The MMM, rotated to uncorrelated errors.
    looseness = math.exp(2.0 * x[6])
    for i in range(modelled):
        gap = 0.0
        for j in range(modelled):
            gap += rotation[j * modelled + i] * (mmm_mean[j] - effect[int(mmm_channel[j])] - x[5])
        variance = spectrum[i] + looseness
        total += -0.5 * math.log(variance) - 0.5 * gap * gap / variance
        for j in range(modelled):
            push = rotation[j * modelled + i] * gap / variance
            pull_on[int(mmm_channel[j])] += push
            grad[5] += push
        grad[6] += (gap * gap / variance - 1.0) * looseness / variance

    # Claims: log scale, one bias and one noise per source.
    for n in range(claims):
        c = int(claim_channel[n])
        k = int(claim_source[n])
        g = int(channel_class[c])
        own = math.exp(2.0 * x[noise + k])
        variance = log_se[n] ** 2 + own
        gap = log_claim[n] - effect[c] - x[bias + k]
        if g >= 0:
            gap -= x[delta + k * classes + g]
        total += -0.5 * math.log(variance) - 0.5 * gap * gap / variance
        pull_on[c] += gap / variance
        grad[bias + k] += gap / variance
        if g >= 0:
            grad[delta + k * classes + g] += gap / variance
        grad[noise + k] += (gap * gap / variance - 1.0) * own / variance

    # What the readings pull on each channel's log iROAS, carried back to the coordinates.
    for c in range(channels):
        g = int(channel_class[c])
        level = x[0] + (x[alpha + g] if g >= 0 else 0.0)
        moved = x[eta + c] - centred[c] * level
        stretch = math.exp((1.0 - centred[c]) * log_tau)
        inward = moved * math.exp(-2.0 * centred[c] * log_tau)
        grad[eta + c] += pull_on[c] * stretch - inward
        on_level = pull_on[c] * (1.0 - centred[c] * stretch) + centred[c] * inward
        grad[0] += on_level
        if g >= 0:
            grad[alpha + g] += on_level
        grad[1] += pull_on[c] * (1.0 - centred[c]) * stretch * moved + centred[c] * (moved * inward - 1.0)
    return total


_DOUBLES = nb.types.CPointer(nb.types.double)
_DENSITY = nb.types.int64(nb.types.uint64, _DOUBLES, _DOUBLES, _DOUBLES, _DOUBLES)
_EXPAND = nb.types.int64(nb.types.uint64, nb.types.uint64, _DOUBLES, _DOUBLES, _DOUBLES)


@nb.njit(error_model="numpy", cache=True)  # pragma: no cover - compiled
def _block_size(head: np.ndarray) -> int:
    channels, tests, modelled, claims = int(head[0]), int(head[1]), int(head[2]), int(head[3])
    return SIZES + PRIORS + 2 * channels + 6 * tests + 3 * modelled + modelled * modelled + 4 * claims


@nb.cfunc(_DENSITY, error_model="numpy", cache=True)  # pragma: no cover - compiled
def density_callback(size, point, slope, value, data):  # type: ignore[no-untyped-def]
    """What the sampler calls at every step: 0 when the point is usable, 3 or 4 when it is not."""
    x = nb.carray(point, (size,))
    grad = nb.carray(slope, (size,))
    for i in range(size):
        if not abs(x[i]) < 60.0:
            return 3
    head = nb.carray(data, (SIZES,))
    result = log_density(x, grad, nb.carray(data, (_block_size(head),)))
    if not math.isfinite(result):
        return 4
    for i in range(size):
        if not math.isfinite(grad[i]):
            return 3
    nb.carray(value, (1,))[0] = result
    return 0


@nb.cfunc(_EXPAND, error_model="numpy", cache=True)  # pragma: no cover - compiled
def expand_callback(size, expanded, point, out, data):  # type: ignore[no-untyped-def]
    """Draws are kept as the sampler sees them; every derived figure is computed from them afterwards."""
    source = nb.carray(point, (size,))
    target = nb.carray(out, (expanded,))
    for i in range(size):
        target[i] = source[i]
    return 0
