"""A stand-in for the library that answers in this process, for tests of what happens around a call."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from dagster_project.demo.answer_engines import shapes
from dagster_project.demo.answer_engines.reply import PLAIN


class Refused(Exception):
    """An HTTP answer with an error status, as the library raises it."""

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__("text of the provider with sk-secret in it")
        self.status_code, self.litellm_response_headers = status, headers or {}


class Timeout(Exception):
    """The library's class of this name."""

    status_code = 408
    litellm_response_headers = None


class _Response:
    def __init__(self, document: dict[str, Any], cost: float | None) -> None:
        self._document, self._hidden_params = document, {"response_cost": cost}

    def model_dump(self, mode: str = "python") -> dict[str, Any]:
        return self._document


class StubLibrary:
    """`behave(question, call)` may raise; `call` counts from 1 per question. Every answer costs `cost`."""

    def __init__(self, behave: Callable[[str, int], None] = lambda q, n: None, cost: float | None = 0.01) -> None:
        self.behave, self.cost = behave, cost
        self.asked: Counter[tuple[str, str]] = Counter()
        self.answered: Counter[tuple[str, str]] = Counter()
        self.pause, self.at_once, self.most_at_once = 0.001, 0, 0

    async def aresponses(self, **arguments: Any) -> _Response:
        return await self._answer(arguments["input"], arguments, shapes.openai_responses)

    async def acompletion(self, **arguments: Any) -> _Response:
        return await self._answer(arguments["messages"][0]["content"], arguments, shapes.perplexity)

    async def _answer(
        self, question: str, arguments: dict[str, Any], shape: Callable[..., dict[str, Any]]
    ) -> _Response:
        key = (arguments["model"], question)
        self.asked[key] += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.pause)
            self.behave(question, self.asked[key])
        finally:
            self.at_once -= 1
        document = shape(PLAIN, arguments["model"])
        document.get("usage", {}).pop("cost", None)
        self.answered[key] += 1
        return _Response(document, self.cost)
