"""Pieces of content with their features, and the log of what happened to them."""

from __future__ import annotations

import json

import polars as pl

from dagster_project.sources.contract import Broken, Context, Entity, Field, Shape, Source
from feedback.patterns.dimensions import DIMENSIONS

DECLARED = {*DIMENSIONS, "audience"} - {"format"}  # `format` is a column of its own

PIECE_TABLE = Entity(
    "content",
    (
        ("content_id", "id"),
        ("brief_id", "id"),
        ("variant_id", "id"),
        ("url", "text"),
        ("channel", "text"),
        ("format", "text"),
        ("language", "text"),
        ("brand", "text"),
        ("published_at", "instant"),
        ("author_type", "text"),
        ("cost", "money"),
        ("currency", "currency"),
        ("text_sha256", "text"),
        ("features", "json"),
        ("headline", "text"),
        ("text", "text"),
    ),
)
EVENT_TABLE = Entity(
    "content_events",
    (
        ("event_id", "id"),
        ("ts", "instant"),
        ("content_id", "id"),
        ("type", "text"),
        ("actor_type", "text"),
        ("actor_id", "text"),
        ("payload", "json"),
    ),
)


def _features(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    """Features come as one object, as columns `feature.<key>` or as columns named after a dimension (`hook`, `tone`).

    Where two name a key, the object wins. A row whose `features` are a list, a text or a number is refused.
    """
    broken = _no_objects(good)
    good = good.filter(~pl.col("_row").is_in([fault.row for fault in broken]))
    if "_rest" not in good.columns:
        return {"content": good}, broken
    boxes = good["features"] if "features" in good.columns else pl.Series([None] * good.height, dtype=pl.String)
    merged, extra = [], []
    for box, rest in zip(boxes, good["_rest"], strict=True):
        columns = json.loads(rest or "{}")
        declared = {k: k.lower().removeprefix("feature.") for k in columns if _declares(k)}
        named = {key: columns[k] for k, key in declared.items() if columns[k] not in (None, "")}
        features = {**named, **(json.loads(box) if box else {})}
        # An object without a feature says that the piece has none; no object says nothing.
        stated = bool(features or box) or any(k.lower().startswith("feature.") for k in columns)
        merged.append(json.dumps(features, ensure_ascii=False, sort_keys=True) if stated else None)
        others = {k: v for k, v in columns.items() if k not in declared and v is not None}
        extra.append(json.dumps(others, ensure_ascii=False) if others else None)
    return {
        "content": good.with_columns(
            pl.Series("features", merged, dtype=pl.String), pl.Series("_extra", extra, dtype=pl.String)
        )
    }, broken


def _no_objects(good: pl.DataFrame) -> list[Broken]:
    if "features" not in good.columns:
        return []
    why = 'is no JSON object; list the features as {"hook": "question"}'
    return [
        Broken(row, "features", box[:80], "bad_json", why)
        for row, box in good.select("_row", "features").iter_rows()
        if box is not None and not isinstance(json.loads(box), dict)
    ]


def _declares(column: str) -> bool:
    return column.lower().startswith("feature.") or column.strip().lower() in DECLARED


PIECES = Shape(
    "content",
    "content",
    fields=(
        Field("content_id", "id", ("content_id",), required=True, filled=True),
        Field("brief_id", "id", ("brief_id",)),
        Field("variant_id", "id", ("variant_id",)),
        Field("url", "url", ("url",)),
        Field("channel", "text", ("channel",), required=True),
        Field("format", "text", ("format",)),
        Field("language", "text", ("language",)),
        Field("brand", "text", ("brand",)),
        Field("published_at", "instant", ("published_at",), required=True),
        Field("author_type", "choice", ("author_type",), one_of=("agent", "human", "mixed")),
        Field("cost", "money", ("cost",)),
        Field("currency", "currency", ("currency",)),
        Field("text_sha256", "text", ("text_sha256",)),
        Field("features", "json", ("features",)),
        Field("headline", "text", ("headline",)),
        Field("text", "text", ("text", "body")),
    ),
    key=("content_id",),
    finish=_features,
    rest_to="_rest",
)
EVENTS = Shape(
    "content_events",
    "content_events",
    fields=(
        Field("event_id", "id", ("event_id",), required=True, filled=True),
        Field("ts", "instant", ("ts", "timestamp"), required=True, filled=True),
        Field("content_id", "id", ("content_id",)),
        Field("type", "choice", ("type",), required=True, filled=True),
        Field("actor_type", "text", ("actor_type",)),
        Field("actor_id", "actor", ("actor_id",)),
        Field("payload", "json", ("payload",)),
    ),
    key=("event_id",),
    rest_to="payload",
)
SOURCE = Source("content", (PIECE_TABLE,), (PIECES,))
EVENT_SOURCE = Source("content_events", (EVENT_TABLE,), (EVENTS,))
