"""The context of one report: run, period, settings and joint draws, fetched once for all sections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np

from feedback.reports.snapshot.draws import Draws, period_draws
from feedback.reports.snapshot.media_spend import MediaSpend, measured_days, media_spend
from feedback.reports.snapshot.period import WINDOW, Period, last_complete, quarter
from feedback.reports.snapshot.query import QueryResult, SnapshotError, query
from feedback.reports.snapshot.settings import ReportSettings

NEEDED = {
    "marts.kpi_day": "an outcome: landing/revenue, or orders or deals it can be counted from",
    "marts.channel_day": "spend: an ad platform's export, or landing/channel_spend",
}


@dataclass(frozen=True)
class ReportContext:
    """Handed to each section; `channels` are in the order of the table: by spend, largest first.

    `spend` is that of the whole period, as the books have it. `measured_spend` is that of the days on which effects are
    measured, and the only one that an effect may be divided by or compared with.
    """

    con: duckdb.DuckDBPyConnection
    run_id: str
    period: Period
    settings: ReportSettings
    draws: Draws | None
    channels: tuple[str, ...]
    spend: MediaSpend
    measured_spend: MediaSpend

    def iroas_draws(self, channel: str) -> np.ndarray | None:
        """Draws of a channel's iROAS in the period: its effect over the media spend of the same days.

        None without draws of its effect, or without spend on these days.
        """
        spend = self.measured_spend.of(channel)
        if self.draws is None or channel not in self.draws.channels or spend <= 0:
            return None
        return np.asarray(self.draws.of(channel) / float(spend))

    def query(self, sql: str, *, needs: tuple[str, ...], **parameters: Any) -> QueryResult:
        """A query with `run_id`, `start`, `end` and `period` bound where the SQL names them."""
        available = {
            "run_id": self.run_id,
            "start": self.period.start,
            "end": self.period.end,
            "period": self.period.key,
            **parameters,
        }
        named = {key: value for key, value in available.items() if f"${key}" in sql}
        return query(self.con, sql, named, needs=needs)


def current_run(con: duckdb.DuckDBPyConnection) -> str:
    """The run whose estimates the snapshot publishes. Raises SnapshotError when it names none."""
    published = query(con, "select run_id from ops.current_run", needs=["ops.current_run"]).rows
    modelled = query(
        con,
        "select run_id from measurement.run order by as_of desc, started_at desc, run_id",
        needs=["measurement.run"],
    ).rows
    modelled_runs = [row["run_id"] for row in modelled]
    if published and (published[0]["run_id"] in modelled_runs or not modelled_runs):
        return str(published[0]["run_id"])
    if modelled_runs:
        return str(modelled_runs[0])
    raise SnapshotError(
        "the snapshot names no run (ops.current_run and measurement.run are empty): run `plumbline run`"
    )


def period_of(con: duckdb.DuckDBPyConnection, run_id: str, requested: str | None, settings: ReportSettings) -> Period:
    """The requested fiscal quarter; else the last one whose data are complete; else the whole window.

    A day counts as having data when both the outcome and the spend reach it. Raises SnapshotError when a requested
    quarter is not over in the data, and ValueError when the key is not a fiscal quarter.
    """
    first, last = _span(con)
    if requested and requested != WINDOW:
        period = quarter(requested, settings.year_starts_in_month)
        if period.end > last or period.end < first:
            raise SnapshotError(
                f"period {requested} runs from {period.start} to {period.end}, but both spend and outcome are available"
                f" only from {first} to {last}. Choose a quarter that is over, or land the missing days."
            )
        return period
    estimated = query(
        con,
        "select distinct period from measurement.period_draw where run_id = $run_id order by period",
        {"run_id": run_id},
        needs=["measurement.period_draw"],
    ).rows
    keys = [row["period"] for row in estimated]
    chosen = None if requested == WINDOW else last_complete(keys, last, settings.year_starts_in_month)
    return chosen or Period(WINDOW, first, last)


def missing(con: duckdb.DuckDBPyConnection) -> str | None:
    """What a CFO report needs that is not there, in words; None when it can be built."""
    absent = [words for table, words in NEEDED.items() if _days(con, table) is None]
    return " and ".join(absent) or None


def _span(con: duckdb.DuckDBPyConnection) -> tuple[date, date]:
    """First and last day on which both outcome and spend are known."""
    spans = [_days(con, table) for table in NEEDED]
    for table, span in zip(NEEDED, spans, strict=True):
        if span is None:
            raise SnapshotError(f"{table} is empty: a CFO report needs {NEEDED[table]}")
    days = [span for span in spans if span is not None]
    return max(first for first, _ in days), min(last for _, last in days)


def _days(con: duckdb.DuckDBPyConnection, table: str) -> tuple[date, date] | None:
    """First and last day of a mart, None when it is empty; a week or month row reaches to its end."""
    rows = query(
        con,
        f"""select min(day)::date as first,
                   max(case grain when 'week' then day + 6 when 'month' then last_day(day) else day end)::date as last
            from {table}""",
        needs=[table],
    ).rows
    return None if not rows or rows[0]["first"] is None else (rows[0]["first"], rows[0]["last"])


def overlapping(table: str) -> str:
    """SQL: the rows of a mart that reach into `$start` to `$end`, with their days `inside` it and in `whole`."""
    return f"""(
        select *, date_diff('day', greatest(day, $start), least(last_day, $end)) + 1 as inside,
               date_diff('day', day, last_day) + 1 as whole
        from (select *, case grain when 'week' then day + 6 when 'month' then last_day(day) else day end as last_day
              from {table})
        where day <= $end and last_day >= $start)"""


def inside_sum(amount: str) -> str:
    """SQL: an amount summed over `overlapping` rows; a week or month across the border counts by its share of days.

    The model's draws are split over quarters in the same way. Rows wholly inside are summed as they are, in DECIMAL.
    """
    part = f"round({amount}::double * inside / whole, 2)::decimal(18,2)"
    return f"sum(case when inside = whole then {amount} else {part} end)::decimal(18,2)"


def context_of(con: duckdb.DuckDBPyConnection, run_id: str, period: Period, settings: ReportSettings) -> ReportContext:
    """Fetches media spend per channel (fees and tools are another cost basis) and the joint draws."""
    spend = media_spend(con, period.start, period.end)
    first, last = measured_days(con, run_id, period)
    draws = period_draws(con, run_id, period.key)
    modelled = draws.channels if draws else ()
    names = sorted({*spend.per_channel, *modelled}, key=lambda name: (-spend.of(name), name))
    channels = tuple(name for name in names if name in modelled or spend.of(name))
    return ReportContext(con, run_id, period, settings, draws, channels, spend, media_spend(con, first, last))
