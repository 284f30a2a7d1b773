"""How long an agent waits for a page of cards over MCP, one call after another over standard input and output."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from benchmarks.feed.memory import BRAND


def mcp_reads(memory: Path, calls: int) -> list[float]:
    """Milliseconds of each call, sorted; the first call, which reads the snapshot, is left out."""
    return asyncio.run(_reads(memory, calls))


async def _reads(memory: Path, calls: int) -> list[float]:
    from mcp import Client, StdioServerParameters

    command = ["-m", "feedback.serve", str(memory), "--brand", BRAND, "--protocol", "mcp-stdio"]
    times = []
    async with Client(StdioServerParameters(command=sys.executable, args=command)) as client:
        await client.call_tool("read_patterns", {"channel": "meta"})
        for _ in range(calls):
            began = time.perf_counter()
            result = await client.call_tool("read_patterns", {"channel": "meta"})
            times.append(1000 * (time.perf_counter() - began))
            if result.is_error:
                raise RuntimeError(str(result.content))
    return sorted(times)
