"""Two fits of one case side by side: effective draws per CPU-second, and whether both have the same posterior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.mmm.peer_cases import Case
from benchmarks.mmm.peer_fit import REFEREE, Fitted, ours

UNSURE, HOPELESS = 1.01, 1.05  # R-hat above which a peer's row is marked, and left out
APART = 4.0  # Monte Carlo standard errors between two estimates of one quantity that void a row


@dataclass(frozen=True)
class Side:
    """One side of a row: costs in CPU-seconds, smallest effective numbers of draws, largest R-hat of any parameter."""

    sample_cpu: float
    compile_cpu: float
    roi_bulk: float
    roi_tail: float
    worst_bulk: float
    r_hat: float
    divergences: int
    gradients: float
    memory_mb: float
    load: float


@dataclass(frozen=True)
class Row:
    """One case: ours before and after, the peer between them; `apart` in Monte Carlo standard errors."""

    case: str
    before: Side
    rival: Side
    after: Side
    apart: float

    @property
    def sampling(self) -> float:
        """ROI-ESS per CPU-second, sampling only: mean of ours over the peer's."""
        return self._ratio("roi_bulk", compiled=False)

    @property
    def whole(self) -> float:
        """The same with the peer's build and compile, which every new data set costs it."""
        return self._ratio("roi_bulk", compiled=True)

    @property
    def tail(self) -> float:
        """Tail ESS of the ROI per CPU-second, sampling only."""
        return self._ratio("roi_tail", compiled=False)

    @property
    def worst(self) -> float:
        """Smallest bulk ESS over every sampled parameter per CPU-second, sampling only."""
        return self._ratio("worst_bulk", compiled=False)

    @property
    def void(self) -> bool:
        """Whether the two posteriors differ by more than their Monte Carlo errors allow."""
        return self.apart > APART

    def _ratio(self, figure: str, *, compiled: bool) -> float:
        own = [getattr(side, figure) / side.sample_cpu for side in (self.before, self.after)]
        cost = self.rival.sample_cpu + (self.rival.compile_cpu if compiled else 0.0)
        return float(np.mean(own) / (getattr(self.rival, figure) / cost))


def compared(case: str, before: Fitted, rival: Fitted, after: Fitted) -> Row:
    """The row of one case; ArviZ computes every figure of either side from plain arrays."""
    pooled = np.concatenate([before.roi, after.roi])
    apart = max(_apart(pooled[:, :, c], rival.roi[:, :, c]) for c in range(pooled.shape[2]))
    return Row(case, side(before), side(rival), side(after), apart)


def apart_from_itself(case: Case) -> float:
    """How far two of our ordinary fits lie from one eight times as long, with smaller steps: who errs in a void row."""
    short = [ours(case, seed=seed).roi for seed in (101, 102)]
    long = ours(case, seed=103, settings=REFEREE).roi
    return max(_apart(np.concatenate([s[:, :, c] for s in short]), long[:, :, c]) for c in range(long.shape[2]))


def side(fitted: Fitted) -> Side:
    """Rank-normalised split figures over ROI and over every sampled parameter."""
    import arviz as az

    roi = [fitted.roi[:, :, c] for c in range(fitted.roi.shape[2])]
    every = [fitted.parameters[:, :, i] for i in range(fitted.parameters.shape[2])]
    return Side(
        fitted.sample_cpu,
        fitted.compile_cpu,
        min(_number(az.ess(d, method="bulk")) for d in roi),
        min(_number(az.ess(d, method="tail")) for d in roi),
        min(_number(az.ess(d, method="bulk")) for d in every),
        max(_number(az.rhat(d, method="rank")) for d in every),
        fitted.divergences,
        fitted.gradients,
        fitted.memory_mb,
        fitted.load,
    )


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    """Largest distance of mean, 5 % and 95 % point in Monte Carlo standard errors."""
    import arviz as az

    def gap(one: float, other: float, **method: object) -> float:
        first, second = (_number(az.mcse(draws, **method)) for draws in (a, b))
        return float(abs(one - other) / np.hypot(first, second))

    points = [gap(np.quantile(a, p), np.quantile(b, p), method="quantile", prob=p) for p in (0.05, 0.95)]
    return max(gap(a.mean(), b.mean(), method="mean"), *points)


def _number(value: object) -> float:
    """ArviZ answers a plain array with a scalar or a one-element array, by method."""
    return float(np.asarray(value).item())
