"""Contribution errors, coverage and warnings on the public worlds with a known truth, beside a peer's published
figures.

Run: python -m benchmarks.mmm.truth [--seeds N]. The worlds are read from ../shared/data/mmm next to the repository.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import polars as pl

from models.mmm import MMMData, fit

WORLDS = Path(__file__).resolve().parents[3] / "shared" / "data" / "mmm"
CHANNELS = ("TV", "Search", "Social", "Display")
NAMES = (
    "clean",
    "spend_outliers",
    "saturation_misspec",
    "adstock_misspec",
    "time_varying_beta",
    "synergy",
    "multicollinearity",
    "confounding_controlled",
)


def world(name: str) -> tuple[MMMData, np.ndarray]:
    """The panel of one stress world and its true contribution per channel."""
    frame = pl.read_csv(WORLDS / f"redam94_synth__{name}.csv")
    frame = frame.drop([c for c in frame.columns if c.startswith("truth__")])
    controls = {c: "confounder" if "Demand" in c else "precision" for c in frame.columns if c.startswith("control__")}
    data = MMMData.from_frame(
        frame,
        date="date",
        kpi="y",
        spend={c: f"spend__{c}" for c in CHANNELS},
        controls=controls,  # type: ignore[arg-type]
    )
    answers = {w["name"]: w for w in json.loads((WORLDS / "redam94_synth__truth.json").read_text())}
    truth = answers[name if name in answers else "clean"]["true_contribution"]
    return data, np.array([truth[c] for c in CHANNELS])


def judged(name: str, seed: int) -> dict[str, object]:
    """One fit of one world against its truth."""
    data, truth = world(name)
    cpu = time.process_time()
    found = fit(data, seed=seed)
    cpu = time.process_time() - cpu
    totals = found.totals()
    gap = totals["mean"].to_numpy() / truth - 1
    inside = (totals["q05"].to_numpy() <= truth) & (truth <= totals["q95"].to_numpy())
    return {
        "world": name,
        "median_pct": 100 * float(np.median(np.abs(gap))),
        "worst_pct": 100 * float(np.abs(gap).max()),
        "sum_pct": 100 * float(totals["mean"].sum() / truth.sum() - 1),
        "inside": float(inside.mean()),
        "cpu_s": cpu,
        "converged": found.converged,
        "warnings": ", ".join(sorted({w.code for w in found.warnings() if w.severity != "info"})),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="sampler seeds per world")
    seeds = parser.parse_args().seeds
    if not WORLDS.exists():
        raise SystemExit(f"the public worlds are not at {WORLDS}")
    rows = [judged(name, seed) for name in NAMES for seed in range(1, seeds + 1)]
    peer = pl.read_csv(WORLDS / "redam94_synth__published_stress_matrix.csv").select(
        pl.col("scenario").alias("world"),
        pl.col("median_abs_err_pct").alias("peer_median"),
        pl.col("max_abs_err_pct").alias("peer_worst"),
    )
    table = pl.DataFrame(rows).join(peer, on="world", how="left")
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=200, float_precision=1, fmt_str_lengths=90):
        print(table)


if __name__ == "__main__":
    main()
