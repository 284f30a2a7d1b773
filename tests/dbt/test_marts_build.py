"""The whole project builds on nothing at all and on a company small enough to add up by hand."""

from __future__ import annotations

from decimal import Decimal


def failures(statuses: dict[str, str]) -> dict[str, str]:
    return {
        name: status for name, status in statuses.items() if status.split(":")[0] not in {"success", "pass", "warn"}
    }


def test_a_workspace_without_any_file_builds_to_empty_marts(project, empty_build):
    assert empty_build
    assert failures(empty_build) == {}


def test_the_small_company_builds_and_every_data_test_passes(small_build):
    assert failures(small_build) == {}
    warned = sorted(name for name, status in small_build.items() if status.startswith("warn"))
    assert warned == ["converted_channel_day_spend__spend_report"], "the dollar day without a rate near it must be seen"


def test_spend_is_the_newest_delivery_the_run_may_know_at_one_level(mart):
    assert mart("""
        select day::varchar, channel, campaign, geo, source, cost_type, spend, spend_report, clicks, provisional
        from marts.channel_day where source in ('google_ads', 'meta_ads') order by all
    """) == [
        (
            "2026-09-01",
            "paid_search",
            "Generic",
            "south",
            "google_ads",
            "media",
            Decimal("50"),
            Decimal("50"),
            3,
            False,
        ),
        (
            "2026-09-01",
            "paid_search_brand",
            "Brand | DE",
            "north",
            "google_ads",
            "media",
            Decimal("110.1"),
            Decimal("110.1"),
            6,
            False,
        ),
        ("2026-09-02", "paid_social", "Autumn", "south", "meta_ads", "media", Decimal("10"), Decimal("9"), 1, False),
        ("2026-09-12", "paid_social", "Autumn", "south", "meta_ads", "media", Decimal("30"), None, 1, False),
        (
            "2026-10-30",
            "paid_search",
            "Generic",
            "all",
            "google_ads",
            "media",
            Decimal("1.01"),
            Decimal("1.01"),
            1,
            True,
        ),
    ]


def test_segments_add_up_and_a_complete_day_forgets_what_vanished(mart):
    assert mart(
        "select campaign, spend from marts.channel_day where source in ('microsoft_ads', 'tiktok_ads') order by 1"
    ) == [
        ("Bing", Decimal("13.75")),
        ("Spark", Decimal("4.5")),
    ]


def test_own_spend_keeps_its_week_its_type_of_cost_and_its_currency(mart):
    assert mart("""
        select channel, geo, grain, cost_type, currency, spend, spend_report from marts.channel_day
        where source = 'channel_spend' order by all
    """) == [
        ("podcast", "all", "week", "media", "EUR", Decimal("100"), Decimal("100")),
        ("podcast", "all", "week", "production", "EUR", Decimal("30"), Decimal("30")),
        ("radio", "all", "week", "media", "CHF", Decimal("80"), None),
        ("trade_fairs_events", "north", "week", "agency", "EUR", Decimal("200"), Decimal("200")),
        ("trade_fairs_events", "north", "week", "media", "EUR", Decimal("1000"), Decimal("1000")),
    ]


def test_a_week_across_a_quarter_is_split_by_its_days_and_a_fee_is_no_media(mart):
    assert mart("""
        select period_kind, period_start::varchar, period_end::varchar, spend, priced
        from marts.channel_period_spend
        where channel = 'podcast' and cost_type = 'media' and period_kind not in ('day', 'window') order by all
    """) == [
        ("month", "2026-06-01", "2026-06-30", Decimal("28.57"), True),
        ("month", "2026-07-01", "2026-07-31", Decimal("71.43"), True),
        ("quarter", "2026-04-01", "2026-06-30", Decimal("28.57"), True),
        ("quarter", "2026-07-01", "2026-09-30", Decimal("71.43"), True),
        ("week", "2026-06-29", "2026-07-05", Decimal("100.00"), True),
    ]
    assert mart("""
        select cost_type, sum(spend) from marts.channel_period_spend
        where channel = 'podcast' and period_kind = 'day' group by all order by all
    """) == [("media", Decimal("100.00")), ("production", Decimal("30.00"))]
    assert mart("select period, platform_spend from marts.reconciliation where period in ('2026-06', '2026-07')") == [
        ("2026-06", Decimal("28.57")),
        ("2026-07", Decimal("71.43")),
    ]


def test_spend_without_a_rate_is_named_and_never_zero(mart):
    assert mart("""
        select channel, spend, priced from marts.channel_period_spend
        where period_kind = 'quarter' and period_start = '2026-07-01' and not priced order by all
    """) == [("paid_social", Decimal("9.00"), False), ("radio", None, False)]


def test_the_outcome_is_restated_and_two_currencies_meet_in_report_currency(mart):
    assert mart("""
        select day::varchar, geo, kpi, value, revenue, revenue_report, currency from marts.kpi_day
        where kpi = 'revenue' order by all
    """) == [
        ("2026-09-01", "north", "revenue", Decimal("510"), Decimal("510"), Decimal("510"), "EUR"),
        ("2026-09-01", "south", "revenue", Decimal("300.25"), Decimal("300.25"), Decimal("300.25"), "EUR"),
        ("2026-09-02", "north", "revenue", Decimal("20"), Decimal("20"), Decimal("20"), "EUR"),
        ("2026-09-02", "south", "revenue", Decimal("14"), Decimal("14"), Decimal("14"), "EUR"),
    ]
    assert mart("select geo, name, value from marts.context_day") == [("all", "price_index", 1.1)]


def test_books_and_models_are_laid_side_by_side(mart):
    assert mart("select kind, account_code, amount_report, modelled, reason from marts.ledger_period order by 2") == [
        ("media_spend", "4600", Decimal("1310"), True, None),
        ("revenue", "8000", Decimal("900"), True, None),
        ("revenue", "8100", Decimal("60"), False, "licence resale"),
        ("refund", "8200", Decimal("40"), True, None),
        ("orphan", "9999", Decimal("3"), True, None),
    ]
    assert mart("""
        select booked_revenue, excluded_revenue, modelled_revenue, kpi_revenue, gap,
            ledger_spend, platform_spend, spend_gap
        from marts.reconciliation where period = '2026-09'
    """) == [tuple(Decimal(v) if v else None for v in ("920", "60", "860", "844.25", "15.75", "1310", None, None))]


def test_a_declared_test_is_cut_from_the_warehouse_and_a_delivered_panel_is_kept(mart):
    assert mart(
        "select experiment_id, estimand, declared, round(se, 4), len(channels), geos from marts.experiment order by 1"
    ) == [
        ("x1", "incremental_revenue", True, None, 2, ["north"]),
        ("x2", "iroas", False, 0.9119, 1, []),
        ("x3", "incremental_revenue", True, None, 1, ["north"]),
    ]
    assert mart(
        "select experiment_id, geo, day::varchar, kpi, spend, arm, period from marts.experiment_panel order by all"
    ) == [
        ("x1", "north", "2026-09-01", 510.0, 110.1, "treatment", "pre"),
        ("x1", "north", "2026-09-02", 20.0, 0.0, "treatment", "test"),
        ("x1", "south", "2026-09-01", 300.25, 50.0, "control", "pre"),
        ("x1", "south", "2026-09-02", 14.0, 0.0, "control", "test"),
        ("x3", "north", "2026-09-02", 12.0, 3.0, "treatment", "test"),
        ("x3", "south", "2026-09-02", 11.0, 0.0, "control", "test"),
    ]


def test_users_leave_only_exact_sums_of_their_arms(mart):
    """u5 was in both arms, u4's amount was corrected; delivered sums stand only where no users came."""
    assert mart(
        'select experiment_id, arm, n, crossed, "sum", sum_sq, cov_n, cov_sum, cross_sum, den_sum,'
        " buyers, sum_cu from marts.experiment_arm order by 1, 2"
    ) == [
        ("x4", "b", 3, 1, 20.0, 212.5, 3, 14.0, 120.0, None, 2, 2375.0),
        ("x4", "control", 2, 1, 10.0, 100.0, 2, 10.0, 80.0, None, 1, 1000.0),
        ("x5", "a", 100, None, 10.5, 20.25, None, None, None, None, 8, 45.5),
    ]
