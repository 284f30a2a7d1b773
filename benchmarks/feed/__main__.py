"""Prints how the feed's server stands a load of reads beside two baselines, and how much memory it takes.

`python -m benchmarks.feed --cards 10000 --rate 1000 --seconds 10 --workers 1`
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.feed.load import Timing, get, load
from benchmarks.feed.mcp_reads import mcp_reads
from benchmarks.feed.memory import write
from benchmarks.feed.servers import cpu_seconds, feed, megabytes, running

COLUMNS = ("server", "requests", "per second", "p50 ms", "p99 ms", "worst ms", "CPU ms each", "kB each", "memory MB")


@dataclass(frozen=True)
class Measured:
    """One load on one server; `cpu_ms` is the server's processor time per request."""

    kind: str
    timing: Timing
    cpu_ms: float
    memory: float


def main() -> None:
    """Run every load once and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.feed")
    parser.add_argument("--cards", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        memory = Path(folder) / "memory"
        ids = write(memory, asked.cards, datetime.now(UTC))
        size = sum(path.stat().st_size for path in memory.rglob("feed-*.json")) / 1e6
        print(f"{asked.cards} cards, {size:.1f} MB, {asked.rate:g} requests per second")
        print(f"{os.cpu_count()} cores shared with the load; load of the machine before: {os.getloadavg()[0]:.1f}")
        page = Path(folder) / "page.json"
        with feed(memory, asked.workers) as server:
            rows = [(f"feed, {asked.workers} worker(s)", row) for row in _feed(server, ids, page, asked)]
        print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
        with running("benchmarks.feed.servers", "file", str(page)) as server:
            floor = _measured("the same page", server, [get("/page.json")], asked.rate, asked.seconds)
            rows.append(("starlette, one file", floor))
        with running("benchmarks.feed.servers", "bare", str(page)) as server:
            bare = _measured("the same page", server, [get("/page.json")], asked.rate, asked.seconds)
            rows.append(("bare socket, no HTTP", bare))
        with running("benchmarks.feed.servers", "naive", str(memory)) as server:
            naive = _measured("the same page, 2 per second", server, [get("/v1/patterns")], 2.0, asked.seconds)
            rows.append(("reads per request", naive))
        for server_name, row in rows:
            print(_row(server_name, row))
        ours = rows[4][1]
        print(f"a page costs {naive.cpu_ms / ours.cpu_ms:.0f} times less than when read per request")
        print(f"and {floor.cpu_ms / ours.cpu_ms:.1f} times less than a plain file of that size")
        reads = mcp_reads(memory, 100)
        print(f"an MCP read of five cards takes {reads[50]:.1f} ms (median of 100), {reads[-2]:.1f} ms at p99")
        print(f"the bare socket needs {bare.cpu_ms:.2f} ms of processor time and has a p99 of {bare.timing.p99:.1f} ms")
        print(
            f"load of the machine after: {os.getloadavg()[0]:.1f}; a p99 means little unless the cores were idle before"
        )


def _measured(kind: str, server: tuple[int, int], requests: Sequence[bytes], rate: float, seconds: float) -> Measured:
    process, port = server
    before = cpu_seconds(process)
    timing = load(port, requests, rate=rate, seconds=seconds, connections=16 if rate > 10 else 1)
    used = cpu_seconds(process) - before
    return Measured(kind, timing, 1000 * used / (rate * seconds), megabytes(process))


def _feed(server: tuple[int, int], ids: list[str], page: Path, asked: argparse.Namespace) -> list[Measured]:
    began = time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{server[1]}/v1/patterns") as first:
        page.write_bytes(first.read())
        etag = first.headers["ETag"]
    print(f"the first request, which reads and checks every card: {time.perf_counter() - began:.2f} s\n")
    whole, held = get("/v1/patterns"), get("/v1/patterns", etag)
    one = [get(f"/v1/patterns/{name}") for name in ids[:: max(1, len(ids) // 50)]]
    channels = [get(f"/v1/patterns?channel={name}&limit=7") for name in ("linkedin", "meta", "email")]
    news = get("/v1/changes?after=1")
    mixed = [held] * 12 + channels + one[:3] + [news] * 2
    kinds = [
        ("polls, answered 304", [held]),
        ("a mix of polls, channels, single cards and changes", mixed),
        ("seven cards of a channel", channels),
        ("single cards", one),
        ("pages of 50 cards", [whole]),
    ]
    return [_measured(kind, server, requests, asked.rate, asked.seconds) for kind, requests in kinds]


def _row(server: str, row: Measured) -> str:
    timing = row.timing
    wrong = {status: n for status, n in timing.statuses.items() if status not in (200, 304)}
    figures = (
        f"{timing.rate:.0f}",
        f"{timing.p50:.2f}",
        f"{timing.p99:.2f}",
        f"{timing.worst:.1f}",
        f"{row.cpu_ms:.2f}",
        f"{timing.mean_bytes / 1000:.1f}",
        f"{row.memory:.0f}",
    )
    return f"| {server} | {row.kind}{f' (statuses {wrong})' if wrong else ''} | {' | '.join(figures)} |"


if __name__ == "__main__":
    main()
