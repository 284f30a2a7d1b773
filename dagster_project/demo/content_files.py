"""Content, its events and the answers of AI engines as JSON lines; the prompt panel as CSV."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from typing import Any

import polars as pl

from dagster_project.demo.plain_files import table
from models.worlds.answers import ENGINES
from models.worlds.roster import Roster

SURFACE, LOCALE = "api", "en-DE"
ONLY_WRITTEN = ("text", "visual", "audience")


def json_lines(rows: Iterable[dict[str, Any]]) -> bytes:
    """One JSON document per line, UTF-8."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8")


def squeezed(content: bytes) -> bytes:
    """gzip without a time stamp, so that the same rows give the same bytes."""
    return gzip.compress(content, compresslevel=6, mtime=0)


def unsqueezed(content: bytes) -> bytes:
    """The bytes that `squeezed` compressed."""
    return gzip.decompress(content)


def content(rows: pl.DataFrame, roster: Roster) -> bytes:
    """Pieces with their features as a JSON object; a feature that is not listed is absent.

    Text, picture and audience stand only on the pieces that have them.
    """
    return json_lines(
        {name: value for name, value in row.items() if value is not None or name not in ONLY_WRITTEN}
        | {
            "published_at": row["published_at"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "currency": roster.currency,
            "brand": roster.brand.lower(),
            "features": json.loads(row["features"]),
        }
        for row in rows.drop("day").iter_rows(named=True)
    )


def content_events(rows: pl.DataFrame) -> bytes:
    """Life-cycle events and closed tests, oldest first."""
    return json_lines(
        row | {"ts": row["ts"].strftime("%Y-%m-%dT%H:%M:%SZ"), "payload": json.loads(row["payload"])}
        for row in rows.drop("day").iter_rows(named=True)
    )


def ai_panel(prompts: pl.DataFrame) -> bytes:
    """The prompts, once per engine that is asked."""
    header = ("prompt_id", "prompt_text", "intent", "engine", "surface", "locale", "is_core", "weight")
    shown = prompts.select("prompt_id", "prompt_text", "intent", "locale", "is_core", "weight").rows()
    return table(
        header,
        (
            (prompt, text, intent, engine, SURFACE, locale, str(core).lower(), f"{weight:g}")
            for engine in ENGINES
            for prompt, text, intent, locale, core, weight in shown
        ),
    )


def ai_answers(rows: pl.DataFrame, prompts: pl.DataFrame) -> bytes:
    """`plumbline-answers/1`: every answer with its text and the sources it showed."""
    texts = dict(prompts.select("prompt_id", "prompt_text").iter_rows())
    return json_lines(
        {
            "format": "plumbline-answers/1",
            "prompt_id": row["prompt_id"],
            "prompt_text": texts[row["prompt_id"]],
            "engine": row["engine"],
            "surface": SURFACE,
            "locale": LOCALE,
            "requested_at": row["requested_at"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "day_slot": row["day_slot"].isoformat(),
            "replicate": row["replicate"],
            "served_model": row["served_model"],
            "status": row["status"],
            "text": row["text"],
            "sources": [{"url": url, "role": "cited", "rank": rank} for rank, url in enumerate(row["urls"], 1)],
            "cost_usd": row["cost_usd"],
        }
        for row in rows.iter_rows(named=True)
    )
