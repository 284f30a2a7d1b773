"""The page docs/methods/mmm-truth.md, written from one run of the benchmark: no figure in it is typed by hand."""

from __future__ import annotations

import platform
from pathlib import Path

import polars as pl

HEAD = """# How far the media mix model is from known truths

Written by `python -m benchmarks.mmm.truth --seeds {seeds} --write` (Python {python}); not edited by hand. Worlds called
`stress`, `recovery`, `example`, `confounder` and `saturated radio` are public data sets with published answers; worlds
called `own` are `models.worlds.scenario(name, seed)`, {seeds} seed(s) each. Every fit uses the default `MMMSpec()`.

* **median, worst**: error of the channels' incremental KPI in % of the truth, without sign; median over seeds, worst
  over all.
* **sum**: error of the sum over channels, with sign.
* **cover**: share of channels whose 90 % range holds the truth.
* **silent**: channels whose number is off by more than half, or whose range misses the truth by more than a quarter of
  it, while no warning of severity medium or worse names the channel.
* **warned**: share of channels that a warning of severity medium or worse names.
* **peer**: the published result of another package on the same file (one seed); empty where none was published.

"""


def write(page: Path, table: pl.DataFrame, totals: dict[str, float], seeds: int) -> None:
    """The page with the headline figures and one row per world."""
    lines = [HEAD.format(seeds=seeds, python=platform.python_version())]
    lines.append("| over all fits | |\n|---|--:|")
    named = {
        "fits": "fits",
        "channels": "channels judged",
        "coverage_pct": "truth inside the 90 % range, %",
        "coverage_clean_pct": "the same on clean worlds, %",
        "median_error_pct": "median error, %",
        "silent": "silent failures, channels",
        "off_by_half_unwarned": "off by more than half without a warning",
        "outside_unwarned": "outside the 90 % range, by however little, without a warning",
        "warned_pct": "channels with a warning, %",
        "false_alarm_pct": "channels with a warning on clean worlds, %",
    }
    lines += [f"| {text} | {totals[key]:.0f} |" for key, text in named.items()]
    lines.append(
        "\n| world | fits | median | worst | sum | cover | silent | warned | peer median | peer worst | peer cover |"
    )
    lines.append("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for row in table.iter_rows(named=True):
        peer = [row.get(f"peer_{k}") for k in ("median", "worst", "cover")]
        figures = [f"{row[k]:.0f}" for k in ("median", "worst")] + [f"{row['sum']:+.0f}"]
        figures += [f"{row[k]:.0f}" for k in ("cover", "silent", "warned")]
        shown = ["" if v is None else f"{v:.0f}" for v in peer]
        lines.append(f"| {row['world']} | {row['fits']} | {' | '.join(figures)} | {' | '.join(shown)} |")
    page.write_text("\n".join(lines) + "\n")
