"""Printed numbers: rows add up to totals, a real gap is never rounded away, and no probability is certain."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.reports.figure_store import Figure, FigureStore
from feedback.reports.page.printing import Printer, currency_symbol, rounded_parts

CENTS = st.decimals(min_value=-10_000_000, max_value=10_000_000, places=2)


@given(parts=st.lists(CENTS, min_size=1, max_size=12), scale=st.sampled_from([Decimal(1), Decimal(1000)]))
def test_rounded_parts_sum_to_the_rounded_total_and_stay_within_one(parts, scale):
    total = sum(parts, Decimal(0))
    rounded = rounded_parts(parts, total, scale)
    assert abs(sum(rounded) - total / scale) <= Decimal("0.5")
    assert all(abs(r - part / scale) < 1 for r, part in zip(rounded, parts, strict=True))


@given(parts=st.lists(CENTS, min_size=2, max_size=12), inner=st.integers(1, 11))
def test_a_subtotal_rounded_inside_a_total_is_met_by_its_own_parts(parts, inner):
    inner = min(inner, len(parts) - 1)
    subtotal = sum(parts[:inner], Decimal(0))
    outer = rounded_parts([subtotal, *parts[inner:]], sum(parts, Decimal(0)), Decimal(1000))
    rounded = rounded_parts(parts[:inner], subtotal, Decimal(1000), outer[0])
    assert sum(rounded) == outer[0]
    assert all(abs(r - part / 1000) <= 1 for r, part in zip(rounded, parts[:inner], strict=True))


def test_a_real_gap_is_not_rounded_away():
    with pytest.raises(ValueError, match="rounding cannot close a real gap"):
        rounded_parts([Decimal("1.00"), Decimal("2.00")], Decimal("3.01"), Decimal(1))


def printer(unit: str, value: str, low: str | None = None, high: str | None = None) -> Printer:
    bounds = (Decimal(low), Decimal(high), Decimal("0.90")) if low and high else (None, None, None)
    return Printer.of(FigureStore.of([Figure("x", Decimal(value), unit, "basis", "sha", *bounds)]))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("1", "> 99 %", id="all draws"),
        pytest.param("0.9951", "> 99 %", id="nearly all"),
        pytest.param("0.99", "= 99 %", id="ninety-nine"),
        pytest.param("0.764", "= 76 %", id="usual"),
        pytest.param("0.01", "= 1 %", id="one"),
        pytest.param("0", "< 1 %", id="no draw"),
    ],
)
def test_a_share_of_draws_is_never_certain(value, text):
    assert printer("share", value).probability("x").replace("\xa0", " ") == text


@pytest.mark.parametrize(
    ("value", "low", "high", "text", "span"),
    [
        pytest.param("5354059.46", "4640344.36", "6243124.78", "5.35 m", "4.64–6.24 m", id="millions"),
        pytest.param("236192.49", "-270545.23", "867428.86", "236 k", "−271 to 867 k", id="below zero"),
        pytest.param("2361.92", "-2705.23", "8674.86", "2,362", "−2,705 to 8,675", id="units"),
        pytest.param("-0.40", "-0.60", "-0.20", "0", "−1 to 0", id="no minus before zero"),
    ],
)
def test_a_headline_and_its_range_share_one_unit(value, low, high, text, span):
    figure = printer("EUR", value, low, high)
    assert figure.compact("x").replace("\xa0", " ") == text
    assert figure.compact_span("x").replace("\xa0", " ") == span


def test_a_range_is_not_printed_where_there_is_none():
    with pytest.raises(ValueError, match="x has no low"):
        printer("EUR", "5").money_span("x")


def test_a_figure_has_both_ends_in_order_or_none():
    with pytest.raises(ValueError, match="come together"):
        Figure("x", Decimal(1), "EUR", "basis", "sha", low=Decimal(0))
    with pytest.raises(ValueError, match="is above high"):
        Figure("x", Decimal(1), "EUR", "basis", "sha", Decimal(2), Decimal(0), Decimal("0.9"))
    with pytest.raises(ValueError, match="defined twice"):
        FigureStore.of([Figure("x", Decimal(1), "EUR", "basis", "sha")] * 2)


@pytest.mark.parametrize(
    ("currency", "value", "text"),
    [
        pytest.param("EUR", "41222244.90", "41,222,244.90", id="cents"),
        pytest.param("JPY", "41222244.00", "41,222,244", id="yen has no minor unit"),
        pytest.param("JPY", "-12.40", "−12.40", id="converted yen keeps what was stored"),
        pytest.param("KWD", "1.20", "1.20", id="never more places than are stored"),
        pytest.param("USD", "-0.001", "0.00", id="no negative zero"),
    ],
)
def test_an_exact_amount_has_the_minor_unit_of_its_currency(currency, value, text):
    assert printer(currency, value).exact("x") == text


@pytest.mark.parametrize(
    ("code", "symbol"), [("EUR", "€"), ("USD", "$"), ("GBP", "£"), ("CHF", "CHF"), ("JPY", "¥"), ("AUD", "A$")]
)
def test_a_currency_has_the_symbol_of_the_locale(code, symbol):
    assert currency_symbol(code) == symbol
