"""Compiled linear algebra of the kernel: sums over panels, small triangular factors, the baseline's columns.

Panels are flat arrays with time outside and regions inside: cell (t, g) sits at t * step + g, `step` regions.
numba's cache watches one file at a time: after an edit here, delete the cached kernel in __pycache__ before measuring.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"
# numba infers the types of compiled functions; Python annotations would only repeat them.
from __future__ import annotations

import numpy as np
from numba import njit  # noqa: TID253 -- compiled code; callers import it inside functions

# Fast arithmetic, but sums keep their order: in a loop that sums and writes, LLVM may compile a vector and a scalar
# version and choose by where the arrays lie in memory. The last digit, and with it every draw, would then differ
# between two runs of one fit. A loop that only reads has one version; there sums may be taken in any order.
FAST = {"nnan", "ninf", "nsz", "arcp", "contract", "afn"}
FAST_ONLY_READS = True


@njit(cache=True, error_model="numpy", fastmath=FAST_ONLY_READS)
def dot(a, b, n):
    """Sum of a[:n] * b[:n]."""
    v = 0.0
    for i in range(n):
        v += a[i] * b[i]
    return v


@njit(cache=True, error_model="numpy", fastmath=FAST)
def add_scaled(f, a, into, n):
    """into[:n] += f * a[:n]."""
    for i in range(n):
        into[i] += f * a[i]


@njit(cache=True, error_model="numpy", fastmath=FAST)
def over_time(a, b, step, out):
    """Per region the sum over time of a * b; out (step,) is overwritten."""
    if step == 1:
        out[0] = dot(a, b, a.size)
        return
    for g in range(step):
        out[g] = 0.0
    four = a.size - a.size % (4 * step)
    for start in range(0, four, 4 * step):  # four periods at a time: the sums stay in registers longer
        for i in range(start, start + step):
            j, k, m = i + step, i + 2 * step, i + 3 * step
            out[i - start] += (a[i] * b[i] + a[j] * b[j]) + (a[k] * b[k] + a[m] * b[m])
    for start in range(four, a.size, step):
        for g in range(step):
            out[g] += a[start + g] * b[start + g]


@njit(cache=True, error_model="numpy", fastmath=FAST_ONLY_READS)
def weighted_total(a, weight, step):
    """Sum over all cells of a times the weight (step,) of its region."""
    v = 0.0
    if step == 1:
        for i in range(a.size):
            v += a[i]
        return v * weight[0]
    for start in range(0, a.size, step):
        for g in range(step):
            v += weight[g] * a[start + g]
    return v


@njit(cache=True, error_model="numpy", fastmath=FAST)
def pulls(q, s, sh, se, effect, step, by_region):
    """Per region the sum over time of q * s into `by_region`, and the totals of q * effect * sh and q * effect * se."""
    if step == 1:
        by_region[0] = dot(q, s, q.size)
        return effect[0] * dot(q, sh, q.size), effect[0] * dot(q, se, q.size)
    sums = np.empty(step)
    over_time(q, s, step, by_region)
    over_time(q, sh, step, sums)
    by_h = dot(sums, effect, step)
    over_time(q, se, step, sums)
    return by_h, dot(sums, effect, step)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def over_regions(a, step, out):
    """Per period the sum over regions; out (T,) is overwritten."""
    for t in range(out.size):
        v = 0.0
        for g in range(step):
            v += a[t * step + g]
        out[t] = v


@njit(cache=True, error_model="numpy")
def cholesky(a, n):
    """Lower factor in place, by hand: numpy's raises inside a callback, which then reports success. False if not PD."""
    for i in range(n):
        for j in range(i):
            a[i, j] = (a[i, j] - dot(a[i], a[j], j)) / a[j, j]
        d = a[i, i] - dot(a[i], a[i], i)
        if not d > 0.0:
            return False
        a[i, i] = np.sqrt(d)
    return True


@njit(cache=True, error_model="numpy")
def inverse_factor(low, n, inv):
    """L^-1 of a lower factor, row by row; what lies above the diagonal of `inv` is left alone."""
    for i in range(n):
        for j in range(i):
            inv[i, j] = 0.0
        for k in range(i):
            add_scaled(low[i, k], inv[k], inv[i], k + 1)
        f = 1.0 / low[i, i]
        for j in range(i):
            inv[i, j] *= -f
        inv[i, i] = f


@njit(cache=True, error_model="numpy", fastmath=FAST)
def inverse_from_cholesky(low, n, out):
    """(L L')^-1, symmetric."""
    inv = np.empty((n, n))
    inverse_factor(low, n, inv)
    for i in range(n):
        for j in range(n):
            out[i, j] = 0.0
    for k in range(n):
        for i in range(k + 1):
            add_scaled(inv[k, i], inv[k], out[i], i + 1)
    for i in range(n):
        for j in range(i):
            out[j, i] = out[i, j]


@njit(cache=True, error_model="numpy", fastmath=FAST)
def precision_times(r, w2, inverse_norm, kappa, step, out, common):
    """V^-1 r, times sigma^2, into `out`; `common` (T,) receives each period's weighted sum. Returns r' V^-1 r."""
    if kappa == 0.0:
        for i in range(r.size):
            out[i] = w2[i] * r[i]
        return dot(out, r, r.size)
    for t in range(common.size):
        v = 0.0
        for i in range(t * step, (t + 1) * step):
            v += w2[i] * r[i]
        common[t] = v
        v *= kappa * inverse_norm[t]
        for i in range(t * step, (t + 1) * step):
            out[i] = w2[i] * (r[i] - v)
    return dot(out, r, r.size)


@njit(cache=True, error_model="numpy", fastmath=FAST)
def project(v, shared, own, own_geo, full, place, step, summed, out):
    """X'v for columns shared by all regions, own to one region, or full; `place` says where each belongs in out."""
    periods, at = summed.size, 0
    if step == 1:
        summed[:] = v
    else:
        over_regions(v, step, summed)
    for k in range(shared.shape[0]):
        out[place[at]] = dot(shared[k], summed, periods)
        at += 1
    for k in range(own.shape[0]):
        g, f = own_geo[k], 0.0
        for t in range(periods):
            f += own[k, t] * v[t * step + g]
        out[place[at]] = f
        at += 1
    for k in range(full.shape[0]):
        out[place[at]] = dot(full[k], v, v.size)
        at += 1


@njit(cache=True, error_model="numpy", fastmath=FAST)
def less_fitted(r, weights, shared, own, own_geo, full, place, step, summed):
    """r minus X times weights, in place."""
    periods, at = summed.size, 0
    for t in range(periods):
        summed[t] = 0.0
    for k in range(shared.shape[0]):
        add_scaled(weights[place[at]], shared[k], summed, periods)
        at += 1
    for t in range(periods):
        for i in range(t * step, (t + 1) * step):
            r[i] -= summed[t]
    for k in range(own.shape[0]):
        g, f = own_geo[k], weights[place[at]]
        for t in range(periods):
            r[t * step + g] -= f * own[k, t]
        at += 1
    for k in range(full.shape[0]):
        add_scaled(-weights[place[at]], full[k], r, r.size)
        at += 1
