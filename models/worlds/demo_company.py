"""A simulated company with a known truth, from one seed: the demo company, or one of five kinds.

Pure simulation; `dagster_project.demo` decides how its exports look on disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from models.worlds.answers import drawn_answers, panel
from models.worlds.books import ledger
from models.worlds.calendar import days_between
from models.worlds.contents import drawn_contents
from models.worlds.declared_tests import declared_tests, delivered_results
from models.worlds.demand import Demand, drawn_demand
from models.worlds.drawn_truth import what_was_drawn
from models.worlds.funnel import drawn_funnel
from models.worlds.market import Market, drawn_market, true_channels, true_lift
from models.worlds.quillhaven import QUILLHAVEN
from models.worlds.roster import LAST_DAY, SIZES, GeoTest, Roster, Size
from models.worlds.spending import campaign_days, claimed_revenue, planned_spend, tested_spend
from models.worlds.visibility import daily_share
from models.worlds.visits import drawn_visits
from models.worlds.world import World
from models.worlds.written_pieces import written_pieces

PARTS = (
    "demand",
    "spend",
    "market",
    "campaigns",
    "orders",
    "context",
    "answers",
    "funnel",
    "visits",
    "content",
    "books",
    "replies",
    "declared",
    "written",
)


RAISES_BRAND_SEARCHES = ("video", "online_video", "ctv", "tv", "creators")


@dataclass(frozen=True)
class Economy:
    """A company's core as arrays: what was planned, spent and earned."""

    roster: Roster
    tests: tuple[GeoTest, ...]
    days: list[date]
    plan: np.ndarray
    spend: np.ndarray
    ai_share: np.ndarray
    revenue: np.ndarray
    demand: Demand
    market: Market


def generator(seed: int, part: str) -> np.random.Generator:
    """A random stream of its own for each part of the company, so that adding one part never changes another."""
    return np.random.default_rng([seed, PARTS.index(part)])


def company(seed: int, size: str | Size = "small", kind: str | None = None) -> World:
    """A company's clean tables and its truth.

    `size` is small (400 days), medium (three years), large (three years, four times the campaigns and visits)
    or a Size. `kind` is a key of `KINDS`, whose truths and markets are drawn anew for every seed; None is the
    demo company. The same seed, size and kind give the same world. Raises ValueError for an unknown size or
    kind.
    """
    if isinstance(size, str):
        if size not in SIZES:
            raise ValueError(f"size {size!r} is unknown: choose one of {', '.join(SIZES)}")
        size = SIZES[size]
    return world_of(roster_of(kind, seed), seed, size)


def roster_of(kind: str | None, seed: int) -> Roster:
    """Who the company is: the demo company for None, else a company of that kind, drawn from the seed.

    Raises ValueError for an unknown kind.
    """
    if kind is None:
        return QUILLHAVEN
    from models.worlds.drawn_roster import drawn_roster

    return drawn_roster(kind, seed)


def world_of(roster: Roster, seed: int, size: Size) -> World:
    """The clean tables and the truth of a given company."""
    economy, ads = _economy(roster, seed, size)
    orders = _orders(economy, generator(seed, "orders"))
    frames = {
        "spend": ads,
        "revenue": _revenue_days(economy, orders, generator(seed, "orders")),
        "orders": orders,
        "context": _context(economy, generator(seed, "context")),
        "experiments": declared_tests(economy.tests),
    }
    funnel = drawn_funnel(roster, economy.days, size.accounts_per_day, generator(seed, "funnel"))
    frames |= {
        "companies": funnel.companies,
        "contacts": funnel.contacts,
        "deals": funnel.deals,
        "deal_stages": funnel.deal_stages,
        "ledger": ledger(roster, frames["revenue"], ads, funnel.contracts, generator(seed, "books")),
        "visits": drawn_visits(
            roster,
            economy.days,
            ads,
            orders,
            funnel.contacts,
            economy.ai_share,
            size.sessions_per_day,
            generator(seed, "visits"),
        ),
    }
    contents = drawn_contents(roster, economy.days, size.briefs_per_week, generator(seed, "content"))
    written = written_pieces(roster, economy.days, size.briefs_per_week, generator(seed, "written"))
    answers, shares = drawn_answers(roster, economy.days, economy.ai_share, generator(seed, "replies"))
    frames |= {
        "content": pl.concat([contents.pieces, written.pieces], how="diagonal"),
        "content_events": pl.concat([contents.events, written.events], how="diagonal"),
        "ai_panel": panel(roster),
        "ai_answers": answers,
    }
    truth = _truth(seed, size, economy, frames)
    truth["ai"] |= shares
    truth["content"] = contents.truth | {"written": written.truth}
    if roster.kind is not None:
        truth |= {"margin": roster.margin, "currency": roster.currency}
        truth["channels"] = what_was_drawn(roster, truth["channels"], ads)
        rng = generator(seed, "declared")
        results, judged = delivered_results(roster, economy.tests, truth["channels"], rng)
        frames["test_results"] = results
        truth["delivered_results"] = judged
    return World(frames=frames, truth=truth)


def _economy(roster: Roster, seed: int, size: Size) -> tuple[Economy, pl.DataFrame]:
    days = days_between(size.first_day, LAST_DAY)
    tests = roster.tests_in(size)
    demand = drawn_demand(roster, days, generator(seed, "demand"))
    plan = planned_spend(roster, days, demand, tests, generator(seed, "spend"))
    market = drawn_market(roster, plan, demand, generator(seed, "market"))
    bought = tested_spend(roster, plan, days, tests)
    claims = claimed_revenue(market, bought)
    ads = campaign_days(roster, bought, claims, days, size.campaign_splits, generator(seed, "campaigns"))
    spend = _to_the_cent(roster, ads, days)
    ai_share = daily_share(days, generator(seed, "answers"))
    revenue = np.maximum(np.round(market.revenue(spend, ai_share), 2), 0.0)
    return Economy(roster, tests, days, plan, spend, ai_share, revenue, demand, market), ads


def _to_the_cent(roster: Roster, ads: pl.DataFrame, days: list[date]) -> np.ndarray:
    """Spend as billed, (channels, days, regions): revenue responds to the rounded amounts, so that truth and
    export agree.
    """
    totals = ads.group_by("channel", "day", "geo").agg(pl.col("spend").sum())
    first = days[0]
    names, regions = roster.channel_names, roster.region_names
    spend = np.zeros((len(names), len(days), len(regions)))
    for channel, day, geo, money in totals.iter_rows():
        spend[names.index(channel), (day - first).days, regions.index(geo)] = round(money, 2)
    return spend


def _orders(economy: Economy, rng: np.random.Generator) -> pl.DataFrame:
    """Orders whose amounts add up to the revenue of their day and region, to the cent."""
    cents = np.rint(economy.revenue * 100).astype(np.int64)
    counts = np.where(cents > 0, np.maximum(rng.poisson(economy.revenue / economy.roster.order_value), 1), 0).ravel()
    cell = np.repeat(np.arange(counts.size), counts)
    weights = rng.gamma(economy.roster.order_shape, 1.0, cell.size)
    total = np.bincount(cell, weights, minlength=counts.size)
    amount = np.floor(weights / total[cell] * cents.ravel()[cell]).astype(np.int64)
    missing = cents.ravel() - np.bincount(cell, amount, minlength=counts.size).astype(np.int64)
    last = np.cumsum(counts) - 1
    amount[last[counts > 0]] += missing[counts > 0]
    day_index, geo_index = np.divmod(cell, len(economy.roster.regions))
    return pl.DataFrame(
        {
            "order_id": [f"Q{number:07d}" for number in range(1, cell.size + 1)],
            "day": np.array(economy.days, dtype="datetime64[D]")[day_index],
            "second": rng.integers(7 * 3600, 21 * 3600, cell.size),
            "geo": np.array(economy.roster.region_names)[geo_index],
            "cents": amount,
            "new_customer": rng.random(cell.size) < 0.42,
        }
    )


def _revenue_days(economy: Economy, orders: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    counts = orders.group_by("day", "geo").agg(
        pl.len().alias("orders"), pl.col("new_customer").sum().alias("new_customers")
    )
    flat = pl.DataFrame(
        {
            "day": np.repeat(np.array(economy.days, dtype="datetime64[D]"), len(economy.roster.regions)),
            "geo": list(economy.roster.region_names) * len(economy.days),
            "revenue": economy.revenue.ravel(),
            "refunds": np.round(
                economy.revenue * rng.uniform(*economy.roster.refund_share, economy.revenue.shape), 2
            ).ravel(),
        }
    )
    return (
        flat.join(counts, on=["day", "geo"], how="left")
        .with_columns(
            pl.col("orders", "new_customers").fill_null(0).cast(pl.Int64),
            pl.lit(economy.roster.currency).alias("currency"),
        )
        .sort("day", "geo")
    )


def _context(economy: Economy, rng: np.random.Generator) -> pl.DataFrame:
    """Controls with their roles: demand is measured with error, branded searches are partly caused by media."""
    demand = economy.demand
    shape = demand.latent.shape
    index = np.round(100 * np.exp(demand.latent + rng.normal(0, 0.015, shape)), 1)
    seen_by_many = next(
        i for i, channel in enumerate(economy.roster.channels) if channel.channel_class in RAISES_BRAND_SEARCHES
    )
    seen = economy.market.media_effect(seen_by_many, economy.spend[seen_by_many]) / demand.baseline.mean(0)
    searches = np.round(900 * demand.size * np.exp(demand.latent + seen + rng.normal(0, 0.06, shape)) * 12, 0)
    days = np.array(economy.days, dtype="datetime64[D]")
    national = [("price_index", "precision", demand.price_index), ("promo", "confounder", demand.promo)]
    regional = [
        ("brand_demand", "confounder", index),
        ("branded_searches", "mediator", searches),
        ("public_holiday", "precision", demand.holiday),
    ]
    parts = [
        pl.DataFrame({"day": days, "geo": "all", "name": name, "value": values, "role": role})
        for name, role, values in national
    ] + [
        pl.DataFrame(
            {
                "day": np.repeat(days, len(economy.roster.regions)),
                "geo": list(economy.roster.region_names) * len(days),
                "name": name,
                "value": values.ravel(),
                "role": role,
            }
        )
        for name, role, values in regional
    ]
    return pl.concat(parts).sort("day", "name", "geo")


def _truth(seed: int, size: Size, economy: Economy, frames: dict[str, pl.DataFrame]) -> dict[str, Any]:
    market, spend, ai_share = economy.market, economy.spend, economy.ai_share
    factual = market.revenue(spend, ai_share)
    start_share = np.full_like(ai_share, ai_share[:28].mean())
    nothing = np.zeros_like(spend)
    return {
        "seed": seed,
        "window": {"start": economy.days[0].isoformat(), "end": economy.days[-1].isoformat(), "days": size.days},
        "revenue_total": round(float(economy.revenue.sum()), 2),
        "baseline_total": float(market.undisturbed().revenue(nothing, ai_share * 0).sum()),
        "noise_total": float((factual - market.undisturbed().revenue(spend, ai_share)).sum()),
        "trend_break": economy.demand.break_day.isoformat(),
        "channels": true_channels(market, spend, ai_share, economy.days),
        "ai": {
            "contribution": float((factual - market.revenue(spend, ai_share * 0)).sum()),
            "contribution_of_change": float((factual - market.revenue(spend, start_share)).sum()),
            "share_first_four_weeks": float(ai_share[:28].mean()),
            "share_last_four_weeks": float(ai_share[-28:].mean()),
        },
        "experiments": {
            test.experiment_id: true_lift(market, test, spend, economy.plan, ai_share, economy.days)
            for test in economy.tests
        },
        "spend_by_source": {
            source: round(float(money), 2)
            for source, money in frames["spend"]
            .group_by("source")
            .agg(pl.col("spend").sum())
            .sort("source")
            .iter_rows()
        },
    }
