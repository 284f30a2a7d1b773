"""Questions to AI engines and their answers (`plumbline-answers/1`): brands that were named, pages that were cited.

The text of an answer is read once and not kept; only its hash and what was found in it.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import urlsplit

import polars as pl

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
    "status",
    "cost_usd",
    "sources",
    *(name for name, _ in _TOLD),
)


def brands_named(text: str, brands: tuple[str, ...]) -> list[str]:
    """The brands that occur in the text as whole words, in the order of their first mention; case does not matter."""
    places = []
    for brand in brands:
        mention = re.search(rf"(?<!\w){re.escape(brand)}(?!\w)", text, re.IGNORECASE)
        if mention:
            places.append((mention.start(), brand))
    return [brand for _, brand in sorted(places)]


def domain_of(url: str) -> str | None:
    """Host of a cited page without `www.`, in lower case; None for anything but a web address."""
    try:
        host = urlsplit(url if "//" in url else f"//{url}").hostname
    except ValueError:
        return None
    return host.removeprefix("www.") if host and "." in host else None


def _only_retrieved(source: object) -> bool:
    """Whether the engine read this page and did not cite it."""
    return isinstance(source, dict) and source.get("role") == "retrieved"


def _extracted(frame: pl.DataFrame, ctx: Context) -> tuple[pl.DataFrame, list[Broken]]:
    """What an answer shows, without its text."""
    own = tuple(d.casefold().removeprefix("www.") for d in ctx.settings.company.own_domains)
    if not ctx.settings.ai.brands:
        ctx.notices.append("no brand is looked for in the answers: list them under ai.brands in plumbline.yaml")
    headers = ("text", "sources", "queries", "text_sha256", "retrieval_status")
    names = {name: ctx.place(name) for name in headers}
    rows: list[dict[str, Any]] = []
    broken: list[Broken] = []
    for line in frame.iter_rows(named=True):
        cells = {name: line[place] if place else None for name, place in names.items()}
        try:
            sources, queries = (json.loads(cells[c] or "[]") for c in ("sources", "queries"))
            if not isinstance(sources, list):
                raise TypeError("sources")
            urls = [s["url"] if isinstance(s, dict) else str(s) for s in sources if not _only_retrieved(s)]
        except (ValueError, KeyError, TypeError):
            broken.append(
                Broken(
                    line["_row"],
                    "sources",
                    (cells["sources"] or "")[:80],
                    "bad_json",
                    "must be a list of objects with url",
                )
            )
            continue
        domains = list(dict.fromkeys(d for url in urls if (d := domain_of(url))))
        text = cells["text"]
        rows.append(
            {
                "_row": line["_row"],
                "text_sha256": hashlib.sha256(text.encode()).hexdigest() if text else cells["text_sha256"],
                "brands": json.dumps(brands_named(text or "", ctx.settings.ai.looked_for), ensure_ascii=False),
                "cited_domains": json.dumps(domains),
                "own_cited": "true" if any(d == o or d.endswith(f".{o}") for d in domains for o in own) else "false",
                "searched": "true" if cells["retrieval_status"] == "used" or domains or queries else "false",
            }
        )
    schema = {
        "_row": pl.Int64,
        **dict.fromkeys(("text_sha256", "brands", "cited_domains", "own_cited", "searched"), pl.String),
    }
    mentions = pl.DataFrame(rows, schema=schema)
    plain = frame.select("_row", *(pl.col(place).alias(name) for name in _PLAIN if (place := ctx.place(name))))
    return plain.join(mentions, on="_row", how="inner", maintain_order="left"), broken


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
ANSWER_SOURCE = Source("ai_answers", (ANSWER_TABLE,), (ANSWERS,))
