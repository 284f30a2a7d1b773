"""Media spend per channel of a period, and of those of its days on which effects are measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from feedback.reports.snapshot.period import Period
from feedback.reports.snapshot.query import query


@dataclass(frozen=True)
class MediaSpend:
    """Money in report currency per channel from `first` to `last`, both included; fees and tools are not media."""

    first: date
    last: date
    per_channel: dict[str, Decimal]
    sql_sha256: str

    def of(self, channel: str) -> Decimal:
        """Spend of one channel, 0 where it has none."""
        return self.per_channel.get(channel, Decimal(0))


def media_spend(con: duckdb.DuckDBPyConnection, first: date, last: date) -> MediaSpend:
    """Media spend per channel between two days, both included, as `marts.channel_period_spend` counts it."""
    result = query(
        con,
        "select channel, sum(spend)::decimal(18,2) as spend from marts.channel_period_spend where period_kind = 'day'"
        " and cost_type = 'media' and period_start between $start and $end group by channel"
        " order by spend desc, channel",
        {"start": first, "end": last},
        needs=["marts.channel_period_spend"],
    )
    per_channel = {row["channel"]: row["spend"] or Decimal(0) for row in result.rows}
    return MediaSpend(first, last, per_channel, result.sql_sha256)


def measured_days(con: duckdb.DuckDBPyConnection, run_id: str, period: Period) -> tuple[date, date]:
    """First and last day on which the effects of `period` are measured, as the run recorded them.

    A weekly model ends with its last whole week, a few days before a quarter does. A run that recorded no days, because
    it is of an older release, counts as measured over the whole period.
    """
    rows = query(
        con,
        "select first_day, last_day from measurement.measured_period where run_id = $run_id and period = $period",
        {"run_id": run_id, "period": period.key},
        needs=["measurement.measured_period"],
    ).rows
    return (rows[0]["first_day"], rows[0]["last_day"]) if rows else (period.start, period.end)
