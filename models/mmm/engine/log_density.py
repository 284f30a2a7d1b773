"""The compiled log density: every Gaussian part integrated out, values and gradients in one pass over the data.

Same density as `pymc_model.py` (tests prove it); import it only inside functions, numba costs seconds.
The equations: y = S b + X w + noise with w ~ N(0, D^2) and noise ~ N(0, V). V is sigma^2 / weight^2 plus a shock that
all regions of a period share, so V^-1 is a diagonal less one rank per period. Panels are flat, regions inside time.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"
# numba infers the types of compiled functions; Python annotations would only repeat them.
from __future__ import annotations

import numpy as np
from numba import carray, cfunc, njit, types  # noqa: TID253 -- the kernel is numba; callers import it inside functions

from models.mmm.engine.linear_algebra import (
    FAST,
    add_scaled,
    cholesky,
    dot,
    inverse_factor,
    less_fitted,
    over_time,
    precision_times,
    project,
    pulls,
    weighted_total,
)
from models.mmm.engine.transforms import (
    LOG2PI,
    SLOPED,
    media_sums,
    prior_half_life,
    prior_half_saturation,
    respond,
    respond_panel,
)

HEADER = 32  # sizes and kinds, then the arrays in the order of layout.py
(
    G_,
    T_,
    C_,
    L_,
    P_,
    J_,
    WEIBULL,
    CURVE,
    SLOPE,
    GEO,
    WEEK,
    PAIRS,
    TESTS,
    DIM,
    SIGMA_SCALE,
    WEEK_MU,
    WEEK_SD,
    ETA_MU,
    ETA_SD,
    SHARED,
    OWN,
    MAP_AT,
    LENGTH,
    LEAN,
) = range(24)
__all__ = ["HEADER", "core", "expand_callback", "logp_callback", "media_sums", "recover", "whitened"]
BOX = 60.0  # |theta| beyond this overflows exp; the proposal is rejected instead


@njit(cache=True, error_model="numpy", fastmath=FAST)
def core(theta, grad, block, out):
    """Log posterior density at theta and its gradient; -1e300 where the linear algebra has no answer.

    A non-empty `out` receives the linear part given theta instead: its mean (P), prior spread (P), the Cholesky factor
    of its scaled precision (P, P), then the coefficients of the media (C); value and gradient then mean nothing.
    """
    geos, periods, media = int(block[G_]), int(block[T_]), int(block[C_])
    taps, width, groups = int(block[L_]), int(block[P_]), int(block[J_])
    curve, delays, slopes = int(block[CURVE]), int(block[WEIBULL]), int(block[SLOPE])
    by_geo, by_week, pairs, tests = block[GEO] > 0, block[WEEK] > 0, int(block[PAIRS]), int(block[TESTS])
    n, rows = int(block[DIM]), int(block[G_]) * int(block[T_])
    n_shared, n_own = int(block[SHARED]), int(block[OWN])
    n_full = width - n_shared - n_own
    at = HEADER
    x = block[at : at + media * rows].reshape((media, rows))
    at += media * rows
    y = block[at : at + rows]
    at += rows
    w2 = block[at : at + rows]
    at += rows
    inverse_norm = block[at : at + periods]
    at += periods
    shared = block[at : at + n_shared * periods].reshape((n_shared, periods))
    at += n_shared * periods
    own = block[at : at + n_own * periods].reshape((n_own, periods))
    at += n_own * periods
    full = block[at : at + n_full * rows].reshape((n_full, rows))
    at += n_full * rows
    own_geo = np.empty(n_own, dtype=np.int64)
    for k in range(n_own):
        own_geo[k] = int(block[at + k])
    at += n_own
    place = np.empty(width, dtype=np.int64)
    for k in range(width):
        place[k] = int(block[at + k])
    at += width
    gram_rest = block[at : at + width * width].reshape((width, width))
    at += width * width
    gram_common = block[at : at + width * width].reshape((width, width))
    at += width * width
    scale = block[at : at + width]
    at += width
    group = block[at : at + width]
    at += width
    group_prior = block[at : at + 2 * groups].reshape((groups, 2))
    at += 2 * groups
    size = block[at : at + geos]
    at += geos
    prior = block[at : at + 15 * media].reshape((media, 15))
    at += 15 * media
    test_data = block[at : at + 3 * tests].reshape((tests, 3))
    at += 3 * tests
    pair_head = block[at : at + 3 * pairs].reshape((pairs, 3))
    at += 3 * pairs
    pair_x = block[at : at + pairs * rows].reshape((pairs, geos, periods))
    at += pairs * rows
    pair_w = block[at : at + pairs * rows].reshape((pairs, geos, periods))

    logp = 0.0
    for i in range(n):
        grad[i] = 0.0
    o_h = 0
    o_k = media
    o_e = o_k + delays
    o_p = o_e + media
    o_l = o_p + slopes
    o_sigma = o_l + media
    o_tau = o_sigma + 1
    o_week = o_tau + groups
    o_eta = o_week + (1 if by_week else 0)
    o_eps = o_eta + (1 if by_geo else 0)

    # --- media: carryover, saturation, coefficients from money
    s, sh, se = np.empty((media, rows)), np.empty((media, rows)), np.empty((media, rows))
    sk, sp = np.empty((media if delays else 0, rows)), np.empty((media if slopes else 0, rows))
    unused = np.empty(0)
    half_life, shape, half_sat, slope = np.empty(media), np.ones(media), np.empty(media), np.ones(media)
    bend = np.empty(media, dtype=np.int64)
    at_k, at_p = np.full(media, -1), np.full(media, -1)  # where a channel's own shape and slope sit in theta
    for c in range(media):
        if prior[c, 6] > 0:
            at_k[c] = o_k
            o_k += 1
        if prior[c, 9] > 0:
            at_p[c] = o_p
            o_p += 1
    mean, beta = np.empty(media), np.empty(media)
    d_mean, chain = np.zeros((media, 4)), np.zeros((media, 4))
    effect, by_effect, sums = np.empty((media, geos)), np.zeros((media, geos)), np.empty(geos)
    eta = np.exp(theta[o_eta]) if by_geo else 0.0
    r = y.copy()
    for c in range(media):
        half_life[c], half_sat[c] = np.exp(theta[o_h + c]), np.exp(theta[o_e + c])
        if at_k[c] >= 0:
            shape[c] = np.exp(theta[at_k[c]])
        bend[c] = curve
        if at_p[c] >= 0:
            slope[c] = np.exp(theta[at_p[c]])
            bend[c] = SLOPED
        respond_panel(
            x[c],
            geos,
            at_k[c] >= 0,
            bend[c],
            taps,
            half_life[c],
            shape[c],
            half_sat[c],
            slope[c],
            s[c],
            sh[c],
            sk[c] if delays else unused,
            se[c],
            sp[c] if slopes else unused,
        )
        mean[c] = weighted_total(s[c], size, geos) / rows
        d_mean[c, 0], d_mean[c, 2] = weighted_total(sh[c], size, geos) / rows, weighted_total(se[c], size, geos) / rows
        if at_k[c] >= 0:
            d_mean[c, 1] = weighted_total(sk[c], size, geos) / rows
        if at_p[c] >= 0:
            d_mean[c, 3] = weighted_total(sp[c], size, geos) / rows
        if mean[c] < 1e-300:
            return -1e300
        beta[c] = (theta[o_l + c] if prior[c, 12] == 2.0 else np.exp(theta[o_l + c])) / mean[c]
        for g in range(geos):
            effect[c, g] = beta[c] * (1.0 + eta * theta[o_eps + c * geos + g]) if by_geo else beta[c]
        if geos == 1:
            add_scaled(-beta[c], s[c], r, rows)
        else:
            for start in range(0, rows, geos):
                for g in range(geos):
                    r[start + g] -= effect[c, g] * s[c, start + g]

    # --- the Gaussian part: residual after the media, linear part integrated out
    sigma = np.exp(theta[o_sigma])
    s2 = sigma * sigma
    ratio = np.exp(theta[o_week]) if by_week else 0.0
    damp2, kappa = 1.0 / (1.0 + ratio), ratio / (1.0 + ratio)
    spread = np.empty(width)
    for k in range(width):
        spread[k] = scale[k] * (np.exp(theta[o_tau + int(group[k])]) if group[k] >= 0 else 1.0)
    low, inv = np.empty((width, width)), np.empty((width, width))
    for i in range(width):
        for j in range(i + 1):
            low[i, j] = spread[i] * spread[j] * (gram_rest[i, j] + damp2 * gram_common[i, j])
        low[i, i] += s2
    if not cholesky(low, width):
        return -1e300
    inverse_factor(low, width, inv)
    q, summed, common = np.empty(rows), np.empty(periods), np.zeros(periods)
    moment, half_way, post = np.empty(width), np.empty(width), np.zeros(width)
    precision_times(r, w2, inverse_norm, kappa, geos, q, common)
    project(q, shared, own, own_geo, full, place, geos, summed, moment)
    log_det, trace = 0.0, 0.0
    for k in range(width):
        moment[k] *= spread[k]
        log_det += 2.0 * np.log(low[k, k])
        trace += dot(inv[k], inv[k], k + 1)
    for k in range(width):
        half_way[k] = dot(inv[k], moment, k + 1)
    for k in range(width):
        add_scaled(half_way[k], inv[k], post, k + 1)
    if out.size > 0:
        for i in range(width):
            out[i], out[width + i] = post[i], spread[i]
            for j in range(width):
                out[2 * width + i * width + j] = low[i, j] if j <= i else 0.0
        for c in range(media):
            out[2 * width + width * width + c] = beta[c]
        return 0.0
    for k in range(width):
        moment[k] = spread[k] * post[k]
    less_fitted(r, moment, shared, own, own_geo, full, place, geos, summed)
    # as |r - Zm|^2 + s2 |m|^2: at the minimum over m, so errors of m enter squared
    all_ss = precision_times(r, w2, inverse_norm, kappa, geos, q, common)
    quad = all_ss + s2 * dot(post, post, width)
    logp += -0.5 * (quad / s2 + log_det + (rows - width) * np.log(s2) + rows * LOG2PI)
    # E[e'e] over w given theta: the mean residual plus what w does not know
    grad[o_sigma] += -rows + (all_ss + s2 * (width - s2 * trace)) / s2
    for k in range(width):
        if group[k] >= 0:
            v = 0.0
            for i in range(k, width):
                v += inv[i, k] * inv[i, k]
            grad[o_tau + int(group[k])] += post[k] * post[k] + s2 * v - 1.0
    if by_week:
        v, common_ss = 0.0, 0.0
        for t in range(periods):
            common_ss += damp2 * common[t] * common[t] * inverse_norm[t]
        line = np.empty(width)
        for i in range(width):  # trace of the linear part's covariance times the common Gram matrix, row by row
            for j in range(i + 1):
                line[j] = 0.0
            for k in range(i, width):
                add_scaled(inv[k, i], inv[k], line, i + 1)
            for j in range(i + 1):
                v += (1.0 if j == i else 2.0) * line[j] * spread[i] * spread[j] * gram_common[i, j]
        v *= damp2
        logp += 0.5 * periods * np.log(damp2)
        by_log_damp = periods - (common_ss + s2 * v) / s2
        grad[o_week] += by_log_damp * (-0.5 * kappa)
        z = (theta[o_week] - block[WEEK_MU]) / block[WEEK_SD]
        logp += -0.5 * z * z - np.log(block[WEEK_SD]) - 0.5 * LOG2PI
        grad[o_week] -= z / block[WEEK_SD]
    for i in range(rows):
        q[i] /= s2
    for c in range(media):
        chain[c, 0], chain[c, 2] = pulls(q, s[c], sh[c], se[c], effect[c], geos, by_effect[c])
        if at_k[c] >= 0:
            over_time(q, sk[c], geos, sums)
            chain[c, 1] = dot(sums, effect[c], geos)
        if at_p[c] >= 0:
            over_time(q, sp[c], geos, sums)
            chain[c, 3] = dot(sums, effect[c], geos)

    # --- experiments: lift over the test's own window and geos, as the difference of two paths
    if tests > 0:
        lift = np.zeros(tests)
        d_lift = np.zeros((pairs, 4))
        lift_geo = np.zeros((pairs, geos))
        s1, s1h, s1k = np.empty(periods), np.empty(periods), np.empty(periods)
        s1e, s1p = np.empty(periods), np.empty(periods)
        for i in range(pairs):
            e, c, base = int(pair_head[i, 0]), int(pair_head[i, 1]), pair_head[i, 2]
            for g in range(geos):
                inside = False
                for t in range(periods):
                    inside |= pair_w[i, g, t] != 0.0
                if not inside:
                    continue
                respond(
                    pair_x[i, g],
                    at_k[c] >= 0,
                    bend[c],
                    taps,
                    half_life[c],
                    shape[c],
                    half_sat[c],
                    slope[c],
                    s1,
                    s1h,
                    s1k,
                    s1e,
                    s1p,
                )
                for t in range(periods):
                    w, j = pair_w[i, g, t], t * geos + g
                    if w != 0.0:
                        lift_geo[i, g] += w * (base * s[c, j] - s1[t])
                        w *= effect[c, g]
                        d_lift[i, 0] += w * (base * sh[c, j] - s1h[t])
                        d_lift[i, 2] += w * (base * se[c, j] - s1e[t])
                        if at_k[c] >= 0:
                            d_lift[i, 1] += w * (base * sk[c, j] - s1k[t])
                        if at_p[c] >= 0:
                            d_lift[i, 3] += w * (base * sp[c, j] - s1p[t])
                lift[e] += effect[c, g] * lift_geo[i, g]
        pull = np.empty(tests)
        for e in range(tests):
            miss, err, tail = test_data[e, 0] - lift[e], test_data[e, 1], test_data[e, 2]
            if tail > 0.0:
                u = 1.0 + miss * miss / (tail * err * err)
                logp += -0.5 * (tail + 1.0) * np.log(u) - np.log(err)
                pull[e] = (tail + 1.0) * miss / (tail * err * err * u)
            else:
                logp += -0.5 * miss * miss / (err * err) - np.log(err) - 0.5 * LOG2PI
                pull[e] = miss / (err * err)
        for i in range(pairs):
            e, c = int(pair_head[i, 0]), int(pair_head[i, 1])
            for g in range(geos):
                by_effect[c, g] += pull[e] * lift_geo[i, g]
            for j in range(4):
                chain[c, j] += pull[e] * d_lift[i, j]

    # --- priors and the chain through the mean response, which turns money into coefficients
    for c in range(media):
        by_log_beta = 0.0
        for g in range(geos):
            by_log_beta += by_effect[c, g] * effect[c, g]
            if by_geo:
                eps = theta[o_eps + c * geos + g]
                move = by_effect[c, g] * beta[c]
                grad[o_eps + c * geos + g] += move * eta - eps
                grad[o_eta] += move * eta * eps
                logp += -0.5 * eps * eps - 0.5 * LOG2PI
        kind, p1, p2 = prior[c, 12], prior[c, 13], prior[c, 14]
        u = theta[o_l + c]
        own = 0.0  # the part of the prior that speaks of beta and therefore moves with the mean response
        if kind == 1.0:  # HalfNormal(p1) on beta, in the sampled coordinate log beta + log mean
            own = 1.0 - beta[c] * beta[c] / (p1 * p1)
            logp += -0.5 * (beta[c] / p1) ** 2 + np.log(beta[c]) + 0.5 * np.log(2 / np.pi) - np.log(p1)
            grad[o_l + c] += by_log_beta + own
        else:
            z = (u - p1) / p2
            logp += -0.5 * z * z - np.log(p2) - 0.5 * LOG2PI
            grad[o_l + c] += (by_log_beta / u if kind == 2.0 else by_log_beta) - z / p2
        for j in range(4):
            chain[c, j] -= (by_log_beta + own) * d_mean[c, j] / mean[c]
        value, slope_h = prior_half_life(prior[c, 0], prior[c, 1], prior[c, 2], theta[o_h + c])
        logp += value
        grad[o_h + c] += chain[c, 0] + slope_h
        value, slope_e = prior_half_saturation(prior[c, 3], prior[c, 4], prior[c, 5], theta[o_e + c])
        logp += value
        grad[o_e + c] += chain[c, 2] + slope_e
        if at_k[c] >= 0:
            z = (theta[at_k[c]] - prior[c, 7]) / prior[c, 8]
            logp += -0.5 * z * z - np.log(prior[c, 8]) - 0.5 * LOG2PI
            grad[at_k[c]] += chain[c, 1] - z / prior[c, 8]
        if at_p[c] >= 0:
            z = (theta[at_p[c]] - prior[c, 10]) / prior[c, 11]
            logp += -0.5 * z * z - np.log(prior[c, 11]) - 0.5 * LOG2PI
            grad[at_p[c]] += chain[c, 3] - z / prior[c, 11]
    if by_geo:
        z = (theta[o_eta] - block[ETA_MU]) / block[ETA_SD]
        logp += -0.5 * z * z - np.log(block[ETA_SD]) - 0.5 * LOG2PI
        grad[o_eta] -= z / block[ETA_SD]
    for j in range(groups):
        z = (theta[o_tau + j] - group_prior[j, 0]) / group_prior[j, 1]
        logp += -0.5 * z * z - np.log(group_prior[j, 1]) - 0.5 * LOG2PI
        grad[o_tau + j] -= z / group_prior[j, 1]
    v = sigma / block[SIGMA_SCALE]
    logp += -0.5 * v * v + theta[o_sigma] + 0.5 * np.log(2 / np.pi) - np.log(block[SIGMA_SCALE])
    grad[o_sigma] += 1.0 - v * v
    return logp


@njit(cache=True, error_model="numpy")
def _theta(z, block):
    n = z.size
    at = int(block[MAP_AT])
    out = np.empty(n)
    for i in range(n):
        start = at + n + i * n
        out[i] = block[at + i] + dot(block[start : start + i + 1], z, i + 1)
    if block[LEAN] > 0:
        lean = at + n + n * n
        for i in range(n):
            driver = int(block[lean + i])
            if driver >= 0:  # a driver leans on nothing, so its own place is final
                out[i] *= np.exp(-block[lean + n + i] * (out[driver] - block[at + driver]))
    return out


@njit(cache=True, error_model="numpy")
def whitened(z, grad_z, block):
    """The density in whitened coordinates z; code 0 is fine, above 0 rejects the proposal.

    theta = centre + L z; then, where LEAN is set, coordinates are divided by exp(power * their driver), so that NUTS
    walks in what does not move with the driver. reparametrisation.py says which.
    """
    n = z.size
    at = int(block[MAP_AT])
    theta = _theta(z, block)
    for i in range(n):
        if not abs(theta[i]) < BOX:
            return 3, 0.0
    g = np.empty(n)
    value = core(theta, g, block, np.empty(0))
    if not value > -1e200:
        return 4, 0.0
    if block[LEAN] > 0:
        lean = at + n + n * n
        for i in range(n):
            driver, power = int(block[lean + i]), block[lean + n + i]
            if driver >= 0:
                away = theta[driver] - block[at + driver]
                g[driver] -= power * (g[i] * theta[i] + 1.0)
                value -= power * away
                g[i] *= np.exp(-power * away)
    for j in range(n):
        grad_z[j] = 0.0
    for i in range(n):
        start = at + n + i * n
        add_scaled(g[i], block[start : start + i + 1], grad_z, i + 1)
    for j in range(n):
        if not np.isfinite(grad_z[j]):
            return 3, 0.0
    return 0, value


@njit(cache=True, error_model="numpy")
def _recover(thetas, block, noise, linear, beta):
    width, media = noise.shape[1], beta.shape[1]
    at_sigma = 3 * media + int(block[WEIBULL]) + int(block[SLOPE])
    out, grad = np.empty(2 * width + width * width + media), np.empty(thetas.shape[1])
    step = np.empty(width)
    for d in range(thetas.shape[0]):
        core(thetas[d], grad, block, out)
        low = out[2 * width : 2 * width + width * width].reshape((width, width))
        sigma = np.exp(thetas[d, at_sigma])
        step[:] = noise[d]
        for i in range(width - 1, -1, -1):  # L' step = noise, row by row of L
            step[i] /= low[i, i]
            add_scaled(-step[i], low[i], step, i)
        for k in range(width):
            linear[d, k] = out[width + k] * (out[k] + sigma * step[k])
        for c in range(media):
            beta[d, c] = out[2 * width + width * width + c]


def recover(thetas: np.ndarray, block: np.ndarray, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Exact draws of the linear part (D, P) given draws of theta (D, n), and the coefficients of the media (D, C)."""
    count = len(thetas)
    linear, beta = np.empty((count, width)), np.empty((count, int(block[C_])))
    noise = np.random.default_rng(seed).normal(size=(count, width))
    _recover(np.ascontiguousarray(thetas), block, noise, linear, beta)
    return linear, beta


_real = types.CPointer(types.double)


@cfunc(types.int64(types.uint64, _real, _real, _real, _real), cache=True, error_model="numpy")
def logp_callback(dim, z_, grad_, out_, block_):
    n = int(dim)
    head = carray(block_, (HEADER,))
    length = int(head[LENGTH])
    code, value = whitened(carray(z_, (n,)), carray(grad_, (n,)), carray(block_, (length,)))
    carray(out_, (1,))[0] = value
    return code


@cfunc(types.int64(types.uint64, types.uint64, _real, _real, _real), cache=True, error_model="numpy")
def expand_callback(dim, n_out, z_, out_, block_):
    n = int(dim)
    head = carray(block_, (HEADER,))
    length = int(head[LENGTH])
    out = carray(out_, (n,))
    theta = _theta(carray(z_, (n,)), carray(block_, (length,)))
    for i in range(n):
        out[i] = theta[i]
    return 0
