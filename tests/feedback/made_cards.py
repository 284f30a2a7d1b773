"""Decisions and cards of a made-up brand, for tests of cards, memory and feed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from feedback.patterns import Card, CardRun, next_versions
from models.patterns import Decision, Estimate

WEEK = date(2026, 11, 16)
NOW = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)
RUN = CardRun(
    brand="acme",
    run_id="run_1",
    code_version="git:4f2a91c",
    data_snapshot_sha256="4e" * 32,
    query_ref="marts/pattern_tests.sql@4f2a91c",
)


def estimate(feature: str = "headline.number", **more: Any) -> Estimate:
    return Estimate(
        **(  # type: ignore[arg-type]
            {
                "feature": feature,
                "sign": 1,
                "channels": ("linkedin", "meta"),
                "outcome": "ctr_log_odds",
                "raw": 0.085123456789,
                "raw_se": 0.0211,
                "shrunk": 0.0728,
                "sd": 0.02,
                "low": 0.04,
                "high": 0.106,
                "p_gt_0": 0.9991,
                "p_gt_0_now": 0.9989,
                "p_gt_0_next": 0.9985,
                "p_gt_delta": 0.998,
                "p_lt_minus_delta": 0.0001,
                "p_abs_lt_delta": 0.002,
                "lfsr": 0.0009,
                "delta": 0.01,
                "expected_gain": 0.0729,
                "n_contrasts": 324,
                "n_contents": 700,
                "n_eff": 280.0,
                "heterogeneity_sd": 0.01,
                "drift_sd_per_year": 0.025,
                "first_week": date(2026, 5, 4),
                "last_week": date(2026, 11, 9),
            }
            | more
        )
    )


def decision(feature: str = "headline.number", state: str = "promoted", **more: Any) -> Decision:
    fields: dict[str, Any] = {
        "feature": feature,
        "kind": "do",
        "channels": ("linkedin", "meta"),
        "week": WEEK,
        "state": state,
        "previous": "provisional",
        "since": WEEK,
        "reason": "meets the rules",
        "expires": date(2027, 11, 16),
        "p_assign": 0.9,
        "estimate": estimate(feature, channels=more.get("channels", ("linkedin", "meta"))),
    }
    return Decision(**(fields | more))


def cards(*decisions: Decision, run: CardRun = RUN, now: datetime = NOW) -> list[Card]:
    return next_versions([], decisions or (decision(),), now, run)


def of_brand(brand: str) -> CardRun:
    return replace(RUN, brand=brand)
