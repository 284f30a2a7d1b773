"""Fiscal quarters by their key."""

from __future__ import annotations

from datetime import date

import pytest

from feedback.reports.snapshot.period import last_complete, quarter, quarter_of


@pytest.mark.parametrize(
    ("key", "first_month", "start", "end"),
    [
        pytest.param("2026-Q3", 1, date(2026, 7, 1), date(2026, 9, 30), id="calendar year"),
        pytest.param("2026-Q1", 7, date(2025, 7, 1), date(2025, 9, 30), id="named by the year it ends in"),
        pytest.param("2026-Q4", 4, date(2026, 1, 1), date(2026, 3, 31), id="year from April"),
    ],
)
def test_fiscal_quarters(key, first_month, start, end):
    period = quarter(key, first_month)
    assert (period.start, period.end) == (start, end)
    assert quarter_of(start, first_month) == period == quarter_of(end, first_month)
    assert last_complete([key, "window"], end, first_month) == period
    assert last_complete([key], date.fromordinal(end.toordinal() - 1), first_month) is None


def test_a_period_that_is_no_quarter_is_refused_with_the_form_to_write():
    with pytest.raises(ValueError, match="2026-Q3"):
        quarter("Q3 2026")
