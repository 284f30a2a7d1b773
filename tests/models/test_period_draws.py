"""Joint draws by period: quarters from segments, money, and the spend of a quarter."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from models.period_draws import PeriodDraws, in_quarters, with_spend
from models.periods import quarters_within, split

PARTS = split([date(2026, 6, 22) + timedelta(weeks=w) for w in range(3)], "week", 1)
DRAWS = PeriodDraws(
    tuple(PARTS.segments),
    ("tv", "baseline"),
    np.arange(12, dtype=float).reshape(2, 3, 2),
    np.array([70.0, 70.0, 70.0]),
    np.array([[7.0], [7.0], [7.0]]),
)


def test_a_week_on_the_border_is_shared_by_its_days() -> None:
    quarters = in_quarters(DRAWS, PARTS)
    assert quarters.periods == ("window", "2026-Q2", "2026-Q3")
    np.testing.assert_allclose(quarters.values[:, 1:].sum(axis=1), quarters.values[:, 0])
    np.testing.assert_allclose(quarters.observed, [210, 90, 120])
    np.testing.assert_allclose(quarters.spend[:, 0], [21, 9, 12])


def test_draws_of_other_segments_are_refused() -> None:
    with pytest.raises(ValueError, match="need the same"):
        in_quarters(in_quarters(DRAWS, PARTS), PARTS)


def test_money_scales_the_outcome_and_not_the_spend() -> None:
    money = DRAWS.in_money(3.0)
    np.testing.assert_array_equal(money.values, 3 * DRAWS.values)
    np.testing.assert_array_equal(money.observed, 3 * DRAWS.observed)
    assert money.spend is DRAWS.spend


def test_a_named_period_gets_the_spend_of_the_books() -> None:
    quarters = with_spend(in_quarters(DRAWS, PARTS), {"2026-Q2": {"tv": 8.5}, "2026-Q3": {}, "2026-Q4": {"tv": 1.0}})
    assert quarters.spend[:, 0].tolist() == [21.0, 8.5, 0.0]


def test_the_outer_quarters_end_with_the_data() -> None:
    assert quarters_within(date(2026, 2, 3), date(2026, 7, 4)) == {
        "2026-Q1": (date(2026, 2, 3), date(2026, 3, 31)),
        "2026-Q2": (date(2026, 4, 1), date(2026, 6, 30)),
        "2026-Q3": (date(2026, 7, 1), date(2026, 7, 4)),
    }
