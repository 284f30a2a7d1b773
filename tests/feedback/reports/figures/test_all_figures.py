"""The figure store: it ties to the ledger to the cent, refuses what it may not say, and lives with partial data."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from report_snapshot import CHANNELS, RUN, changed

from feedback.reports import ReportSettings, SnapshotError
from feedback.reports.figure_store import FigureStore
from feedback.reports.figures import figures
from feedback.reports.figures.gates import reasons
from feedback.reports.snapshot.draws import period_draws
from feedback.reports.snapshot.query import open_snapshot


def store_of(path, settings, period=None, previous=None) -> FigureStore:
    con = open_snapshot(path)
    try:
        return figures(con, period=period, settings=settings, previous=previous)
    finally:
        con.close()


@pytest.fixture(scope="module")
def store(published, settings):
    return store_of(published, settings)


def value(store: FigureStore, key: str) -> Decimal:
    return store[key].value


def test_ledger_revenue_ties_to_the_modelled_outcome_to_the_cent(store):
    excluded = sum(value(store, f"excluded.{n}") for n in store.names("excluded"))
    steps = value(store, "ledger.revenue") + value(store, "ledger.refunds") + excluded + value(store, "ledger.gap")
    assert steps == value(store, "outcome.total")
    assert store.text("excluded.1.reason") == "hardware resale, no marketing"
    assert value(store, "excluded.1") == Decimal("-636001.65")
    assert value(store, "ledger.gap") == Decimal("0.00")


def test_outcome_is_baseline_plus_channels_plus_residual_to_the_cent(store):
    channels = sum(value(store, f"channel.{name}.incremental") for name in store.names("channel"))
    assert channels == value(store, "split.channels")
    parts = value(store, "split.baseline") + channels + value(store, "split.residual")
    assert parts == value(store, "outcome.total")


def test_the_range_of_the_sum_comes_from_joint_draws_not_from_adding_ends(published, store, settings):
    con = open_snapshot(published)
    draws = period_draws(con, RUN, "2026-Q3")
    con.close()
    joint = np.sum([draws.of(name) for name in draws.channels], axis=0)
    low = sum(store[f"channel.{name}.incremental"].low for name in store.names("channel"))
    assert float(store["split.channels"].low) == pytest.approx(np.quantile(joint, 0.05), abs=0.01)
    assert store["split.channels"].low > low


def test_iroas_counts_the_spend_of_the_days_on_which_effects_are_measured(published, settings, store, tmp_path):
    """A model that ends three days before the quarter: iROAS and contribution leave out the spend of those days."""
    early = changed(
        published,
        tmp_path / "early.duckdb",
        "create table measurement.measured_period (run_id varchar, period varchar, first_day date, last_day date)",
        f"insert into measurement.measured_period values ('{RUN}', '2026-Q3', '2026-07-01', '2026-09-27')",
        "update marts.channel_day set spend_report = 25000 where channel = 'video' and day > '2026-09-27'",
        "update marts.channel_day set spend_report = 1000 where channel = 'video' and day <= '2026-09-27'",
    )
    report = store_of(early, settings)
    assert value(report, "channel.video.spend") == 89 * 1000 + 3 * 25000
    assert value(report, "channel.video.measured_spend") == 89 * 1000
    caused = value(report, "channel.video.incremental")
    assert value(report, "channel.video.iroas") == pytest.approx(caused / 89000, abs=Decimal("0.000001"))
    measured = value(report, "total.measured_spend")
    assert measured == sum(value(report, f"channel.{name}.measured_spend") for name in report.names("channel"))
    all_channels = value(report, "split.channels")
    assert value(report, "total.iroas") == pytest.approx(all_channels / measured, abs=Decimal("0.000001"))
    contribution = (all_channels * Decimal("0.71")).quantize(Decimal("0.01")) - measured
    assert value(report, "headline.contribution") == contribution
    assert report.text("page.measured_to") == "2026-09-27"
    assert "page.measured_to" not in store
    for key in ("outcome.total", "ledger.spend", "ledger.spend_gap", "split.channels"):
        assert value(report, key) == value(store, key)


def test_contribution_is_margin_times_incremental_less_spend(store):
    expected = (value(store, "split.channels") * Decimal("0.71")).quantize(Decimal("0.01")) - value(
        store, "total.spend"
    )
    assert value(store, "headline.contribution") == expected
    assert value(store, "headline.break_even") == Decimal("1.408451")


def test_without_a_margin_no_profit_is_said_and_no_channel_is_scaled_or_cut(published, settings):
    store = store_of(published, settings.model_copy(update={"margin": None}))
    assert "headline.contribution" not in store
    assert "headline.break_even" not in store
    assert "move.amount" not in store
    assert "margin" in store.text("headline.refusal")
    assert {store.text(f"channel.{name}.decision") for name in store.names("channel")} <= {"–", "test"}


@pytest.mark.parametrize("margin", [Decimal("62"), Decimal("0"), Decimal("-0.2")])
def test_a_margin_that_is_no_share_is_refused(margin):
    with pytest.raises(ValueError, match="margin"):
        ReportSettings(company="Acme", currency="EUR", margin=margin)


def test_grade_limits_the_decision(store):
    decisions = {name: store.text(f"channel.{name}.decision") for name in store.names("channel")}
    assert decisions["display"] == "cut"  # B, next euro earns 0.21
    assert decisions["search_brand"] == "cut a little"  # C may only take small steps
    assert decisions["newsletter"] == "test"  # D, although the point says it pays
    assert value(store, "channel.newsletter.next_earns") > 1


def test_channels_stand_by_spend_and_the_move_goes_to_the_better_graded_return(store):
    assert store.names("channel") == tuple(name for name, *_ in CHANNELS)
    assert (store.text("move.from"), store.text("move.to")) == ("display", "search_nonbrand")
    assert value(store, "move.amount") == (value(store, "channel.display.spend") / 10).quantize(Decimal("0.01"))
    assert value(store, "move.gain") == pytest.approx(
        Decimal("0.71") * Decimal("1.32") * value(store, "move.amount"), rel=Decimal("0.001")
    )


def test_the_default_period_is_the_last_quarter_with_complete_data(published, settings, tmp_path):
    assert store_of(published, settings).text("page.period") == "2026-Q3"
    cut = changed(published, tmp_path / "cut.duckdb", "delete from marts.kpi_day where day > date '2026-09-20'")
    assert store_of(cut, settings).text("page.period") == "2026-Q2"
    with pytest.raises(SnapshotError, match="2026-Q3 runs from 2026-07-01 to 2026-09-30"):
        store_of(cut, settings, "2026-Q3")


def test_a_weekly_row_reaches_to_the_end_of_its_week(published, settings, tmp_path):
    weekly = changed(
        published,
        tmp_path / "weekly.duckdb",
        "delete from marts.kpi_day where day > date '2026-09-24'",
        "update marts.kpi_day set grain = 'week'",
    )
    assert store_of(weekly, settings).text("page.period") == "2026-Q3"


def test_a_week_across_the_border_counts_by_its_days_and_loses_no_cent(published, settings, tmp_path):
    """Weeks from Monday 30 March 2026: that of 29 June has two days in Q2 and five in Q3."""
    weeks = changed(
        published,
        tmp_path / "weeks.duckdb",
        "create table w as select distinct date_trunc('week', day)::date as day from marts.kpi_day",
        "delete from marts.kpi_day",
        "insert into marts.kpi_day select day, 'all', 'revenue', 'week', 700.01, 700.01, 700.01, 1, 1, 'EUR', false"
        " from w",
        "delete from marts.reconciliation",
    )
    q2, q3 = (store_of(weeks, settings, period) for period in ("2026-Q2", "2026-Q3"))
    # Q2: 5 of 7 days of the first week, 12 whole weeks, 2 of 7 of the last; Q3: 5 of 7, 12 whole, 3 of 7
    assert value(q2, "outcome.total") == 12 * Decimal("700.01") + Decimal("500.01") + Decimal("200.00")
    assert value(q3, "outcome.total") == 12 * Decimal("700.01") + Decimal("500.01") + Decimal("300.00")
    assert "by its share of days" in q3["outcome.total"].basis


def test_a_window_that_cuts_a_month_is_not_tied_to_the_ledger(published, settings, tmp_path):
    short = changed(
        published,
        tmp_path / "short.duckdb",
        "delete from marts.kpi_day where day not between '2026-07-20' and '2026-09-20'",
        "delete from measurement.period_draw where period = '2026-Q2'",
        "update measurement.period_draw set period = 'window'",
    )
    store = store_of(short, settings)
    assert store.text("page.period") == "window"
    assert store.text("page.title") == "2026-07-20 to 2026-09-20"
    assert "ledger.booked" not in store
    assert store.text("ledger.state") == "not applicable"


@pytest.mark.parametrize(
    "table",
    [
        "marts.ledger_period",
        "measurement.weight",
        "measurement.conflict",
        "measurement.warning",
        "measurement.experiment",
        "measurement.channel_estimate",
        "ops.not_run",
        "ops.channel",
    ],
)
def test_a_missing_optional_table_leaves_the_rest_of_the_report(published, settings, tmp_path, table):
    lean = changed(published, tmp_path / "lean.duckdb", f"drop table {table}")
    store = store_of(lean, settings)
    assert value(store, "split.channels") > 0
    assert reasons(store) == ()


def test_estimates_that_are_no_numbers_leave_a_dash_and_no_decision(published, settings, tmp_path):
    odd = changed(
        published,
        tmp_path / "odd.duckdb",
        "update measurement.channel_estimate set mean = 'nan' where channel = 'display' and estimand = 'mroas'",
        "update measurement.channel_estimate set q95 = 'inf' where channel = 'video' and estimand = 'mroas'",
        "update measurement.channel_estimate set q05 = null where channel = 'search_brand' and method = 'mmm'",
        "update measurement.weight set prior = null, mmm = 'nan' where channel = 'video'",
        "update measurement.experiment set iroas_high = 'inf' where experiment_id = 'GEO-07'",
    )
    store = store_of(odd, settings)
    assert reasons(store) == ()
    for name in ("display", "video"):
        assert f"channel.{name}.mroas" not in store
        assert store.text(f"channel.{name}.decision") == "–"
    assert value(store, "weight.video.mmm") == 0
    assert value(store, "track.tests") == 4


def test_a_channel_may_have_a_dot_in_its_name(published, settings, tmp_path):
    tables = ("marts.channel_day", "ops.channel", "measurement.channel_estimate", "measurement.weight")
    renames = [f"update {table} set channel = 'booking.com ads' where channel = 'video'" for table in tables]
    dotted = changed(
        published,
        tmp_path / "dotted.duckdb",
        *renames,
        "update measurement.period_draw set component = 'booking.com ads' where component = 'video'",
    )
    store = store_of(dotted, settings)
    assert "booking.com ads" in store.names("channel")
    assert value(store, "channel.booking.com ads.incremental") > 0


def test_spend_and_outcome_are_needed(published, settings, tmp_path):
    empty = changed(published, tmp_path / "empty.duckdb", "delete from marts.channel_day")
    with pytest.raises(SnapshotError, match=r"marts\.channel_day is empty"):
        store_of(empty, settings)


def test_fees_are_no_media_spend(published, settings, store, tmp_path):
    fees = changed(
        published,
        tmp_path / "fees.duckdb",
        "insert into marts.channel_day select day, channel, campaign, geo, source, 'fee', currency, grain, 7, 7, 0, 0,"
        " 0, 0, false from marts.channel_day where day between '2026-07-01' and '2026-09-30' and channel = 'video'",
    )
    with_fees = store_of(fees, settings)
    assert value(with_fees, "total.spend") == value(store, "total.spend")
    assert value(with_fees, "total.other_costs") == 7 * 92


def test_orders_become_money_by_their_configured_value(published, settings, tmp_path):
    orders = changed(
        published,
        tmp_path / "orders.duckdb",
        "update ops.current_run set kpi = 'orders', value_per_unit = 1400.50",
        "update marts.kpi_day set kpi = 'orders', value = 320, revenue = null, revenue_report = null",
        "delete from marts.reconciliation",
    )
    assert value(store_of(orders, settings), "outcome.total") == Decimal("1400.50") * 320 * 92


def test_draws_that_are_not_joint_are_refused(published, settings, tmp_path):
    broken = changed(
        published,
        tmp_path / "broken.duckdb",
        "delete from measurement.period_draw where component = 'video' and draw = 3",
    )
    with pytest.raises(SnapshotError, match="must be joint"):
        store_of(broken, settings)


def test_without_draws_of_a_baseline_the_rest_is_not_called_a_residual(published, settings, tmp_path):
    merged = changed(
        published, tmp_path / "merged.duckdb", "delete from measurement.period_draw where component = 'baseline'"
    )
    store = store_of(merged, settings)
    assert store.text("split.residual_label") == "Baseline and residual, not separated"
    assert "split.baseline" not in store


def test_a_prediction_older_than_its_test_enters_the_track_record(published, settings, tmp_path):
    older = changed(
        published,
        tmp_path / "older.duckdb",
        "insert into measurement.run select 'run-0', '2026-05-01', '2026-05-02', '', '', '', '', 1, 'pass'",
        "insert into measurement.channel_estimate select 'run-0', 'search_nonbrand', 'triangulated', 'iroas', 'window',"
        " 4.0, 0.1, 3.8, 4.0, 4.2, 'B', null",
    )
    store = store_of(older, settings)
    assert store.text("record.1.kind") == "predicted"
    assert store.text("record.1.agrees") == "ranges do not overlap"
    assert (value(store, "track.kept"), value(store, "track.tests")) == (4, 5)


def test_the_change_since_the_last_report_is_split_without_remainder(published, settings, store):
    before = store_of(published, settings, "2026-Q2")
    now = store_of(published, settings, previous=before)
    judged = sum(value(now, key) for key in now.figures if key.startswith("change.judged."))
    assert value(now, "change.spend") + judged == value(now, "change.total")
    assert value(now, "change.before") + value(now, "change.total") == value(now, "split.channels")
    same = store_of(published, settings, previous=store)
    assert {value(same, k) for k in same.figures if k.startswith("change.") and k != "change.before"} == {
        Decimal("0.00")
    }


def test_what_moved_the_model_stands_among_the_facts(published, settings, tmp_path):
    told = changed(
        published,
        tmp_path / "told.duckdb",
        "create table measurement.mmm_change as select run_id, 'video' as channel, 'incremental_revenue' as estimand,"
        " 'incremental revenue of video: 10 before, 12 now; +2 from 1 new period.' as message from measurement.run",
    )
    store = store_of(told, settings)
    assert store.text("change.cause.video").endswith("+2 from 1 new period.")


def test_a_store_survives_its_own_json(store):
    again = FigureStore.from_json(store.to_json())
    assert again == store
    assert again.sha256 == store.sha256


def test_the_source_of_a_text_is_a_table_a_setting_or_a_rule_and_never_a_path_in_the_code(published, settings):
    con = open_snapshot(published)
    store = figures(con, period=None, settings=settings)
    con.close()
    assert not [fact.id for fact in store.facts.values() if "feedback." in fact.source]
    assert store.facts["channel.video.decision"].source == "rule: decision"
