"""Costs that are in the books count: fees, software and salaries, accruals, and rows that could not be read."""

from __future__ import annotations

from decimal import Decimal

import pytest

from feedback.reports.page.view import NOT_LOADED, view_of
from tests.feedback.reports.figures.test_all_figures import changed, store_of, value
from tests.feedback.reports.report_snapshot import RUN


def booked(kind: str, monthly: str, currency: str = "EUR", report: str | None = None) -> str:
    """A monthly entry of one kind in the fixture's books."""
    converted = report or monthly
    unpriced = "0, null, null" if converted != "null" else f"1, {monthly}, date '2026-08-04'"
    return (
        f"insert into marts.ledger_period select period, '{kind}', '(none)', '{currency}', '67{len(kind)}', {monthly},"
        f" {converted}, 1, {unpriced}, true, null from marts.reconciliation"
    )


BOOKS = (booked("agency_fee", "10000.10"), booked("tooling", "4500"), booked("salaries", "101000"))


def page_text(store) -> str:
    return str(view_of(store).page)


def test_contribution_and_cac_stand_beside_their_fully_loaded_forms(published, settings, tmp_path):
    plain_report = store_of(published, settings)
    loaded = store_of(changed(published, tmp_path / "costs.duckdb", *BOOKS), settings)
    assert loaded.text("costs.state") == "computed"
    assert value(loaded, "costs.total") == 3 * Decimal("115500.10")
    assert value(loaded, "costs.measured") == value(loaded, "costs.total"), "effects are measured on every day"
    for part in ("value", "low", "high"):
        plain = getattr(loaded.figures["headline.contribution"], part)
        assert getattr(loaded.figures["headline.contribution_fully_loaded"], part) == plain - 3 * Decimal("115500.10")
    assert value(loaded, "headline.p_profit_fully_loaded") < value(loaded, "headline.p_profit")
    assert value(loaded, "headline.contribution") == value(plain_report, "headline.contribution"), "media only stays"
    customers = value(loaded, "outcome.new_customers")
    per_customer = (value(loaded, "total.spend") + 3 * Decimal("115500.10")) / customers
    assert value(loaded, "headline.cac_fully_loaded") == per_customer.quantize(Decimal("0.01"))
    page = page_text(loaded)
    assert "Fully loaded, less" in page
    assert "agency fees" in page


def test_costs_of_a_month_count_by_the_days_on_which_effects_are_measured(published, settings, tmp_path):
    early = changed(
        published,
        tmp_path / "early.duckdb",
        *BOOKS,
        "create table measurement.measured_period (run_id varchar, period varchar, first_day date, last_day date)",
        f"insert into measurement.measured_period values ('{RUN}', '2026-Q3', '2026-07-01', '2026-09-27')",
    )
    found = value(store_of(early, settings), "costs.measured")
    assert found == (Decimal("115500.10") * (2 + Decimal(27) / 30)).quantize(Decimal("0.01"))


@pytest.mark.parametrize(
    ("statements", "state", "said"),
    [
        pytest.param((), "not booked", "No ledger account is mapped to fees", id="no such account"),
        pytest.param(
            (booked("agency_fee", "900.50", "USD", "null"), booked("salaries", "5000")),
            "not computed",
            "2026-08, account 6710 (agency fee): 1 entry of 900.50 USD",
            id="a fee without a rate",
        ),
        pytest.param(
            ("delete from marts.reconciliation", "delete from marts.ledger_period"),
            "not delivered",
            "no ledger was delivered",
            id="no books",
        ),
    ],
)
def test_costs_that_are_not_known_are_not_zero(published, settings, tmp_path, statements, state, said):
    found = store_of(changed(published, tmp_path / "state.duckdb", *statements), settings)
    assert found.text("costs.state") == state
    assert "headline.contribution_fully_loaded" not in found
    assert said in page_text(found)


def test_a_period_that_cuts_a_month_is_another_state_than_no_books(published, settings, tmp_path):
    cut = changed(
        published,
        tmp_path / "cut.duckdb",
        *BOOKS,
        "delete from marts.kpi_day where day > '2026-09-20'",
        "delete from marts.channel_day where day > '2026-09-20'",
    )
    found = store_of(cut, settings, period="window")
    assert (found.text("ledger.state"), found.text("costs.state")) == ("not applicable", "not applicable")
    assert "costs.total" not in found
    assert "this period cuts one" in NOT_LOADED["not applicable"]


def test_accruals_explain_the_spend_of_the_books(published, settings, tmp_path):
    """Two of three months book 118.40 less than the platforms report, as accruals: nothing is left of them."""
    accrued = changed(
        published,
        tmp_path / "accrued.duckdb",
        "update marts.reconciliation set accrued_spend = 118.40, spend_gap = 0 where period in ('2026-07', '2026-08')",
    )
    found = store_of(accrued, settings)
    assert value(found, "ledger.accrued_spend") == Decimal("236.80")
    assert value(found, "ledger.spend_gap") == Decimal("118.40")
    assert "accrued before its invoice" in page_text(found)


def test_an_accrual_without_a_rate_blocks_like_an_invoice(published, settings, tmp_path):
    found = store_of(
        changed(published, tmp_path / "usd.duckdb", booked("accrual", "77", "USD", "null")),
        settings,
    )
    assert found.text("ledger.state") == "not computed"


def test_rows_of_the_books_in_quarantine_are_named_with_their_number_and_days(published, settings, tmp_path):
    damaged = changed(
        published,
        tmp_path / "damaged.duckdb",
        "create table marts.ledger_quarantine (file varchar, quarantined_rows bigint, first_day date, last_day date,"
        " first_message varchar)",
        "insert into marts.ledger_quarantine values"
        " ('ledger/2026-08.csv', 2, '2026-08-01', '2026-08-31',"
        " 'landing/ledger/2026-08.csv, row 7, column amount: \"12,x\" is not a number'),"
        " ('ledger/2026-02.csv', 1, '2026-02-01', '2026-02-28', 'landing/ledger/2026-02.csv, row 3'),"
        " ('ledger/unknown.csv', 1, null, null, 'landing/ledger/unknown.csv, row 1')",
    )
    found = store_of(damaged, settings)
    assert value(found, "ledger.quarantined_rows") == 3, "a file of no known day may belong to any period"
    text = found.text("ledger.quarantined.1.rows")
    assert text.startswith("2 rows of a file of 2026-08-01 to 2026-08-31; first: landing/ledger/2026-08.csv, row 7")
    assert text in page_text(found)
