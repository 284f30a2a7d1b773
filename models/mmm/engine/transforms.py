"""Compiled pieces of the kernel: carryover, saturation, small linear algebra, priors of the response parameters.

Panels are flat arrays with time outside and regions inside: cell (t, g) sits at t * step + g, `step` regions.
numba's cache watches one file at a time: after an edit here, delete the cached kernel in __pycache__ before measuring.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"
# numba infers the types of compiled functions; Python annotations would only repeat them.
from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types  # noqa: TID253 -- compiled code; callers import it inside functions
from numba.extending import intrinsic  # noqa: TID253 -- the same

from models.mmm.engine.linear_algebra import FAST

LN2, LN3 = np.log(2.0), np.log(3.0)
LOG2PI = np.log(2 * np.pi)
HILL, LOGISTIC, EXPONENTIAL, SLOPED = 0, 1, 2, 3  # Hill with slope 1, …, Hill with a free slope


@intrinsic
def _float_of_bits(typing_context, bits):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@njit(cache=True, error_model="numpy", fastmath=FAST, inline="always")
def exp_vector(x):
    """e^x to the last digit or two; unlike the library's, a loop over it runs four to eight cells at a time."""
    x = min(max(x, -700.0), 700.0)
    k = np.floor(x * 1.4426950408889634 + 0.5)
    r = x - k * LN2
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * _float_of_bits((np.int64(k) + 1023) << 52)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def _period(x, start, leaves, step, a, a_taps, last, acc, d_acc):
    """The recursion one period on, all regions at once; what is `taps` periods old leaves at `leaves`."""
    for g in range(step):
        d_acc[g] = a * d_acc[g] + acc[g]
        acc[g] = a * acc[g] + x[start + g]
    if leaves >= 0:
        for g in range(step):
            v = x[leaves + g]
            d_acc[g] -= last * v
            acc[g] -= a_taps * v


@njit(cache=True, error_model="numpy", fastmath=FAST)
def geometric(x, step, half_life, taps, out, d_out):
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
    scale, share, chain = 1.0 / total, d_total / total, a * LN2 / (half_life * total)
    if step > 1:
        acc_row, d_acc_row = np.zeros(step), np.zeros(step)
        for start in range(0, x.size, step):
            _period(x, start, start - taps * step, step, a, a_taps, last, acc_row, d_acc_row)
            for g in range(step):
                v = acc_row[g]
                d_out[start + g] = chain * (d_acc_row[g] - v * share)
                out[start + g] = max(v * scale, 0.0)
        return
    reach = min(taps, x.size)
    for i in range(reach):
        out[i], d_out[i] = x[i], 0.0
    for i in range(reach, x.size):
        leaving = x[i - reach]
        out[i], d_out[i] = x[i] - a_taps * leaving, -last * leaving
    acc, d_acc = 0.0, 0.0
    for i in range(x.size):
        d_acc = a * d_acc + (acc + d_out[i])
        acc = a * acc + out[i]
        out[i], d_out[i] = acc, d_acc
    for i in range(x.size):
        v = out[i]
        d_out[i] = chain * (d_out[i] - v * share)
        out[i] = max(v * scale, 0.0)  # cancellation leaves -1e-16 when a flight ends; its power would be NaN


@njit(cache=True, error_model="numpy", fastmath=FAST)
def weibull(x, step, half_life, shape, taps, out, d_half, d_shape):
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
    for i in range(x.size):
        out[i], d_half[i], d_shape[i] = 0.0, 0.0, 0.0
    for lag in range(min(taps, x.size // step)):  # lag outside, time inside: contiguous, so the compiler vectorises it
        w0, w1, w2 = w[lag], wh[lag], wk[lag]
        back = lag * step
        for i in range(back, x.size):
            v = x[i - back]
            out[i] += w0 * v
            d_half[i] += w1 * v
            d_shape[i] += w2 * v


@njit(cache=True, error_model="numpy", fastmath=FAST)
def saturate_panel(curve, slope, half_sat, delayed, s, sh, sk, se, sp):
    """Saturation in place: s holds the carried-over media, sh and sk its derivatives by log half-life and shape.

    se and sp receive those by log half-saturation and log slope; sk is used only if `delayed`, sp only for SLOPED.
    """
    if curve == SLOPED:
        log_half = np.log(half_sat)
        for i in range(s.size):
            v = s[i]
            if v <= 1e-12:
                s[i], sh[i], se[i], sp[i] = 0.0, 0.0, 0.0, 0.0
                by_a = 0.0
            else:
                lean = np.log(v) - log_half
                value = 1.0 / (1.0 + np.exp(-slope * lean))
                bend = slope * value * (1.0 - value)
                by_a = bend / v
                s[i], se[i], sp[i] = value, -bend, bend * lean
                sh[i] *= by_a
            if delayed:
                sk[i] *= by_a
        return
    if curve == HILL:
        for i in range(s.size):
            v = s[i]
            part = 1.0 / (v + half_sat)
            by_a = half_sat * part * part
            s[i], sh[i], se[i] = v * part, sh[i] * by_a, -by_a * v
            if delayed:
                sk[i] *= by_a
    elif curve == LOGISTIC:
        rate = LN3 / half_sat
        for i in range(s.size):
            v = s[i]
            h = exp_vector(-rate * v)
            value = (1.0 - h) / (1.0 + h)
            by_a = 0.5 * (1.0 - value * value) * rate
            s[i], sh[i], se[i] = value, sh[i] * by_a, -by_a * v
            if delayed:
                sk[i] *= by_a
    else:
        rate = LN2 / half_sat
        for i in range(s.size):
            v = s[i]
            h = exp_vector(-rate * v)
            by_a = h * rate
            s[i], sh[i], se[i] = 1.0 - h, sh[i] * by_a, -by_a * v
            if delayed:
                sk[i] *= by_a


@njit(cache=True, error_model="numpy", fastmath=FAST)
def respond_panel(x, step, delayed, curve, taps, half_life, shape, half_sat, slope, s, sh, sk, se, sp):
    """Response of one flat panel in place, with its four derivatives (sk only if delayed, sp only if SLOPED)."""
    if delayed:
        weibull(x, step, half_life, shape, taps, s, sh, sk)
    else:
        geometric(x, step, half_life, taps, s, sh)
    saturate_panel(curve, slope, half_sat, delayed, s, sh, sk, se, sp)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def respond(x, delayed, curve, taps, half_life, shape, half_sat, slope, s, sh, sk, se, sp):
    """`respond_panel` of a single series (T,)."""
    respond_panel(x, 1, delayed, curve, taps, half_life, shape, half_sat, slope, s, sh, sk, se, sp)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def saturate(curve, slope, half_sat, a, ah, ak, s, sh, sk, se, sp):
    """`saturate_panel` of the carried-over media a and its derivatives ah and ak, which are kept."""
    for i in range(a.size):
        s[i], sh[i], sk[i] = a[i], ah[i], ak[i]
    saturate_panel(curve, slope, half_sat, True, s, sh, sk, se, sp)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def prior_half_life(kind, p1, p2, u):
    """Log density of u = log half-life and its derivative; kind 1 is a Beta(p1, p2) on the retention."""
    if kind == 0.0:
        z = (u - p1) / p2
        return -0.5 * z * z - np.log(p2) - 0.5 * LOG2PI, -z / p2
    r = LN2 * np.exp(-u)  # -log retention
    retention = np.exp(-r)
    return (
        -p1 * r + (p2 - 1.0) * np.log1p(-retention) + np.log(r),
        p1 * r - (p2 - 1.0) * retention * r / (1.0 - retention) - 1.0,
    )


@njit(cache=True, error_model="numpy", fastmath=FAST)
def prior_half_saturation(kind, p1, p2, u):
    """Log density of u = log half-saturation; kind 1 is a Gamma(p1, p2) on the logistic rate log(3) / exp(u)."""
    if kind == 0.0:
        z = (u - p1) / p2
        return -0.5 * z * z - np.log(p2) - 0.5 * LOG2PI, -z / p2
    rate = LN3 * np.exp(-u)
    return p1 * np.log(rate) - p2 * rate, -p1 + p2 * rate


@njit(cache=True, error_model="numpy", fastmath=FAST)
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
