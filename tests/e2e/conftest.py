"""A workspace as a first-time user would have it: two files, one page of settings; and the CLI as a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

PLUMBLINE = Path(sys.executable).with_name("plumbline")
Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def cli() -> Cli:
    """Runs `plumbline …` as a program of its own and hands back what it printed and its exit code."""

    def call(
        *arguments: object, env: dict[str, str] | None = None, timeout: float = 400
    ) -> subprocess.CompletedProcess[str]:
        clean = {
            k: v for k, v in os.environ.items() if k == "PLUMBLINE_KEYS" or not k.startswith(("PLUMBLINE_", "DAGSTER_"))
        }
        return subprocess.run(
            [str(PLUMBLINE), *map(str, arguments)],
            env={**clean, "OMP_NUM_THREADS": "1", "COLUMNS": "160", **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return call


def write_two_files(workspace: Path, weeks: int = 80, seed: int = 3) -> dict[str, float]:
    """channel_spend + revenue by week with a known effect; returns the true iROAS of each channel.

    Search: response 400 * s/(s+300) on adstocked spend, TV: 900 * s/(s+1200); noise 2 % of the mean, so that the
    truth lies well inside what a correct model can find from 80 weeks.
    """
    rng = np.random.default_rng(seed)
    start = date(2025, 1, 6)
    days = [start + timedelta(weeks=w) for w in range(weeks)]
    spend = {
        "search": rng.gamma(3, 100, weeks) * (1 + 0.4 * np.sin(np.arange(weeks))),
        "tv": np.where(rng.random(weeks) < 0.5, rng.gamma(4, 300, weeks), 0),
    }
    shape = {"search": (400, 300, 0.3), "tv": (900, 1200, 0.6)}
    revenue = 3000 + 300 * np.sin(2 * np.pi * np.arange(weeks) / 52) + 60 * rng.standard_normal(weeks)
    truth = {}
    for channel, money in spend.items():
        top, half, keep = shape[channel]
        carried = np.zeros(weeks)
        for w in range(weeks):
            carried[w] = money[w] * (1 - keep) + (keep * carried[w - 1] if w else 0)
        effect = top * carried / (carried + half)
        revenue = revenue + effect
        truth[channel] = float(effect.sum() / money.sum())
    (workspace / "landing/channel_spend").mkdir(parents=True, exist_ok=True)
    (workspace / "landing/revenue").mkdir(parents=True, exist_ok=True)
    lines = [f"{d},{c},{spend[c][w]:.2f},EUR" for w, d in enumerate(days) for c in spend]
    (workspace / "landing/channel_spend/spend.csv").write_text("day,channel,spend,currency\n" + "\n".join(lines) + "\n")
    lines = [f"{d},{revenue[w]:.2f},{revenue[w]:.2f},EUR" for w, d in enumerate(days)]
    (workspace / "landing/revenue/revenue.csv").write_text("day,value,revenue,currency\n" + "\n".join(lines) + "\n")
    (workspace / "plumbline.yaml").write_text(
        "company: {name: Two Files, brand: two-files}\nreport_currency: EUR\nmargin: 0.6\nclock: 2026-10-12\n"
        "sources:\n  channel_spend: {grain: week}\n  revenue: {grain: week}\nmmm: {draws: 300, chains: 2}\n"
    )
    return truth


@dataclass(frozen=True)
class FirstRun:
    """The two-file workspace after its first run, its channels' true iROAS, and what the run printed. Only copy it."""

    workspace: Path
    truth: dict[str, float]
    printed: str


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str, cli: Cli) -> FirstRun:
    """Made once for all test files and by one process for all: whoever comes second waits."""
    top = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    workspace, record = top / "two-files", top / "two-files.json"
    with FileLock(top / "two-files.lock"):
        if not record.exists():
            workspace.mkdir(parents=True)
            truth = write_two_files(workspace)
            said = cli("run", workspace)
            assert said.returncode == 0, said.stdout + said.stderr
            record.write_text(json.dumps({"truth": truth, "printed": said.stdout}), encoding="utf-8")
    return FirstRun(workspace, **json.loads(record.read_text(encoding="utf-8")))


@pytest.fixture
def two_files(tmp_path: Path) -> Path:
    """A fresh workspace with weekly spend and revenue only."""
    workspace = tmp_path / "ws"
    workspace.mkdir()
    write_two_files(workspace)
    return workspace
