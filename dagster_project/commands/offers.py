"""`plumbline feed offer`: the cards that one variant's author may read, drawn and written down by the feed."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.commands.terminal import (
    BROKEN,
    NO,
    USAGE,
    JsonOption,
    as_json,
    opened,
    out,
    rows_as_table,
    sentences_for_trouble,
    stop,
)
from dagster_project.warehouse import run_record
from dagster_project.workspace.feed_key import FeedKeyError, feed_key


def offer_cards(
    brief: Annotated[str, typer.Option(help="The brief's id.")],
    channel: Annotated[str, typer.Option(help="The channel that the variant is for.")],
    ws: Annotated[Path, typer.Argument(metavar="WS")] = Path("data"),
    variant: Annotated[int, typer.Option(min=0, max=7, help="The variant's number in the brief, from 0.")] = 0,
    variant_id: Annotated[str | None, typer.Option(help="The id under which its results come back.")] = None,
    json_: JsonOption = False,
) -> None:
    """Draw the cards for one variant of a brief. The same question gets the same answer.

    The draw is recorded in landing/receipts/offers, which is how the next run knows what the feed is worth.
    """
    from feedback.memory import read
    from feedback.patterns.offer_log import deal

    workspace, settings = opened(ws)
    now = run_record.now(settings).replace(tzinfo=UTC)
    feed = read(workspace.memory, settings.company.brand, now)
    if feed.reason is not None:
        stop(BROKEN, f"{ws} offers no cards: {feed.reason}")
    try:
        key = feed_key(workspace.root)
    except FeedKeyError as error:
        stop(USAGE, str(error))
    with sentences_for_trouble():
        try:
            dealt = deal(
                workspace.landing / "receipts" / "offers",
                feed.cards,
                master=key,
                brand=settings.company.brand,
                brief_id=brief,
                variant_ix=variant,
                channel=channel,
                feed_seq=feed.feed_seq,
                now=now,
                variant_id=variant_id,
                rules=settings.patterns.exposure,
            )
        except ValueError as error:
            stop(USAGE, str(error))
    if json_:
        as_json(dealt.for_agent())
    elif dealt.on:
        rows_as_table(
            f"cards for variant {variant} of {brief}",
            [{"kind": c["kind"], "statement": c["statement"], "state": c["state"]} for c in dealt.on],
        )
    else:
        out.print(f"no card for variant {variant} of {brief}: write it without the feed", markup=False)
    if not dealt.records:
        stop(NO, f"no card of the feed holds for channel {channel}, so nothing was drawn and nothing is recorded")
