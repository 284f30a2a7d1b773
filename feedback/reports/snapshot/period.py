"""The fiscal quarter of a report, and which quarter is the last with complete data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

WINDOW = "window"
_KEY = re.compile(r"^(\d{4})-Q([1-4])$")


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
        parts = _KEY.match(self.key)
        return f"Q{parts[2]} {parts[1]}" if parts else f"{self.start} to {self.end}"


def quarter(key: str, year_starts_in_month: int = 1) -> Period:
    """The fiscal quarter named `2026-Q3`.

    A fiscal year carries the number of the calendar year in which it ends: with a year that starts in July, 2026-Q1
    is July to September 2025. Raises ValueError on any other form of key.
    """
    parts = _KEY.match(key)
    if not parts:
        raise ValueError(f"period {key!r} is not a fiscal quarter; write it as 2026-Q3")
    year = int(parts[1]) - (1 if year_starts_in_month > 1 else 0)
    first = year * 12 + year_starts_in_month - 1 + 3 * (int(parts[2]) - 1)
    return Period(key, _first_day(first), _first_day(first + 3) - timedelta(days=1))


def quarter_of(day: date, year_starts_in_month: int = 1) -> Period:
    """The fiscal quarter that holds `day`."""
    past = (day.month - year_starts_in_month) % 12
    starts_in = day.year if day.month >= year_starts_in_month else day.year - 1
    named = starts_in + (1 if year_starts_in_month > 1 else 0)
    return quarter(f"{named}-Q{past // 3 + 1}", year_starts_in_month)


def last_complete(keys: Iterable[str], last_day: date, year_starts_in_month: int = 1) -> Period | None:
    """The newest of `keys` that ended on or before `last_day`, the last day with data; None if there is none."""
    quarters = (quarter(key, year_starts_in_month) for key in keys if _KEY.match(key))
    finished = [period for period in quarters if period.end <= last_day]
    return max(finished, key=lambda period: period.end, default=None)


def _first_day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)
