"""Value of the next experiment: the expected value of its information less its cost."""

from __future__ import annotations

from typing import get_args

import numpy as np
import polars as pl
from scipy.stats import norm

from models.error import PlumblineError
from models.triangulation.posterior import Triangulation
from models.triangulation.vocabulary import Design

WEEKS_PER_YEAR = 365.25 / 7
CANDIDATE = ("channel", "design", "se", "test_weeks", "spend_changed", "stake_per_week", "fixed_cost")
RESULT = (
    "channel",
    "design",
    "net_per_week",
    "net",
    "evsi_per_week",
    "evpi_per_week",
    "opportunity_cost",
    "fixed_cost",
    "effective_se",
    "p_flip",
    "test_weeks",
)


class CandidateError(PlumblineError, ValueError):
    """A possible test that cannot be valued as it was described."""


def evsi(mean: float, sd: float, se: float, hurdle: float, margin_stake: float) -> float:
    """Expected value of a test, per period, before it is run: money in the unit of `margin_stake`.

    Belief about iROAS is Normal(mean, sd), the test reads it with error `se` (0 gives the value of perfect
    knowledge), money moves in or out of the channel at `hurdle` (1 / margin), `margin_stake` = margin x
    money per period that would move. Zero when nothing could change the decision. Raises ValueError on sd
    <= 0 or se < 0. Source: preposterior analysis of a two-action problem with linear loss, Raiffa and
    Schlaifer (1961).
    """
    if sd <= 0 or se < 0:
        raise CandidateError(f"sd={sd}, se={se}: need sd > 0 and se >= 0")
    moved = sd**2 / np.sqrt(sd**2 + se**2)
    distance = abs(mean - hurdle) / moved
    return float(margin_stake * moved * (norm.pdf(distance) - distance * norm.sf(distance)))


def next_experiments(
    result: Triangulation, candidates: pl.DataFrame, *, margin: float, horizon_weeks: float
) -> pl.DataFrame:
    """Candidate tests ranked by net money per week of the decision horizon, best first.

    `candidates`, one row per possible test: channel, design (rct | quasi | platform_lift), se (planned error of
    iROAS), test_weeks, spend_changed (money added, or withheld if negative), stake_per_week (money per week that
    the answer would move), fixed_cost; where money is added also marginal_ratio (return of the next unit over the
    average one: without it a heavy-up looks free). Optional: share_captured (default 1), paid_anyway (withheld
    money is spent nevertheless, default false).

    net = EVSI x weeks after the test - fixed cost - opportunity cost. Opportunity cost of withholding is the margin
    lost less the money saved; of a heavy-up the extra money less the margin it earns; negative when the test itself
    earns. `effective_se` adds what the design misses and the drift until the answer is used, on average half the
    remaining horizon. `p_flip`: chance that the reading changes today's decision.

    Simplified: normal belief, linear value, one channel at a time: what a test teaches about other channels through
    method biases is left out, so values are low estimates. Raises ValueError on an unknown channel or design, a
    missing figure, margin outside (0, 1], or a horizon not above the test's weeks.
    """
    if not 0 < margin <= 1:
        raise CandidateError(f"margin={margin}: a contribution margin is a share between 0 and 1; 62 % is 0.62")
    missing = [column for column in CANDIDATE if column not in candidates.columns]
    if missing:
        raise CandidateError(f"candidates lacks the column(s) {', '.join(missing)}")
    rows = [_valued(result, row, margin, horizon_weeks) for row in candidates.iter_rows(named=True)]
    schema = {name: pl.String if name in ("channel", "design") else pl.Float64 for name in RESULT}
    return pl.DataFrame(rows, schema=schema).sort("net_per_week", descending=True)


def _valued(result: Triangulation, row: dict[str, object], margin: float, horizon_weeks: float) -> dict[str, object]:
    channel, design = str(row["channel"]), str(row["design"])
    if channel not in result.readings.channels:
        raise CandidateError(f"candidate channel {channel!r} is not among {', '.join(result.readings.channels)}")
    if design not in get_args(Design):
        raise CandidateError(f"candidate for {channel}: design={design!r} must be one of {', '.join(get_args(Design))}")
    weeks, se, stake = (_number(row, name) for name in ("test_weeks", "se", "stake_per_week"))
    if not horizon_weeks > weeks or se <= 0 or stake < 0:
        raise CandidateError(
            f"candidate for {channel}: test_weeks={weeks} must be below horizon_weeks={horizon_weeks}, se={se} above 0,"
            f" stake_per_week={stake} not negative"
        )
    theta = result.theta[:, result.readings.channels.index(channel)]
    mean, sd, hurdle = float(theta.mean()), float(theta.std(ddof=1)), 1.0 / margin
    used_weeks = horizon_weeks - weeks
    effective = _effective_se(result, design, mean, se / _number(row, "share_captured", 1.0), used_weeks / 2)
    value = evsi(mean, sd, effective, hurdle, margin * stake)
    moved = sd**2 / np.sqrt(sd**2 + effective**2)
    cost = _opportunity_cost(row, margin, mean)
    net = value * used_weeks - _number(row, "fixed_cost") - cost
    figures = {
        "net_per_week": net / horizon_weeks,
        "net": net,
        "evsi_per_week": value,
        "evpi_per_week": evsi(mean, sd, 0.0, hurdle, margin * stake),
        "opportunity_cost": cost,
        "fixed_cost": _number(row, "fixed_cost"),
        "effective_se": effective,
        "p_flip": float(norm.sf(abs(mean - hurdle) / moved)),
        "test_weeks": weeks,
    }
    return {"channel": channel, "design": design, **figures}


def _effective_se(result: Triangulation, design: str, mean: float, se: float, weeks: float) -> float:
    """The planned error, widened by what such designs miss and by the drift of effects until the result is used."""
    relative = result.priors.test_noise(design) ** 2 + result.priors.drift**2 * weeks / WEEKS_PER_YEAR
    return float(np.sqrt(se**2 + mean**2 * relative))


def _opportunity_cost(row: dict[str, object], margin: float, mean: float) -> float:
    changed = _number(row, "spend_changed")
    if changed >= 0:
        return (1.0 - margin * mean * _number(row, "marginal_ratio")) * changed
    saved_share = 0.0 if row.get("paid_anyway") else 1.0
    return (margin * mean - saved_share) * -changed


def _number(row: dict[str, object], name: str, otherwise: float | None = None) -> float:
    seen = row.get(name)
    if seen is None and otherwise is not None:
        return otherwise
    if not isinstance(seen, int | float) or not np.isfinite(seen):
        raise CandidateError(f"candidate for {row['channel']}: {name}={seen!r} must be a number")
    return float(seen)
