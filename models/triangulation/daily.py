"""Today's iROAS between two fits: the last fit updated by the platforms' newer claims, with biases held fixed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.error import PlumblineError
from models.triangulation.evidence import readings
from models.triangulation.posterior import Triangulation
from models.warning import Warning

OLDEST_FIT_DAYS = 14


class DailyError(PlumblineError, ValueError):
    """A figure of today cannot be derived from this fit and these claims."""


@dataclass(frozen=True)
class Today:
    """estimates: channel, mean, sd, q05, q50, q95, moved (median factor), updated; warnings."""

    estimates: pl.DataFrame
    warnings: tuple[Warning, ...]


def today(result: Triangulation, claims: pl.DataFrame, *, seed: int, fit_age_days: float) -> Today:
    """Daily iROAS: theta x (today's claim / the window's claim), draw by draw, several sources by their precision.

    `claims`: evidence rows of kind attribution, platform or self_reported, same methods and outcome as in the fit, for
    the latest days. The method's bias and each channel's own deviation from it cancel in the ratio; the sampling error
    of both claims stays. Assumes that a platform's move passes one for one to incrementality, which is unproven: so a
    channel of grade D, a drifted method and a channel without the same claim in the fit are not updated and keep the
    fit's figure. Raises ValueError on a fit older than 14 days: fit again instead.
    """
    if fit_age_days > OLDEST_FIT_DAYS or fit_age_days < 0:
        raise DailyError(
            f"fit_age_days={fit_age_days}: daily figures need a fit of 0 to {OLDEST_FIT_DAYS} days; fit again"
        )
    if claims.height and set(claims["kind"]) - {"attribution", "platform", "self_reported"}:
        raise DailyError(f"daily claims hold kind {sorted(set(claims['kind']))}: only claims may move between fits")
    fit, theta = result.readings.claims, result.theta
    now = readings(claims, channels=result.readings.channels)
    new_channels = set(now.channels) - set(result.readings.channels)
    if new_channels:
        raise DailyError(f"channel {sorted(new_channels)[0]!r} has a claim today but no estimate in the fit")
    drifted = set(result.biases.filter(pl.col("drifted"))["method"])
    grade = dict(result.estimates.select("channel", "evidence_grade").iter_rows())
    noise = dict(result.biases.select("method", "noise").iter_rows())
    before = {(int(c), fit.sources[k]): n for n, (c, k) in enumerate(zip(fit.channel, fit.source, strict=True))}
    shift, weight = np.zeros_like(theta), np.zeros(len(result.readings.channels))
    generator = np.random.default_rng(seed)
    for n, (c, k) in enumerate(zip(now.claims.channel, now.claims.source, strict=True)):
        source = now.claims.sources[k]
        then = before.get((int(c), source))
        if then is None or source in drifted or grade[result.readings.channels[c]] == "D":
            continue
        error = np.hypot(now.claims.log_se[n], fit.log_se[then])
        move = now.claims.log_claim[n] - fit.log_claim[then] + error * generator.standard_normal(shift.shape[0])
        precision = 1.0 / max(error**2 + noise[source] ** 2, 1e-9)
        shift[:, c] += precision * move
        weight[c] += precision
    updated = weight > 0
    shift[:, updated] /= weight[updated]
    theta = theta * np.exp(shift)
    low, middle, high = np.quantile(theta, [0.05, 0.5, 0.95], axis=0)
    estimates = pl.DataFrame(
        {
            "channel": result.readings.channels,
            "mean": theta.mean(axis=0),
            "sd": theta.std(axis=0, ddof=1),
            "q05": low,
            "q50": middle,
            "q95": high,
            "moved": np.exp(np.median(shift, axis=0)),
            "updated": updated,
        }
    )
    held = [name for name, moved in zip(result.readings.channels, updated, strict=True) if not moved]
    return Today(estimates=estimates, warnings=tuple(_held(name, grade[name]) for name in held))


def _held(channel: str, grade: str) -> Warning:
    reason = "its grade is D" if grade == "D" else "no claim of today matches one in the fit, or its method has drifted"
    return Warning(
        code="not_updated_today",
        severity="info",
        subject=channel,
        message=f"{channel} still shows the figure of the last fit, because {reason}.",
        action="Wait for the next fit; do not cut or scale on this figure today.",
    )
