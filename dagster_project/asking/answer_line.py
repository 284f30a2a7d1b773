"""A slot's outcome as a line of `plumbline-answers/1`, the format of landing/ai_answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dagster_project.asking.calls import Raw
from dagster_project.asking.day_plan import Slot
from dagster_project.asking.reading import UNKNOWN, Reading
from dagster_project.workspace.ai_settings import Engine

FORMAT = "plumbline-answers/1"


def _slot(slot: Slot, engine: Engine, panel_version: str, asked_at: datetime) -> dict[str, Any]:
    p = slot.prompt
    return {
        "format": FORMAT,
        "answer_id": slot.answer_id,
        "prompt_id": p.prompt_id,
        "prompt_text": p.prompt_text,
        "prompt_version": p.version,
        "panel_version": panel_version,
        "engine": slot.engine,
        "surface": slot.surface,
        "contract": slot.contract,
        "locale": p.locale or None,
        "persona": p.persona or None,
        "day_slot": slot.day.isoformat(),
        "replicate": slot.replicate,
        "aa_pair": slot.aa_pair or None,
        "requested_at": asked_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "requested_model": engine.model,
    }


def answered(
    slot: Slot, engine: Engine, panel_version: str, asked_at: datetime, raw: Raw, reading: Reading, attempts: int
) -> dict[str, Any]:
    """An answer with everything that was learned with it; `raw` is the provider's whole response."""
    return _slot(slot, engine, panel_version, asked_at) | {
        "served_model": reading.served_model,
        "status": reading.status,
        "retrieval_status": reading.retrieval_status,
        "text": reading.text,
        "sources": list(reading.sources),
        "queries": list(reading.queries),
        "finish_reason": reading.finish_reason,
        "error_kind": reading.error_kind,
        "attempts": attempts,
        "latency_ms": raw.latency_ms,
        "input_tokens": reading.input_tokens,
        "output_tokens": reading.output_tokens,
        "search_calls": len(reading.queries) or None,
        "cost_usd": None if raw.cost_usd is None else str(raw.cost_usd),
        "cost_source": raw.cost_source,
        "raw": raw.response,
    }


def unanswered(
    slot: Slot, engine: Engine, panel_version: str, asked_at: datetime, *, status: str, why: str, attempts: int = 0
) -> dict[str, Any]:
    """A slot without an answer: `error` or `timeout` after all attempts, or `not_scheduled` with the reason."""
    return _slot(slot, engine, panel_version, asked_at) | {
        "served_model": None,
        "status": status,
        "retrieval_status": UNKNOWN,
        "text": "",
        "sources": [],
        "error_kind": why,
        "attempts": attempts,
    }
