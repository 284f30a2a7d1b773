"""A variant is dealt to once, whatever happens to the cards, the clock or the process in between."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from made_cards import NOW, cards, decision

from feedback.patterns import block
from feedback.patterns.offer_log import deal

CARDS = cards(decision("headline.number"), decision("headline.you"), decision("headline.question", kind="avoid"))
USE = {"master": b"m" * 32, "brand": "acme", "channel": "meta", "feed_seq": 3, "now": NOW}


def test_asking_again_later_gives_the_first_offer(tmp_path):
    first = [deal(tmp_path, CARDS, brief_id=f"b{i}", variant_ix=0, **USE) for i in range(20)]
    later = USE | {"now": NOW + timedelta(days=100), "feed_seq": 9}
    again = [deal(tmp_path, CARDS, brief_id=f"b{i}", variant_ix=0, **later) for i in range(20)]
    assert [o.records for o in again] == [o.records for o in first]
    assert [o.on for o in again] == [o.on for o in first]
    assert len(list(tmp_path.glob("*.jsonl"))) == 20


def test_a_variant_of_one_channel_is_not_offered_again_for_another(tmp_path):
    deal(tmp_path, CARDS, brief_id="b1", variant_ix=0, **USE)
    with pytest.raises(ValueError, match="variant 0 of brief b1 was dealt for channel meta"):
        deal(tmp_path, CARDS, brief_id="b1", variant_ix=0, **USE | {"channel": "linkedin"})
    with pytest.raises(ValueError, match="a variant has one offer"):
        deal(tmp_path, CARDS, brief_id="b1", variant_ix=0, variant_id="another", **USE)


def test_a_card_blocked_since_the_draw_is_not_shown(tmp_path):
    dealt = next(o for i in range(50) if (o := deal(tmp_path, CARDS, brief_id=f"b{i}", variant_ix=0, **USE)).on)
    brief, gone = dealt.records[0]["brief_id"], dealt.on[0]["pattern_id"]
    now_blocked = [block(c, NOW) if c["pattern_id"] == gone else c for c in CARDS]
    again = deal(tmp_path, now_blocked, brief_id=brief, variant_ix=0, **USE)
    assert again.records == dealt.records
    assert gone not in {c["pattern_id"] for c in again.on}


def test_many_processes_deal_one_offer(tmp_path):
    def ask(second: int) -> str:
        now = NOW + timedelta(seconds=second)
        return json.dumps(
            deal(tmp_path, CARDS, brief_id="b1", variant_ix=0, **(USE | {"now": now})).records, sort_keys=True
        )

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, range(40)))
    assert len(answers) == 1
    assert not list(tmp_path.glob(".*"))


def test_a_record_that_somebody_changed_is_dealt_anew(tmp_path):
    first = deal(tmp_path, CARDS, brief_id="b1", variant_ix=0, **USE)
    (path,) = tmp_path.glob("*.jsonl")
    path.write_text(path.read_text().replace('"arm":"off"', '"arm":"on"'))
    assert deal(tmp_path, CARDS, brief_id="b1", variant_ix=0, **USE).records == first.records
    assert '"arm":"off"' in path.read_text()


def test_without_a_card_for_the_channel_nothing_is_recorded(tmp_path):
    assert deal(tmp_path / "offers", CARDS, brief_id="b1", variant_ix=0, **(USE | {"channel": "tv"})).records == ()
    assert not (tmp_path / "offers").exists()
