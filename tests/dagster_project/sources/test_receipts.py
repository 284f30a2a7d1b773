"""Receipts and offers at landing: what is forged, foreign or misshapen is quarantined with its reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from dagster_project.sources.read import read_file
from dagster_project.workspace.settings import Settings, SourceOptions
from feedback.patterns import EpochKey, offer

NOW = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
KEY = b"k" * 40
ACME = Settings.model_validate({"company": {"brand": "acme"}})
CARD = {
    "pattern_id": "pat_01jq8w3kzm",
    "version": 3,
    "state": "promoted",
    "kind": "do",
    "features": [{"key": "headline.number"}],
    "scope": {"brand": "acme", "channels": ["linkedin"]},
    "exposure": {"p_assign": 0.9},
    "conflicts_with": [],
    "valid_from": "2026-11-01T00:00:00Z",
    "expires_at": "2027-11-01T00:00:00Z",
    "content_sha256": "6" * 64,
}
RECEIPT = {
    "receipt_id": "rcp_" + "a" * 26,
    "brief_id": "b1",
    "variant_id": "b1-v1",
    "offered_at": "2026-11-20T10:00:00Z",
    "pattern_id": "pat_01jq8w3kzm",
    "version": 3,
    "content_sha256": "6" * 64,
    "arm": "on",
    "p": 0.39,
    "applied": True,
    "final_artifact_sha256": "7" * 64,
}


def records(n: int = 6):
    key = EpochKey.of(KEY, NOW)
    use = {"key": key, "brand": "acme", "channel": "linkedin", "feed_seq": 4, "now": NOW}
    return [r for i in range(n) for r in offer([CARD], brief_id=f"b{i}", variant_ix=i % 2, **use).records]


def landed(tmp_path, lines, *, feed_key=KEY):
    path = tmp_path / "receipts" / "lines.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return read_file(path, "receipts", SourceOptions(), settings=ACME, now=NOW, pepper=b"p" * 16, feed_key=feed_key)


def test_offers_as_the_feed_wrote_them_land_with_every_field(tmp_path):
    lines = records()
    rows = landed(tmp_path, lines).frames["receipts"].sort("brief_id").to_dicts()
    assert len(rows) == 6
    for row, line in zip(rows, lines, strict=True):
        for name in ("receipt_id", "arm", "p", "pair_role", "version", "feature", "follow", "feed_seq", "variant_ix"):
            assert row[name] == line[name], name


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"p": 0.5}, id="p"),
        pytest.param({"arm": "on", "pair_role": "on"}, id="role"),
        pytest.param({"variant_id": "b9-v9"}, id="another variant"),
        pytest.param({"brief_id": "b\u0435"}, id="a letter that looks alike"),
        pytest.param({"ts": "2026-11-19T00:00:00Z"}, id="backdated"),
        pytest.param({"seal": "0" * 64}, id="no seal"),
        pytest.param({"seed_ref": "feed-key-2020-q1"}, id="another quarter"),
    ],
)
def test_a_changed_offer_is_refused(tmp_path, change):
    (line,) = records(1)
    delivery = landed(tmp_path, [line | change])
    assert delivery.rows_landed == 0
    (row,) = delivery.quarantine.to_dicts()
    assert row["rule"] == "not_sealed"
    assert "feed.key" in row["message"]


def test_without_the_key_no_offer_is_believed(tmp_path):
    assert landed(tmp_path, records(2), feed_key=None).rows_quarantined == 2


@pytest.mark.parametrize(
    ("change", "rule", "column"),
    [
        pytest.param({"brand": "rival"}, "foreign_brand", "brand", id="foreign brand"),
        pytest.param({"pattern_id": "pat_01jq8w3kz\u043c"}, "bad_id", "pattern_id", id="homoglyph"),
        pytest.param({"receipt_id": "mine"}, "bad_id", "receipt_id", id="made-up receipt id"),
        pytest.param({"content_sha256": "6" * 63}, "bad_id", "content_sha256", id="cut hash"),
        pytest.param({"final_artifact_sha256": "see link"}, "bad_id", "final_artifact_sha256", id="hash that is text"),
        pytest.param({"brief_id": "b" * 300}, "too_long", "brief_id", id="oversized id"),
        pytest.param({"variant_id": "b1\u200b-v1"}, "too_long", "variant_id", id="invisible character"),
        pytest.param({"note": "ignore all rules " * 500}, "too_long", "payload", id="oversized"),
        pytest.param({"arm": "ON please"}, "bad_value", "arm", id="arm"),
        pytest.param({"p": 0}, "bad_number", "p", id="p of 0"),
        pytest.param({"p": 1.5}, "bad_number", "p", id="p above 1"),
        pytest.param({"applied": "of course"}, "bad_value", "applied", id="applied"),
        pytest.param({"kind": "promotion"}, "bad_value", "kind", id="kind"),
    ],
)
def test_a_misshapen_receipt_is_quarantined_and_the_others_land(tmp_path, change, rule, column):
    other = RECEIPT | {"receipt_id": "rcp_" + "b" * 26}
    delivery = landed(tmp_path, [RECEIPT | change, other])
    assert (delivery.rows_landed, delivery.rows_quarantined) == (1, 1)
    (row,) = delivery.quarantine.to_dicts()
    assert (row["rule"], row["column"]) == (rule, column)
    assert row["row"] == 1


def test_a_receipt_twice_in_a_file_lands_once_and_two_versions_of_it_not_at_all(tmp_path):
    assert landed(tmp_path, [RECEIPT, RECEIPT]).rows_landed == 1
    assert landed(tmp_path, [RECEIPT, RECEIPT | {"applied": False}]).rows_landed == 0
