"""The cheapest companies whose run reaches the report, the audit pack and the feed: two channels by week, some tests.

`tiny` has too few weeks for a media mix model, so a run takes seconds; `small` has enough of them to keep a fit.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np

SETTINGS = """\
company: {name: Tiny Company, brand: tiny}
report_currency: EUR
margin: 0.6
clock: 2026-10-12
sources:
  channel_spend: {grain: week}
  revenue: {grain: week}
mmm: {draws: 300, chains: 2}
"""
WEEKS = {"tiny": 20, "small": 60}
BASELINE = {"tiny": 30_000.0, "small": 3_000.0}  # weekly; without a model, only a high one bounds marketing's share
FIRST_WEEK = date(2025, 1, 6)
# Channel: highest weekly effect, spend that gives half of it, share carried into the next week.
RESPONSES = {"search": (400.0, 300.0, 0.3), "tv": (900.0, 1200.0, 0.6)}
BRIEFS = 40
IMPRESSIONS = 8000  # per variant
NUMBER_EFFECT = 0.3  # log odds of a click that a number in the headline adds


def write(workspace: Path, size: str, seed: int) -> None:
    """plumbline.yaml and landing/ of the made-up company; another seed gives other figures of the same shape."""
    rng = np.random.default_rng(seed)
    _write_weeks(workspace, WEEKS[size], BASELINE[size], rng)
    _write_content(workspace, rng)
    (workspace / "plumbline.yaml").write_text(SETTINGS, encoding="utf-8")


def _write_weeks(workspace: Path, number: int, baseline: float, rng: np.random.Generator) -> None:
    weeks = np.arange(number)
    days = [FIRST_WEEK + timedelta(weeks=int(w)) for w in weeks]
    spend = {
        "search": rng.gamma(3, 100, number) * (1 + 0.4 * np.sin(weeks)),
        "tv": np.where(rng.random(number) < 0.5, rng.gamma(4, 300, number), 0.0),
    }
    revenue = baseline + 300 * np.sin(2 * np.pi * weeks / 52) + 60 * rng.standard_normal(number)
    for channel, (top, half, carried_share) in RESPONSES.items():
        carried = 0.0
        for week in weeks:
            carried = spend[channel][week] * (1 - carried_share) + carried_share * carried
            revenue[week] += top * carried / (carried + half)
    _write_lines(
        workspace / "landing/channel_spend/spend.csv",
        ["day,channel,spend,currency"],
        [f"{day},{channel},{money[w]:.2f},EUR" for w, day in enumerate(days) for channel, money in spend.items()],
    )
    _write_lines(
        workspace / "landing/revenue/revenue.csv",
        ["day,value,revenue,currency"],
        [f"{day},{revenue[w]:.2f},{revenue[w]:.2f},EUR" for w, day in enumerate(days)],
    )
    _write_result(workspace, days)


def _write_result(workspace: Path, days: list[date]) -> None:
    """A geo test that the company read itself: without a model, the one estimate that a report can use."""
    _write_lines(
        workspace / "landing/experiments/results.csv",
        ["experiment_id,channels,design,geos,start,end,estimand,value,se,spend_treated,spend_control,currency"],
        [f"geo-1,search,geo_rct,north,{days[8]},{days[11]},iroas,1.10,0.25,4000.00,1000.00,EUR"],
    )


def _write_content(workspace: Path, rng: np.random.Generator) -> None:
    """Headlines with and without a number, tested side by side, so that the feed has a pattern to publish."""
    contents, events = [], []
    for brief in range(BRIEFS):
        published = date(2026, 1, 5) + timedelta(weeks=brief % 36)
        for variant, has_number in enumerate((False, True)):
            name = f"c-{brief:03d}-{variant}"
            contents.append(
                json.dumps(
                    {
                        "content_id": name,
                        "brief_id": f"b-{brief:03d}",
                        "variant_id": f"b-{brief:03d}-{variant}",
                        "channel": "newsletter",
                        "format": "email",
                        "language": "en",
                        "published_at": f"{published}T09:00:00Z",
                        "features": {"headline.number": has_number},
                    }
                )
            )
            odds = np.exp(-3.0 + NUMBER_EFFECT * has_number + 0.1 * rng.standard_normal())
            clicks = int(rng.binomial(IMPRESSIONS, odds / (1 + odds)))
            events.append(
                json.dumps(
                    {
                        "event_id": f"e-{brief:03d}-{variant}",
                        "ts": f"{published + timedelta(days=7)}T09:00:00Z",
                        "content_id": name,
                        "type": "outcome_closed",
                        "actor_type": "system",
                        "actor_id": "plumbline",
                        "payload": {"trials": IMPRESSIONS, "successes": clicks},
                    }
                )
            )
    _write_lines(workspace / "landing/content/content.jsonl", [], contents)
    _write_lines(workspace / "landing/content_events/events.jsonl", [], events)


def _write_lines(path: Path, head: list[str], lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
