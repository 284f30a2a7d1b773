"""Today's iROAS between two fits: the last fit's number moved by what the platforms' claims have moved since."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.error import PlumblineError
from models.triangulation.evidence import Readings, readings
from models.triangulation.posterior import Triangulation
from models.warning import Warning

OLDEST_FIT_DAYS = 14
CLAIM_KINDS = {"attribution", "platform", "self_reported"}
# How far from the window's average an effect usually moves (creative, rivals, prices, level of spend), and a claim
# without its effect (tags, windows, demand that would have come anyway); log points.
USUAL_MOVE, USUAL_CLAIM_MOVE = 0.20, 0.20
# A claim that moves 2.5-fold, or down to 40 %, shows a broken tag rather than a broken effect.
LARGEST_MOVE = 0.90


class DailyError(PlumblineError, ValueError):
    """A figure of today cannot be derived from this fit and these claims."""


@dataclass(frozen=True)
class Today:
    """estimates: channel, mean, sd, q05, q50, q95, moved (factor on the fit's number), updated; warnings."""

    estimates: pl.DataFrame
    warnings: tuple[Warning, ...]


def today(result: Triangulation, claims: pl.DataFrame, *, seed: int, fit_age_days: float) -> Today:
    """iROAS of the latest days per channel: theta x (today's claim / the window's claim)^k, k the effect's part of it.

    `claims`: evidence rows of kind attribution, platform or self_reported for the latest days, with the methods and the
    outcome of those in the fit. A method's bias is frozen as it was in the fit, so it cancels in the ratio of the two
    claims. The log of that ratio is the effect's move, N(0, 0.20) before it is seen, plus the claim's own, N(0, 0.20),
    plus counting noise: about half of a precise claim's move is the effect's, little of a noisy one's, and what stays
    unknown widens the range. Following a claim one for one was worse than not following it at all on simulated days:
    `python -m benchmarks.triangulation.daily`. Several methods count by their precision. A channel of grade D, a
    drifted method, a channel without the same claim in the fit, and a claim that moved further than effects do
    (2.5-fold) are not updated, and say why. Raises ValueError on a fit older than 14 days: fit again instead.
    """
    if fit_age_days > OLDEST_FIT_DAYS or fit_age_days < 0:
        raise DailyError(
            f"fit_age_days={fit_age_days}: daily figures need a fit of 0 to {OLDEST_FIT_DAYS} days; fit again"
        )
    if claims.height and set(claims["kind"]) - CLAIM_KINDS:
        raise DailyError(f"daily claims hold kind {sorted(set(claims['kind']))}: only claims may move between fits")
    channels = result.readings.channels
    latest = readings(claims, seed=seed, channels=channels)
    unknown = sorted(set(latest.channels) - set(channels))
    if unknown:
        raise DailyError(f"channel {unknown[0]!r} has a claim today but no estimate in the fit")
    reasons = {
        name: "its grade is D" if grade == "D" else "no claim of today matches one in the fit"
        for name, grade in result.estimates.select("channel", "evidence_grade").iter_rows()
    }
    moves, precision = _moves(result, latest, reasons)
    updated = precision > 0
    total = precision + USUAL_MOVE**-2
    centre = np.divide(moves, total, out=np.zeros_like(moves), where=updated)
    spread = np.where(updated, total**-0.5, 0.0)
    drawn = np.random.default_rng(seed).standard_normal(result.theta.shape)
    theta = result.theta * np.exp(centre + spread * drawn - spread**2 / 2)
    low, middle, high = np.quantile(theta, [0.05, 0.5, 0.95], axis=0)
    estimates = pl.DataFrame(
        {
            "channel": channels,
            "mean": theta.mean(axis=0),
            "sd": theta.std(axis=0, ddof=1),
            "q05": low,
            "q50": middle,
            "q95": high,
            "moved": np.exp(centre),
            "updated": updated,
        }
    )
    held = [_held(name, reasons[name]) for name, moved in zip(channels, updated, strict=True) if not moved]
    return Today(estimates=estimates, warnings=tuple(held))


def _moves(result: Triangulation, latest: Readings, reasons: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Precision-weighted sum of the claims' log moves and its precision per channel (C,); notes why one is left out."""
    fit, now, channels = result.readings.claims, latest.claims, result.readings.channels
    grade = dict(result.estimates.select("channel", "evidence_grade").iter_rows())
    drifted = set(result.biases.filter(pl.col("drifted"))["method"])
    in_fit = {(int(c), fit.sources[k]): n for n, (c, k) in enumerate(zip(fit.channel, fit.source, strict=True))}
    moves, precision = np.zeros(len(channels)), np.zeros(len(channels))
    for n, (c, k) in enumerate(zip(now.channel, now.source, strict=True)):
        source, name = now.sources[k], channels[c]
        place = in_fit.get((int(c), source))
        if place is None or grade[name] == "D":
            continue
        move = float(now.log_claim[n] - fit.log_claim[place])
        if source in drifted:
            reasons[name] = f"its method {source} has drifted"
        elif abs(move) > LARGEST_MOVE:
            reasons[name] = (
                f"the claim of {source} is {np.exp(move):.2f} times that of the window, which a broken tag"
                " explains more often than an effect"
            )
        else:
            weight = 1.0 / (USUAL_CLAIM_MOVE**2 + now.log_se[n] ** 2 + fit.log_se[place] ** 2)
            moves[c] += weight * move
            precision[c] += weight
    return moves, precision


def _held(channel: str, reason: str) -> Warning:
    return Warning(
        code="not_updated_today",
        severity="info",
        subject=channel,
        message=f"{channel} still shows the figure of the last fit, because {reason}.",
        action="Wait for the next fit; do not cut or scale on this figure today.",
    )
