"""Offers: only cards that are on can be read, and the record of all of them cannot be changed unseen."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from made_cards import NOW, cards, decision

from feedback.patterns import EpochKey, is_sealed, offer

MASTER = b"m" * 32
KEY = EpochKey.of(MASTER, NOW)
CARDS = cards(
    decision("headline.number"),
    decision("headline.question", kind="avoid", p_assign=0.5, state="provisional"),
    decision("headline.you", p_assign=0.5, state="provisional"),
)
USE = {"key": KEY, "brand": "acme", "channel": "meta", "feed_seq": 3, "now": NOW}


def offers(n: int = 60):
    return [offer(CARDS, brief_id=f"b{i}", variant_ix=i % 2, **USE) for i in range(n)]


def test_a_card_that_is_off_leaves_no_trace_of_its_text():
    by_id = {c["pattern_id"]: c for c in CARDS}
    seen_off = 0
    for one in offers():
        answer = one.for_agent()
        text = json.dumps(answer)
        assert len(answer["receipts"]) == len(CARDS)
        for record in one.records:
            card = by_id[record["pattern_id"]]
            if record["arm"] == "off":
                seen_off += 1
                assert card["statement"] not in text
                assert card["pattern_id"] not in text
                assert card["content_sha256"] not in text
                assert record["seal"] not in text
            else:
                assert card in answer["patterns"]
        assert "pair_role" not in text
        assert KEY.secret.hex() not in text
    assert seen_off > 60


def test_the_same_question_gets_the_same_answer_and_another_quarter_another():
    assert [o.records for o in offers(20)] == [o.records for o in offers(20)]
    later = NOW + timedelta(days=92)
    other = [
        offer(CARDS, brief_id=f"b{i}", variant_ix=0, **(USE | {"key": EpochKey.of(MASTER, later)})) for i in range(20)
    ]
    assert [o.on for o in other] != [o.on for o in offers(20)]
    assert {r["seed_ref"] for o in other for r in o.records} == {"feed-key-2027-q1"}


def test_records_say_what_was_dealt_and_a_changed_one_is_noticed():
    record = next(r for o in offers() for r in o.records if r["arm"] == "on")
    assert record["kind"] == "offer"
    assert record["variant_id"].startswith(f"{record['brief_id']}-v")
    assert is_sealed(record, MASTER)
    for change in (
        {"p": 0.9},
        {"arm": "off"},
        {"pair_role": "on"},
        {"brand": "other"},
        {"extra": 1},
        {"seal": "0" * 64},
    ):
        assert not is_sealed(record | change, MASTER), change
    assert not is_sealed({k: v for k, v in record.items() if k != "version"}, MASTER)
    assert not is_sealed(record, b"another secret, equally long....")
    assert not is_sealed({"seal": 1}, MASTER)


def test_cards_of_other_channels_and_expired_cards_take_no_part():
    assert offer(CARDS, brief_id="b1", variant_ix=0, **(USE | {"channel": "tiktok"})).records == ()
    assert offer(CARDS, brief_id="b1", variant_ix=0, **(USE | {"now": NOW + timedelta(days=400)})).records == ()
    neutral = cards(decision("headline.one", kind="neutral", p_assign=0.0))
    assert offer(neutral, brief_id="b1", variant_ix=0, **USE).records == ()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"brand": "other"}, "belongs to brand 'acme'", id="foreign brand"),
        pytest.param({"brief_id": "b\x1f1"}, "control characters", id="brief that poses as another"),
        pytest.param({"variant_ix": 40}, "variant number 40", id="asking until a card is on"),
        pytest.param({"now": NOW.replace(tzinfo=None)}, "no time zone", id="local time"),
    ],
)
def test_impossible_offers_are_refused(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        offer(CARDS, **({"brief_id": "b1", "variant_ix": 0} | USE | change))


def test_a_new_quarter_alone_writes_no_new_version():
    from dataclasses import replace

    from made_cards import RUN

    from feedback.patterns import next_versions

    later = replace(RUN, seed_ref="feed-key-2027-q1")
    assert next_versions(cards(), [decision()], NOW + timedelta(days=1), later) == []
