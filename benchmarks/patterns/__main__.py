"""The closed loop against known truth: `python -m benchmarks.patterns [--runs 200] [--workers 1]`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.patterns.content_world import FEATURES, ContentWorld
from benchmarks.patterns.feeds import FixedFeed, LearnedFeed, NaiveFeed, NoFeed
from benchmarks.patterns.loop import LoopRun, out_after_swap, run

# A round of pairs takes half a year at 20 briefs a week: a feed with fixed cards needs no more than that.
FIXED_WEEKS = 30
CARDS = {5: 0.9, 6: 0.9, 7: 0.5, 8: 0.5, 9: 0.9}
USEFUL = 0.15  # log-odds that each of these cards adds in the useful company


@dataclass(frozen=True)
class Summary:
    """What the runs of one feed say together; `coverage` over those whose feed could be read."""

    runs: int
    cards: float
    truly_positive: float
    lift: float
    effective: float
    estimate: float
    truth: float
    se: float
    coverage: float
    useful: float
    useless: float


def company(kind: str, seed: int) -> LoopRun:
    """One company with one kind of feed."""
    match kind:
        case "no feed":
            return run(ContentWorld(seed), NoFeed())
        case "naive, no exploration":
            return run(ContentWorld(seed), NaiveFeed(seed=seed))
        case "naive, 30 % free":
            return run(ContentWorld(seed), NaiveFeed(seed=seed, free_share=0.3))
        case "this feed":
            return run(ContentWorld(seed), LearnedFeed(seed=seed))
        case "fixed, useful":
            effects = np.zeros(FEATURES)
            effects[list(CARDS)] = USEFUL
            return run(ContentWorld(seed, effects=effects, drift=0.0), _fixed(seed), weeks=FIXED_WEEKS)
        case "fixed, useless":
            world = ContentWorld(seed, effects=np.zeros(FEATURES), drift=0.0)
            return run(world, _fixed(seed), weeks=FIXED_WEEKS)
    raise ValueError(f"{kind!r} is no feed; use one of {', '.join(FEEDS)}")


HEAD = "feed                   | cards | helps | lift  | eff.f. | worth: read / true / se  | cover | useful | useless"
FEEDS = ("no feed", "naive, no exploration", "naive, 30 % free", "this feed", "fixed, useful", "fixed, useless")


def _fixed(seed: int) -> FixedFeed:
    return FixedFeed(cards=dict(CARDS), seed=seed)


def summary(runs: Sequence[LoopRun]) -> Summary:
    """Means over companies; rates of verdicts over all of them."""
    read = [(r.reading, r.truth) for r in runs if r.reading is not None and r.reading.lift is not None]
    intervals = [(x.lift, x.low, x.high, truth) for x, truth in read if None not in (x.lift, x.low, x.high, truth)]
    table = np.array(intervals, dtype=float) if intervals else np.full((1, 4), np.nan)
    verdicts = [x.verdict for x, _ in read]
    return Summary(
        len(runs),
        float(np.mean([r.cards for r in runs])),
        _mean([r.truly_positive for r in runs]),
        float(np.mean([r.lift for r in runs])),
        float(np.mean([r.effective for r in runs])),
        float(table[:, 0].mean()),
        float(table[:, 3].mean()),
        float((table[:, 0] - table[:, 3]).std()),
        float(((table[:, 1] <= table[:, 3]) & (table[:, 3] <= table[:, 2])).mean()) if intervals else float("nan"),
        verdicts.count("useful") / len(runs),
        verdicts.count("useless") / len(runs),
    )


def swapped(alarm: bool, seed: int) -> list[float]:
    """Shares of the cards that have left 8, 12 and 26 weeks after the swap in one company."""
    return out_after_swap(ContentWorld(seed), LearnedFeed(seed=seed, alarm=alarm))


def _mean(values: Iterable[float]) -> float:
    present = [v for v in values if v == v]
    return float(np.mean(present)) if present else float("nan")


def main() -> None:
    """Print the tables that docs/methods/patterns.md quotes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="simulated companies per feed")
    parser.add_argument("--fixed-runs", type=int, default=300, help="companies with a fixed useful or useless feed")
    parser.add_argument("--swaps", type=int, default=60, help="companies whose effects all change sign")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    begun = time.monotonic()
    with ProcessPoolExecutor(options.workers) as pool:
        each: Callable[..., Iterable[LoopRun]] = partial(pool.map, chunksize=4)
        print(f"runs {options.runs}, fixed {options.fixed_runs}, swaps {options.swaps}, seed {options.seed}")
        print(HEAD)
        for kind in FEEDS:
            runs = options.fixed_runs if kind.startswith("fixed") else options.runs
            seeds = range(options.seed, options.seed + runs)
            print(_line(kind, summary(list(each(partial(company, kind), seeds)))), flush=True)
        print("out of the feed after the swap | 8 weeks | 12 weeks | 26 weeks")
        for alarm in (True, False):
            seeds = range(options.seed, options.seed + options.swaps)
            shares = np.array(list(pool.map(partial(swapped, alarm), seeds, chunksize=4)))
            eight, twelve, half_year = np.nanmean(shares, axis=0)
            name = "with the change alarm" if alarm else "without it"
            print(f"{name:<30} | {eight:7.2f} | {twelve:8.2f} | {half_year:8.2f}", flush=True)
    print(f"{time.monotonic() - begun:.0f} s")


def _line(kind: str, s: Summary) -> str:
    worth = f"{s.estimate:6.3f} / {s.truth:6.3f} / {s.se:5.3f}"
    return (
        f"{kind:<22} | {s.cards:5.1f} | {s.truly_positive:5.2f} | {s.lift:5.3f} | {s.effective:6.1f} | {worth:<24} |"
        f" {s.coverage:5.2f} | {s.useful:6.2f} | {s.useless:7.2f}"
    )


if __name__ == "__main__":
    main()
