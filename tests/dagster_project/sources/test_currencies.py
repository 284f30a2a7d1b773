"""Which currency codes a delivered file may carry."""

from __future__ import annotations

import pytest

from dagster_project.sources.currencies import currency_codes


@pytest.mark.parametrize("code", ["EUR", "USD", "JPY", "KWD", "CHF", "XOF", "VED", "SVC"])
def test_a_currency_of_today_is_known(code: str) -> None:
    assert code in currency_codes()


@pytest.mark.parametrize("code", ["HRK", "LTL", "EEK"])
def test_a_currency_that_ended_after_the_oldest_day_is_known_so_that_old_exports_can_be_read(code: str) -> None:
    assert code in currency_codes()


@pytest.mark.parametrize("code", ["EURO", "XYZ", "XXX", "XDR", "XAU", "DEM", "ITL", "eur", ""])
def test_what_nobody_could_pay_in_is_not(code: str) -> None:
    assert code not in currency_codes()
