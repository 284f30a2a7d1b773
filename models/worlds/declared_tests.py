"""Tests as a company declares or delivers them: geo tests left to be read, and finished results of mixed quality.

Of the results that companies hold, about half are sound; the rest are in the wrong unit, in margin instead of
revenue, cut off before the effect was over, or contradict each other because the truth moved. The file does not say
which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from models.worlds.roster import LAST_DAY, Channel, GeoTest, Roster

DRIFT_PER_ROOT_YEAR = 0.2
NOISE_OF_RETURN = (0.15, 0.5)
DECLARED: dict[str, type[pl.DataType]] = {
    "experiment_id": pl.String,
    "channels": pl.String,
    "design": pl.String,
    "geos": pl.String,
    "start": pl.Date,
    "end": pl.Date,
    "cooldown_end": pl.Date,
    "estimand": pl.String,
    "note": pl.String,
}
RESULTS: dict[str, type[pl.DataType]] = DECLARED | {
    "value": pl.Float64,
    "se": pl.Float64,
    "spend_treated": pl.Float64,
    "spend_control": pl.Float64,
}


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a delivered result: the factor on what the test would have read, and on its noise."""

    name: str
    weight: float
    note: str


FLAWS = (
    Flaw("sound", 0.55, "Randomised over users"),
    Flaw("underpowered", 0.15, "Small holdout"),
    Flaw("carry_over_ignored", 0.08, "Read on the last day of the test"),
    Flaw("wrong_unit", 0.07, "Return as sent by the agency"),
    Flaw("margin_not_revenue", 0.05, "Return of the test"),
    Flaw("contaminated", 0.05, "Some of the holdout saw the ads"),
    Flaw("outdated", 0.05, "From before the relaunch"),
)
UNTESTED = ("tv", "dtc_tv", "events", "content_seo", "partners", "ai_ads", "ooh")


def declared_tests(tests: Sequence[GeoTest]) -> pl.DataFrame:
    """The geo tests as declared, without a result: reading them is left to the analyst."""
    return pl.DataFrame(
        [
            {
                "experiment_id": test.experiment_id,
                "channels": test.channel,
                "design": "geo_quasi",
                "geos": "|".join(test.regions),
                "start": test.start,
                "end": test.end,
                "cooldown_end": test.cooldown_end,
                "estimand": "incremental_revenue",
                "note": test.note,
            }
            for test in tests
        ],
        schema=DECLARED,
    )


def delivered_results(
    roster: Roster, tests: Sequence[GeoTest], true_channels: Mapping[str, Mapping[str, Any]], rng: np.random.Generator
) -> tuple[pl.DataFrame, dict[str, dict[str, Any]]]:
    """Two or three finished user tests on channels without a geo test, and what is true and wrong about each.

    The third, where there is one, repeats the second channel and contradicts it.
    """
    taken = {test.channel for test in tests}
    open_channels = [c for c in roster.channels if c.name not in taken and c.channel_class not in UNTESTED]
    chosen = [open_channels[i] for i in rng.permutation(len(open_channels))[:2]]
    flaws = [FLAWS[int(i)] for i in rng.choice(len(FLAWS), len(chosen), p=[flaw.weight for flaw in FLAWS])]
    contradicts = bool(chosen) and rng.random() < 0.4
    if contradicts:
        chosen.append(chosen[-1])
        flaws.append(FLAWS[-1])
    rows, judged = [], {}
    for number, (channel, flaw) in enumerate(zip(chosen, flaws, strict=True), 1):
        entry = true_channels[channel.name]
        if entry["iroas"] is None:
            continue
        start = LAST_DAY - timedelta(days=int(rng.integers(60, 110)) + (300 if flaw.name == "outdated" else 0))
        row, read = _result(number, channel, flaw, start, float(entry["iroas"]), roster.margin, rng)
        rows.append(row)
        judged[row["experiment_id"]] = {
            "channel": channel.name,
            "flaw": flaw.name,
            "delivered": row["value"],
            "iroas": entry["iroas"],
            "iroas_when_tested": read,
        }
    return pl.DataFrame(rows, schema=RESULTS), judged


def _result(
    number: int, channel: Channel, flaw: Flaw, start: date, iroas: float, margin: float, rng: np.random.Generator
) -> tuple[dict[str, Any], float]:
    """One row, and the return that was true when the test ran."""
    days = 28
    years = (LAST_DAY - start).days / 365.25
    then = iroas * float(np.exp(rng.normal(0, DRIFT_PER_ROOT_YEAR * np.sqrt(years))))
    noise = float(rng.uniform(*NOISE_OF_RETURN)) / margin
    factor = 1.0
    match flaw.name:
        case "underpowered":
            noise *= 3.0
        case "carry_over_ignored":
            retention = 0.5 ** (1 / max(channel.half_life, 0.05))
            factor = 1 - (1 - retention**days) * retention / (days * (1 - retention))
        case "wrong_unit":
            size = float(rng.uniform(10, 14))
            factor = size if rng.random() < 0.5 else 1 / size
        case "margin_not_revenue":
            factor = margin
        case "contaminated":
            factor = float(rng.uniform(0.6, 0.8))
        case "outdated":
            then *= float(np.exp(rng.choice([-1, 1]) * rng.uniform(0.4, 0.9)))
    scale = factor if flaw.name in ("wrong_unit", "margin_not_revenue") else 1.0
    spent = round(channel.daily_spend * days * 0.5, 2)
    row = {
        "experiment_id": f"result-{start.year}-{number:02d}-{channel.name}",
        "channels": channel.name,
        "design": "platform_lift" if channel.source != "channel_spend" else "ab",
        "geos": "",
        "start": start,
        "end": start + timedelta(days=days - 1),
        "cooldown_end": start + timedelta(days=days - 1),
        "estimand": "iroas",
        "note": flaw.note,
        "value": round(then * factor + float(rng.normal(0, noise)) * scale, 4),
        "se": round(noise * scale, 4),
        "spend_treated": spent,
        "spend_control": 0.0,
    }
    return row, then
