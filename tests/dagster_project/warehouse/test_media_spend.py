"""Media spend per channel between two days: days count, fees do not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from dagster_project.warehouse.media_spend import days_with_media_spend, media_spend, media_spend_by_period

ROWS = """
create schema marts;
create table marts.channel_period_spend as
select channel, kind as period_kind, day as period_start, cost_type, cast(spend as decimal(18, 2)) as spend from (values
    ('radio', 'day', date '2026-06-30', 'media', 1.10),
    ('radio', 'day', date '2026-07-01', 'media', 2.20),
    ('radio', 'day', date '2026-07-01', 'agency', 50),
    ('radio', 'month', date '2026-07-01', 'media', 99),
    ('search', 'day', date '2026-07-02', 'media', null),
    ('social', 'day', date '2026-07-03', 'media', 0),
    ('tool', 'day', date '2026-08-01', 'tool', 7)
) as t (channel, kind, day, cost_type, spend);
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute(ROWS)
        yield made


def test_only_media_of_the_days_asked_for_count(con: duckdb.DuckDBPyConnection) -> None:
    assert media_spend(con, date(2026, 6, 30), date(2026, 8, 1)) == {"radio": 3.3}
    assert media_spend(con, date(2026, 7, 1), date(2026, 7, 1)) == {"radio": 2.2}


def test_periods_are_named(con: duckdb.DuckDBPyConnection) -> None:
    june, july = (date(2026, 6, 1), date(2026, 6, 30)), (date(2026, 7, 1), date(2026, 7, 31))
    assert media_spend_by_period(con, {"june": june, "july": july}) == {"june": {"radio": 1.1}, "july": {"radio": 2.2}}


def test_the_span_is_that_of_money_spent_on_media(con: duckdb.DuckDBPyConnection) -> None:
    assert days_with_media_spend(con) == (date(2026, 6, 30), date(2026, 7, 1))
    con.execute("delete from marts.channel_period_spend")
    assert days_with_media_spend(con) is None
