"""Weekly answers of four AI engines to a fixed panel, in which the company is cited at a known, moving rate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import polars as pl

from models.worlds.roster import Prompts, Roster

ENGINES = {
    "openai": ("gpt-demo", 1.15),
    "anthropic": ("claude-demo", 0.95),
    "gemini": ("gemini-demo", 0.80),
    "perplexity": ("sonar-demo", 1.10),
}
SHARE_NAMED = (0.55, 0.40, 0.28, 0.18)  # of the competitors, in their order
OTHER_SITES = (
    "tool-reviews.example",
    "planning-blog.example",
    "office-forum.example",
    "business-weekly.example",
    "wiki-of-work.example",
)
UNCITED_MENTION = 0.10
FAILURES = (("refused", 0.01), ("timeout", 0.015), ("error", 0.005))


def panel(roster: Roster) -> pl.DataFrame:
    """The prompts: core prompts without the company's name, and four brand prompts."""
    brand_questions = (
        f"What is {roster.brand}?",
        f"Is {roster.brand} any good?",
        f"What does {roster.brand} cost?",
        f"{roster.brand} or {roster.competitors[0]}?",
    )
    rows = [
        *((f"Which {topic} would you recommend?", "commercial", True) for topic in roster.prompts.topics),
        *((question, "informational", True) for question in roster.prompts.questions),
        *((question, "brand", False) for question in brand_questions),
    ]
    return pl.DataFrame(
        [
            {
                "prompt_id": f"p{number:02d}",
                "prompt_text": text,
                "intent": intent,
                "locale": "en-DE",
                "is_core": core,
                "weight": 1.0,
            }
            for number, (text, intent, core) in enumerate(rows, 1)
        ]
    )


def drawn_answers(
    roster: Roster, days: Sequence[date], share: np.ndarray, rng: np.random.Generator
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """All answers, and the truth behind them: the weekly share and its multiple per engine and prompt.

    `share` (days,) is the mean probability that a core answer cites our domain; each engine and prompt has its own
    multiple of it, and the multiples average to 1. Two or three repeats a week, each a draw of its own.
    """
    prompts = panel(roster)
    core = prompts["is_core"].to_numpy()
    engine_factor = np.array([factor for _, factor in ENGINES.values()])
    prompt_factor = np.exp(rng.normal(0, 0.5, prompts.height))
    prompt_factor /= prompt_factor[core].mean()
    rival_tilt = np.exp(rng.normal(0, 0.35, (prompts.height, len(roster.competitors))))
    mondays = [day for day in days if day.weekday() == 0]
    rows: list[dict[str, Any]] = []
    for monday in mondays:
        today = float(share[(monday - days[0]).days])
        for engine_index, (engine, (model, _)) in enumerate(ENGINES.items()):
            cited = np.clip(today * engine_factor[engine_index] * prompt_factor, 0.005, 0.95)
            cited = np.where(core, cited, 0.75)
            for replicate in range(1, 3 + int(rng.random() < 0.5)):
                requested_at = datetime.combine(monday, time(6)) + timedelta(minutes=int(rng.integers(0, 240)))
                version = f"{model}-{1 + (monday.toordinal() // 200) % 4}"
                rows.extend(
                    _answer(
                        roster,
                        prompt,
                        engine,
                        version,
                        requested_at,
                        replicate,
                        cited[i],
                        bool(core[i]),
                        rival_tilt[i],
                        rng,
                    )
                    for i, prompt in enumerate(prompts["prompt_id"])
                )
    frame = pl.DataFrame(rows, infer_schema_length=None)
    truth = {
        "share_by_week": {day.isoformat(): float(share[(day - days[0]).days]) for day in mondays},
        "engine_factor": dict(zip(ENGINES, engine_factor.tolist(), strict=True)),
        "answers": frame.height,
    }
    return frame, truth


def _answer(
    roster: Roster,
    prompt: str,
    engine: str,
    model: str,
    requested_at: datetime,
    replicate: int,
    cited: float,
    core: bool,
    tilt: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, Any]:
    luck = rng.random(4 + len(roster.competitors))
    row: dict[str, Any] = {
        "prompt_id": prompt,
        "engine": engine,
        "requested_at": requested_at,
        "day_slot": requested_at.date(),
        "replicate": replicate,
        "served_model": model,
        "status": "ok",
        "text": "",
        "urls": [],
        "cost_usd": round(0.004 + 0.008 * float(luck[3]), 5),
    }
    edge = 0.0
    for status, share in FAILURES:
        edge += share
        if luck[0] < edge:
            return row | {"status": status, "cost_usd": 0.0}
    own = bool(luck[1] < cited)
    named = own or bool(luck[2] < (UNCITED_MENTION * cited / 0.2 if core else 0.9))
    rivals = [
        name for index, name in enumerate(roster.competitors) if luck[4 + index] < SHARE_NAMED[index] * tilt[index]
    ]
    brands = [roster.brand, *rivals] if named and luck[3] < 0.5 else [*rivals, *([roster.brand] if named else [])]
    urls = [f"https://{roster.own_domain}/guides/{prompt}"] if own else []
    urls += [f"https://{site}/{prompt}" for index, site in enumerate(OTHER_SITES) if (luck[3] * (7 + index)) % 1 < 0.5]
    urls += [f"https://{rivals[0].lower()}.example/product"] if rivals and luck[2] < 0.5 else []
    return row | {"text": _text(brands, roster.prompts), "urls": urls}


def _text(brands: list[str], prompts: Prompts) -> str:
    if not brands:
        return prompts.advice
    first, *others = brands
    text = f"{first} is a common choice for {prompts.subject}."
    if others:
        text += f" {', '.join(others)} {'is' if len(others) == 1 else 'are'} often compared with it."
    return f"{text} {prompts.trial}"
