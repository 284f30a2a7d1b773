"""Wall time and peak memory of each stage of one run on the demo company: `python -m benchmarks.run --size small`."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
STAGES = (("raw/", "land"), ("ops/", "open the run"), ("dbt_", "dbt"))


def resident() -> float:
    """Resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


class Sampler(threading.Thread):
    """Highest resident memory seen while each stage ran, looked at fifty times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stage = "import"
        self.peak: dict[str, float] = defaultdict(float)
        self.running = True

    def run(self) -> None:
        while self.running:
            self.peak[self.stage] = max(self.peak[self.stage], resident())
            time.sleep(0.02)


def stage_of(step: str) -> str:
    return next((stage for prefix, stage in STAGES if step.startswith(prefix)), step)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=("small", "medium", "large"), default="small")
    parser.add_argument("--seed", type=int, default=7)
    size, seed = (given := parser.parse_args()).size, given.seed
    sampler = Sampler()
    sampler.start()
    folder = Path(tempfile.mkdtemp(prefix="plumbline-bench-")) / "demo"
    from dagster_project.demo import write

    wall: dict[str, float] = defaultdict(float)
    sampler.stage = "write the demo"
    began = time.monotonic()
    summary = write(folder, size=size, seed=seed)
    wall["write the demo"] = time.monotonic() - began

    sampler.stage = "import"
    began = time.monotonic()
    from dagster_project.warehouse import run_record
    from dagster_project.workspace.paths import Workspace
    from dagster_project.workspace.settings import load

    workspace = Workspace.at(folder)
    workspace.prepare()
    settings = load(workspace.settings_file)
    from dagster_project import runner

    wall["import"] = time.monotonic() - began

    def show(name: str, step: runner.Step | None) -> None:
        sampler.stage = stage_of(name)
        if step is not None:
            wall[stage_of(name)] += step.seconds

    def once(label: str) -> runner.Outcome:
        began = time.monotonic()
        outcome = runner.run(
            workspace, settings, day=run_record.today(settings), seed=run_record.DEFAULT_SEED, select=None, show=show
        )
        wall[label] = time.monotonic() - began
        return outcome

    outcome = once("first run, all stages")
    sampler.stage = "second run, nothing new"
    again = once("second run, nothing new")
    sampler.running = False
    print(f"demo {size}: {len(summary.files)} files, {summary.rows:,} rows; python {platform.python_version()}", end="")
    print(f", {os.cpu_count()} cores; first run {outcome.status}, second {again.status}")
    print(f"{'stage':<32}{'wall s':>9}{'peak MB':>10}")
    for stage, seconds in wall.items():
        peak = sampler.peak.get(stage)
        print(f"{stage:<32}{seconds:>9.2f}{f'{peak:>10.0f}' if peak else '':>10}")
    for reason in outcome.reasons:
        print(reason)


if __name__ == "__main__":
    main()
