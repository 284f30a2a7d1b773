"""Compiled pieces of the kernel: carryover, saturation, small linear algebra, priors of the response parameters.

numba's cache watches one file at a time: after an edit here, delete the cached kernel in __pycache__ before measuring.
"""

# mypy: disable-error-code="no-untyped-def"
# numba infers the types of compiled functions; Python annotations would only repeat them.
from __future__ import annotations

import numpy as np
from numba import njit  # noqa: TID253 -- compiled code; callers import it inside functions

LN2, LN3 = np.log(2.0), np.log(3.0)
LOG2PI = np.log(2 * np.pi)
HILL, LOGISTIC, EXPONENTIAL, SLOPED = 0, 1, 2, 3  # Hill with slope 1, …, Hill with a free slope


@njit(cache=True, error_model="numpy", fastmath=True)
def geometric(x, half_life, taps, out, d_out):
    """Normalised carryover of x and its derivative by log half-life, by recursion: O(T), not O(T L)."""
    a = 2.0 ** (-1.0 / half_life)
    total, d_total = 0.0, 0.0
    power, d_power = 1.0, 0.0
    for _ in range(taps):
        total += power
        d_total += d_power
        d_power = d_power * a + power
        power *= a
    last, a_taps = taps * a ** (taps - 1), a**taps
    chain = a * LN2 / half_life
    acc, d_acc = 0.0, 0.0
    for t in range(x.size):
        leaving = x[t - taps] if t >= taps else 0.0
        d_acc = a * d_acc + acc - last * leaving
        acc = a * acc + x[t] - a_taps * leaving
        out[t] = max(acc / total, 0.0)  # cancellation leaves -1e-16 when a flight ends; its power would be NaN
        d_out[t] = chain * (d_acc - acc * d_total / total) / total


@njit(cache=True, error_model="numpy", fastmath=True)
def weibull(x, half_life, shape, taps, out, d_half, d_shape):
    """Carryover by Weibull waiting times with the given median; derivatives by log half-life and log shape."""
    w, wh, wk = np.empty(taps), np.empty(taps), np.empty(taps)
    total, total_h, total_k = 0.0, 0.0, 0.0
    g0, gh0, gk0 = 1.0, 0.0, 0.0
    for lag in range(taps):
        ratio = np.log((lag + 1.0) / half_life)
        z = LN2 * np.exp(shape * ratio)
        g1 = np.exp(-z)
        gh1, gk1 = g1 * z * shape, -g1 * z * shape * ratio
        w[lag], wh[lag], wk[lag] = g0 - g1, gh0 - gh1, gk0 - gk1
        total += w[lag]
        total_h += wh[lag]
        total_k += wk[lag]
        g0, gh0, gk0 = g1, gh1, gk1
    for lag in range(taps):
        w[lag] /= total
        wh[lag] = (wh[lag] - w[lag] * total_h) / total
        wk[lag] = (wk[lag] - w[lag] * total_k) / total
    for t in range(x.size):
        out[t], d_half[t], d_shape[t] = 0.0, 0.0, 0.0
    for lag in range(min(taps, x.size)):  # lag outside, time inside: contiguous, so the compiler vectorises it
        w0, w1, w2 = w[lag], wh[lag], wk[lag]
        for t in range(lag, x.size):
            v = x[t - lag]
            out[t] += w0 * v
            d_half[t] += w1 * v
            d_shape[t] += w2 * v


@njit(cache=True, error_model="numpy", fastmath=True)
def saturate(curve, slope, half_sat, a, ah, ak, s, sh, sk, se, sp):
    """Saturation of the carried-over media and its derivatives by log half-life, shape, half-saturation, slope."""
    free, log_half = curve == SLOPED, np.log(half_sat)
    for t in range(a.size):
        v = a[t]
        if v <= 1e-12:
            s[t], sh[t], sk[t], se[t], sp[t] = 0.0, 0.0, 0.0, 0.0, 0.0
            if curve in (LOGISTIC, EXPONENTIAL):
                k0 = LN3 / (2 * half_sat) if curve == LOGISTIC else LN2 / half_sat
                sh[t], sk[t] = k0 * ah[t], k0 * ak[t]
            continue
        if curve in (HILL, SLOPED):
            lean = np.log(v) - log_half if free else 0.0
            value = 1.0 / (1.0 + np.exp(-slope * lean)) if free else v / (v + half_sat)
            bend = slope * value * (1.0 - value)
            s[t], by_a, se[t], sp[t] = value, bend / v, -bend, bend * lean
        elif curve == LOGISTIC:
            rate = LN3 / half_sat
            h = np.exp(-rate * v)
            value = (1.0 - h) / (1.0 + h)
            by_a = 0.5 * (1.0 - value * value) * rate
            s[t], se[t], sp[t] = value, -by_a * v, 0.0
        else:
            rate = LN2 / half_sat
            h = np.exp(-rate * v)
            by_a = h * rate
            s[t], se[t], sp[t] = 1.0 - h, -by_a * v, 0.0
        sh[t] = by_a * ah[t]
        sk[t] = by_a * ak[t]


@njit(cache=True, error_model="numpy", fastmath=True)
def respond(x, is_weibull, curve, taps, half_life, shape, half_sat, slope, s, sh, sk, se, sp):
    """Response of one series (T,) in place, with its four derivatives."""
    a, ah, ak = np.empty(x.size), np.empty(x.size), np.zeros(x.size)
    if is_weibull:
        weibull(x, half_life, shape, taps, a, ah, ak)
    else:
        geometric(x, half_life, taps, a, ah)
    saturate(curve, slope, half_sat, a, ah, ak, s, sh, sk, se, sp)


@njit(cache=True, error_model="numpy")
def cholesky(a, n):
    """Lower factor in place, by hand: numpy's raises inside a callback, which then reports success. False if not PD."""
    for j in range(n):
        d = a[j, j]
        for k in range(j):
            d -= a[j, k] * a[j, k]
        if not d > 0.0:
            return False
        d = np.sqrt(d)
        a[j, j] = d
        for i in range(j + 1, n):
            v = a[i, j]
            for k in range(j):
                v -= a[i, k] * a[j, k]
            a[i, j] = v / d
    return True


@njit(cache=True, error_model="numpy", fastmath=True)
def inverse_from_cholesky(low, n, out):
    """(L L')^-1, symmetric."""
    inv = np.zeros((n, n))
    for j in range(n):
        inv[j, j] = 1.0 / low[j, j]
        for i in range(j + 1, n):
            v = 0.0
            for k in range(j, i):
                v -= low[i, k] * inv[k, j]
            inv[i, j] = v / low[i, i]
    for i in range(n):
        for j in range(i + 1):
            v = 0.0
            for k in range(i, n):
                v += inv[k, i] * inv[k, j]
            out[i, j] = v
            out[j, i] = v


@njit(cache=True, error_model="numpy", fastmath=True)
def rotate(v, h, out):
    """Householder reflection over geos within each period: row 0 becomes the common part, the rest contrasts."""
    geos, periods = v.shape
    for t in range(periods):
        dot = 0.0
        for g in range(geos):
            dot += h[g, t] * v[g, t]
        for g in range(geos):
            out[g, t] = v[g, t] - 2.0 * dot * h[g, t]


@njit(cache=True, error_model="numpy", fastmath=True)
def prior_half_life(kind, p1, p2, u):
    """Log density of u = log half-life and its derivative; kind 1 is a Beta(p1, p2) on the retention."""
    if kind == 0.0:
        z = (u - p1) / p2
        return -0.5 * z * z - np.log(p2) - 0.5 * LOG2PI, -z / p2
    r = LN2 * np.exp(-u)  # -log retention
    kept = np.exp(-r)
    return (-p1 * r + (p2 - 1.0) * np.log1p(-kept) + np.log(r), p1 * r - (p2 - 1.0) * kept * r / (1.0 - kept) - 1.0)


@njit(cache=True, error_model="numpy", fastmath=True)
def prior_half_saturation(kind, p1, p2, u):
    """Log density of u = log half-saturation; kind 1 is a Gamma(p1, p2) on the logistic rate log(3) / exp(u)."""
    if kind == 0.0:
        z = (u - p1) / p2
        return -0.5 * z * z - np.log(p2) - 0.5 * LOG2PI, -z / p2
    rate = LN3 * np.exp(-u)
    return p1 * np.log(rate) - p2 * rate, -p1 + p2 * rate


@njit(cache=True, error_model="numpy", fastmath=True)
def media_sums(x, size, labels, count, delayed, sloped, curve, taps, half_life, shape, half_sat, slope, effect, out):
    """Contribution of each series summed over the cells that share a label: out (draws, count, C); label -1 is
    skipped.
    """
    media, geos, periods = x.shape
    s, d1, d2 = np.empty(periods), np.empty(periods), np.empty(periods)
    d3, d4 = np.empty(periods), np.empty(periods)
    for d in range(half_life.shape[0]):
        for c in range(media):
            for g in range(geos):
                respond(
                    x[c, g],
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
                b = effect[d, c, g] * size[g]
                for t in range(periods):
                    if labels[g, t] >= 0:
                        out[d, labels[g, t], c] += b * s[t]
