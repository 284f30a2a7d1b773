"""The fiscal quarter of a report, and which quarter is the last with complete data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from models import periods
from models.periods import QUARTER, WINDOW

__all__ = ["WINDOW", "Period", "last_complete", "quarter", "quarter_of"]


@dataclass(frozen=True)
class Period:
    """`key` is `2026-Q3`, or `window` for everything the model saw; `start` and `end` are both inside."""

    key: str
    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"period {self.key}: end {self.end} is before start {self.start}")

    @property
    def months(self) -> tuple[str, ...]:
        """Calendar months as the ledger writes them, `2026-07`."""
        first = self.start.year * 12 + self.start.month - 1
        last = self.end.year * 12 + self.end.month - 1
        return tuple(f"{month // 12:04d}-{month % 12 + 1:02d}" for month in range(first, last + 1))

    @property
    def whole_months(self) -> bool:
        """Whether the period begins and ends with a month: only then can it be tied to a ledger."""
        return self.start.day == 1 and (self.end + timedelta(days=1)).day == 1

    @property
    def title(self) -> str:
        """`Q3 2026`, or the dates where the period is the whole window."""
        parts = QUARTER.match(self.key)
        return f"Q{parts[2]} {parts[1]}" if parts else f"{self.start} to {self.end}"


def quarter(key: str, year_starts_in_month: int = 1) -> Period:
    """The fiscal quarter named `2026-Q3`. Raises ValueError on any other form of key."""
    return Period(key, *periods.quarter_days(key, year_starts_in_month))


def quarter_of(day: date, year_starts_in_month: int = 1) -> Period:
    """The fiscal quarter that holds `day`."""
    return quarter(periods.quarter_of(day, year_starts_in_month), year_starts_in_month)


def last_complete(keys: Iterable[str], last_day: date, year_starts_in_month: int = 1) -> Period | None:
    """The newest of `keys` that ended on or before `last_day`, the last day with data; None if there is none."""
    quarters = (quarter(key, year_starts_in_month) for key in keys if QUARTER.match(key))
    finished = [period for period in quarters if period.end <= last_day]
    return max(finished, key=lambda period: period.end, default=None)
