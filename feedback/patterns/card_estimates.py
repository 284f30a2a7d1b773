"""The figures of a card: the effect that the rules judged, then, where it is known, the same effect in money."""

from __future__ import annotations

from math import erf, sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.patterns.estimates import Estimate
    from models.patterns.money import MoneyEffect

IN_MONEY = "incremental_margin_per_1k"


def estimates_of(effect: Estimate, tier: str, money: MoneyEffect | None) -> list[dict[str, Any]]:
    """The card's estimates; the first faces the rules. Without `money` the card speaks of engagement only."""
    first = _estimate(effect, tier)
    return [first] if money is None or effect.outcome == IN_MONEY else [first, _in_money(first, effect, money)]


def worth_in_words(card: dict[str, Any]) -> str:
    """Margin per 1,000 impressions with its 90 % range, or why there is none."""
    for estimate in card["evidence"]["estimates"]:
        if estimate["outcome"] == IN_MONEY:
            low, high = estimate["ci90"]
            return f"{estimate['shrunk']:.2f} ({low:.2f} to {high:.2f})"
    return "engagement only"


def _in_money(first: dict[str, Any], effect: Estimate, money: MoneyEffect) -> dict[str, Any]:
    """The effect times the rate of money per log-odds; a normal range, because two uncertain numbers are multiplied."""
    rate = money.mean / effect.shrunk
    delta = rate * effect.delta
    p_gt_0 = _above(0.0, money)
    return first | {
        "outcome": IN_MONEY,
        "scale": "absolute",
        "raw": rate * effect.raw,
        "raw_se": rate * effect.raw_se,
        "shrunk": money.mean,
        "ci90": [money.low, money.high],
        "p_gt_0": p_gt_0,
        "p_gt_0_next": min(p_gt_0, effect.p_gt_0_next),
        "p_gt_delta": _above(delta, money),
        "delta": delta,
        "p_abs_lt_delta": None,
        "lfsr": 1 - p_gt_0,
        "heterogeneity_sd": None,
        "drift_sd_per_year": None,
    }


def _above(threshold: float, money: MoneyEffect) -> float:
    return 0.5 * (1 + erf((money.mean - threshold) / (money.sd * sqrt(2))))


def _estimate(e: Estimate, tier: str) -> dict[str, Any]:
    classes = {"A": "incremental", "B": "randomised_proxy"}
    return {
        "outcome": e.outcome,
        "outcome_class": classes.get(tier, "observational"),
        "scale": "log_odds" if e.outcome == "ctr_log_odds" else "absolute",
        "raw": e.raw,
        "raw_se": e.raw_se,
        "shrunk": e.shrunk,
        "ci90": [e.low, e.high],
        "p_gt_0": e.p_gt_0,
        "p_gt_0_next": e.p_gt_0_next,
        "p_gt_delta": e.p_gt_delta,
        "delta": e.delta,
        "p_abs_lt_delta": e.p_abs_lt_delta,
        "lfsr": e.lfsr,
        "n_contrasts": e.n_contrasts,
        "n_contents": e.n_contents,
        "n_eff": e.n_eff,
        "heterogeneity_sd": e.heterogeneity_sd,
        "drift_sd_per_year": e.drift_sd_per_year,
    }
