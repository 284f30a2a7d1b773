"""The media mix model as the triangulation reads it: joint draws of returns, and what each test would have read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dagster_project.assets.mmm.lift_tests import experiment_of_return

if TYPE_CHECKING:
    from models.incrementality import LiftContract
    from models.mmm import MMMFit
    from models.triangulation import MMMDraws

DAYS = {"day": 1.0, "week": 7.0, "month": 30.4375}


def mmm_draws(fit: MMMFit | None, contracts: Sequence[LiftContract]) -> MMMDraws | None:
    """Joint draws of each channel's iROAS with the part of it that each test captures, draw by draw.

    None without a model, and for one that has seen the experiments: they enter the combination by themselves and may
    not count twice.
    """
    if fit is None or fit.uses_experiments:
        return None
    from models.triangulation import MMMDraws

    captured = {
        test.test_id: captured_of(fit, test) for test in contracts if test.channel in fit.data.channels and test.usable
    }
    return MMMDraws(
        channels=fit.data.channels,
        returns=fit.roas_draws(),
        captured=captured,
        uses_experiments=fit.uses_experiments,
        prior=prior_of(fit),
        booked_per_spend=booked_per_spend(fit),
    )


def prior_of(fit: MMMFit) -> dict[str, tuple[float, float]]:
    """Median and log sd of the iROAS prior of each paid channel that the fit was made with; no two-sided ones."""
    from models.mmm.model.effect_prior import LOG_LINK

    effect = fit.design.effect
    return {
        channel: (float(np.exp(effect.mu[c]) * effect.scale_to_iroas[c]), float(effect.sd[c]))
        for c, channel in enumerate(fit.data.channels)
        if effect.kind[c] == LOG_LINK
    }


def booked_per_spend(fit: MMMFit) -> dict[str, float]:
    """The booked KPI of the model's window, in money, per unit of each paid channel's spend."""
    booked = float(fit.data.kpi.sum()) * fit.data.money_per_kpi
    spend = dict(zip(fit.data.channels, fit.data.spend.sum(axis=(0, 1)), strict=True))
    return {channel: booked / float(total) for channel, total in spend.items() if booked > 0 and total > 0}


def captured_of(fit: MMMFit, test: LiftContract) -> np.ndarray:
    """Draws (D,) of the iROAS that a test of one channel reads over the channel's iROAS of the window.

    Where the model can place the test, its own prediction; else from the draws' half-lives and the mean curve, as if
    the test had run everywhere at constant spend.
    """
    from models.mmm import captured_return

    placed = experiment_of_return(test, fit.data)
    if not isinstance(placed, str):
        try:
            return captured_return(fit, placed)
        except ValueError:
            pass  # the model cannot place it after all: dark regions, or no spend in its window
    return _steady(fit, test)


def _steady(fit: MMMFit, test: LiftContract) -> np.ndarray:
    from models.mmm.result.fit import REPORT_DRAWS
    from models.triangulation.estimand import carryover_share, curve_share

    assert test.channel is not None
    column = fit.data.media_names.index(test.channel)
    half_lives = fit.draws.thin(REPORT_DRAWS).half_life[:, column] * DAYS[fit.data.grain]
    duration, cooldown = (test.end - test.start).days + 1, max((test.cooldown_end - test.end).days, 0)
    share = np.array([carryover_share(float(h), duration, cooldown) for h in half_lives])
    actual, extra = test.tested_spend, test.spend
    if actual is None or not extra or actual - extra <= 0 or abs(extra) < 0.01 * (actual - extra):
        return share
    curve = fit.curves(reach=4.0, points=33).filter(channel=test.channel)
    multiplier, response = curve["multiplier"].to_numpy(), curve["mean"].to_numpy()
    if np.interp(1.0, multiplier, response) <= 0:
        return share
    return share * curve_share(multiplier, response, actual / (actual - extra))
