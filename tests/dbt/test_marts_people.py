"""Touches, deals and conversions of the small company, each rule seen on one person."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal

import pytest


def person(address: str) -> str:
    """Key of the person behind a keyed address."""
    return hashlib.sha256(f"email|{address}".encode()).hexdigest()


def test_touches_follow_the_rules_of_origin(mart):
    rows = mart(f"""
        select occurred_at::varchar, channel, source, medium, is_paid, is_direct, mid_session, campaign, click_id_type
        from marts.touch where person_key = '{person("hash-ann")}' order by 1
    """)
    assert rows == [
        ("2026-06-01 08:00:00", "paid_search", "google", "cpc", True, False, False, None, "gclid"),
        ("2026-06-01 08:20:00", "newsletter", "newsletter", "email", False, False, True, "june", None),
        ("2026-06-19 06:00:00", "direct", "(direct)", "(none)", False, True, False, None, None),
        ("2026-06-19 08:00:00", "ai_assistant", "chatgpt", "ai_assistant", False, False, False, None, None),
        ("2026-06-21 08:00:00", "direct", "(direct)", "(none)", False, True, False, None, None),
        ("2026-09-01 10:00:00", "organic_social", "linkedin", "social", False, False, False, None, None),
    ]


def test_a_shared_device_merges_nobody_and_a_refusal_leaves_no_touch(mart):
    by_person = dict(mart("select person_key, count(*)::int from marts.touch group by 1"))
    assert by_person.pop(person("hash-ann")) == 6
    assert by_person.pop(person("hash-bob")) == 1, "his visit of 07:00 is gone with the newer delivery of the day"
    tablet = hashlib.sha256(b"device|s|tablet").hexdigest()
    assert by_person == {tablet: 1}, "Eve refused after her visit; the visit without a session cannot be one"
    assert mart(f"select count(*) from marts.person where person_key = '{person('hash-eve')}'") == [(0,)]


def test_contacts_with_one_address_are_one_person(mart):
    assert mart(f"select crm_ids, email_hash from marts.person where person_key = '{person('hash-ann')}'") == [
        (["hubspot:P1", "hubspot:P2"], "hash-ann")
    ]
    accounts = dict(mart("select email_hash, account_key is not null from marts.person where email_hash like 'hash-%'"))
    assert accounts["hash-bob"] is True, "the address's domain names the company"
    assert accounts["hash-cyd"] is False, "a free-mail domain names nobody"


def test_a_fall_starts_a_new_cycle_and_a_skipped_stage_is_inferred(mart):
    assert mart("""
        select s.stage, s.cycle, s.entered_at::date::varchar, s.left_at::date::varchar, s.source, s.inferred
        from marts.opportunity_stage as s inner join marts.opportunity as o using (opportunity_id)
        where o.amount = 1000.01 order by s.entered_at, s.stage
    """) == [
        ("sql", 1, "2026-06-10", "2026-06-20", "stage_history", False),
        ("opportunity", 1, "2026-06-20", "2026-06-20", "stage_history", True),
        ("proposal", 1, "2026-06-20", "2026-07-20", "stage_history", False),
        ("won", 1, "2026-07-20", "2026-08-01", "stage_history", False),
        ("proposal", 2, "2026-08-01", "2026-08-20", "stage_history", False),
        ("won", 2, "2026-08-20", None, "stage_history", False),
    ]


def test_a_reopened_and_a_deleted_deal_are_taken_back(mart):
    assert mart("""
        select c.stage, c.day::varchar, c.amount, r.day::varchar
        from marts.conversion as c left join marts.conversion as r on c.reverses = r.conversion_id
        where c.source_system = 'hubspot' and c.stage in ('won', 'refund') order by c.day, c.stage
    """) == [
        ("won", "2026-07-20", Decimal("1000.01"), None),
        ("refund", "2026-08-01", Decimal("-1000.01"), "2026-07-20"),
        ("won", "2026-08-20", Decimal("1000.01"), None),
        ("won", "2026-09-10", Decimal("500.00"), None),
        ("refund", "2026-10-20", Decimal("-500.00"), "2026-09-10"),
    ]
    assert mart("select count(*) from marts.conversion where stage = 'lead'") == [(3,)]
    assert mart("select amount from marts.conversion where stage = 'opportunity' order by 1") == [
        (Decimal("70.00"),),
        (Decimal("1000.01"),),
    ]


def test_orders_are_net_and_the_shop_is_right_where_the_site_disagrees(mart):
    assert mart("""
        select source_system, order_id, stage, amount from marts.conversion where stage in ('order', 'refund')
        and order_id is not null order by all
    """) == [
        ("ga4", "T1", "order", Decimal("80.00")),
        ("ga4", "T1", "refund", Decimal("-30.00")),
        ("revenue", "O1", "order", Decimal("100.00")),
        ("revenue", "O2", "order", Decimal("40.00")),
        ("revenue", "O2", "refund", Decimal("-15.00")),
    ]


def test_a_conversion_ends_a_cycle_and_colleagues_share_a_path(mart):
    path = """
        select list(p.channel order by p.position) from marts.touch_path as p
        inner join marts.conversion as c using (conversion_id)
        where c.stage = '{}' and c.amount > 600 group by c.day order by c.day
    """
    assert mart(path.format("opportunity")) == [(["paid_search", "newsletter", "direct", "ai_assistant"],)], (
        "the two direct visits of one day, by Ann and by Bob, are one touch of their account"
    )
    assert mart(path.format("won")) == [(["paid_search", "newsletter", "direct", "ai_assistant", "direct"],)], (
        "the second win of the deal starts after the first and has no touch"
    )
    assert mart("""
        select c.order_id, list(p.channel order by p.position) from marts.touch_path as p
        inner join marts.conversion as c using (conversion_id) where c.stage = 'order' group by 1 order by 1
    """) == [("T1", ["organic_social"])], "the order a minute later starts a new cycle"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("first_touch", {"paid_search": "1000.01"}),
        ("last_touch", {"direct": "1000.01"}),
        ("last_non_direct", {"ai_assistant": "1000.01"}),
        ("linear", {"paid_search": "200.01", "newsletter": "200.00", "direct": "400.00", "ai_assistant": "200.00"}),
        (
            "position_based",
            {"paid_search": "400.00", "direct": "466.67", "newsletter": "66.67", "ai_assistant": "66.67"},
        ),
        ("self_reported", {"podcast": "250.00", "word_of_mouth": "250.00", "search_unspecified": "500.01"}),
    ],
)
def test_each_rule_gives_the_first_win_to_the_cent(mart, model, expected):
    rows = mart(f"""
        select a.channel, sum(a.amount)
        from marts.attribution_credit as a inner join marts.conversion as c using (conversion_id)
        where c.stage = 'won' and c.cycle = 1 and c.amount > 600 and a.model = '{model}' group by 1
    """)
    assert sum(amount for _, amount in rows) == Decimal("1000.01")
    assert dict(rows) == {channel: Decimal(amount) for channel, amount in expected.items()}


def test_a_reversal_takes_back_from_whom_the_original_gave(mart):
    assert (
        mart("""
        select model, channel, sum(amount) from marts.attribution_credit where conversion_id in (
            select conversion_id from marts.conversion where stage = 'won' and cycle = 1
            union all select conversion_id from marts.conversion where stage = 'refund' and source_system = 'hubspot'
        ) group by all having sum(amount) <> 0
    """)
        == []
    )


def test_untracked_conversions_keep_their_own_row(mart):
    assert mart("""
        select distinct channel, touch_id = 'untracked:' || conversion_id, credit from marts.attribution_credit
        where conversion_id in (select conversion_id from marts.conversion where order_id = 'O2' and stage = 'order')
        order by 1
    """) == [("(no answer)", True, 1.0), ("(untracked)", True, 1.0)]


def test_silent_journeys_are_null_paths_and_young_ones_wait(mart):
    assert mart(
        "select path, total_conversions, total_conversion_value, total_null from marts.path"
        " where stage = 'order' order by path"
    ) == [
        ("direct", 0, Decimal("0.00"), 2),
        ("organic_social", 1, Decimal("50.00"), 0),
    ]


def test_content_answers_and_figures_of_the_system(mart):
    # a card that was dealt to the brief has no receipt, so nothing is learned from it
    assert mart("select * from marts.hook_test order by variant") == [
        ("br1", "v1", "linkedin", date(2026, 9, 14), 1100, 31, None, False),
        ("br1", "v2", "linkedin", date(2026, 9, 14), 900, 20, None, False),
    ]
    assert mart("select variant, feature from marts.variant_feature order by all") == [
        ("v1", "format.post"),
        ("v1", "headline.question"),
        ("v2", "format.post"),
        ("v2", "headline.number"),
    ]
    assert mart("""
        select cycle_time, first_hit_rate, correction_loops, brand_consistency,
            learning_speed, delegable_share, edit_ratio
        from marts.system_week where week = '2026-09-07'
    """) == [(2.0, 0.5, 0.5, 0.75, None, 0.0, 0.4)]
    assert mart(
        "select prompt_id, replicate, brands, is_core, week::varchar from marts.ai_visibility_answer order by 1, 2"
    ) == [
        ("q1", 1, ["Own", "Rival"], True, "2026-09-07"),
        ("q1", 2, [], True, "2026-09-07"),
        ("q2", 1, [], False, "2026-09-07"),
    ]
