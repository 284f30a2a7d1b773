"""A reply in the form in which each provider documents it, as a JSON object."""

from __future__ import annotations

from typing import Any

from dagster_project.demo.answer_engines.reply import Reply

DATED, DATED_NEW = "2026-03-05", "2026-09-30"


def served(model: str, reply: Reply) -> str:
    """The dated name of the model that answers; another one after a model swap."""
    return f"{model}-{DATED_NEW if reply.new_model else DATED}"


def openai_responses(reply: Reply, model: str) -> dict[str, Any]:
    """OpenAI's and xAI's Responses API with the web search tool."""
    output: list[dict[str, Any]] = []
    if reply.queries:
        action = {
            "type": "search",
            "query": reply.queries[0],
            "queries": list(reply.queries),
            "sources": [{"type": "url", "url": p.url} for p in reply.pages],
        }
        state = "failed" if reply.search_failed else "completed"
        output.append({"type": "web_search_call", "id": "ws_1", "status": state, "action": action})
    part: dict[str, Any] = {"type": "output_text", "text": reply.text, "annotations": []}
    part["annotations"] = [
        {"type": "url_citation", "start_index": start, "end_index": end, "url": p.url, "title": p.title}
        for p in reply.pages
        for start, end in p.spans
    ]
    if reply.refused:
        part = {"type": "refusal", "refusal": "I cannot help with that."}
    output.append({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]})
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "incomplete" if reply.cut_short else "completed",
        "model": served(model, reply),
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [{"type": "web_search"}],
        "temperature": 1.0,
        "top_p": 1.0,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if reply.cut_short else None,
        "instructions": None,
        "metadata": {},
        "usage": {
            "input_tokens": 8000,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 40,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 8040,
        },
    }


def openai_chat(reply: Reply, model: str) -> dict[str, Any]:
    """OpenAI's chat completions with search annotations; the list of pages read and the queries are not in it."""
    annotations = [
        {"type": "url_citation", "url_citation": {"start_index": s, "end_index": e, "url": p.url, "title": p.title}}
        for p in reply.pages
        for s, e in p.spans
    ]
    message = {"role": "assistant", "content": reply.text, "refusal": None, "annotations": annotations}
    if reply.refused:
        message |= {"content": None, "refusal": "I cannot help with that."}
    return _chat(message, served(model, reply), _finish(reply))


def perplexity(reply: Reply, model: str) -> dict[str, Any]:
    """Perplexity's chat form: markers in the text, the pages beside it, and the price in the usage."""
    text = reply.text
    ends = sorted({end: None for p in reply.pages for _, end in p.spans}, reverse=True)
    for end in ends:
        marks = "".join(f"[{n}]" for n, p in enumerate(reply.pages, 1) if any(e == end for _, e in p.spans))
        text = text[: end - 1] + marks + text[end - 1 :]
    body = _chat({"role": "assistant", "content": text}, model, _finish(reply))
    body["citations"] = [p.url for p in reply.pages]
    dates = {"date": "2026-05-01", "last_updated": "2026-06-01"}
    body["search_results"] = [
        {"title": p.title, "url": p.url, **dates, "snippet": "..", "source": "web"} for p in reply.pages
    ]
    cost = {"input_tokens_cost": 0.0, "output_tokens_cost": 0.0, "request_cost": 0.005, "total_cost": 0.005}
    body["usage"] |= {"search_context_size": "low", "num_search_queries": len(reply.queries), "cost": cost}
    return body


def anthropic(reply: Reply, model: str) -> dict[str, Any]:
    """Anthropic's messages with the web search tool: a block of text per cited sentence."""
    content: list[dict[str, Any]] = []
    if reply.queries:
        result: Any = [
            {
                "type": "web_search_result",
                "url": p.url,
                "title": p.title,
                "encrypted_content": "x",
                "page_age": "April 30, 2026",
            }
            for p in reply.pages
        ]
        if reply.search_failed:
            result = {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}
        content += [
            {"type": "text", "text": "I'll search. "},
            {"type": "server_tool_use", "id": "st1", "name": "web_search", "input": {"query": reply.queries[0]}},
            {"type": "web_search_tool_result", "tool_use_id": "st1", "content": result},
        ]
    content += _anthropic_blocks(reply)
    searches = {"web_search_requests": len(reply.queries)}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": f"{model}-20250929" if not reply.new_model else f"{model}-20260930",
        "content": content,
        "stop_reason": "refusal" if reply.refused else "max_tokens" if reply.cut_short else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 6039,
            "output_tokens": 931,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "server_tool_use": searches,
        },
    }


def _anthropic_blocks(reply: Reply) -> list[dict[str, Any]]:
    cited = sorted((span, p) for p in reply.pages for span in p.spans)
    blocks: list[dict[str, Any]] = []
    place = 0
    for (start, end), page in cited:
        if start > place:
            blocks.append({"type": "text", "text": reply.text[place:start]})
        citation = {
            "type": "web_search_result_location",
            "url": page.url,
            "title": page.title,
            "encrypted_index": "x",
            "cited_text": "..",
        }
        blocks.append({"type": "text", "text": reply.text[start:end], "citations": [citation]})
        place = end
    if reply.text[place:]:
        blocks.append({"type": "text", "text": reply.text[place:]})
    return blocks


def gemini(reply: Reply, model: str) -> dict[str, Any]:
    """Gemini's grounded answer: redirect addresses, offsets in bytes, and a first offset of 0 left out."""
    candidate: dict[str, Any] = {
        "content": {"role": "model", "parts": [{"text": reply.text}]},
        "finishReason": "SAFETY" if reply.refused else "MAX_TOKENS" if reply.cut_short else "STOP",
        "index": 0,
    }
    if reply.refused or not reply.text:
        candidate["content"] = {"role": "model", "parts": []}
    if reply.queries and not reply.search_failed:
        spans = sorted({span for p in reply.pages for span in p.spans})
        candidate["groundingMetadata"] = {
            "webSearchQueries": list(reply.queries),
            "searchEntryPoint": {"renderedContent": "<div/>"},
            "groundingChunks": [
                {
                    "web": {
                        "uri": f"https://vertexaisearch.cloud.google.com/grounding-api-redirect/{n}",
                        "title": p.title,
                    }
                }
                for n, p in enumerate(reply.pages)
            ],
            "groundingSupports": [_gemini_support(reply, span) for span in spans],
        }
    return {
        "candidates": [candidate],
        "modelVersion": f"{model}-{DATED_NEW}" if reply.new_model else model,
        "responseId": "r1",
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 50, "totalTokenCount": 60},
    }


def _gemini_support(reply: Reply, span: tuple[int, int]) -> dict[str, Any]:
    start, end = (len(reply.text[:place].encode()) for place in span)
    segment: dict[str, Any] = {"endIndex": end, "text": reply.text[slice(*span)]}
    if start:
        segment["startIndex"] = start
    chunks = [n for n, p in enumerate(reply.pages) if span in p.spans]
    return {"segment": segment, "groundingChunkIndices": chunks}


def _finish(reply: Reply) -> str:
    return "content_filter" if reply.refused else "length" if reply.cut_short else "stop"


def _chat(message: dict[str, Any], model: str, finish: str) -> dict[str, Any]:
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 40, "total_tokens": 60},
    }
