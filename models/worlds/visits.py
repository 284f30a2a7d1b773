"""Web visits as an analytics tool could see them: journeys of buyers, of future CRM contacts, of everybody else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from models.worlds.roster import Roster

CONSENT = 0.65
SEEN_CONTACTS = 0.45
RETURNS = 1.3
UNPAID = ("organic", "direct", "referral", "ai_answers")
DAY = 86_400


def drawn_visits(
    roster: Roster,
    days: Sequence[date],
    spend: pl.DataFrame,
    orders: pl.DataFrame,
    contacts: pl.DataFrame,
    ai_share: np.ndarray,
    sessions_per_day: int,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """One row per session: second (UTC epoch), visitor, session number, way (a channel or an unpaid way), geo, consent,
    and what it ended with (order_id and cents, or contact_id).

    The way of a session follows the clicks of its day, so that the channels in the visits move with their campaigns.
    The roster's share of orders and 45 per cent of contacts have a journey; contacts return later as well.
    35 per cent of visitors gave no consent.
    """
    start = int(np.datetime64(days[0], "s").astype(np.int64))
    ways = (*roster.channel_names, *UNPAID)
    mix = _mix(roster, ways, days, spend, ai_share)
    bought = orders.filter(pl.Series(rng.random(orders.height) < roster.seen_orders))
    order_second = bought["day"].cast(pl.Datetime("us")).dt.epoch("s").to_numpy() + bought["second"].to_numpy()
    came = contacts.filter(pl.Series(rng.random(contacts.height) < SEEN_CONTACTS))
    came = came.filter(pl.col("created_at").dt.date() >= days[0])
    contact_second = came["created_at"].dt.epoch("s").to_numpy()
    rest = max(int((sessions_per_day * len(days) - 2.4 * (bought.height + came.height)) / 1.7), 0)
    weekday = np.array(roster.season.weekdays)[[day.weekday() for day in days]]
    rest_day = rng.choice(len(days), rest, p=weekday / weekday.sum())
    rest_second = start + rest_day * DAY + rng.integers(6 * 3600, 21 * 3600, rest)
    last = np.concatenate([order_second, contact_second, rest_second])
    length = np.concatenate([1 + rng.poisson(1.4, bought.height + came.height), 1 + rng.poisson(0.7, rest)])
    size = np.array([region.population for region in roster.regions]) ** 0.7
    geo = np.concatenate(
        [
            bought["geo"]
            .replace_strict({name: i for i, name in enumerate(roster.region_names)}, return_dtype=pl.Int64)
            .to_numpy(),
            rng.choice(len(roster.regions), came.height + rest, p=size / size.sum()),
        ]
    )
    visitor = np.repeat(np.arange(last.size), length)
    before = np.concatenate([np.arange(n - 1, -1, -1) for n in length]) if last.size else np.zeros(0, int)
    gap = np.where(before > 0, rng.exponential(4.0 * DAY, visitor.size), 0.0)
    second = last[visitor] - (gap * before).astype(np.int64)
    later = np.repeat(np.arange(bought.height, bought.height + came.height), rng.poisson(RETURNS, came.height))
    visitor, before = np.r_[visitor, later], np.r_[before, np.full(later.size, -1)]
    second = np.r_[second, last[later] + rng.exponential(30.0 * DAY, later.size).astype(np.int64)]
    order = np.lexsort((second, visitor))
    visitor, before, second = visitor[order], before[order], second[order]
    in_window = (second >= start) & (second < start + len(days) * DAY)
    visitor, before, second = visitor[in_window], before[in_window], second[in_window]
    way = _ways(_closing(roster, ways), mix, ((second - start) // DAY).clip(0, len(days) - 1), before, rng)
    origin = np.full(last.size, -1)
    index_of = {name: index for index, name in enumerate(ways)}
    origin[bought.height : bought.height + came.height] = [
        index_of.get(name, index_of["direct"]) for name in came["origin"]
    ]
    first = np.r_[True, visitor[1:] != visitor[:-1]] if visitor.size else np.zeros(0, bool)
    way = np.where(first & (origin[visitor] >= 0), origin[visitor], way)
    frame = pl.DataFrame(
        {
            "second": second,
            "visitor": visitor,
            "session_number": _ordinals(visitor),
            "way": np.array(ways)[way],
            "geo": np.array(roster.region_names)[geo[visitor]],
            "consent": (rng.random(last.size) < CONSENT)[visitor],
            "tagged": rng.random(visitor.size) < 0.92,
            "mobile": (rng.random(last.size) < 0.3)[visitor],
            "ending": before == 0,
        }
    )
    ends = pl.DataFrame(
        {
            "visitor": np.arange(bought.height + came.height),
            "order_id": [*bought["order_id"], *([None] * came.height)],
            "cents": [*bought["cents"], *([None] * came.height)],
            "contact_id": [*([None] * bought.height), *came["contact_id"]],
            "ending": np.ones(bought.height + came.height, bool),
        },
        schema_overrides={
            "visitor": pl.Int64,
            "order_id": pl.String,
            "cents": pl.Int64,
            "contact_id": pl.String,
            "ending": pl.Boolean,
        },
    )
    return frame.join(ends, on=["visitor", "ending"], how="left").sort("second", "visitor", "session_number")


def _ordinals(visitor: np.ndarray) -> np.ndarray:
    """1, 2, 3 … within each run of the same visitor."""
    starts = np.flatnonzero(np.r_[True, visitor[1:] != visitor[:-1]]) if visitor.size else np.zeros(0, int)
    lengths = np.diff(np.r_[starts, visitor.size])
    return np.arange(visitor.size) - np.repeat(starts, lengths) + 1


def _mix(
    roster: Roster, ways: tuple[str, ...], days: Sequence[date], spend: pl.DataFrame, ai_share: np.ndarray
) -> np.ndarray:
    """Share of each way per day, shape (days, ways)."""
    clicks = spend.group_by("day", "channel").agg(pl.col("clicks").sum())
    counts = np.zeros((len(days), len(ways)))
    for day, channel, number in clicks.iter_rows():
        counts[(day - days[0]).days, ways.index(channel)] = number
    paid = counts.sum(1, keepdims=True).mean()
    for channel in roster.channels:
        if channel.offline:
            counts[:, ways.index(channel.name)] *= 0.1
    counts[:, ways.index("organic")] = 0.30 * paid
    counts[:, ways.index("direct")] = 0.25 * paid
    counts[:, ways.index("referral")] = 0.06 * paid
    counts[:, ways.index("ai_answers")] = 0.45 * paid * ai_share
    return counts / counts.sum(1, keepdims=True)


def _closing(roster: Roster, ways: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Ways by which people come back to buy, with their shares: direct, brand search, the newsletter."""
    names = {"direct": 0.5}
    names |= {name: share for name, share in (("paid_search_brand", 0.3), ("newsletter", 0.2)) if name in ways}
    shares = np.array(list(names.values()))
    return np.array([ways.index(name) for name in names]), shares / shares.sum()


def _ways(
    closing: tuple[np.ndarray, np.ndarray],
    mix: np.ndarray,
    day: np.ndarray,
    before: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """A way per session; the last visit before an end is more often direct, brand search or the newsletter."""
    cumulative = np.cumsum(mix, axis=1)
    way = (rng.random(day.size)[:, None] > cumulative[day]).sum(1).clip(0, mix.shape[1] - 1)
    returns = (before == 0) & (rng.random(day.size) < 0.25)
    return np.where(returns, closing[0][rng.choice(closing[0].size, day.size, p=closing[1])], way)


def campaign_of(roster: Roster, way: str, geo: str) -> str | None:
    """The campaign name a tagged visit carries; None for unpaid ways."""
    for channel in roster.channels:
        if channel.name == way:
            return f"{geo} | {channel.campaigns[0]}"
    return None
