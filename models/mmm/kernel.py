"""The compiled log density: every Gaussian part integrated out, values and gradients in one pass over the data.

Same density as `reference.py` (tests prove it); import it only inside functions, numba costs seconds.
The equations: y = S b + X w + noise with w ~ N(0, D^2), noise ~ N(0, sigma^2), so y - S b ~ N(0, sigma^2 I + X D^2 X').
"""

# mypy: disable-error-code="no-untyped-def"
# numba infers the types of compiled functions; Python annotations would only repeat them.
from __future__ import annotations

import numpy as np
from numba import carray, cfunc, njit, types  # noqa: TID253 -- the kernel is numba; callers import it inside functions

from models.mmm.kernel_parts import (
    LOG2PI,
    SLOPED,
    cholesky,
    inverse_from_cholesky,
    media_sums,
    prior_half_life,
    prior_half_saturation,
    respond,
    rotate,
)

HEADER = 24  # sizes and kinds, then the arrays in the order of block.py
(G_, T_, C_, L_, P_, J_, WEIBULL, CURVE, SLOPE, GEO, WEEK, PAIRS, TESTS, DIM, STUDENT, SIGMA_SCALE, WEEK_MU, WEEK_SD,
 ETA_MU, ETA_SD, MAP_AT) = range(21)  # fmt: skip
__all__ = ["HEADER", "core", "expand_callback", "logp_callback", "media_sums", "whitened"]
BOX = 60.0  # |theta| beyond this overflows exp; the proposal is rejected instead


@njit(cache=True, error_model="numpy", fastmath=True)
def core(theta, grad, block, out):
    """Log posterior density at theta and its gradient; -1e300 where the linear algebra has no answer.

    A non-empty `out` receives the linear part given theta: its mean (P), prior spread (P), the Cholesky factor of its
    scaled precision (P, P), then the coefficients of the media (C).
    """
    geos, periods, media = int(block[G_]), int(block[T_]), int(block[C_])
    taps, width, groups = int(block[L_]), int(block[P_]), int(block[J_])
    curve, delays, slopes = int(block[CURVE]), int(block[WEIBULL]), int(block[SLOPE])
    by_geo, by_week, pairs, tests = block[GEO] > 0, block[WEEK] > 0, int(block[PAIRS]), int(block[TESTS])
    n, rows = int(block[DIM]), int(block[G_]) * int(block[T_])
    at = HEADER
    x = block[at : at + media * rows].reshape((media, geos, periods))
    at += media * rows
    y = block[at : at + rows].reshape((geos, periods))
    at += rows
    weight = block[at : at + rows].reshape((geos, periods))
    at += rows
    mirror = block[at : at + rows].reshape((geos, periods))
    at += rows
    design = block[at : at + width * rows].reshape((width, geos, periods))
    at += width * rows
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

    s = np.empty((media, geos, periods))
    sh, sk, se, sp = np.empty_like(s), np.empty_like(s), np.empty_like(s), np.empty_like(s)
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
    d_mean = np.zeros((media, 4))
    effect = np.empty((media, geos))
    eta = np.exp(theta[o_eta]) if by_geo else 0.0
    total = np.zeros((geos, periods))
    cells = 1.0 / rows
    for c in range(media):
        half_life[c], half_sat[c] = np.exp(theta[o_h + c]), np.exp(theta[o_e + c])
        if at_k[c] >= 0:
            shape[c] = np.exp(theta[at_k[c]])
        bend[c] = curve
        if at_p[c] >= 0:
            slope[c] = np.exp(theta[at_p[c]])
            bend[c] = SLOPED
        m = 0.0
        for g in range(geos):
            respond(x[c, g], at_k[c] >= 0, bend[c], taps, half_life[c], shape[c], half_sat[c], slope[c],
                    s[c, g], sh[c, g], sk[c, g], se[c, g], sp[c, g])  # fmt: skip
            w = size[g] * cells
            for t in range(periods):
                m += w * s[c, g, t]
                d_mean[c, 0] += w * sh[c, g, t]
                d_mean[c, 1] += w * sk[c, g, t]
                d_mean[c, 2] += w * se[c, g, t]
                d_mean[c, 3] += w * sp[c, g, t]
        if m < 1e-300:
            return -1e300
        mean[c] = m
        beta[c] = (theta[o_l + c] if prior[c, 12] == 2.0 else np.exp(theta[o_l + c])) / m
        for g in range(geos):
            effect[c, g] = beta[c] * (1.0 + eta * theta[o_eps + c * geos + g]) if by_geo else beta[c]
            for t in range(periods):
                total[g, t] += effect[c, g] * s[c, g, t]

    # --- the Gaussian part: residual after the media, linear part integrated out
    sigma = np.exp(theta[o_sigma])
    s2 = sigma * sigma
    ratio = np.exp(theta[o_week]) if by_week else 0.0
    damp = 1.0 / np.sqrt(1.0 + ratio)
    for g in range(geos):
        for t in range(periods):
            total[g, t] *= weight[g, t]
    r = np.empty((geos, periods))
    rotate(total, mirror, r)
    for g in range(geos):
        f = damp if g == 0 else 1.0
        for t in range(periods):
            r[g, t] = f * (y[g, t] - r[g, t])
    spread = np.empty(width)
    for k in range(width):
        spread[k] = scale[k] * (np.exp(theta[o_tau + int(group[k])]) if group[k] >= 0 else 1.0)
    low, cov, gram0 = np.empty((width, width)), np.empty((width, width)), np.empty((width, width))
    for i in range(width):
        for j in range(width):
            common = damp * damp * gram_common[i, j]
            low[i, j] = spread[i] * spread[j] * (gram_rest[i, j] + common)
            gram0[i, j] = spread[i] * spread[j] * common
        low[i, i] += s2
    if not cholesky(low, width):
        return -1e300
    inverse_from_cholesky(low, width, cov)
    moment, post = np.zeros(width), np.zeros(width)
    log_det, trace = 0.0, 0.0
    for k in range(width):
        for g in range(geos):
            v = 0.0
            for t in range(periods):
                v += design[k, g, t] * r[g, t]
            moment[k] += spread[k] * v * (damp if g == 0 else 1.0)
        log_det += 2.0 * np.log(low[k, k])
        trace += cov[k, k]
    for i in range(width):
        v = moment[i]
        for j in range(i):
            v -= low[i, j] * post[j]
        post[i] = v / low[i, i]
    for i in range(width - 1, -1, -1):
        v = post[i]
        for j in range(i + 1, width):
            v -= low[j, i] * post[j]
        post[i] = v / low[i, i]
    if out.size > 0:
        for i in range(width):
            out[i], out[width + i] = post[i], spread[i]
            for j in range(width):
                out[2 * width + i * width + j] = low[i, j] if j <= i else 0.0
        for c in range(media):
            out[2 * width + width * width + c] = beta[c]
    quad = 0.0  # as |r - Zm|^2 + s2 |m|^2: at the minimum over m, so errors of m enter squared
    for k in range(width):
        quad += s2 * post[k] * post[k]
        f = spread[k] * post[k]
        for g in range(geos):
            v = f * (damp if g == 0 else 1.0)
            for t in range(periods):
                r[g, t] -= v * design[k, g, t]
    common_ss, all_ss = 0.0, 0.0
    for g in range(geos):
        v = 0.0
        for t in range(periods):
            v += r[g, t] * r[g, t]
        all_ss += v
        if g == 0:
            common_ss = v
    quad += all_ss
    logp += -0.5 * (quad / s2 + log_det + (rows - width) * np.log(s2) + rows * LOG2PI)
    # E[e'e] over w given theta: the mean residual plus what w does not know
    grad[o_sigma] += -rows + (all_ss + s2 * (width - s2 * trace)) / s2
    for k in range(width):
        if group[k] >= 0:
            grad[o_tau + int(group[k])] += post[k] * post[k] + s2 * cov[k, k] - 1.0
    if by_week:
        v = 0.0
        for i in range(width):
            for j in range(width):
                v += cov[i, j] * gram0[i, j]
        logp += periods * np.log(damp)
        by_log_damp = periods - (common_ss + s2 * v) / s2
        grad[o_week] += by_log_damp * (-0.5 * ratio / (1.0 + ratio))
        z = (theta[o_week] - block[WEEK_MU]) / block[WEEK_SD]
        logp += -0.5 * z * z - np.log(block[WEEK_SD]) - 0.5 * LOG2PI
        grad[o_week] -= z / block[WEEK_SD]
    for t in range(periods):
        r[0, t] *= damp
    q = np.empty((geos, periods))
    rotate(r, mirror, q)
    by_effect = np.zeros((media, geos))
    chain = np.zeros((media, 4))
    for g in range(geos):
        for t in range(periods):
            q[g, t] *= weight[g, t] / s2
    for c in range(media):
        for g in range(geos):
            b0, b1, b2, b3, b4 = 0.0, 0.0, 0.0, 0.0, 0.0
            for t in range(periods):
                v = q[g, t]
                b0 += v * s[c, g, t]
                b1 += v * sh[c, g, t]
                b3 += v * se[c, g, t]
            if at_k[c] >= 0:
                for t in range(periods):
                    b2 += q[g, t] * sk[c, g, t]
            if at_p[c] >= 0:
                for t in range(periods):
                    b4 += q[g, t] * sp[c, g, t]
            by_effect[c, g] += b0
            chain[c, 0] += b1 * effect[c, g]
            chain[c, 1] += b2 * effect[c, g]
            chain[c, 2] += b3 * effect[c, g]
            chain[c, 3] += b4 * effect[c, g]

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
                respond(pair_x[i, g], at_k[c] >= 0, bend[c], taps, half_life[c], shape[c], half_sat[c], slope[c],
                        s1, s1h, s1k, s1e, s1p)  # fmt: skip
                for t in range(periods):
                    w = pair_w[i, g, t]
                    if w != 0.0:
                        lift_geo[i, g] += w * (base * s[c, g, t] - s1[t])
                        d_lift[i, 0] += w * effect[c, g] * (base * sh[c, g, t] - s1h[t])
                        d_lift[i, 1] += w * effect[c, g] * (base * sk[c, g, t] - s1k[t])
                        d_lift[i, 2] += w * effect[c, g] * (base * se[c, g, t] - s1e[t])
                        d_lift[i, 3] += w * effect[c, g] * (base * sp[c, g, t] - s1p[t])
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
        v = block[at + i]
        for j in range(i + 1):
            v += block[at + n + i * n + j] * z[j]
        out[i] = v
    return out


@njit(cache=True, error_model="numpy")
def whitened(z, grad_z, block):
    """The density in whitened coordinates theta = centre + L z; code 0 is fine, above 0 rejects the proposal."""
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
    for j in range(n):
        v = 0.0
        for i in range(j, n):
            v += block[at + n + i * n + j] * g[i]
        if not np.isfinite(v):
            return 3, 0.0
        grad_z[j] = v
    return 0, value


_real = types.CPointer(types.double)


@cfunc(types.int64(types.uint64, _real, _real, _real, _real), cache=True, error_model="numpy")
def logp_callback(dim, z_, grad_, out_, block_):
    n = int(dim)
    head = carray(block_, (HEADER,))
    length = int(head[HEADER - 1])
    code, value = whitened(carray(z_, (n,)), carray(grad_, (n,)), carray(block_, (length,)))
    carray(out_, (1,))[0] = value
    return code


@cfunc(types.int64(types.uint64, types.uint64, _real, _real, _real), cache=True, error_model="numpy")
def expand_callback(dim, n_out, z_, out_, block_):
    n = int(dim)
    head = carray(block_, (HEADER,))
    length = int(head[HEADER - 1])
    out = carray(out_, (n,))
    theta = _theta(carray(z_, (n,)), carray(block_, (length,)))
    for i in range(n):
        out[i] = theta[i]
    return 0
