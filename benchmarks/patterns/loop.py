"""One company with one feed over two years, and what that company would read about its feed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from benchmarks.patterns.content_world import BRIEFS, TRIALS, ContentWorld, Week, effective_features
from benchmarks.patterns.feeds import START, Dealt, NoFeed
from models.patterns import FeedLift, FeedPlan, feed_lift

WEEKS, LAST = 104, 52


@dataclass(frozen=True)
class LoopRun:
    """Figures of the last year.

    Cards in the feed, share of them that truly help, true lift over writers alone, effective features, and the feed's
    worth as read (`reading`) and as it was over the same pairs (`truth`).
    """

    cards: float
    truly_positive: float
    lift: float
    effective: float
    reading: FeedLift | None
    truth: float | None


def run(world: ContentWorld, feed: NoFeed, *, weeks: int = WEEKS, plan: FeedPlan | None = None) -> LoopRun:
    """Let the company work with the feed; the worth is read over the pairs of the last year."""
    counts, positive, lifts, xs = [], [], [], []
    pairs: list[dict[str, object]] = []
    truths: list[float] = []
    for week in range(weeks):
        story, natural = world.natural()
        dealt = feed.deal(week)
        theta = world.theta
        published = world.publish(story, natural, dealt.cards)
        if week >= weeks - LAST:
            counts.append(len(feed.cards))
            positive += [theta[f] > 0 for f in feed.cards]
            lifts.append(float((published.gain - published.natural_gain).mean()))
            xs.append(published.x)
            _collect(pairs, truths, week, dealt, published)
        feed.learn(week, published)
    reading, truth = None, None
    if pairs:
        frame = pl.DataFrame(pairs)
        reading = feed_lift(frame, plan or FeedPlan())
        first = (reading.round - 1) * reading.n_planned
        truth = float(np.mean(truths[first : first + reading.n])) if reading.n else None
    return LoopRun(
        float(np.mean(counts)),
        float(np.mean(positive)) if positive else float("nan"),
        float(np.mean(lifts)),
        effective_features(np.concatenate(xs)),
        reading,
        truth,
    )


def _collect(pairs: list[dict[str, object]], truths: list[float], week: int, dealt: Dealt, published: Week) -> None:
    for brief in range(BRIEFS):
        off = dealt.off[brief]
        if off < 0:
            continue
        control, treated = 2 * brief + off, 2 * brief + 1 - off
        pairs.append(
            {
                "brief": f"{week:03}/{brief:02}",
                "closed": START + timedelta(weeks=week + 1),
                "trials_on": TRIALS,
                "successes_on": int(published.successes[treated]),
                "trials_off": TRIALS,
                "successes_off": int(published.successes[control]),
            }
        )
        truths.append(float(published.gain[treated] - published.gain[control]))


def out_after_swap(
    world: ContentWorld, feed: NoFeed, at: int = 52, after: tuple[int, ...] = (8, 12, 26)
) -> list[float]:
    """Shares of the cards of week `at` that have left the feed so many weeks after all effects changed sign.

    NaN when no card was in the feed.
    """
    shares: list[float] = []
    affected: set[int] = set()
    for week in range(at + max(after)):
        if week == at:
            affected = {f for f in feed.cards if world.theta[f] > 0}
            world.swap_signs()
        story, natural = world.natural()
        feed.learn(week, world.publish(story, natural, feed.deal(week).cards))
        if week + 1 - at in after:
            gone = len(affected - set(feed.cards))
            shares.append(gone / len(affected) if affected else float("nan"))
    return shares
