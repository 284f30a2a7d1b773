"""A provider's response as an answer of the panel: text, cited and read pages, searches, model, and what went wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from dagster_project.workspace.ai_settings import Route

OK, PARTIAL, REFUSED, EMPTY, ERROR = "ok", "partial", "refused", "empty", "error"
USED, NOT_USED, UNKNOWN = "used", "not_used", "unknown"
SHORT_PREAMBLE = 200  # characters; a shorter text without any citation after a search is an answer that was paused
_REDIRECT = "vertexaisearch.cloud.google.com"
_TRACKING = frozenset({"gclid", "fbclid", "srsltid", "ref", "ref_src"})
_MARK = re.compile(r"\[(\d+)\](?!\()")  # not a markdown link
_HOST = re.compile(r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")


@dataclass
class Cited:
    """A page that the engine read; cited where `spans` (pairs of code points of the text) or `cited` say so."""

    url: str
    title: str | None = None
    spans: list[tuple[int, int]] = field(default_factory=list)
    cited: bool = False
    redirect: str | None = None


@dataclass(frozen=True)
class Reading:
    """What a response says. `sources` are ordered: cited pages by their first appearance, then the others."""

    status: str
    text: str
    sources: tuple[dict[str, Any], ...]
    queries: tuple[str, ...]
    retrieval_status: str
    served_model: str | None
    finish_reason: str | None
    error_kind: str | None
    input_tokens: int | None
    output_tokens: int | None


@dataclass
class _Parts:
    text: str = ""
    pages: list[Cited] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    searched: bool = False
    shows_search: bool = True
    search_failed: bool = False
    refused: bool = False
    cut: bool = False
    failed: bool = False
    finish: str | None = None


def read_response(response: Mapping[str, Any], route: Route) -> Reading:
    """The answer in a response of this route. Never raises for an odd one: what cannot be read is an empty answer."""
    parts = {"responses": _responses, "anthropic": _anthropic, "perplexity": _perplexity, "gemini": _gemini}.get(
        route, _chat
    )(response)
    usage = _object(response.get("usage"))
    status, kind = _status(parts)
    retrieval = USED if parts.searched and not parts.search_failed else NOT_USED if parts.shows_search else UNKNOWN
    if parts.search_failed and not any(p.cited for p in parts.pages):
        retrieval = UNKNOWN
    return Reading(
        status=status,
        text=parts.text,
        sources=tuple(_sources(parts.pages)),
        queries=tuple(q for q in parts.queries if isinstance(q, str)),
        retrieval_status=retrieval,
        served_model=_string(response.get("model")),
        finish_reason=parts.finish,
        error_kind=kind,
        input_tokens=_count(usage.get("input_tokens", usage.get("prompt_tokens"))),
        output_tokens=_count(usage.get("output_tokens", usage.get("completion_tokens"))),
    )


def _status(parts: _Parts) -> tuple[str, str | None]:
    if parts.failed:
        return ERROR, "failed_by_provider"
    if parts.refused:
        return REFUSED, None
    if parts.search_failed and not any(p.cited for p in parts.pages):
        return ERROR, "search_tool"
    if not parts.text.strip():
        return EMPTY, None
    return (PARTIAL, None) if parts.cut else (OK, None)


def _responses(response: Mapping[str, Any]) -> _Parts:
    parts = _Parts(finish=_string(response.get("status")))
    parts.failed = parts.finish == "failed"
    details = _object(response.get("incomplete_details"))
    parts.cut = parts.finish == "incomplete"
    parts.refused = details.get("reason") == "content_filter"
    for item in _objects(response.get("output")):
        if item.get("type") == "web_search_call":
            action = _object(item.get("action"))
            parts.searched = True
            parts.search_failed = parts.search_failed or item.get("status") == "failed"
            parts.queries += action.get("queries") or ([action["query"]] if action.get("query") else [])
            urls = [s.get("url") for s in _objects(action.get("sources"))] or [action.get("url")]
            parts.pages += [Cited(u) for u in urls if isinstance(u, str)]
        if item.get("type") == "message":
            for piece in _objects(item.get("content")):
                parts.refused = parts.refused or piece.get("type") == "refusal"
                if piece.get("type") == "output_text":
                    start = len(parts.text)
                    parts.text += _string(piece.get("text")) or ""
                    parts.pages += _annotated(piece.get("annotations"), start)
    return parts


def _annotated(annotations: Any, shift: int = 0) -> Iterator[Cited]:
    """Citations of OpenAI's two forms: flat in Responses, nested in chat."""
    for annotation in _objects(annotations):
        told = _object(annotation.get("url_citation")) or annotation
        url = _string(told.get("url"))
        if url and annotation.get("type") == "url_citation":
            start, end = _count(told.get("start_index")), _count(told.get("end_index"))
            spans = [(start + shift, end + shift)] if start is not None and end is not None and end > start else []
            yield Cited(url, _string(told.get("title")), spans, cited=True)


def _message(response: Mapping[str, Any]) -> tuple[_Parts, Mapping[str, Any]]:
    """Text and end of the first choice of a chat answer."""
    choice = next(iter(_objects(response.get("choices"))), {})
    message = _object(choice.get("message"))
    finish = _string(choice.get("finish_reason"))
    return _Parts(
        text=_string(message.get("content")) or "",
        finish=finish,
        cut=finish == "length",
        refused=finish == "content_filter" or bool(message.get("refusal")),
    ), message


def _chat(response: Mapping[str, Any]) -> _Parts:
    parts, message = _message(response)
    parts.pages = list(_annotated(message.get("annotations")))
    # This form says nothing of a search that led to no citation.
    parts.searched, parts.shows_search = bool(parts.pages), False
    return parts


def _anthropic(response: Mapping[str, Any]) -> _Parts:
    parts, message = _message(response)
    fields = _object(message.get("provider_specific_fields"))
    calls = _objects(fields.get("web_search_calls"))
    results = [_object(r).get("content") for r in fields.get("web_search_results") or []]
    parts.searched = bool(calls or results)
    for one in calls:
        action = _object(one.get("action"))
        parts.queries += action.get("queries") or ([action["query"]] if action.get("query") else [])
    failed = [r for r in results if isinstance(r, Mapping) and r.get("error_code")]
    parts.search_failed = bool(failed) and len(failed) == len(results)
    for listed in results:
        parts.pages += [
            Cited(u, _string(page.get("title"))) for page in _objects(listed) if (u := _string(page.get("url")))
        ]
    place = 0
    for block in fields.get("citations") or []:
        for citation in _objects(block):
            url, supported = _string(citation.get("url")), _string(citation.get("supported_text")) or ""
            if not url:
                continue
            start = parts.text.find(supported, place) if supported else -1
            spans = [(start, start + len(supported))] if start >= 0 else []
            parts.pages.append(Cited(url, _string(citation.get("title")), spans, cited=True))
            place = max(place, start)
    # The provider's pause is not visible as such: it searched, cited nothing and only announced what it would do.
    paused = parts.searched and not any(p.cited for p in parts.pages) and len(parts.text) < SHORT_PREAMBLE
    parts.cut = parts.cut or (paused and bool(parts.text) and not parts.refused)
    return parts


def _perplexity(response: Mapping[str, Any]) -> _Parts:
    parts, _ = _message(response)
    titles = {r.get("url"): _string(r.get("title")) for r in _objects(response.get("search_results"))}
    urls = [u for u in response.get("citations") or [] if isinstance(u, str)] or [u for u in titles if u]
    pages = [Cited(u, titles.get(u)) for u in urls]
    for mark in _MARK.finditer(parts.text):
        number = int(mark[1])
        if 1 <= number <= len(pages):
            begin = max(parts.text.rfind(". ", 0, mark.start()) + 2, 0) if ". " in parts.text[: mark.start()] else 0
            pages[number - 1].cited = True
            pages[number - 1].spans.append((begin, mark.start()))
    parts.pages, parts.searched = pages, bool(pages)
    return parts


def _gemini(response: Mapping[str, Any]) -> _Parts:
    parts, _ = _message(response)
    grounding = next(iter(_objects(response.get("vertex_ai_grounding_metadata"))), {})
    parts.queries = list(grounding.get("webSearchQueries") or [])
    pages = [_gemini_page(_object(chunk.get("web"))) for chunk in _objects(grounding.get("groundingChunks"))]
    encoded = parts.text.encode()
    for support in _objects(grounding.get("groundingSupports")):
        segment = _object(support.get("segment"))
        start, end = (
            len(encoded[: _count(segment.get(name)) or 0].decode("utf-8", "ignore"))
            for name in ("startIndex", "endIndex")
        )
        for number in support.get("groundingChunkIndices") or []:
            if isinstance(number, int) and 0 <= number < len(pages):
                pages[number].cited = True
                pages[number].spans.append((start, end))
    parts.pages, parts.searched = pages, bool(parts.queries or pages)
    return parts


def _gemini_page(web: Mapping[str, Any]) -> Cited:
    """A grounding page: its address is a redirect that expires, its title is the site's name."""
    uri, title = _string(web.get("uri")) or "", _string(web.get("title"))
    if _REDIRECT in uri and title and _HOST.match(title.casefold()):
        return Cited(f"https://{title.casefold()}/", title, redirect=uri)
    return Cited(uri, title)


def _sources(pages: list[Cited]) -> Iterator[dict[str, Any]]:
    """Pages once each: cited ones ranked by their first span, then those that were only read."""
    merged: dict[str, Cited] = {}
    for page in pages:
        key = page_key(page.url)
        if key is None:
            continue
        before = merged.get(key)
        if before is None:
            merged[key] = Cited(page.url, page.title, list(page.spans), page.cited, page.redirect)
            continue
        before.cited = before.cited or page.cited
        before.title = before.title or page.title
        before.spans += [s for s in page.spans if s not in before.spans]
    cited = [p for p in merged.values() if p.cited]
    cited.sort(key=lambda p: min((s[0] for s in p.spans), default=1 << 60))
    for rank, page in enumerate(cited, 1):
        yield _row(page, "cited", rank)
    for page in merged.values():
        if not page.cited:
            yield _row(page, "retrieved", None)


def _row(page: Cited, role: str, rank: int | None) -> dict[str, Any]:
    row: dict[str, Any] = {"url": page.url, "title": page.title, "role": role, "rank": rank}
    row["spans"] = [list(s) for s in sorted(page.spans)]
    return row | ({"redirect": page.redirect} if page.redirect else {})


def page_key(url: str) -> str | None:
    """One key for one page: host, path and what is left of the query without trackers; None for no web address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or "." not in host:
        return None
    kept = [(k, v) for k, v in parse_qsl(parts.query) if k not in _TRACKING and not k.startswith("utm_")]
    return f"{host.removeprefix('www.')}{parts.path.rstrip('/')}?{urlencode(kept)}"


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
