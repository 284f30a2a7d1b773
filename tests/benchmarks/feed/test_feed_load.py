"""The feed's benchmark: its cards are ones that the feed accepts, and its load counts what was answered."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.feed.load import get, load
from benchmarks.feed.memory import BRAND, write
from benchmarks.feed.servers import cpu_seconds, feed, megabytes
from feedback.memory import read


def test_a_small_load_is_answered_in_full_by_a_feed_of_valid_cards(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    ids = write(tmp_path, 60, now)
    stored = read(tmp_path, BRAND, now)
    assert (len(stored.cards), stored.reason) == (60, None)
    with feed(tmp_path, 1) as (process, port):
        requests = [get("/v1/patterns"), get(f"/v1/patterns/{ids[0]}"), get("/v1/patterns/pat_00000000")]
        timing = load(port, requests, rate=100, seconds=0.3, connections=3)
        assert megabytes(process) > 10
        assert cpu_seconds(process) > 0
    assert timing.statuses == {200: 20, 404: 10}
    assert 0 < timing.p50 <= timing.p99 <= timing.worst
