"""The files of a simulated company's landing folder, one by one, from the clean world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from functools import partial

import numpy as np
import polars as pl

from dagster_project.demo import ad_platforms, analytics, content_files, crm, plain_files, tiktok_export
from dagster_project.demo.deliveries import Delivery, as_first_seen, monthly
from dagster_project.demo.export import Export
from models.worlds import World
from models.worlds.books import delivery_day
from models.worlds.roster import Roster

SPANISH_MONTH_FROM_END = 4
WORKBOOK_FROM_END = 2
LATE_EVENT_DAYS = 3
GROWING = {"spend": (3, 0.02), "conversions": (14, 0.35), "value": (14, 0.35)}


def exports(world: World, roster: Roster, seed: int) -> Iterator[Export]:
    """Every file, source by source, oldest delivery first."""
    spend = world.frames["spend"]
    days = world.frames["revenue"]["day"].to_list()
    first, last = min(days), max(days)
    schedule = monthly(first, last)
    rng = np.random.default_rng([seed, 101])
    yield from _ads(spend, roster, schedule, rng)
    yield from _channel_spend(spend, roster, schedule, rng)
    yield from _revenue(world.frames["revenue"], schedule, rng)
    for delivery in monthly(first, last, reread=0):
        rows = delivery.rows(world.frames["context"])
        yield Export(f"context/{delivery.on}.csv", plain_files.context(rows), rows.height)
    for row in world.frames["experiments"].iter_slices(1):
        yield Export(
            f"experiments/{row['cooldown_end'][0]}-declared.csv", plain_files.experiments(row, roster.currency), 1
        )
    if "test_results" in world.frames:
        for row in world.frames["test_results"].iter_slices(1):
            content = plain_files.test_results(row, roster.currency)
            yield Export(f"experiments/{row['experiment_id'][0]}.csv", content, 1)
    for (period,), rows in world.frames["ledger"].group_by("period", maintain_order=True):
        yield Export(f"ledger/{delivery_day(str(period))}.csv", plain_files.ledger(rows), rows.height)
    months = monthly(first, last, reread=0)
    yield from _crm(world, roster, months)
    yield from _analytics(world, roster, monthly(first, last, reread=LATE_EVENT_DAYS), seed, rng)
    yield from _contents(world, roster, months)


def _ads(
    spend: pl.DataFrame, roster: Roster, schedule: tuple[Delivery, ...], rng: np.random.Generator
) -> Iterator[Export]:
    spanish = schedule[-1 - SPANISH_MONTH_FROM_END]
    for index, delivery in enumerate(schedule):
        for source in ("google_ads", "meta_ads", "linkedin_ads", "tiktok_ads"):
            rows = as_first_seen(spend.filter(pl.col("source") == source), delivery, GROWING, rng)
            if rows.is_empty():
                continue
            if source == "google_ads":
                content = ad_platforms.google_ads(rows, delivery, roster.currency)
            elif source == "linkedin_ads":
                content = ad_platforms.linkedin_ads(
                    rows, delivery, f"{roster.brand} {roster.currency}", roster.currency
                )
            elif source == "tiktok_ads":
                content = tiktok_export.tiktok_ads(rows, roster.currency)
            elif delivery is spanish:
                content = ad_platforms.meta_ads_spanish(rows, delivery, roster.currency)
            else:
                content = ad_platforms.meta_ads(rows, delivery, roster.currency, with_totals=index % 2 == 0)
            yield Export(f"{source}/{delivery.on}.csv", content, rows.height)


def _channel_spend(
    spend: pl.DataFrame, roster: Roster, schedule: tuple[Delivery, ...], rng: np.random.Generator
) -> Iterator[Export]:
    for channel in (channel for channel in roster.channels if channel.source == "channel_spend"):
        for delivery in schedule:
            rows = as_first_seen(spend.filter(pl.col("channel") == channel.name), delivery, GROWING, rng)
            if rows.is_empty():
                continue
            name = f"channel_spend/{channel.name}/{delivery.on}"
            if channel.name == "events" and delivery is schedule[-1 - WORKBOOK_FROM_END]:
                written = datetime.combine(delivery.on, time(9))
                yield Export(
                    f"{name}.xlsx",
                    plain_files.channel_spend_workbook(rows, channel, roster.currency, written),
                    rows.height,
                )
            else:
                yield Export(f"{name}.csv", plain_files.channel_spend(rows, channel, roster), rows.height)


def _crm(world: World, roster: Roster, months: tuple[Delivery, ...]) -> Iterator[Export]:
    for delivery in (replace(months[0], first=date.min), *months[1:]):
        parts = {
            "companies": crm.companies(world.frames["companies"], delivery),
            "contacts": crm.contacts(world.frames["contacts"], delivery),
            "deals": crm.deals(world.frames["deals"], world.frames["deal_stages"], delivery, roster.currency),
        }
        for name, (content, rows) in parts.items():
            if rows:
                yield Export(f"hubspot/{name}/{delivery.on}.csv", content, rows)


def _analytics(
    world: World, roster: Roster, schedule: tuple[Delivery, ...], seed: int, rng: np.random.Generator
) -> Iterator[Export]:
    """Days are delivered completely; in a month's first delivery its last three days still lack a few late events."""
    events = analytics.events(roster, world.frames["visits"], world.frames["contacts"], seed)
    for delivery in schedule:
        rows = delivery.rows(events)
        late = pl.Series(rng.random(rows.height) < 0.03) & (rows["day"] > delivery.settled)
        rows = rows.filter(~late)
        yield Export(f"ga4/{delivery.on}.parquet", analytics.parquet(rows, roster), rows.height)


def _contents(world: World, roster: Roster, months: tuple[Delivery, ...]) -> Iterator[Export]:
    pieces = world.frames["content"].with_columns(pl.col("published_at").dt.date().alias("day"))
    events = world.frames["content_events"].with_columns(pl.col("ts").dt.date().alias("day"))
    answers = world.frames["ai_answers"].with_columns(pl.col("day_slot").alias("day"))
    prompts = world.frames["ai_panel"]
    content = content_files.ai_panel(prompts)
    yield Export(f"ai_panel/{months[0].on}.csv", content, content.count(b"\n") - 1)
    for delivery in months:
        for name, frame, write in (
            ("content", pieces, partial(content_files.content, roster=roster)),
            ("content_events", events, content_files.content_events),
        ):
            rows = delivery.rows(frame)
            if not rows.is_empty():
                yield Export(f"{name}/{delivery.on}.jsonl", write(rows), rows.height)
        rows = delivery.rows(answers)
        if not rows.is_empty():
            lines = content_files.ai_answers(rows, prompts)
            yield Export(f"ai_answers/{delivery.on}.jsonl.gz", content_files.squeezed(lines), rows.height)


def _revenue(revenue: pl.DataFrame, schedule: tuple[Delivery, ...], rng: np.random.Generator) -> Iterator[Export]:
    for delivery in schedule:
        rows = as_first_seen(revenue, delivery, {"revenue": (3, 0.03), "refunds": (14, 0.6)}, rng)
        yield Export(f"revenue/{delivery.on}.csv", plain_files.revenue(rows), rows.height)
