"""The same tasks as `geox_case.py`, done by Plumbline in a separate process, reported as one line of JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from models.incrementality import design_geo, read_geo


def main() -> None:
    """Do the task twice in this process."""
    task, folder = sys.argv[1:]
    work = {"read": _reader("auto"), "read_tbr": _reader("tbr"), "design": _design}[task](Path(folder))
    seconds = []
    for _ in range(2):
        begun = time.process_time()
        found = work()
        seconds.append(time.process_time() - begun)
    sys.stdout.write(json.dumps({**found, "seconds": seconds}) + "\n")


def _reader(method: str) -> Callable[[Path], Callable[[], dict[str, Any]]]:
    def prepared(folder: Path) -> Callable[[], dict[str, Any]]:
        panel = _panel(folder, "analysis_data_single_cell_holdback")
        paid = pl.col("date").ge(date(2020, 4, 1)) & pl.col("spend").gt(0)
        treated = panel.filter(paid)["geo"].unique().sort().to_list()
        test: dict[str, Any] = {"start": date(2020, 4, 1), "end": date(2020, 4, 30), "holdback": True, "seed": 1}

        def read() -> dict[str, Any]:
            r = read_geo(panel, treated, method=method, **test)
            return {
                "effect": [r.effect, r.low, r.high],
                "relative": [r.relative, r.relative_low, r.relative_high],
                "iroas": [r.iroas, r.iroas_low, r.iroas_high],
            }

        return read

    return prepared


def _design(folder: Path) -> Callable[[], dict[str, Any]]:
    panel = _panel(folder, "design_data_single_cell").select("geo", "date", "kpi")

    def design() -> dict[str, Any]:
        best = design_geo(panel, duration=30, sizes=(27, 28, 29, 30), most_share=0.3, count=5, seed=1)[0]
        return {"geos": len(best.treated), "mde": best.mde, "mde_claimed": best.mde_claimed}

    return design


def _panel(folder: Path, name: str) -> pl.DataFrame:
    """Geo 105 has no conversions and is left out, as in the peer's own example."""
    panel = pl.read_csv(folder / f"meridian_geox__example_{name}.csv", try_parse_dates=True)
    panel = panel.rename({"location": "geo", "conversions": "kpi"})
    return panel.filter(pl.col("geo").cast(pl.String) != "105")


if __name__ == "__main__":
    main()
