"""Signs that a channel's effect changed over the window; the model assumes that it is constant."""

from __future__ import annotations

import numpy as np

from models.mmm.checks.regression import joint_p, time_columns
from models.mmm.result.contributions import media_sums
from models.mmm.result.fit import MMMFit
from models.warning import Warning

LEVEL = 0.002  # per channel: about one false alarm in a hundred fits of five channels


def check(fit: MMMFit) -> list[Warning]:
    """A warning per channel whose effect, judged by the residuals, changed within the window."""
    return [
        Warning(
            "effect_changes",
            "medium",
            name,
            f"The effect of {name} seems to differ between years (p = {p:.1g}). The model gives one number for the"
            " whole window: it may be far from today's, and the trend may have absorbed part of it.",
            f"Compare with a fit on the last two years, and test {name} before moving its budget.",
        )
        for name, p in zip(fit.data.media_names, changed(fit), strict=True)
        if p < LEVEL
    ]


def changed(fit: MMMFit) -> np.ndarray:
    """p-values (C,) of a constant effect: do a channel's contributions times time and its square explain residuals?"""
    design = fit.design
    geos, periods = design.y.shape
    labels = np.broadcast_to(np.arange(periods), (geos, periods))
    media = media_sums(design, fit.draws.thin(200), design.media, np.ascontiguousarray(labels), periods).mean(axis=0)
    left = (fit.data.kpi - fit.fitted()).sum(axis=0) / fit.data.kpi.std()
    base = time_columns(design)
    t = np.linspace(-1, 1, periods)
    scale = np.maximum(np.abs(media).mean(axis=0), 1e-12)
    held = np.hstack([base, media / scale])
    out = np.ones(media.shape[1])
    for c in range(media.shape[1]):
        own = media[:, c] / scale[c]
        out[c] = joint_p(left, held, np.stack([own * t, own * (t**2 - 1 / 3)], axis=1))
    return out
