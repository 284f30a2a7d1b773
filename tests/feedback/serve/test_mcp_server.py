"""The feed over MCP: the payloads of the HTTP feed, small pages, reasons for refusals, notices of change, one brand."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from made_cards import NOW, cards, decision
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from served_feed import TOKEN, Clock, Listen

from feedback.memory import publish
from feedback.serve import app
from feedback.serve.mcp_listening import mcp_application
from feedback.serve.mcp_server import FeedPayloads, mcp_server
from feedback.serve.tokens import new


def ask(memory: Path, *calls: tuple[str, dict[str, Any]], clock: Callable[[], datetime] | None = None) -> list[Any]:
    """The results of tool calls to a server in this process: structured content, or the sentence of an error."""

    async def asked() -> list[Any]:
        server = mcp_server(FeedPayloads(memory, "acme", clock=clock or Clock()))
        async with Client(server) as client:
            results = [await client.call_tool(name, arguments) for name, arguments in calls]
        return [r.content[0].text if r.is_error else r.structured_content for r in results]

    return asyncio.run(asked())


def test_a_page_is_the_one_that_http_gives_and_every_tool_only_reads(memory: Path, listen: Listen) -> None:
    over_http = listen(app(memory, brand="acme", clock=Clock())).get("/v1/patterns?limit=2").json()
    page, after_it = ask(memory, ("read_patterns", {"limit": 2}), ("read_patterns", {"after": over_http["next"]}))
    assert page == over_http
    assert [card["state"] for card in after_it["patterns"]] == ["watch"]

    async def described() -> list[Any]:
        async with Client(mcp_server(FeedPayloads(memory, "acme", clock=Clock()))) as client:
            return list((await client.list_tools()).tools)

    tools = asyncio.run(described())
    assert len(tools) == 5
    assert all(tool.annotations is not None and tool.annotations.read_only_hint for tool in tools)


def test_refusals_carry_their_reason(memory: Path) -> None:
    refused = ask(
        memory,
        ("read_patterns", {"state": "banana"}),
        ("read_patterns", {"limit": 21}),
        ("read_pattern", {"pattern_id": "pat_zzzzzzzz"}),
        ("read_changes", {"after": 9}),
        ("read_channel_evidence", {}),
    )
    for sentence, reason in zip(
        refused, ("promoted, provisional, watch", "from 1 to 20", "not a pattern", "newest is 1", "no run"), strict=True
    ):
        assert reason in sentence
    stale = ask(memory, ("read_patterns", {}), ("read_changes", {}), clock=lambda: NOW + timedelta(hours=80))
    assert all("80 hours ago" in sentence for sentence in stale)
    (memory / "acme" / "CURRENT.json").write_bytes(b"")
    assert "damaged" in ask(memory, ("read_patterns", {}))[0]


def test_changes_come_in_pages_that_end_with_a_feed(memory: Path) -> None:
    (told,) = ask(memory, ("read_changes", {"after": 0}))
    assert (len(told["changes"]), told["next_after"], told["too_many"]) == (3, 1, False)
    (none,) = ask(memory, ("read_changes", {"after": 1}))
    assert (none["changes"], none["next_after"]) == ([], 1)


def test_a_subscriber_is_told_when_the_pipeline_publishes(memory: Path) -> None:
    async def waited() -> dict[str, Any]:
        uri = "patterns://head/acme"
        async with Client(mcp_server(FeedPayloads(memory, "acme", clock=Clock()))) as client:
            before = await client.read_resource(uri)
            async with client.listen(resource_subscriptions=[uri, "patterns://head/bolt"]) as events:
                await asyncio.sleep(0.3)
                publish(memory, "bolt", [], NOW + timedelta(hours=1))  # another brand's news is not told
                publish(memory, "acme", cards(decision()), NOW)
                event = await asyncio.wait_for(anext(aiter(events)), timeout=10)
            assert str(event.uri) == uri
            assert json.loads(before.contents[0].text)["feed_seq"] == 1
            told: dict[str, Any] = json.loads((await client.read_resource(uri)).contents[0].text)
            return told

    assert asyncio.run(waited())["feed_seq"] == 2


def test_a_host_starts_the_server_and_talks_over_standard_input(memory: Path) -> None:
    now = NOW.isoformat()
    command = ["-m", "feedback.serve", str(memory), "--brand", "acme", "--protocol", "mcp-stdio", "--now", now]

    async def asked() -> Any:
        root = str(Path(__file__).parents[3])
        async with Client(StdioServerParameters(command=sys.executable, args=command, cwd=root)) as client:
            return await client.call_tool("read_patterns", {"channel": "meta"})

    result = asyncio.run(asked())
    assert result.structured_content["total"] == 3


def test_over_http_a_token_of_the_brand_is_needed(memory: Path, listen: Listen) -> None:
    today = datetime.now(UTC)
    own, foreign = new(memory, "acme", today)[0], new(memory, "bolt", today)[0]

    async def asked(url: str, secret: str) -> Any:
        headers = {"Authorization": f"Bearer {secret}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=10, trust_env=False) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return await client.call_tool("read_patterns", {})

    served = listen(mcp_application(memory, "acme", clock=Clock(), token=TOKEN))
    url = f"{served.base_url}/mcp".replace("//mcp", "/mcp")
    for secret in (own, TOKEN):
        assert asyncio.run(asked(url, secret)).structured_content["brand"] == "acme"
    for headers in ({}, {"Authorization": f"Bearer {foreign}"}):
        answer = served.post("/mcp", json={}, headers=headers)
        assert (answer.status_code, "pat_" in answer.text) == (401, False)


def test_without_a_token_only_this_machines_names_are_answered(memory: Path, listen: Listen) -> None:
    with pytest.raises(ValueError, match="set a token"):
        mcp_application(memory, "acme", host="0.0.0.0")
    client = listen(mcp_application(memory, "acme", clock=Clock()))
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        assert client.post("/mcp", json={}, headers=headers).status_code in (403, 421)
