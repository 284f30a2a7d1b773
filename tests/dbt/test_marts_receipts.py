"""Dealt, used and answered are three things, and a receipt that contradicts its offer counts for none of them."""

from __future__ import annotations

from datetime import date


def test_used_is_read_from_the_published_text_and_not_from_the_agent(mart):
    rows = mart("""
        select receipt_id, assigned, receipted, claimed, used, pair_role, week from marts.receipt order by receipt_id
    """)
    week = date(2026, 9, 14)
    assert rows == [
        ("o1", True, True, True, True, "on", week),
        ("o2", False, False, None, True, "on", week),  # its receipt has the wrong p; v1 carries no number
        ("o3", False, True, None, False, "off", week),
        ("o4", True, False, None, None, "unpaired", None),  # not in the content log, so nobody knows
    ]


def test_each_contradiction_is_named_with_its_file_and_row(mart):
    rows = mart("select receipt_id, rule, file, file_row, message from marts.receipt_refusal order by receipt_id")
    assert [(r[0], r[1], r[3]) for r in rows] == [
        ("o2", "wrong_p", 7),
        ("o4", "wrong_hash", 8),
        ("o7", "unknown_offer", 9),
    ]
    assert {r[2] for r in rows} == {"receipts/r.jsonl"}
    assert all(r[4] for r in rows)


def test_a_pair_is_read_over_the_weeks_in_which_both_halves_ran(mart):
    rows = mart("select * exclude (channel, seed_ref) from marts.feed_pair")
    # no event states money, so the pair is worth engagement only
    assert rows == [("br1", "v1", "v2", date(2026, 10, 12), 1100, 31, 900, 20, None, None)]


def test_no_pattern_is_learned_from_a_brief_with_a_missing_receipt(mart):
    assert mart("select distinct brief, is_learnable from marts.hook_test") == [("br1", False)]
