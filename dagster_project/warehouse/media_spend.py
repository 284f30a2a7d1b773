"""Media spend per channel in report currency, as `marts.channel_period_spend` counts it; nothing is summed elsewhere.

Fees, tools and production are other types of cost and never media. Weekly and monthly lines count by their days.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb

from models.periods import quarters_within

BETWEEN = """
select channel, cast(sum(spend) as double) as spend
from marts.channel_period_spend
where period_kind = 'day' and cost_type = 'media' and period_start between ? and ?
group by channel having sum(spend) > 0 order by channel
"""
SPAN = """
select min(period_start), max(period_start) from marts.channel_period_spend
where period_kind = 'day' and cost_type = 'media' and spend > 0
"""


def media_spend(con: duckdb.DuckDBPyConnection, first: date, last: date) -> dict[str, float]:
    """Media spend per channel from `first` to `last`, both included; channels without any are left out."""
    return dict(con.execute(BETWEEN, [first, last]).fetchall())


def media_spend_by_period(
    con: duckdb.DuckDBPyConnection, periods: Mapping[str, tuple[date, date]]
) -> dict[str, dict[str, float]]:
    """The same for each named period, given by its first and last day."""
    return {name: media_spend(con, first, last) for name, (first, last) in periods.items()}


def media_spend_by_quarter(
    con: duckdb.DuckDBPyConnection, first: date, last: date, year_starts_in_month: int
) -> dict[str, dict[str, float]]:
    """The same for each fiscal quarter between two days; the outer quarters count from `first` and up to `last`."""
    return media_spend_by_period(con, quarters_within(first, last, year_starts_in_month))


def days_with_media_spend(con: duckdb.DuckDBPyConnection) -> tuple[date, date] | None:
    """First and last day on which money was spent on media; None where none was."""
    row = con.execute(SPAN).fetchone()
    return None if row is None or row[0] is None else (row[0], row[1])
