"""The trials: a day that is killed again and again, and a day whose cap is met with wrong prices."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from benchmarks.asking import workspace
from dagster_project.demo.answer_engines import AnswerEngines
from dagster_project.demo.answer_engines.reply import Fault, Market

FAULTS: dict[Fault, float] = {
    "rate_limited": 0.05,
    "server_error": 0.05,
    "slow": 0.02,
    "truncated_json": 0.04,
    "cut_off": 0.02,
}
MOST_CALLS_OF_THE_COMMAND = 12


@dataclass(frozen=True)
class Killed:
    """What became of the slots of a day whose process was killed."""

    slots: int
    kills: int
    runs: int
    requests: int
    faults: dict[str, int]
    answers: int
    lost: int
    stored_twice: int
    asked_again_after_an_answer_was_stored: int
    served_but_never_seen: int
    unknown_calls: int
    seconds: float


@dataclass(frozen=True)
class Capped:
    """What a day cost whose set prices are `price_share` of the true ones."""

    price_share: Decimal
    at_once: int
    cap: Decimal
    paid: Decimal
    dearest_answer: Decimal
    answers: int

    @property
    def over(self) -> Decimal:
        """By how much the cap was exceeded, in US dollars; 0 where it was kept."""
        return max(self.paid - self.cap, Decimal(0))


def ask(folder: Path) -> subprocess.Popen[str]:
    """`plumbline ask` in a process of its own."""
    command = [sys.executable, "-m", "dagster_project.cli", "ask", str(folder), "--any-day", "--json"]
    return subprocess.Popen(
        command, env=os.environ | workspace.KEYS, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def killed_day(folder: Path, *, prompts: int, at_once: int, kills: int, seed: int) -> Killed:
    """Ask `prompts` of four engines with faults; kill -9 the process `kills` times; then let it end."""
    market = Market({"Acme": 0.5, "Rival": 0.6}, {"acme.example": 0.3, "g2.example": 0.5}, FAULTS, seed=seed)
    moments = np.random.default_rng(seed)
    began = time.monotonic()
    with AnswerEngines(market, slow_seconds=4.0, pause_seconds=0.05) as engines:
        workspace.make(folder, engines, prompts=prompts, at_once=at_once, cap=Decimal(1000))
        slots, runs, done = prompts * len(workspace.ENGINES), 0, 0
        while runs < MOST_CALLS_OF_THE_COMMAND:
            runs += 1
            process = ask(folder)
            if done < kills:
                wanted = len(engines.requests) + int(moments.integers(slots // (3 * kills), slots // (kills + 1)))
                while process.poll() is None and len(engines.requests) < wanted:
                    time.sleep(0.01)
                process.kill()
                process.wait()
                done += 1
                continue
            out, err = process.communicate(timeout=500)
            if process.returncode not in (0, 1):
                raise RuntimeError(f"plumbline ask ended with {process.returncode}: {err[-500:]}")
            if json.loads(out)["complete"]:
                break
        seconds = time.monotonic() - began
        served = engines.served_answers()
        faults = Counter(_fault(r.status, r.complete) for r in engines.requests)
    lines = _landed(folder)
    answers = Counter(
        line["answer_id"] for line in lines if line["status"] not in ("error", "timeout", "not_scheduled")
    )
    con = sqlite3.connect(folder / "asking" / "ledger.sqlite")
    per_slot = dict(con.execute("select answer_id, count(*) from cost where state = 'settled' group by 1"))
    unknown = con.execute("select count(*) from cost where state = 'unknown'").fetchone()[0]
    con.close()
    return Killed(
        slots=slots,
        kills=done,
        runs=runs,
        requests=sum(faults.values()),
        faults=dict(faults),
        answers=len(answers),
        lost=slots - len(answers),
        stored_twice=sum(n - 1 for n in answers.values()),
        asked_again_after_an_answer_was_stored=sum(n - 1 for n in per_slot.values()),
        served_but_never_seen=sum(n - 1 for n in served.values()),
        unknown_calls=unknown,
        seconds=seconds,
    )


def capped_day(folder: Path, *, prompts: int, at_once: int, cap: Decimal, price_share: Decimal) -> Capped:
    """Ask until the cap stops it, with set prices that are too low by a factor."""
    with AnswerEngines(Market({"Acme": 0.5}, {"g2.example": 0.5}), pause_seconds=0.05) as engines:
        workspace.make(folder, engines, prompts=prompts, at_once=at_once, cap=cap, price_share=price_share)
        process = ask(folder)
        _, err = process.communicate(timeout=500)
        if process.returncode not in (0, 1):
            raise RuntimeError(f"plumbline ask ended with {process.returncode}: {err[-500:]}")
        served = engines.served_answers()
    price = {path: true for _, _, path, true, _ in workspace.ENGINES}
    paid = sum((price[provider] * count for (provider, _), count in served.items()), Decimal(0))
    return Capped(price_share, at_once, cap, paid, max(price.values()), served.total())


def _landed(folder: Path) -> list[dict[str, str]]:
    files = sorted((folder / "landing" / "ai_answers").glob("*.jsonl.gz"))
    return [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).decode().splitlines()]


def _fault(status: int, complete: bool) -> str:
    if status == 200:
        return "answered" if complete else "slow or broken"
    return {0: "cut off", 429: "429", 500: "500"}.get(status, str(status))
