"""Where periods end and how they fall into fiscal quarters."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from models.periods import Grain, days_per_period, last_day, quarter_days, quarter_of, split


@pytest.mark.parametrize(
    ("day", "first_month", "quarter"),
    [
        (date(2026, 7, 1), 1, "2026-Q3"),
        (date(2026, 3, 31), 4, "2026-Q4"),
        (date(2026, 4, 1), 4, "2027-Q1"),
        (date(2026, 12, 31), 10, "2027-Q1"),
    ],
)
def test_a_fiscal_year_is_named_after_the_year_it_ends_in(day: date, first_month: int, quarter: str) -> None:
    assert quarter_of(day, first_month) == quarter


def test_a_week_on_the_border_counts_in_both_quarters_by_its_days() -> None:
    parts = split([date(2026, 6, 22), date(2026, 6, 29), date(2026, 7, 6)], "week", 1)
    assert parts.quarters == ("2026-Q2", "2026-Q3")
    assert parts.weights.sum(axis=0) == pytest.approx([1, 1, 1])
    assert parts.weights[0] == pytest.approx([1, 2 / 7, 0])


@pytest.mark.parametrize("first_month", range(1, 13))
def test_every_day_lies_in_its_quarter_and_quarters_leave_no_gap(first_month: int) -> None:
    day = date(2023, 12, 1)
    while day < date(2025, 3, 2):
        first, last = quarter_days(quarter_of(day, first_month), first_month)
        assert first <= day <= last
        assert quarter_of(last + timedelta(days=1), first_month) != quarter_of(day, first_month)
        day += timedelta(days=13)


def test_a_key_that_is_no_quarter_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2026-Q5.*2026-Q3"):
        quarter_days("2026-Q5")


@pytest.mark.parametrize(
    ("first", "grain", "last"),
    [
        pytest.param(date(2026, 7, 1), "day", date(2026, 7, 1), id="a day"),
        pytest.param(date(2026, 6, 29), "week", date(2026, 7, 5), id="a week"),
        pytest.param(date(2028, 2, 1), "month", date(2028, 2, 29), id="a month in a leap year"),
        pytest.param(date(2026, 12, 1), "month", date(2026, 12, 31), id="the last month of a year"),
        pytest.param(date(2026, 12, 15), "month", date(2027, 1, 14), id="a month that begins on the 15th"),
    ],
)
def test_a_period_ends_the_day_before_the_next_one(first: date, grain: Grain, last: date) -> None:
    assert last_day(first, grain) == last
    assert days_per_period([first], grain)[0] == (last - first).days + 1
