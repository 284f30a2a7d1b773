"""Questions to AI engines and their answers (`plumbline-answers/1`): brands that were named, pages that were cited.

The text of an answer is read once and not kept; only its hash and what was found in it.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from dagster_project.sources import ai_trackers
from dagster_project.sources.answer_reading import AnswerReader
from dagster_project.sources.contract import Broken, Context, Entity, Field, Kind, Shape, Source

# What a collector may tell of an answer beside the answer itself; files of other origin leave it out. `sources` are
# objects with url and, where known, title, role (cited or retrieved), rank (of first appearance) and spans (pairs of
# code points in the text that the page supports).
_TOLD: tuple[tuple[str, Kind], ...] = (
    ("answer_id", "id"),
    ("persona", "text"),
    ("contract", "text"),
    ("prompt_version", "text"),
    ("panel_version", "text"),
    ("aa_pair", "text"),
    ("requested_model", "text"),
    ("retrieval_status", "text"),
    ("queries", "json"),
    ("finish_reason", "text"),
    ("error_kind", "text"),
    ("attempts", "count"),
    ("latency_ms", "count"),
    ("input_tokens", "count"),
    ("output_tokens", "count"),
    ("search_calls", "count"),
    ("cost_source", "text"),
)
PROMPT_TABLE = Entity(
    "ai_panel",
    (
        ("prompt_id", "id"),
        ("prompt_text", "text"),
        ("intent", "text"),
        ("engine", "text"),
        ("surface", "text"),
        ("locale", "text"),
        ("is_core", "flag"),
        ("weight", "double"),
        ("persona", "text"),
        ("topic", "text"),
    ),
)
ANSWER_TABLE = Entity(
    "ai_answers",
    (
        ("prompt_id", "id"),
        ("engine", "text"),
        ("surface", "text"),
        ("locale", "text"),
        ("requested_at", "instant"),
        ("day_slot", "day"),
        ("replicate", "count"),
        ("served_model", "text"),
        ("status", "text"),
        ("text_sha256", "text"),
        ("brands", "json"),
        ("own_cited", "flag"),
        ("cited_domains", "json"),
        ("searched", "flag"),
        ("cost_usd", "money"),
        ("sources", "json"),
        ("cited_sites", "json"),
        ("claims", "json"),
        ("extractor_version", "text"),
        ("importer", "text"),
        *_TOLD,
    ),
)
_PLAIN = (
    "prompt_id",
    "engine",
    "surface",
    "locale",
    "requested_at",
    "day_slot",
    "replicate",
    "served_model",
    "cost_usd",
    *(name for name, _ in _TOLD),
)

_READ = ("text", "sources", "queries", "text_sha256", "retrieval_status", "status", "locale", "day_slot")
_FOUND = (
    "text_sha256",
    "status",
    "brands",
    "cited_domains",
    "cited_sites",
    "own_cited",
    "sources",
    "searched",
    "claims",
    "extractor_version",
    "importer",
)


def _extracted(frame: pl.DataFrame, ctx: Context) -> tuple[pl.DataFrame, list[Broken]]:
    """What an answer shows, without its text."""
    if not ctx.settings.ai.brands:
        ctx.notices.append("no brand is looked for in the answers: list them under ai.brands in plumbline.yaml")
    reader = AnswerReader(ctx.settings)
    names = {name: ctx.place(name) for name in _READ}
    rows: list[dict[str, Any]] = []
    broken: list[Broken] = []
    for line in frame.iter_rows(named=True):
        cells = {name: line[place] if place else None for name, place in names.items()}
        try:
            rows.append({"_row": line["_row"], **reader.read(cells), "importer": ctx.shape})
        except (ValueError, KeyError, TypeError):
            shown, why = (cells["sources"] or "")[:80], "must be a list of objects with url"
            broken.append(Broken(line["_row"], "sources", shown, "bad_json", why))
    schema = {"_row": pl.Int64, **dict.fromkeys(_FOUND, pl.String)}
    found = pl.DataFrame(rows, schema=schema)
    plain = frame.select("_row", *(pl.col(place).alias(name) for name in _PLAIN if (place := ctx.place(name))))
    return plain.join(found, on="_row", how="inner", maintain_order="left"), broken


PROMPTS = Shape(
    "ai_panel",
    "ai_panel",
    fields=(
        Field("prompt_id", "id", ("prompt_id",), required=True, filled=True),
        Field("prompt_text", "text", ("prompt_text", "prompt"), required=True, filled=True),
        Field("intent", "text", ("intent",)),
        Field("engine", "text", ("engine",)),
        Field("surface", "text", ("surface",)),
        Field("locale", "text", ("locale",)),
        Field("is_core", "flag", ("is_core",)),
        Field("weight", "double", ("weight",), least=0),
        Field("persona", "text", ("persona",)),
        Field("topic", "text", ("topic",)),
    ),
    key=("prompt_id", "engine", "surface", "locale"),
    without=("requested_at",),
)
ANSWERS = Shape(
    "plumbline-answers/1",
    "ai_answers",
    fields=(
        Field("prompt_id", "id", ("prompt_id",), required=True, filled=True),
        Field("engine", "text", ("engine",), required=True, filled=True),
        Field("surface", "text", ("surface",)),
        Field("locale", "text", ("locale",)),
        Field("requested_at", "instant", ("requested_at",), required=True, filled=True),
        Field("day_slot", "day", ("day_slot",), required=True, filled=True),
        Field("replicate", "count", ("replicate",), least=0),
        Field("served_model", "text", ("served_model",)),
        Field("status", "choice", ("status",), required=True, filled=True),
        Field("text_sha256", "text", ("text_sha256",)),
        Field("brands", "json", ("found brands",)),
        Field("own_cited", "flag", ("found own",)),
        Field("cited_domains", "json", ("found domains",)),
        Field("cited_sites", "json", ("found sites",)),
        Field("claims", "json", ("found claims",)),
        Field("extractor_version", "text", ("found by",)),
        Field("importer", "text", ("found in",)),
        Field("searched", "flag", ("found search",)),
        Field("cost_usd", "money", ("cost_usd",), least=0),
        Field("sources", "json", ("sources",)),
        *(Field(name, kind, (name,), least=0 if kind == "count" else None) for name, kind in _TOLD),
        Field("text", "text", ("text", "text_sha256"), required=True, stored=False),
    ),
    key=("prompt_id", "engine", "surface", "locale", "day_slot", "replicate", "requested_at"),
    point_decimal=True,
    keeps_unknown=False,
    reshape=_extracted,
)
SOURCE = Source("ai_panel", (PROMPT_TABLE,), (PROMPTS,))
ANSWER_SOURCE = Source("ai_answers", (ANSWER_TABLE, ai_trackers.TABLE), (ANSWERS, *ai_trackers.SHAPES))
