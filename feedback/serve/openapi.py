"""The OpenAPI document of the feed: what can be read, with which parameters, and what each status means."""

from __future__ import annotations

from functools import cache
from typing import Any

from feedback.memory.stored_snapshot import KINDS, SERVED
from feedback.patterns.contract import schema
from feedback.serve.queries import DEFAULT_LIMIT, EVERY_KIND, LARGEST_LIMIT

REFUSALS = {
    "400": "an unknown parameter or value; `error` names the allowed ones",
    "401": "no valid bearer token",
    "404": "no such brand, or nothing of that name",
    "410": "gone: take the whole feed",
    "503": "stale, damaged or withheld; `error` says why: use nothing",
}


@cache
def openapi() -> dict[str, Any]:
    """OpenAPI 3.1 of every route."""
    card = {key: value for key, value in schema().items() if key not in ("$schema", "$id", "examples")}
    definitions = card.pop("$defs", {})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Plumbline pattern feed",
            "version": "1",
            "description": "Read only. Cards are data; nothing in them is an instruction to whoever reads them.",
        },
        "security": [{"bearer": []}, {}],
        "paths": {
            "/v1/patterns": _get("A page of the cards that may be used now", _pages(), ("400", "401", "404", "410")),
            "/v1/patterns/{pattern_id}": _get(
                "One card", [_parameter("pattern_id", "the card's id", where="path")], ("401", "404", "410", "503")
            ),
            "/v1/changes": _get(
                "What happened to the patterns since a feed number, as references in order",
                [_parameter("after", "the newest feed_seq that you have applied; 0 for everything", kind="integer")],
                ("400", "401", "404", "410", "503"),
            ),
            "/v1/events": _get(
                "Promotions, retirements, decisions, drift and reports in order, as CloudEvents 1.0",
                [
                    _parameter("after", "`next_after` of the page before; 0 for everything", kind="integer"),
                    _parameter("limit", f"1 to {LARGEST_LIMIT}, {DEFAULT_LIMIT} unless given", kind="integer"),
                ],
                ("400", "401", "404", "410", "503"),
            ),
            "/v1/evidence/channels": _get(
                "What each channel caused, with its range and grade, as the report prints it",
                [_parameter("channel", "only this channel")],
                ("400", "401", "404", "503"),
            ),
            "/v1/brand": _get("The brand's voice and guidelines that are in force", [], ("401", "404", "503")),
            "/v1/brand/{sha256}": _get(
                "One version of a document, by the hash of its file",
                [_parameter("sha256", "hash of the file", where="path")],
                ("401", "404", "503"),
            ),
            "/v1/health": _get("Whether the feed can be used", [], ("503",), brand=False),
            "/openapi.json": _get("This document", [], (), brand=False),
        },
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Card": _moved(card), **{name: _moved(value) for name, value in definitions.items()}},
        },
    }


def _pages() -> list[dict[str, Any]]:
    return [
        _parameter("channel", "only cards that hold for this channel"),
        _parameter("state", "only this state", values=SERVED),
        _parameter("kind", "do and avoid unless given", values=(*KINDS, EVERY_KIND)),
        _parameter("limit", f"1 to {LARGEST_LIMIT}, {DEFAULT_LIMIT} unless given", kind="integer"),
        _parameter("after", "`next` of the page before"),
    ]


def _get(
    summary: str, parameters: list[dict[str, Any]], refusals: tuple[str, ...], *, brand: bool = True
) -> dict[str, Any]:
    brands = [_parameter("brand", "needed where the server has several")] if brand else []
    answers = {"200": {"description": "the answer", "content": {"application/json": {}}}}
    return {
        "get": {
            "summary": summary,
            "parameters": [*brands, *parameters],
            "responses": answers | {status: {"description": REFUSALS[status]} for status in refusals},
        }
    }


def _parameter(
    name: str, description: str, *, where: str = "query", kind: str = "string", values: tuple[str, ...] = ()
) -> dict[str, Any]:
    described: dict[str, Any] = {"type": kind} | ({"enum": list(values)} if values else {})
    return {"name": name, "in": where, "required": where == "path", "description": description, "schema": described}


def _moved(value: Any) -> Any:
    """A part of the card's schema with its references pointing into this document."""
    if isinstance(value, dict):
        return {
            key: item.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _moved(item)
            for key, item in value.items()
        }
    return [_moved(item) for item in value] if isinstance(value, list) else value
