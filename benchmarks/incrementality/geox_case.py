"""Runs inside the peer's own environment: Meridian GeoX on the example files it ships, reported as one line of JSON.

Started by `peers.py` with the task and the folder of the public files; nothing of Plumbline can be imported here.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any


def main() -> None:
    """Do the task twice in this process; the first time includes what the peer compiles."""
    warnings.filterwarnings("ignore")
    task, folder = sys.argv[1:]
    found, seconds = _twice({"read": _read, "design": _design}[task](folder))
    sys.stdout.write(json.dumps({**found, "seconds": seconds}) + "\n")


def _read(folder: str) -> Callable[[], dict[str, Any]]:
    import meridian_geox as geox
    import pandas as pd

    panel = _panel(folder, "analysis_data_single_cell_holdback")
    shipped = os.path.join(os.path.dirname(geox.__file__), "data", "example_design_stratified_sampling_holdback.json")
    with open(shipped, encoding="utf-8") as file:
        design = geox.Design.load_from_json(file.read())
    days = {"analysis_start_date": pd.Timestamp("2020-04-01"), "analysis_end_date": pd.Timestamp("2020-04-30")}

    def read() -> dict[str, Any]:
        cell = geox.analyze(panel, geox.AnalysisConfig(design=design, alpha=0.1, **days)).results["cell_1"]
        return {
            name: [float(part.point_estimate), float(part.lower_bound), float(part.upper_bound)]
            for name, part in (("effect", cell.lift), ("relative", cell.percent_lift), ("iroas", cell.icpd))
        }

    return read


def _design(folder: str) -> Callable[[], dict[str, Any]]:
    import meridian_geox as geox

    panel = _panel(folder, "design_data_single_cell")
    asked = geox.DesignConfig(experiment_duration=datetime.timedelta(days=30), design_output_count=5)
    limits = geox.Constraints(excluded_geos={"105"}, budget_constraint=geox.Budget(budget=500_000))

    def design() -> dict[str, Any]:
        best = geox.run_design(panel, asked, limits).design_metrics.iloc[0]
        return {"geos": int(best["treatment_geo_count"]), "mde": float(best["mde"]), "r2": float(best["r2"])}

    return design


def _panel(folder: str, name: str) -> Any:
    import pandas as pd

    panel = pd.read_csv(os.path.join(folder, f"meridian_geox__example_{name}.csv"))
    panel["date"] = pd.to_datetime(panel["date"])
    return panel.astype({"location": str, "conversions": float, "spend": float})


def _twice(work: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], list[float]]:
    found, seconds = {}, []
    for _ in range(2):
        begun = time.process_time()
        found = work()
        seconds.append(time.process_time() - begun)
    return found, seconds


if __name__ == "__main__":
    main()
