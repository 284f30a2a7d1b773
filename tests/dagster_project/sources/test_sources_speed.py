"""A million rows in seconds: processor time, because the clock on the wall also measures the neighbours."""

from __future__ import annotations

import time
from datetime import date, timedelta

import pytest

pytestmark = pytest.mark.slow
ROWS = 1_000_000


def test_a_million_rows_with_a_thousand_bad_ones(deliver):
    lines = ["day,channel,campaign,geo,spend,currency,impressions,clicks"]
    days = [(date(2024, 1, 1) + timedelta(days=i)).isoformat() for i in range(500)]
    for i in range(ROWS):
        spend = "1O4" if i % 1000 == 5 else f"{i % 9973}.{i % 97:02d}"
        place = f"{days[i // 2000]},c{i % 8},campaign {i % 2000},g{i % 12}"
        lines.append(f"{place},{spend},EUR,{i % 99991},{i % 997}")
    text = "\n".join(lines)
    started = time.process_time()
    found = deliver("channel_spend", text)
    seconds = time.process_time() - started
    size = f"{ROWS:,} rows, {len(text) / 1e6:.0f} MB"
    print(f"\n{size}: {seconds:.1f} s of processor time, {found.rows_quarantined} refused")
    assert (found.rows_landed, found.rows_quarantined) == (ROWS - 1000, 1000)
    assert seconds < 30, "about four seconds on the machine this was written on; ten times that is a loop over rows"
