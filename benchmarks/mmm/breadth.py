"""What leaving a part of the model out costs: the same worlds fitted without and with it, against the truth.

Run: python -m benchmarks.mmm.breadth [--seeds N] [--pymc-seeds N]. Figures are estimate / truth of the incremental KPI
of the channel in question (1 is right), averaged over seeds, and the share of truths inside the 90 % range.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.mmm import ChannelSpec, LogNormal, Mediator, MMMData, MMMFit, MMMSpec, fit
from models.worlds import mmm_breadth as worlds

PLAIN = MMMSpec(adstock="geometric", saturation="logistic", season_harmonics=1)
WIDE = LogNormal.with_median(0.08, 1.0)


@dataclass(frozen=True)
class Contrast:
    """One world, the channel in question, its true total, and the fits that are compared, worst idea first."""

    name: str
    channel: str
    world: Callable[[int], worlds.World]
    true_total: Callable[[dict[str, float]], float]
    fits: tuple[tuple[str, Callable[[pl.DataFrame, int], MMMFit]], ...]
    compiled: bool


def _fit(frame: pl.DataFrame, seed: int, spec: MMMSpec, **columns: object) -> MMMFit:
    return fit(MMMData.from_frame(frame, date="date", kpi="kpi", **columns), spec, seed=seed)  # type: ignore[arg-type]


def _with(**changes: object) -> MMMSpec:
    return PLAIN.model_copy(update=changes)


def _visibility(frame: pl.DataFrame, seed: int, **known: object) -> MMMFit:
    spec = _with(channels={"ai": ChannelSpec(share=WIDE)})
    return _fit(frame, seed, spec, spend={"search": "search"}, organic={"ai": "ai"}, levels=["ai"], **known)


def _video(frame: pl.DataFrame, seed: int, **known: object) -> MMMFit:
    return _fit(frame, seed, PLAIN, spend={"video": "video", "search": "search"}, **known)


def _reach(frame: pl.DataFrame, seed: int, **known: object) -> MMMFit:
    spec = _with(channels={"video": ChannelSpec(share=WIDE)})
    return _fit(frame, seed, spec, spend={"search": "search"}, organic={"video": "reach"}, **known)


def _tv(frame: pl.DataFrame, seed: int, **changes: object) -> MMMFit:
    return _fit(frame, seed, _with(**changes), spend={"tv": "tv", "search": "search"})


CONTRASTS = (
    Contrast(
        "measured series",
        "ai",
        worlds.measured,
        lambda t: t["ai"],
        (
            ("readings as they are", _visibility),
            ("with their error", lambda f, s: _visibility(f, s, organic_se={"ai": "se"})),
        ),
        compiled=True,
    ),
    Contrast(
        "mediator",
        "video",
        worlds.mediated,
        lambda t: t["direct"] + t["through brand searches"],
        (
            ("brand search as a channel", lambda f, s: _video(f, s, organic={"brand": "brand"})),
            (
                "brand search as a mediator",
                lambda f, s: _video(f, s, mediators={"brand searches": Mediator("brand", ("video",))}),
            ),
        ),
        compiled=False,
    ),
    Contrast(
        "reach and frequency",
        "video",
        worlds.reach,
        lambda t: t["video"],
        (
            ("reach alone", _reach),
            ("reach with frequency", lambda f, s: _reach(f, s, reach={"video": ("reach", "often")})),
        ),
        compiled=False,
    ),
    Contrast(
        "delayed carryover",
        "tv",
        worlds.delayed,
        lambda t: t["tv"],
        (
            ("geometric", _tv),
            ("delayed", lambda f, s: _tv(f, s, adstock="delayed")),
        ),
        compiled=False,
    ),
)


def measure(contrast: Contrast, seeds: int) -> list[dict[str, object]]:
    """One row per way of fitting: mean ratio to the truth, mean relative sd, coverage, CPU seconds per fit."""
    rows: list[dict[str, object]] = []
    for label, make in contrast.fits:
        ratios, spreads, inside, began = [], [], 0, time.process_time()
        for seed in range(seeds):
            frame, truths = contrast.world(seed)
            truth = contrast.true_total(truths)
            row = make(frame, seed).totals().filter(pl.col("channel") == contrast.channel).row(0, named=True)
            ratios.append(row["mean"] / truth)
            spreads.append(row["sd"] / truth)
            inside += row["q05"] <= truth <= row["q95"]
        rows.append(
            {
                "world": contrast.name,
                "fit": label,
                "seeds": seeds,
                "estimate / truth": float(np.mean(ratios)),
                "sd / truth": float(np.mean(spreads)),
                "inside 90 %": f"{inside} of {seeds}",
                "CPU s a fit": (time.process_time() - began) / seeds,
            }
        )
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="worlds for compiled fits")
    parser.add_argument("--pymc-seeds", type=int, default=2, help="worlds for fits that need the PyMC graph")
    parser.add_argument("--only", default="", help="worlds whose name holds this text")
    asked = parser.parse_args()
    rows: list[dict[str, object]] = []
    for contrast in CONTRASTS:
        if asked.only in contrast.name:
            rows += measure(contrast, asked.seeds if contrast.compiled else asked.pymc_seeds)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=160, fmt_str_lengths=40, float_precision=2):
        print(pl.DataFrame(rows))


if __name__ == "__main__":
    main()
