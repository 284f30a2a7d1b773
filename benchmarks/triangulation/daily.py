"""Is today's number better than yesterday's? `python -m benchmarks.triangulation.daily [--companies 20] [--seed 1]`

Companies with known returns are combined once; then 60 days are simulated on which effects, spend, demand and tracking
move. Every day's number is compared with the true return of the seven days up to it: the number of today, the fit's
number, the fit's number moved one for one with the claim, and the raw claim. `move` is the error of the move since the
window alone: what a number says has changed, less what has changed. A new fit comes every 14 days in practice; here the
fit stays. Only channels that `today` updates count.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from models.triangulation import Triangulation, combine, today
from models.triangulation.daily import OLDEST_FIT_DAYS
from models.triangulation.worlds import WORLDS, World, simulate
from models.worlds.daily_claims import DAYS, Days, days_after

FLOOR = 0.1
METHODS = ("today's number", "the fit's number", "moved one for one", "raw claim")


@dataclass(frozen=True)
class DailyScore:
    """One kind of days: RMSE of log iROAS and of its log move by method, cover of the 90 % ranges, channel-days."""

    days: str
    rmse: dict[str, float]
    move: dict[str, float]
    cover_today: float
    cover_fit: float
    channel_days: int


@dataclass(frozen=True)
class Errors:
    """Log errors of one day's updated channels: by method the level and the move, and whether ranges hold the truth."""

    level: dict[str, np.ndarray]
    move: dict[str, np.ndarray]
    today_holds: np.ndarray
    fit_holds: np.ndarray


def scores(*, companies: int, seed: int) -> list[DailyScore]:
    """Errors over simulated companies, for each kind of days."""
    errors: dict[str, list[Errors]] = {name: [] for name in DAYS}
    for number in range(companies):
        generator = np.random.default_rng([seed, number])
        world = simulate(WORLDS["base"], generator)
        result = combine(
            world.evidence,
            seed=seed,
            mmm=world.mmm,
            channels=world.channels,
            classes=world.classes,
            margin=world.margin,
        )
        claims = world.evidence.filter((pl.col("kind") == "platform") & (pl.col("iroas") > 0))
        truth = dict(zip(world.channels, world.theta.tolist(), strict=True))
        claims = claims.filter(pl.col("channel").replace_strict(truth, return_dtype=pl.Float64) > FLOOR)
        if not claims.height:
            continue
        for name, spec in DAYS.items():
            theta = np.array([truth[c] for c in claims["channel"]])
            future = days_after(theta, claims["iroas"].to_numpy(), spec, np.random.default_rng([seed, number, 1]))
            errors[name] += _daily_errors(world, result, claims, future, seed)
    return [_scored(name, parts) for name, parts in errors.items()]


def _daily_errors(
    world: World, result: Triangulation, claims: pl.DataFrame, future: Days, seed: int
) -> Iterator[Errors]:
    channels, claim = claims["channel"].to_list(), claims["iroas"].to_numpy()
    fit = _in_order(result.estimates, channels)
    theta = world.theta[[world.channels.index(name) for name in channels]]
    for day, truth in enumerate(future.truth):
        now = np.maximum(future.claim[day], 1e-6)
        se = now / np.sqrt(np.maximum(future.conversions[day], 1.0))
        frame = claims.with_columns(iroas=pl.Series(now), se=pl.Series(se))
        age = day % (OLDEST_FIT_DAYS + 1)
        latest = _in_order(today(result, frame, seed=seed, fit_age_days=age).estimates, channels)
        updated = latest["updated"].to_numpy()
        moved = {
            "today's number": latest["moved"].to_numpy(),
            "the fit's number": np.ones_like(now),
            "moved one for one": now / claim,
            "raw claim": now / claim,
        }
        base = fit["q50"].to_numpy()
        values = {name: (claim if name == "raw claim" else base) * factor for name, factor in moved.items()}
        yield Errors(
            {name: (_log(value) - _log(truth))[updated] for name, value in values.items()},
            {name: (np.log(factor) - np.log(truth / theta))[updated] for name, factor in moved.items()},
            _holds(latest, truth)[updated],
            _holds(fit, truth)[updated],
        )


def _scored(name: str, errors: list[Errors]) -> DailyScore:
    def rmse(parts: list[np.ndarray]) -> float:
        return float(np.sqrt(np.mean(np.concatenate(parts) ** 2)))

    return DailyScore(
        name,
        {method: rmse([e.level[method] for e in errors]) for method in METHODS},
        {method: rmse([e.move[method] for e in errors]) for method in METHODS},
        float(np.concatenate([e.today_holds for e in errors]).mean()),
        float(np.concatenate([e.fit_holds for e in errors]).mean()),
        sum(e.today_holds.size for e in errors),
    )


def _in_order(table: pl.DataFrame, channels: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"channel": channels}).join(table, on="channel", maintain_order="left")


def _log(value: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.maximum(value, FLOOR)))


def _holds(table: pl.DataFrame, truth: np.ndarray) -> np.ndarray:
    return np.asarray((table["q05"].to_numpy() <= truth) & (truth <= table["q95"].to_numpy()))


def main() -> None:
    """Print one line per kind of days."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--companies", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    table = scores(companies=options.companies, seed=options.seed)
    if options.json:
        print(json.dumps([asdict(s) for s in table], indent=1))
        return
    print(f"companies {options.companies}, seed {options.seed}; RMSE of log iROAS / of its log move")
    print(f"{'60 days on which':<26}" + "".join(f"| {name:<18}" for name in METHODS) + "| cover today / fit | days")
    for s in table:
        cells = "".join(f"| {s.rmse[name]:.3f} / {s.move[name]:<10.3f}" for name in METHODS)
        print(f"{s.days:<26}{cells}| {s.cover_today:.2f} / {s.cover_fit:.2f}       | {s.channel_days:,}")


if __name__ == "__main__":
    main()
