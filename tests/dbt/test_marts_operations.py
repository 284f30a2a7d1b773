"""The life of the small company's two pieces, and the figures of their week with what they were divided by."""

from __future__ import annotations

from datetime import date, datetime

import pytest


def test_the_life_of_each_piece(mart):
    rows = mart("""
        select content_id, brief_id, ending, ended_at, is_first_hit, returns, review_closed, touches, edit_ratio,
            edit_basis
        from marts.content_life order by content_id
    """)
    assert rows == [
        ("k1", "br1", "published", datetime(2026, 9, 8, 9), True, 0, True, None, 0.3, "stated"),
        ("k2", "br1", "published", datetime(2026, 9, 10, 9), False, 1, True, None, 0.5, "stated"),
    ]


def test_each_figure_of_a_week_has_its_numerator_and_denominator(mart):
    rows = mart("select metric, value, numerator, denominator from marts.operating_week where week = '2026-09-07'")
    by_name = {row[0]: row[1:] for row in rows}
    assert by_name["cycle_time"] == (2.0, 2.0, 2.0)
    assert by_name["kill_rate"] == (0.0, 0.0, 2.0)
    assert by_name["first_hit_rate"] == (0.5, 1.0, 2.0)
    assert by_name["correction_loops"] == (0.5, 1.0, 2.0)
    assert by_name["brand_consistency"] == (0.75, 3.0, 4.0)
    assert by_name["human_minutes"] == (7.5, 15.0, 2.0)
    assert "tokens_per_published_piece" not in by_name


@pytest.mark.parametrize("metric", ["learning_speed", "touches"])
def test_what_the_log_does_not_allow_has_no_row(mart, metric):
    assert mart(f"select count(*) from marts.operating_week where metric = '{metric}'") == [(0,)]


def test_only_the_week_of_the_events_is_there(mart):
    assert mart("select distinct week from marts.operating_week where metric = 'cycle_time'") == [(date(2026, 9, 7),)]
