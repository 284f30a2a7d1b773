"""Times until a piece is published or killed, where some pieces are still open: Aalen-Johansen, with weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

OPEN, PUBLISHED, KILLED = 0, 1, 2
TIE = 1e-9  # shares this close are equal but for rounding


@dataclass(frozen=True)
class Incidence:
    """Cumulative shares published and killed by each of `times` (ascending), and the share still open.

    Each array but `times` has a row per set of weights: shape (sets, times).
    """

    times: np.ndarray
    published: np.ndarray
    killed: np.ndarray
    open: np.ndarray

    def quantile(self, p: float) -> np.ndarray:
        """Time by which the share `p` of what gets published at all is out, per set of weights; NaN where unknown.

        Conditional on publication: t with F_pub(t) = p F_pub(end), the middle of the gap where that holds between two
        publications, so that without open pieces the median is the plain one. It is no answer to 'how long if
        nothing were killed'.
        """
        if not self.times.size:
            return np.full(self.published.shape[0], np.nan)
        ever = self.published[:, -1] * self._completed
        wanted = p * ever[:, None]
        reached, passed = self.published >= wanted * (1 - TIE), self.published > wanted * (1 + TIE)
        first = reached.argmax(axis=1)
        after = np.where(passed.any(axis=1), passed.argmax(axis=1), first)
        return np.where((ever > 0) & reached.any(axis=1), (self.times[first] + self.times[after]) / 2, np.nan)

    @property
    def still_open(self) -> np.ndarray:
        """Share without an ending at the longest follow-up: what neither `quantile` nor the kill rate can know."""
        return self.open[:, -1] if self.times.size else np.ones(self.published.shape[0])

    @property
    def killed_in_the_end(self) -> np.ndarray:
        """Share that ends killed, per set of weights."""
        if not self.times.size:
            return np.full(self.published.shape[0], np.nan)
        return self.killed[:, -1] * self._completed

    @property
    def _completed(self) -> np.ndarray:
        """Factor by which the shares grow until nothing is open, if the last pieces end as those before them did.

        Without it a growing log, in which few pieces are old, gives a median 2 % too short.
        """
        ended = self.published[:, -1] + self.killed[:, -1]
        return np.divide(1.0, ended, out=np.ones_like(ended), where=ended > 0)


def incidence(duration: np.ndarray, ending: np.ndarray, weights: np.ndarray | None = None) -> Incidence:
    """Aalen-Johansen estimate from times since the brief.

    `duration` in any unit, 0 or more: until publication or the kill, or until today where the piece is open; `ending`
    is OPEN, PUBLISHED or KILLED; `weights` (sets, pieces) counts a piece several times or not at all, as a bootstrap
    does. An ending at the moment in which another piece was last seen comes first. Raises ValueError for unequal
    lengths, a negative or unknown duration, or an unknown ending. Source: Aalen & Johansen (1978).
    """
    duration, ending = np.asarray(duration, float), np.asarray(ending)
    if duration.shape != ending.shape:
        raise ValueError(f"{duration.size} durations and {ending.size} endings: give one of each per piece")
    if duration.size and not (np.isfinite(duration).all() and duration.min() >= 0):
        raise ValueError("a duration is negative or unknown: leave out pieces whose brief or ending has no time")
    if not np.isin(ending, (OPEN, PUBLISHED, KILLED)).all():
        raise ValueError(f"ending {ending.max()} is unknown: use 0 open, 1 published, 2 killed")
    w = np.ones((1, duration.size)) if weights is None else np.atleast_2d(np.asarray(weights, float))
    if w.shape[1] != duration.size:
        raise ValueError(f"{w.shape[1]} weights for {duration.size} pieces")
    if not duration.size:
        empty = np.zeros((w.shape[0], 0))
        return Incidence(np.zeros(0), empty, empty, empty)
    order = np.argsort(duration, kind="stable")
    times, starts = np.unique(duration[order], return_index=True)
    w, ended = w[:, order], ending[order]
    at_risk = np.cumsum(w[:, ::-1], axis=1)[:, ::-1][:, starts]
    of_published = np.add.reduceat(w * (ended == PUBLISHED), starts, axis=1)
    of_killed = np.add.reduceat(w * (ended == KILLED), starts, axis=1)
    safe = np.where(at_risk > 0, at_risk, 1.0)
    still = np.cumprod(np.clip(1 - (of_published + of_killed) / safe, 0, 1), axis=1)
    before = np.concatenate([np.ones((w.shape[0], 1)), still[:, :-1]], axis=1)
    return Incidence(
        times,
        np.cumsum(before * of_published / safe, axis=1),
        np.cumsum(before * of_killed / safe, axis=1),
        still,
    )


def kaplan_meier_median(duration: np.ndarray, ending: np.ndarray) -> float:
    """Median time to publication if nothing were killed: kills count as censored. NaN where it is not reached."""
    process = incidence(duration, np.where(np.asarray(ending) == PUBLISHED, PUBLISHED, OPEN))
    reached = process.open[0] <= 0.5
    return float(process.times[reached.argmax()]) if reached.any() else float("nan")
