"""A file of 200,000 rows: every row is accounted for, and the bad ones are the planted ones."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

pytestmark = pytest.mark.slow
ROWS = 200_000


def test_every_row_of_a_large_file_is_landed_or_refused(deliver):
    lines = ["day,channel,campaign,geo,spend,currency,impressions,clicks"]
    days = [(date(2024, 1, 1) + timedelta(days=i)).isoformat() for i in range(500)]
    for i in range(ROWS):
        spend = "1O4" if i % 1000 == 5 else f"{i % 9973}.{i % 97:02d}"
        place = f"{days[i // 400]},c{i % 8},campaign {i % 400},g{i % 12}"
        lines.append(f"{place},{spend},EUR,{i % 99991},{i % 997}")
    found = deliver("channel_spend", "\n".join(lines))
    assert (found.rows_landed, found.rows_quarantined) == (ROWS - 200, 200)
