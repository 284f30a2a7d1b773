"""Compiled steps of re-weighting: the linear part's posterior for every draw, and its update by one new row.

One region, plain noise. With w ~ N(0, diag spread^2) and z the weighted row of columns, a new row y given what is
known so far is Normal(z'g + response, sigma^2 + z'Pz); g and P then move by one rank (recursive least squares).
"""

# mypy: disable-error-code="no-untyped-def"
# numba infers the types of compiled functions; Python annotations would only repeat them.
from __future__ import annotations

import numpy as np
from numba import njit  # noqa: TID253 -- compiled code; callers import it inside functions

from models.mmm.engine.linear_algebra import FAST, cholesky, inverse_from_cholesky
from models.mmm.engine.transforms import LN2, LOG2PI, SLOPED, respond, saturate


@njit(cache=True, error_model="numpy", fastmath=FAST)
def condition(
    x,
    y,
    weight,
    columns,
    gram,
    spread,
    sigma,
    delayed,
    sloped,
    curve,
    taps,
    half_life,
    shape,
    half_sat,
    slope,
    beta,
    logs,
    mean,
    cov,
    sums,
):
    """Per draw: log likelihood of all rows, the linear part's mean and covariance given them, summed responses.

    x (C, T); y, weight (T); columns (P, T) weighted and their gram (P, P); spread (D, P); response parameters (D, C).
    Fills logs (D), mean (D, P), cov (D, P (P + 1) / 2: lower triangles, row by row), sums (D, C); a draw without an
    answer gets -inf.
    """
    media, periods = x.shape
    width = columns.shape[0]
    s, d1, d2 = np.empty(periods), np.empty(periods), np.empty(periods)
    d3, d4, r = np.empty(periods), np.empty(periods), np.empty(periods)
    low, inverse = np.empty((width, width)), np.empty((width, width))
    moment, solved = np.empty(width), np.empty(width)
    for d in range(sigma.size):
        s2 = sigma[d] * sigma[d]
        for t in range(periods):
            r[t] = y[t]
        for c in range(media):
            respond(
                x[c],
                delayed[c],
                SLOPED if sloped[c] else curve,
                taps,
                half_life[d, c],
                shape[d, c],
                half_sat[d, c],
                slope[d, c],
                s,
                d1,
                d2,
                d3,
                d4,
            )
            total = 0.0
            b = beta[d, c]
            for t in range(periods):
                total += s[t]
                r[t] -= b * s[t]
            sums[d, c] = total
        square = 0.0
        for t in range(periods):
            r[t] *= weight[t]
            square += r[t] * r[t]
        for i in range(width):
            v = 0.0
            for t in range(periods):
                v += columns[i, t] * r[t]
            moment[i] = spread[d, i] * v
            for j in range(width):
                low[i, j] = spread[d, i] * spread[d, j] * gram[i, j]
            low[i, i] += s2
        if not cholesky(low, width):
            logs[d] = -np.inf
            continue
        inverse_from_cholesky(low, width, inverse)
        log_det, explained = 0.0, 0.0
        for i in range(width):
            v = 0.0
            for j in range(width):
                v += inverse[i, j] * moment[j]
            solved[i] = v
            explained += v * moment[i]
            log_det += 2.0 * np.log(low[i, i])
        logs[d] = -0.5 * ((square - explained) / s2 + log_det + (periods - width) * np.log(s2) + periods * LOG2PI)
        at = 0
        for i in range(width):
            mean[d, i] = spread[d, i] * solved[i]
            for j in range(i + 1):
                cov[d, at] = s2 * spread[d, i] * spread[d, j] * inverse[i, j]
                at += 1


@njit(cache=True, error_model="numpy", fastmath=FAST)
def latest_response(window, sloped, curve, half_life, half_sat, slope, out):
    """Response (D, C) in the last period of `window` (C, L): plain carryover, oldest period first."""
    media, taps = window.shape
    draws = half_life.shape[0]
    retention, stock = np.empty(draws), np.empty(draws)
    a, z, s = np.empty(1), np.zeros(1), np.empty(1)
    d1, d2, d3, d4 = np.empty(1), np.empty(1), np.empty(1), np.empty(1)
    for c in range(media):
        for d in range(draws):
            retention[d] = 2.0 ** (-1.0 / half_life[d, c])
            stock[d] = 0.0
        for lag in range(taps):
            v = window[c, lag]
            for d in range(draws):
                stock[d] = stock[d] * retention[d] + v
        for d in range(draws):
            log_kept = -LN2 / half_life[d, c]
            a[0] = stock[d] * np.expm1(log_kept) / np.expm1(taps * log_kept)
            saturate(SLOPED if sloped[c] else curve, slope[d, c], half_sat[d, c], a, z, z, s, d1, d2, d3, d4)
            out[d, c] = s[0]


@njit(cache=True, error_model="numpy", fastmath=FAST)
def late_responses(x, first, delayed, sloped, curve, taps, half_life, shape, half_sat, slope, out):
    """Responses (D, C, T - first) of the periods from `first` on, for any carryover."""
    media, periods = x.shape
    s, d1, d2 = np.empty(periods), np.empty(periods), np.empty(periods)
    d3, d4 = np.empty(periods), np.empty(periods)
    for d in range(half_life.shape[0]):
        for c in range(media):
            respond(
                x[c],
                delayed[c],
                SLOPED if sloped[c] else curve,
                taps,
                half_life[d, c],
                shape[d, c],
                half_sat[d, c],
                slope[d, c],
                s,
                d1,
                d2,
                d3,
                d4,
            )
            for t in range(first, periods):
                out[d, c, t - first] = s[t]


@njit(cache=True, error_model="numpy", fastmath=FAST)
def absorb(row, y, weight, response, beta, sigma, shock, cov, logs, mean, linear, cov_after, expected, variance):
    """One new row: log weights, the linear part's posterior and its draws move on, in place but for `cov`.

    row (P) and y are weighted. `linear` (D, P) stays a joint draw: it moves by the gain times its own miss of a
    simulated row (`shock` (D) standard normal). `cov_after` may be `cov` itself. `expected` and `variance` (D)
    receive the forecast of the row.
    """
    draws, width = mean.shape
    lift = np.empty(width)
    for d in range(draws):
        media = 0.0
        for c in range(beta.shape[1]):
            media += beta[d, c] * response[d, c]
        media *= weight
        spread, at = 0.0, 0
        forecast, own = media, media
        for i in range(width):
            v, own_row = 0.0, row[i]
            for j in range(i):
                p = cov[d, at + j]
                v += p * row[j]
                lift[j] += p * own_row
            at += i
            lift[i] = v + cov[d, at] * own_row
            at += 1
        for i in range(width):
            spread += lift[i] * row[i]
            forecast += row[i] * mean[d, i]
            own += row[i] * linear[d, i]
        v = sigma[d] * sigma[d] + spread
        miss = y - forecast
        own_miss = y - own - sigma[d] * shock[d]
        logs[d] += -0.5 * (miss * miss / v + np.log(v) + LOG2PI)
        expected[d], variance[d] = forecast, v
        at = 0
        for i in range(width):
            gain = lift[i] / v
            mean[d, i] += gain * miss
            linear[d, i] += gain * own_miss
            for j in range(i + 1):
                cov_after[d, at + j] = cov[d, at + j] - gain * lift[j]
            at += i + 1
