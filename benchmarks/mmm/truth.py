"""How far the MMM's numbers are from known truths, how often the truth lies in the range, and which errors went
unsaid.

Run: python -m benchmarks.mmm.truth [--seeds N] [--only TEXT] [--json] [--write]. Public worlds are read from
../shared/data/mmm next to the repository and left out, with a word, where that is absent.

A channel *fails silently* when its number is off by more than half, or its 90 % range misses the truth by more than a
quarter of it, and no warning of severity medium, high or block names the channel (subject lists it or is `all`).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.mmm.truth_worlds import PUBLIC, Case, own_cases, public_cases, published
from models.mmm import MMMFit, fit

LOUD = ("medium", "high", "block")
FAR, MISSED = 0.5, 0.25
PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods" / "mmm-truth.md"


def channels_judged(case: Case, found: MMMFit) -> list[dict[str, object]]:
    """One row per channel: error, whether the 90 % range holds the truth, the loud warnings that name it, silence."""
    totals = found.totals()
    rows: list[dict[str, object]] = []
    for row, truth in zip(totals.iter_rows(named=True), case.values, strict=True):
        error = row["mean"] / truth - 1
        miss = max(row["q05"] - truth, truth - row["q95"], 0.0) / abs(truth)
        named = sorted(
            {
                w.code
                for w in found.warnings()
                if w.severity in LOUD and (w.concerns(row["channel"]) or w.subject == "all")
            }
        )
        rows.append(
            {
                "channel": row["channel"],
                "truth": float(truth),
                "mean": row["mean"],
                "q05": row["q05"],
                "q95": row["q95"],
                "error": float(error),
                "inside": bool(miss == 0.0),
                "warnings": named,
                "silent": bool(not named and (abs(error) > FAR or miss > MISSED)),
            }
        )
    return rows


def judged(case: Case, seed: int) -> dict[str, object]:
    """One fit of one world against its truth."""
    start = time.process_time()
    found = fit(case.data, seed=seed)
    seconds = time.process_time() - start
    rows = channels_judged(case, found)
    errors = np.array([r["error"] for r in rows], dtype=float)
    return {
        "world": case.name,
        "seed": seed,
        "clean": case.clean,
        "median": 100 * float(np.median(np.abs(errors))),
        "worst": 100 * float(np.abs(errors).max()),
        "sum": 100 * float(found.totals()["mean"].sum() / case.values.sum() - 1),
        "cover": 100 * float(np.mean([bool(r["inside"]) for r in rows])),
        "silent": sum(bool(r["silent"]) for r in rows),
        "warned": 100 * float(np.mean([bool(r["warnings"]) for r in rows])),
        "alarms": 100 * float(np.mean([bool(r["warnings"]) for r in rows])) if case.clean else None,
        "cpu": seconds,
        "converged": found.converged,
        "codes": ", ".join(sorted({w.code for w in found.warnings() if w.severity in LOUD})),
        "channels": rows,
    }


def summary(results: list[dict[str, object]]) -> pl.DataFrame:
    """One row per world: medians over its seeds, worst over all, sums of silent failures; the peer's figures beside."""
    flat = pl.DataFrame([{k: v for k, v in r.items() if k != "channels"} for r in results], infer_schema_length=None)
    out = flat.group_by("world", maintain_order=True).agg(
        pl.len().alias("fits"),
        pl.col("median").median(),
        pl.col("worst").max(),
        pl.col("sum").median(),
        pl.col("cover").mean(),
        pl.col("silent").sum(),
        pl.col("warned").mean(),
        pl.col("cpu").mean(),
        pl.col("converged").all(),
    )
    return out.join(published(), on="world", how="left") if PUBLIC.exists() else out


def headline(results: list[dict[str, object]]) -> dict[str, float]:
    """Over all channels of all fits: coverage, silent failures, warning rate, and false alarms on clean worlds."""
    rows = [(r, c) for r in results for c in r["channels"]]  # type: ignore[attr-defined]
    clean = [c for r, c in rows if r["clean"]]
    return {
        "fits": len(results),
        "channels": len(rows),
        "coverage_pct": 100 * float(np.mean([c["inside"] for _, c in rows])),
        "coverage_clean_pct": 100 * float(np.mean([c["inside"] for c in clean])) if clean else float("nan"),
        "silent": float(sum(bool(c["silent"]) for _, c in rows)),
        "off_by_half_unwarned": float(sum(bool(abs(c["error"]) > FAR and not c["warnings"]) for _, c in rows)),
        "outside_unwarned": float(sum(bool(not c["inside"] and not c["warnings"]) for _, c in rows)),
        "warned_pct": 100 * float(np.mean([bool(c["warnings"]) for _, c in rows])),
        "false_alarm_pct": 100 * float(np.mean([bool(c["warnings"]) for c in clean])) if clean else float("nan"),
        "median_error_pct": 100 * float(np.median([abs(c["error"]) for _, c in rows])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2, help="seeds of every own world")
    parser.add_argument("--only", default="", help="worlds whose name contains this text")
    parser.add_argument("--json", action="store_true", help="every channel of every fit as JSON")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/methods/mmm-truth.md")
    chosen = parser.parse_args()
    if not PUBLIC.exists():
        print(f"the public worlds are not at {PUBLIC}: own worlds only")
    results = []
    for number, (name, read) in enumerate([*public_cases(), *own_cases(chosen.seeds)], start=1):
        if chosen.only in name:
            results.append(judged(read(), number))
            if not chosen.json:
                _line(results[-1])
    if not results:
        raise SystemExit(f"no world's name contains {chosen.only!r}")
    if chosen.json:
        known = {k: None if np.isnan(v) else v for k, v in headline(results).items()}  # NaN is not JSON
        print(json.dumps({"headline": known, "fits": results}))
        return
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=200, float_precision=0, fmt_str_lengths=30):
        print(summary(results))
    print(json.dumps({k: round(v, 1) for k, v in headline(results).items()}))
    if chosen.write:
        from benchmarks.mmm.truth_page import write

        write(PAGE, summary(results), headline(results), chosen.seeds)


def _line(r: dict[str, object]) -> None:
    parts = " ".join(
        f"{c['channel']} {100 * c['error']:+.0f}{'' if c['inside'] else '!'}{'SILENT' if c['silent'] else ''}"
        for c in r["channels"]  # type: ignore[attr-defined]
    )
    print(
        f"{r['world']:32s} median {r['median']:4.0f} worst {r['worst']:4.0f} sum {r['sum']:+4.0f} cover"
        f" {r['cover']:3.0f} cpu {r['cpu']:.1f} | {parts} | {r['codes']}",
        flush=True,
    )


if __name__ == "__main__":
    main()
