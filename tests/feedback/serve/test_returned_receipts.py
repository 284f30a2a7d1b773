"""Receipts as an agent returns them: one per card of the draw, what was offered, and nothing it could not know."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from made_cards import NOW

from feedback.serve.receipts import OfferUnreadable, offer_in, receipts_for, write_receipts

ON = {"receipt_id": "rcp_a", "arm": "on", "p": 0.4, "pattern_id": "pat_1", "version": 2, "content_sha256": "ab"}
OFFER: dict[str, Any] = {
    "brief_id": "b9",
    "variant_id": "b9-v1",
    "feed_seq": 3,
    "patterns": [],
    "receipts": [ON, {"receipt_id": "rcp_b", "arm": "off", "p": 0.5}],
}


def test_each_card_of_the_draw_has_its_receipt_and_an_off_card_claims_nothing() -> None:
    on, off = receipts_for(OFFER, b"Text.", ["pat_1"], agent="copy-1", now=NOW)
    assert {key: on[key] for key in ON} == ON
    assert (on["applied"], on["feed_seq"], on["ts"]) == (True, 3, "2026-11-16T06:00:00Z")
    assert on["final_artifact_sha256"] == hashlib.sha256(b"Text.").hexdigest()
    assert off["p"] == 0.5
    assert not {"applied", "pattern_id"} & off.keys()
    assert receipts_for(OFFER, b"Text.", [], agent="copy-1", now=NOW)[0]["applied"] is False


def test_a_card_that_was_not_offered_cannot_be_claimed() -> None:
    with pytest.raises(OfferUnreadable, match="--applied: pat_2 was not offered for variant b9-v1"):
        receipts_for(OFFER, b"Text.", ["pat_2"], agent="copy-1", now=NOW)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"brief_id": "b", "variant_id": "v", "receipts": [5]}', "[" * 50_000]
)
def test_what_is_no_offer_is_refused_with_its_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "offer.json"
    path.write_text(content)
    with pytest.raises(OfferUnreadable, match=r"offer.json: is not an offer; save what"):
        offer_in(path)
    with pytest.raises(OfferUnreadable, match="cannot be read"):
        offer_in(tmp_path / "nowhere.json")


def test_the_same_receipts_are_one_file(tmp_path: Path) -> None:
    receipts = receipts_for(OFFER, b"Text.", ["pat_1"], agent="copy-1", now=NOW)
    path = write_receipts(tmp_path / "returned", receipts)
    assert write_receipts(tmp_path / "returned", receipts) == path
    assert [json.loads(line) for line in path.read_text().splitlines()] == receipts
    assert len(list(path.parent.iterdir())) == 1
