"""What a new day costs, how far re-weighting deviates from a full refit, and how soon a level break is noticed.

Run: python -m benchmarks.mmm.refresh [--regions] [--known N] [--days N] [--every N] [--seed N] [--json]. A company:
two years of days, five channels with carryover and saturation, 5 % noise; each following day is one `refresh`.
With --regions the same for weekly panels of six and twenty regions, one to eight new weeks (about four minutes).
CPU is user + system of this process, after the compiled code was loaded.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.mmm import regional_refresh
from benchmarks.mmm.regional_refresh import first, off
from models.mmm import MMMData, MMMFit, MMMSpec, fit, refresh
from models.mmm.updating import reweighting
from models.mmm.updating.refit import cold

CHANNELS = ("search", "social", "video", "display", "audio")
BREAK = 0.85
SPEC = MMMSpec(adstock="geometric", saturation="logistic")


def world(days: int, seed: int) -> MMMData:
    """Days of a company whose media share is about a quarter of its sales."""
    rng = np.random.default_rng(seed)
    t = np.arange(days)
    total = 100 * (1 + 0.1 * np.sin(2 * np.pi * t / 365.25) + 0.1 * t / days) + 5 * np.isin(t % 7, (5, 6))
    columns: dict[str, np.ndarray] = {}
    for c, name in enumerate(CHANNELS):
        flight = np.sin(2 * np.pi * t / rng.uniform(56, 182) + rng.uniform(0, 6)) > -0.6
        x = 2 * (c + 1) * np.exp(rng.normal(0, 0.5, days)) * flight
        kept = 0.5 ** (1 / rng.uniform(2, 6))
        stock = np.zeros(days)
        for i in range(days):
            stock[i] = (kept * stock[i - 1] if i else 0.0) + (1 - kept) * x[i]
        response = np.tanh(stock / (2 * x.mean()))
        total = total + response * rng.uniform(0.5, 1.8) * x.sum() / response.sum()
        columns[name] = x
    total = total + 5 * rng.normal(size=days)
    frame = pl.DataFrame({"date": [date(2023, 1, 2) + timedelta(days=int(i)) for i in t], "kpi": total, **columns})
    return MMMData.from_frame(frame, date="date", kpi="kpi", spend={c: c for c in CHANNELS})


def follow(base: MMMFit, data: MMMData, known: int, days: int, every: int, seed: int) -> list[dict[str, object]]:
    """One row per day: path, CPU and effective draws; every `every` days also the distance from a full refit in sd."""
    rows: list[dict[str, object]] = []
    now: MMMFit = base
    for day in range(1, days + 1):
        rows_so_far = first(data, known + day)
        begin = time.process_time()
        now = refresh(now, rows_so_far, seed=seed)
        spent = time.process_time() - begin
        assert now.lineage is not None
        row: dict[str, object] = {
            "day": day,
            "path": now.lineage.path,
            "cpu_ms": 1000 * spent,
            "reason": now.lineage.reason,
        }
        if day % every == 0 or day == 1:
            begin = time.process_time()
            full = cold(base, rows_so_far, reason="compared with", seed=seed + day, fresh=False)
            row |= {
                "refit_cpu_s": time.process_time() - begin,
                "gap_sd": off(now, full),
                "stale_gap_sd": off(base, full),
            }
        rows.append(row)
    return rows


def noticed(base: MMMFit, data: MMMData, known: int, days: int, seed: int) -> int | None:
    """Days after which sales that fall by 15 % from the first new day on make the refresh refit."""
    kpi = data.kpi.copy()
    kpi[:, known:] *= BREAK
    broken = replace(data, kpi=kpi)
    now: MMMFit = base
    for day in range(1, days + 1):
        now = refresh(now, first(broken, known + day), seed=seed)
        if now.lineage and now.lineage.path != "re-weighted":
            return day
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--known", type=int, default=730, help="days of the first fit")
    parser.add_argument("--days", type=int, default=30, help="days that follow, one refresh each")
    parser.add_argument("--every", type=int, default=5, help="compare with a full refit every so many days")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--regions", action="store_true", help="panels of several regions instead")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if asked.regions:
        panels = [row for size in regional_refresh.SIZES for row in regional_refresh.followed(size, asked.seed)]
        print(json.dumps(panels)) if asked.json else regional_refresh.show(panels)
        return
    data = world(asked.known + asked.days, asked.seed)
    base = fit(first(data, asked.known), SPEC, seed=asked.seed)
    refresh(base, first(data, asked.known + 1), seed=asked.seed)  # loads the compiled code
    begin = time.process_time()
    reweighting.begin(base)
    prepared = time.process_time() - begin
    rows = follow(base, data, asked.known, asked.days, asked.every, asked.seed)
    cost = [float(r["cpu_ms"]) for r in rows if r["path"] == "re-weighted"]  # type: ignore[arg-type]
    gaps = [float(r["gap_sd"]) for r in rows if "gap_sd" in r]  # type: ignore[arg-type]
    found = {
        "draws": base.draws.count,
        "cpu_ms_median": float(np.median(cost)),
        "cpu_ms_max": max(cost),
        "prepared_once_ms": 1000 * prepared,
        "refit_cpu_s_median": float(np.median([r["refit_cpu_s"] for r in rows if "refit_cpu_s" in r])),
        "gap_sd_median": float(np.median(gaps)),
        "gap_sd_max": max(gaps),
        "refits": sum(r["path"] != "re-weighted" for r in rows),
        "break_noticed_after_days": noticed(base, data, asked.known, asked.days, asked.seed),
    }
    if asked.json:
        print(json.dumps({"summary": found, "days": rows}))
        return
    for r in rows:
        beside = (
            f"  {r['gap_sd']:.3f} sd off a full refit; doing nothing {r['stale_gap_sd']:.3f}" if "gap_sd" in r else ""
        )
        print(f"day {r['day']:>2}  {r['path']:<12} {r['cpu_ms']:6.1f} ms{beside}  ({r['reason']})")
    print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in found.items()}))


if __name__ == "__main__":
    main()
