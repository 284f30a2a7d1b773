"""A failed gate leaves no report: only a page that says why."""

from __future__ import annotations

import pytest
from report_snapshot import changed

from feedback.reports import ReportBlocked, build

SHIFT = "update measurement.period_draw set incremental = incremental"
CASES = [
    pytest.param(
        ["update marts.reconciliation set modelled_revenue = modelled_revenue + 30000"],
        "differs from the ledger by -90,000.00 EUR",
        id="gap beyond tolerance",
    ),
    pytest.param(
        ["delete from marts.reconciliation where period = '2026-08'"],
        "holds 2 of the 3 months",
        id="a month missing in the books",
    ),
    pytest.param(
        ["update marts.reconciliation set booked_revenue = null where period = '2026-07'"],
        "holds 2 of the 3 months",
        id="a month whose ledger lacks a rate",
    ),
    pytest.param(
        [
            "insert into marts.ledger_period select period, 'media_spend', 'video', 'USD', '6600', 1200.5, null, 5,"
            " 3, 700.5, date '2026-08-04', true, null from marts.reconciliation where period = '2026-08'",
            "update marts.reconciliation set ledger_spend = null, spend_gap = null where period = '2026-08'",
        ],
        "2026-08, account 6600 (media spend): 3 entries of 700.50 USD, first on 2026-08-04",
        id="invoices without a rate",
    ),
    pytest.param(
        [
            "delete from marts.reconciliation where period >= '2026-07'",
            "delete from marts.ledger_period where period >= '2026-07'",
        ],
        "holds 0 of the 3 months",
        id="a ledger of other months only",
    ),
    pytest.param(
        ["update marts.kpi_day set revenue_report = null where day = '2026-08-01'"],
        "1 row(s) of revenue have no exchange rate",
        id="revenue without a rate",
    ),
    pytest.param(
        ["delete from measurement.period_draw where component = 'baseline' and period = '2026-Q3'"],
        "cannot be computed, because the model wrote no draws of the baseline",
        id="a gate without its draws",
    ),
    pytest.param(
        [
            "insert into measurement.warning select run_id, 'not_converged', 'all', 'block', 'The chains disagree.',"
            " 'Run it again with more draws.' from ops.current_run"
        ],
        "all: The chains disagree. Run it again with more draws.",
        id="a blocking warning",
    ),
    pytest.param(
        [SHIFT + " + 40e6 where component = 'video' and draw < 8 and period = '2026-Q3'"],
        "With probability 2.0 % the channels together would have caused more",
        id="more than everything",
    ),
    pytest.param(
        [SHIFT + " - 90e6 where component = 'baseline' and draw < 20 and period = '2026-Q3'"],
        "With probability 5.0 % the outcome without marketing would be below zero",
        id="negative baseline",
    ),
    pytest.param(
        ["update marts.channel_day set spend_report = null where day = '2026-08-01' and channel = 'video'"],
        "1 row(s) of spend have no exchange rate",
        id="spend without a rate",
    ),
    pytest.param(
        ["delete from measurement.period_draw where period = '2026-Q3'"],
        "ai_visibility needs landing/ai_panel",
        id="no estimate for the period",
    ),
]


@pytest.mark.parametrize(("statements", "sentence"), CASES)
def test_a_failed_gate_blocks_the_report_with_its_reason(published, settings, tmp_path, statements, sentence):
    snapshot = changed(published, tmp_path / "changed.duckdb", *statements)
    with pytest.raises(ReportBlocked) as blocked:
        build(snapshot, tmp_path / "out", period="2026-Q3", settings=settings)
    assert any(sentence in reason for reason in blocked.value.reasons), blocked.value.reasons
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["cfo-report-2026-Q3.blocked.html"]
    page = blocked.value.page.read_text()
    assert "This page is not a report" in page
    assert "5.35" not in page  # the withheld headline


def test_a_gap_of_weekly_data_names_its_likely_cause(published, settings, tmp_path):
    weekly = changed(
        published,
        tmp_path / "weekly.duckdb",
        "create table w as select date_trunc('week', day)::date as day, sum(revenue) as revenue from marts.kpi_day"
        " group by all",
        "delete from marts.kpi_day",
        "insert into marts.kpi_day select day, 'all', 'revenue', 'week', revenue, revenue, revenue, 1, 1, 'EUR', false"
        " from w",
        "update marts.reconciliation set modelled_revenue = modelled_revenue + 60000",
    )
    with pytest.raises(ReportBlocked, match="a week across the border of the period counts"):
        build(weekly, tmp_path / "out", period="2026-Q3", settings=settings)


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(
            ["update marts.reconciliation set modelled_revenue = modelled_revenue + 10000"], id="gap in tolerance"
        ),
        pytest.param(
            [SHIFT + " + 40e6 where component = 'video' and draw < 3 and period = '2026-Q3'"], id="rarely everything"
        ),
        pytest.param(
            [SHIFT + " - 90e6 where component = 'baseline' and draw < 19 and period = '2026-Q3'"], id="rarely negative"
        ),
    ],
)
def test_just_inside_the_gate_the_report_is_built(published, settings, tmp_path, statements):
    snapshot = changed(published, tmp_path / "changed.duckdb", *statements)
    assert build(snapshot, tmp_path / "out", settings=settings).pdf.is_file()


def test_a_report_that_passes_takes_the_blocked_page_away(published, settings, tmp_path):
    broken = changed(published, tmp_path / "broken.duckdb", "delete from measurement.period_draw")
    with pytest.raises(ReportBlocked):
        build(broken, tmp_path / "out", period="2026-Q3", settings=settings)
    build(published, tmp_path / "out", period="2026-Q3", settings=settings)
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".html", ".json", ".pdf", ".xlsx"]


def test_a_blocked_period_keeps_no_passing_page_and_leaves_other_periods_alone(published, settings, tmp_path):
    out = tmp_path / "out"
    other = build(published, out, period="2026-Q2", settings=settings)
    build(published, out, period="2026-Q3", settings=settings)
    kept = {path: path.read_bytes() for path in (other.pdf, other.html, other.xlsx, other.figures_json)}
    broken = changed(published, tmp_path / "broken.duckdb", "delete from measurement.period_draw")
    with pytest.raises(ReportBlocked) as blocked:
        build(broken, out, period="2026-Q3", settings=settings)
    assert [path.name for path in out.glob("*2026-Q3*")] == ["cfo-report-2026-Q3.blocked.html"]
    assert {path: path.read_bytes() for path in kept} == kept
    assert "remains valid" not in blocked.value.page.read_text()


def test_without_a_model_of_the_baseline_its_gate_does_not_apply(published, settings, tmp_path):
    alone = changed(
        published, tmp_path / "alone.duckdb", "delete from measurement.period_draw where component = 'baseline'"
    )
    store = build(alone, tmp_path / "out", settings=settings).store
    assert store.text("split.baseline_state") == "not modelled"
    assert "gate.negative_baseline" not in store


def test_no_ledger_at_all_is_said_and_does_not_block(published, settings, tmp_path):
    without = changed(
        published, tmp_path / "without.duckdb", "delete from marts.reconciliation", "delete from marts.ledger_period"
    )
    files = build(without, tmp_path / "out", settings=settings)
    assert files.store.text("ledger.state") == "not delivered"
    assert "Not tied to a ledger: none was delivered" in files.html.read_text()
