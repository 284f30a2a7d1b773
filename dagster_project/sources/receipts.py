"""What comes back from content agents: the feed's own sealed record of each offer, and the receipts of the agents.

A receipt says what an agent claims. What it was offered stands in the sealed record; dbt compares the two.
"""

# ruff: noqa: E501 - one field per line: headers read as a table

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import polars as pl

from dagster_project.sources.contract import Broken, Context, Entity, Field, Kind, Shape, Source
from feedback.patterns.exposure import OFFER, SEAL, is_sealed

EXPOSURE = "exposure"
LONGEST_ID, LONGEST_PAYLOAD = 200, 2000
PATTERN_ID = re.compile(r"pat_[0-9a-hjkmnp-tv-z]{8,26}")
RECEIPT_ID = re.compile(r"rcp_[0-9a-hjkmnp-tv-z]{26}")
SHA256 = re.compile(r"[0-9a-f]{64}")
# The fields of an offer's record, as `feedback.patterns.exposure` writes them; here `subject_sha256` is the card's hash.
RECORD = (
    "receipt_id",
    "kind",
    "brand",
    "brief_id",
    "variant_id",
    "variant_ix",
    "channel",
    "feed_seq",
    "seed_ref",
    "pair_role",
    "pattern_id",
    "version",
    "feature",
    "follow",
    "arm",
    "p",
    SEAL,
)
COLUMNS: tuple[tuple[str, Kind], ...] = (
    ("receipt_id", "id"),
    ("ts", "instant"),
    ("subject_sha256", "text"),
    ("kind", "text"),
    ("actor_id", "text"),
    ("decision", "text"),
    ("payload", "json"),
    ("brand", "text"),
    ("brief_id", "text"),
    ("variant_id", "text"),
    ("variant_ix", "count"),
    ("channel", "text"),
    ("feed_seq", "count"),
    ("seed_ref", "text"),
    ("pair_role", "text"),
    ("pattern_id", "text"),
    ("version", "count"),
    ("feature", "text"),
    ("follow", "text"),
    ("arm", "text"),
    ("p", "double"),
    ("final_artifact_sha256", "text"),
    (SEAL, "text"),
)


def _accepted(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    """Rows of the right form; offers only as the feed sealed them."""
    broken = [fault for row in good.iter_rows(named=True) if (fault := _fault(row, ctx)) is not None]
    refused = sorted({fault.row for fault in broken})
    return {"receipts": good.filter(~pl.col("_row").is_in(refused))}, broken


def _fault(row: dict[str, Any], ctx: Context) -> Broken | None:
    number = int(row["_row"])
    for column, rule, why in _complaints(row, ctx):
        value = row.get(column)
        return Broken(number, column, None if value is None else str(value)[:LONGEST_ID], rule, why)
    return None


def _complaints(row: dict[str, Any], ctx: Context) -> Iterator[tuple[str, str, str]]:
    for column in ("receipt_id", "brief_id", "variant_id", "channel", "brand"):
        text = row.get(column)
        if text is not None and (len(text) > LONGEST_ID or not text.isprintable()):
            yield column, "too_long", f"is longer than {LONGEST_ID} characters or holds invisible ones"
    if len(row.get("payload") or "") > LONGEST_PAYLOAD:
        yield "payload", "too_long", f"carries more than {LONGEST_PAYLOAD} characters of other fields; leave them out"
    own = ctx.settings.company.brand
    if row.get("brand") not in (None, own):
        yield (
            "brand",
            "foreign_brand",
            f"is not this workspace's brand {own}; land it in the workspace of its own brand",
        )
    for column, form, what in (
        ("receipt_id", RECEIPT_ID, "a receipt id as the offer gave it (rcp_ and 26 characters)"),
        ("pattern_id", PATTERN_ID, "a pattern id (pat_ and 8 to 26 of 0-9 and a-z without i, l, o, u)"),
        ("subject_sha256", SHA256, "a SHA-256 in lower-case hexadecimal"),
        ("final_artifact_sha256", SHA256, "a SHA-256 in lower-case hexadecimal"),
    ):
        if row.get(column) is not None and not form.fullmatch(row[column]):
            yield column, "bad_id", f"is not {what}; return what the offer contained"
    if row["kind"] not in (OFFER, EXPOSURE):
        yield "kind", "bad_value", f"is neither {OFFER} nor {EXPOSURE}"
    if row.get("arm") not in ("on", "off"):
        yield "arm", "bad_value", "is neither on nor off"
    p = row.get("p")
    if p is None or not 0 < p <= 1:
        yield "p", "bad_number", "is not the probability of the offer, above 0 and up to 1"
    if row["kind"] == EXPOSURE and row.get("decision") not in (None, "true", "false"):
        yield "decision", "bad_value", "must be true, false or absent: whether the card was applied"
    if row["kind"] == OFFER and not (ctx.feed_key and is_sealed(_record(row), ctx.feed_key)):
        yield SEAL, "not_sealed", "does not fit the row: only the feed of this workspace writes offers (feed.key)"


def _record(row: dict[str, Any]) -> dict[str, Any]:
    moment: datetime = row["ts"]
    record = {name: row.get(name) for name in RECORD}
    return record | {"ts": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "content_sha256": row.get("subject_sha256")}


_SHAPE = Shape(
    "receipts",
    "receipts",
    fields=(
        Field("receipt_id", "id", ("receipt_id",), required=True, filled=True),
        Field("ts", "instant", ("ts", "offered_at", "recorded_at"), required=True, filled=True),
        Field("subject_sha256", "text", ("content_sha256", "subject_sha256")),
        Field("kind", "text", ("kind", "action"), default=EXPOSURE),
        Field("actor_id", "actor", ("actor_id", "agent_id")),
        Field("decision", "text", ("applied", "decision")),
        Field("brand", "text", ("brand",)),
        Field("brief_id", "text", ("brief_id",), required=True, filled=True),
        Field("variant_id", "text", ("variant_id",), required=True, filled=True),
        Field("variant_ix", "count", ("variant_ix",)),
        Field("channel", "text", ("channel",)),
        Field("feed_seq", "count", ("feed_seq",)),
        Field("seed_ref", "text", ("seed_ref",)),
        Field("pair_role", "text", ("pair_role",)),
        Field("pattern_id", "text", ("pattern_id",)),
        Field("version", "count", ("version",)),
        Field("feature", "text", ("feature",)),
        Field("follow", "text", ("follow",)),
        Field("arm", "text", ("arm",), required=True, filled=True),
        Field("p", "double", ("p",), required=True, filled=True),
        Field("final_artifact_sha256", "text", ("final_artifact_sha256",)),
        Field(SEAL, "text", (SEAL,)),
        Field("payload", "json", ("payload",)),
    ),
    key=("receipt_id", "kind"),
    finish=_accepted,
    rest_to="payload",
)
SOURCE = Source("receipts", (Entity("receipts", COLUMNS),), (_SHAPE,))
