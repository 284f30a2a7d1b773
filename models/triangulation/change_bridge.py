"""Why a channel's iROAS moved between two fits: one step per kind of evidence that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.triangulation.mmm_evidence import MMMDraws, MMMEvidence
from models.triangulation.posterior import Triangulation, combine
from models.triangulation.priors import EvidencePriors

STEPS = ("mmm", "known tests", "new tests", "platform", "attribution", "self_reported")
SCHEMA = {
    "channel": pl.String,
    "step": pl.String,
    "change": pl.Float64,
    "standard_error": pl.Float64,
    "within_noise": pl.Boolean,
}


@dataclass(frozen=True)
class EvidenceSet:
    """What one fit was given: the evidence frame and, where there was one, the MMM's joint evidence."""

    evidence: pl.DataFrame
    mmm: MMMDraws | MMMEvidence | None = None


def explain_change(
    before: EvidenceSet,
    after: EvidenceSet,
    *,
    seed: int,
    priors: EvidencePriors | None = None,
    channels: Sequence[str] = (),
    classes: Mapping[str, str] | None = None,
    margin: float | None = None,
) -> pl.DataFrame:
    """Change of each channel's mean iROAS, step by step: channel, step, change, standard_error, within_noise.

    The old evidence is replaced by the new one kind at a time (MMM, tests known before, which have aged or were
    revised, new tests, platform claims, attribution, self-reports), with a fit after each; changes of a channel add up
    to the whole change exactly. The split depends on that order, as any split of a joint effect does. `within_noise`
    marks changes below two standard errors of the sampling of the two fits: nothing to explain. A kind whose
    evidence did not change has no row. Channels are those known before or after. Raises ValueError as `combine` does.
    """
    every = sorted({*channels, *_channels(before), *_channels(after)})

    def fit(given: EvidenceSet) -> Triangulation:
        return combine(
            given.evidence,
            seed=seed,
            mmm=given.mmm,
            channels=every,
            classes=classes,
            priors=priors,
            margin=margin,
        )

    rows: list[tuple[object, ...]] = []
    now = before
    fitted: Triangulation | None = None
    for step in STEPS:
        moved = _replaced(now, after, step)
        if _same(moved, now):
            continue
        fitted = fitted or fit(now)
        refitted = fit(moved)
        rows += [(name, step, *figures) for name, figures in zip(every, _changes(fitted, refitted), strict=True)]
        now, fitted = moved, refitted
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _channels(given: EvidenceSet) -> set[str]:
    return {*given.evidence["channel"].to_list(), *(given.mmm.channels if given.mmm else ())}


def _replaced(now: EvidenceSet, after: EvidenceSet, step: str) -> EvidenceSet:
    """The evidence with one kind taken from `after`."""
    if step == "mmm":
        chosen, mmm = pl.col("kind") == "mmm", after.mmm
    else:
        mmm = now.mmm
        kind = "experiment" if step.endswith("tests") else step
        chosen = pl.col("kind") == kind
    old = now.evidence.filter(~chosen)
    new = after.evidence.filter(chosen)
    if step == "known tests":
        new = new.filter(pl.col("method").is_in(now.evidence.filter(chosen)["method"].implode()))
    return EvidenceSet(pl.concat([old, new], how="diagonal_relaxed"), mmm)


def _same(one: EvidenceSet, other: EvidenceSet) -> bool:
    # Sorted as JSON lines: rows may come in any order, and columns may be missing on one side.
    def lines(given: EvidenceSet) -> list[str]:
        rows = [{k: v for k, v in row.items() if v is not None} for row in given.evidence.to_dicts()]
        return sorted(repr(sorted(row.items())) for row in rows)

    if lines(one) != lines(other) or (one.mmm is None) != (other.mmm is None):
        return False
    if one.mmm is None or other.mmm is None or one.mmm is other.mmm:
        return True
    if type(one.mmm) is not type(other.mmm) or one.mmm.channels != other.mmm.channels:
        return False
    return all(np.array_equal(a, b) for a, b in zip(_figures(one.mmm), _figures(other.mmm), strict=False))


def _figures(mmm: MMMDraws | MMMEvidence) -> tuple[np.ndarray, ...]:
    if isinstance(mmm, MMMEvidence):
        return mmm.mean, mmm.cov
    return mmm.returns, np.array(sorted(mmm.captured)), *(mmm.captured[name] for name in sorted(mmm.captured))


def _changes(before: Triangulation, after: Triangulation) -> list[tuple[float, float, bool]]:
    change = after.theta.mean(axis=0) - before.theta.mean(axis=0)
    error = np.hypot(_standard_error(before), _standard_error(after))
    return [(float(c), float(e), bool(abs(c) < 2 * e)) for c, e in zip(change, error, strict=True)]


def _standard_error(fitted: Triangulation) -> np.ndarray:
    """Monte Carlo error of each channel's mean iROAS."""
    effective = max(min(fitted.convergence.ess, fitted.convergence.draws), 1.0)
    return np.asarray(fitted.theta.std(axis=0, ddof=1) / np.sqrt(effective))
