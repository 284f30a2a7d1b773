"""Is today's number better than yesterday's? `python -m benchmarks.triangulation.daily [--companies 20] [--seed 1]`

Companies with known returns are combined once; then 60 days are simulated on which effects, spend, demand and tracking
move. Every day's number is compared with the true return of the seven days up to it: the fit's number, the number of
today, the raw claim, and the fit's number moved one for one with the claim. A new fit comes every 14 days in practice;
here the fit stays, and only days that `today` accepts count.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from models.triangulation import combine, today
from models.triangulation.daily import OLDEST_FIT_DAYS
from models.triangulation.worlds import WORLDS, simulate
from models.worlds.daily_claims import DAYS, days_after

FLOOR = 0.1
METHODS = ("today's number", "the fit's number", "moved one for one", "raw claim")


@dataclass(frozen=True)
class DailyScore:
    """One kind of days: RMSE of log iROAS by method, cover of today's and the fit's 90 % ranges, channel-days."""

    days: str
    rmse: dict[str, float]
    cover_today: float
    cover_fit: float
    channel_days: int


def score(days: str, *, companies: int, seed: int) -> DailyScore:
    """Errors over simulated companies; channels with a true return and a claim above zero, that `today` updates."""
    errors: dict[str, list[np.ndarray]] = {name: [] for name in METHODS}
    inside: dict[str, list[np.ndarray]] = {"today": [], "fit": []}
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
        window = world.evidence.filter(pl.col("kind") == "platform")
        claim_of = dict(window.select("channel", "iroas").iter_rows())
        channels = [
            name for c, name in enumerate(world.channels) if world.theta[c] > FLOOR and claim_of.get(name, 0) > 0
        ]
        if not channels:
            continue
        columns = [world.channels.index(name) for name in channels]
        claim = np.array([claim_of[name] for name in channels])
        future = days_after(world.theta[columns], claim, DAYS[days], generator)
        rows = _in_order(window, channels)
        fit = _in_order(result.estimates, channels)
        for day in range(len(future.truth)):
            now = np.maximum(future.claim[day], 1e-6)
            se = now / np.sqrt(np.maximum(future.conversions[day], 1.0))
            frame = rows.with_columns(iroas=pl.Series(now), se=pl.Series(se))
            latest = today(result, frame, seed=seed, fit_age_days=day % (OLDEST_FIT_DAYS + 1)).estimates
            latest = _in_order(latest, channels)
            updated = latest["updated"].to_numpy()
            truth = future.truth[day]
            values = {
                "today's number": latest["q50"].to_numpy(),
                "the fit's number": fit["q50"].to_numpy(),
                "moved one for one": fit["q50"].to_numpy() * now / claim,
                "raw claim": now,
            }
            for name, value in values.items():
                errors[name].append((np.log(np.maximum(value, FLOOR)) - np.log(np.maximum(truth, FLOOR)))[updated])
            for name, frame_of in (("today", latest), ("fit", fit)):
                low, high = frame_of["q05"].to_numpy(), frame_of["q95"].to_numpy()
                inside[name].append(((low <= truth) & (truth <= high))[updated])
    joined = {name: np.concatenate(parts) for name, parts in errors.items()}
    return DailyScore(
        days,
        {name: float(np.sqrt(np.mean(parts**2))) for name, parts in joined.items()},
        float(np.concatenate(inside["today"]).mean()),
        float(np.concatenate(inside["fit"]).mean()),
        int(joined["raw claim"].size),
    )


def _in_order(table: pl.DataFrame, channels: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"channel": channels}).join(table, on="channel", maintain_order="left")


def main() -> None:
    """Print one line per kind of days."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--companies", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    scores = [score(days, companies=options.companies, seed=options.seed) for days in DAYS]
    if options.json:
        print(json.dumps([asdict(s) for s in scores], indent=1))
        return
    print(f"companies {options.companies}, seed {options.seed}; RMSE of log iROAS; cover of the 90 % range")
    print(f"{'60 days on which':<26}" + "".join(f"| {name:<18}" for name in METHODS) + "| cover today / fit | days")
    for s in scores:
        cells = "".join(f"| {s.rmse[name]:<18.3f}" for name in METHODS)
        print(f"{s.days:<26}{cells}| {s.cover_today:.2f} / {s.cover_fit:.2f}       | {s.channel_days:,}")


if __name__ == "__main__":
    main()
