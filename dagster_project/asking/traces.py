"""What each call did, in the terms of OpenTelemetry's GenAI conventions, as JSON lines in the workspace.

One span per attempt, without question and answer: durations, models, tokens, costs and errors. Source: OpenTelemetry
semantic conventions for generative AI (`gen_ai.*`); what they have no name for begins with `plumbline.`.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dagster_project.asking.day_plan import Slot
from dagster_project.workspace.ai_settings import Engine

PROVIDERS = {"gemini": "gcp.gemini", "xai": "x_ai", "azure": "azure.ai.openai"}


class Traces:
    """Writes spans into `folder`, a file per day; every slot is a trace, every attempt a span of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def write(
        self, slot: Slot, engine: Engine, *, seconds: float, attempt: int, error: str | None, **attributes: Any
    ) -> None:
        """Append the span of an attempt that ended now; attributes without a value are left out."""
        ended = time.time_ns()
        provider, _, model = (engine.model or "").partition("/")
        known = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": PROVIDERS.get(provider, provider),
            "gen_ai.request.model": model,
            "gen_ai.request.max_tokens": engine.max_output_tokens,
            "server.address": urlsplit(engine.endpoint).hostname if engine.endpoint else None,
            "error.type": error,
            "plumbline.purpose": "collect",
            "plumbline.engine": engine.name,
            "plumbline.surface": slot.surface,
            "plumbline.prompt_id": slot.prompt.prompt_id,
            "plumbline.attempt": attempt,
        } | attributes
        span = {
            "traceId": slot.answer_id,
            "spanId": secrets.token_hex(8),
            "name": f"chat {model}",
            "kind": "SPAN_KIND_CLIENT",
            "startTimeUnixNano": ended - int(seconds * 1e9),
            "endTimeUnixNano": ended,
            "status": {"code": "STATUS_CODE_ERROR" if error else "STATUS_CODE_OK"},
            "attributes": {k: v for k, v in known.items() if v is not None},
        }
        path = self._folder / f"{slot.day}.jsonl"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, (json.dumps(span, ensure_ascii=False) + "\n").encode())
        finally:
            os.close(descriptor)
