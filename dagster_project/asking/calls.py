"""One call of an engine through litellm: the request of each provider, and what its errors mean for slot and price."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dagster_project.workspace.ai_settings import Engine
from models.error import PlumblineError

# Set before the library is imported: without them it fetches a price map and a list of headers from the web.
OFFLINE = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_OFFLINE_MODE": "true",
}
RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
ENGINE_IS_OUT = frozenset({401, 402, 403, 404})
NEVER_SENT = frozenset({"ConnectError", "ConnectTimeout", "ClientConnectorError", "ConnectionRefusedError"})
LONGEST_PAUSE = 120.0  # seconds; a longer retry-after is not waited for within one attempt


@dataclass(frozen=True)
class Raw:
    """An answer as the library hands it over: the whole response as a dict, the price if known, and its origin."""

    response: dict[str, Any]
    cost_usd: Decimal | None
    cost_source: str
    latency_ms: int


class CallFailed(PlumblineError):
    """A call brought no answer. `kind` is the error's class and status and never the provider's text, which may
    repeat a part of the key."""

    def __init__(
        self,
        kind: str,
        *,
        again: bool,
        may_be_charged: bool,
        engine_is_out: bool = False,
        timed_out: bool = False,
        pause: float | None = None,
    ) -> None:
        super().__init__(kind)
        self.kind, self.again, self.may_be_charged = kind, again, may_be_charged
        self.engine_is_out, self.timed_out, self.pause = engine_is_out, timed_out, pause


class NoLibrary(PlumblineError):
    """litellm is not installed."""


def library() -> Any:
    """litellm, imported so that it looks nothing up on the network. Raises NoLibrary with the command that installs."""
    os.environ.update(OFFLINE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import litellm
    except ModuleNotFoundError:
        raise NoLibrary(
            "litellm is not installed, and engines are asked through it", fix="pip install 'plumbline[agents]'"
        ) from None
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    return litellm


def request_of(engine: Engine, question: str, country: str | None, key: str) -> tuple[str, dict[str, Any]]:
    """(name of litellm's function, its arguments): a clean context, the provider's defaults, and its own web search.

    `key` is the secret. No system prompt, seed or temperature: buyers have none either.
    """
    place = {"type": "approximate", "country": country} if country else None
    search, forced = engine.contract != "recall", engine.contract == "search_required"
    common: dict[str, Any] = {
        "model": engine.model,
        "api_key": key,
        "timeout": engine.timeout_seconds,
        "max_retries": 0,
    }
    if engine.endpoint:
        common["api_base"] = engine.endpoint
    if engine.api_version:
        common["api_version"] = engine.api_version
    if engine.by_route == "responses":
        kind = "web_search_preview" if (engine.model or "").startswith("azure/") else "web_search"
        tool: dict[str, Any] = {"type": kind, "search_context_size": engine.search_context}
        arguments = common | {"input": question, "max_output_tokens": engine.max_output_tokens, "store": False}
        if search:
            arguments |= {"tools": [tool | ({"user_location": place} if place else {})]}
            arguments |= {"include": ["web_search_call.action.sources"]}
        return "aresponses", arguments | ({"tool_choice": "required"} if forced else {})
    arguments = common | {
        "messages": [{"role": "user", "content": question}],
        "max_tokens": engine.max_output_tokens,  # Anthropic's default would be the model's maximum
    }
    if engine.by_route == "anthropic" and search:
        tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
        arguments["tools"] = [tool | ({"user_location": place} if place else {})]
        if forced:
            arguments["tool_choice"] = {"type": "function", "function": {"name": "web_search"}}
    elif engine.by_route == "gemini" and search:
        arguments["tools"] = [{"googleSearch": {}}]
    elif engine.by_route == "perplexity":
        arguments["web_search_options"] = {"search_context_size": engine.search_context}
        if not search:
            arguments["extra_body"] = {"disable_search": True}
    elif engine.by_route == "chat" and search:
        options: dict[str, Any] = {"search_context_size": engine.search_context}
        if place:
            options["user_location"] = {"type": "approximate", "approximate": {"country": country}}
        arguments["web_search_options"] = options
    return "acompletion", arguments


async def call(litellm: Any, engine: Engine, question: str, country: str | None, key: str) -> Raw:
    """Ask once. Raises CallFailed for everything that is no answer."""
    name, arguments = request_of(engine, question, country, key)
    began = time.monotonic()
    try:
        response = await getattr(litellm, name)(**arguments)
    except Exception as error:  # the library raises the classes of every provider's client
        raise failure(error) from None
    milliseconds = int(1000 * (time.monotonic() - began))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Perplexity's price is an object where the library expects a number
        document = response.model_dump(mode="json")
    cost, source = _price(document, getattr(response, "_hidden_params", None) or {}, engine)
    return Raw(document, cost, source, milliseconds)


def failure(error: BaseException) -> CallFailed:
    """What an error of the library means.

    Only an HTTP answer with an error status is known to cost nothing. After a time-out, a cut connection or an answer
    that cannot be read the provider may have charged, and the library dresses these up as statuses of its own: a
    connection error with headers, a 422 for a broken body, a 500 without headers.
    """
    name, status = type(error).__name__, getattr(error, "status_code", None)
    headers = getattr(error, "litellm_response_headers", None)
    kind = f"{name} {status}" if status else name
    if _never_sent(error):
        return CallFailed(f"{name} (no connection)", again=True, may_be_charged=False)
    if name == "Timeout":
        return CallFailed(kind, again=True, may_be_charged=True, timed_out=True)
    answered = headers is not None and name != "APIConnectionError" and status not in (None, 200, 422)
    if not answered:
        known = status is not None or name in ("APIConnectionError", "APIError")
        return CallFailed(kind, again=known, may_be_charged=True)
    return CallFailed(
        kind,
        again=status in RETRIED,
        may_be_charged=False,
        engine_is_out=status in ENGINE_IS_OUT,
        pause=_retry_after(headers),
    )


def _never_sent(error: BaseException) -> bool:
    """Whether no connection came about, by what led to the error."""
    seen: BaseException | None = error
    while seen is not None:
        if type(seen).__name__ in NEVER_SENT:
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _retry_after(headers: Mapping[str, str] | None) -> float | None:
    try:
        seconds = float((headers or {}).get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    return min(max(seconds, 0.0), LONGEST_PAUSE)


def _price(document: Mapping[str, Any], hidden: Mapping[str, Any], engine: Engine) -> tuple[Decimal | None, str]:
    """The provider's own price, else the library's with the fee that its list leaves out, else unknown."""
    told = (document.get("usage") or {}).get("cost")
    if isinstance(told, Mapping):
        told = told.get("total_cost")
    for value, source, fee in (
        (told, "provider", Decimal(0)),
        (hidden.get("response_cost"), "litellm", engine.search_fee_usd),
    ):
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return Decimal(str(value)) + fee, source
    return None, "estimate"
