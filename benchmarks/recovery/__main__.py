"""Kill -9 and damaged files against a real small workspace: does the next run give what an undisturbed run gives?

Run: python -m benchmarks.recovery --kills 100 --damages 50 [--size tiny|small] [--seed 1] [--jobs 2] [--folder DIR]

First an undisturbed run. Then, for every kind of file that it wrote, one run that is killed when such a file first
appears and one that is killed when a forced run changes it; then `--kills` runs killed at random moments, every other
one a forced run over a finished workspace. After each the next run goes to its end, and its exit code, tables, reports,
packs and feed are compared with the undisturbed run's. Then `--damages` times one file of a finished workspace is
damaged, kinds and ways in turn, and the next run must heal it or refuse in a sentence. Exit code 1 if a trial failed.
`tiny` has no media mix model (about 20 s of processor time a run), `small` has one, and with it kept fits.
`--minutes` stops the campaign early: trials run in random order, so those that ran are a random part of it. `--write`
puts the figures into docs/methods/recovery.md.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from queue import Queue

import numpy as np

from benchmarks.recovery import tiny_company
from benchmarks.recovery.derived_files import PASSING, by_kind
from benchmarks.recovery.page import VERDICTS, write
from benchmarks.recovery.program import Program, copy_of_product
from benchmarks.recovery.trials import WAYS, Bench, Trial, damage, kill_after, kill_at

HERE = Path(__file__).resolve().parents[2]
PAGE = HERE / "docs" / "methods" / "recovery.md"


def prepared(folder: Path, size: str, seed: int) -> Bench:
    """The undisturbed run. Raises RuntimeError when it does not end well: then nothing can be compared with it."""
    folder.mkdir(parents=True, exist_ok=True)
    program = Program(copy_of_product(HERE, folder / "code"))
    inputs, reference = folder / "inputs", folder / "reference"
    tiny_company.write(inputs, size, seed)
    shutil.copytree(inputs, reference)
    run = program.run(reference)
    if run.exit_code != 0 or run.has_traceback:
        raise RuntimeError(f"the undisturbed run ended with exit code {run.exit_code}:\n{run.output}")
    return Bench(program, inputs, reference, run, folder)


def planned(
    bench: Bench, kills: int, damages: int, seed: int, *, aimed: bool, only: str
) -> list[Callable[[Bench], Trial]]:
    """The whole campaign, every moment and damage drawn beforehand: the order of the trials does not matter."""
    rng = np.random.default_rng(seed)
    kinds = {kind: files for kind, files in by_kind(bench.reference).items() if only in kind}
    campaign: list[Callable[[Bench], Trial]] = []
    if aimed:
        targets = [*kinds, *(kind for kind in PASSING if only in kind)]
        campaign += [partial(kill_at, target=kind, again=again) for kind, again in product(targets, (False, True))]
    for number in range(kills):
        campaign.append(partial(kill_after, share=float(rng.uniform(0.02, 1.0)), again=number % 2 == 1))
    # Kinds in turn, each time in the next way: the first round already meets every kind.
    pairs = [(kind, WAYS[(at + turn) % len(WAYS)]) for turn in range(len(WAYS)) for at, kind in enumerate(kinds)]
    for number in range(damages):
        kind, way = pairs[number % len(pairs)]
        path = kinds[kind][int(rng.integers(0, len(kinds[kind])))]
        campaign.append(partial(damage, path=path, way=way, rng=np.random.default_rng([seed, number])))
    return [campaign[at] for at in rng.permutation(len(campaign))]


def results(
    bench: Bench, campaign: list[Callable[[Bench], Trial]], jobs: int, minutes: float = np.inf
) -> Iterator[Trial]:
    """Run the trials, `jobs` at a time, each of these in a folder and from a starting process of its own.

    After `minutes` no further one is started.
    """
    deadline = time.monotonic() + 60 * minutes
    benches: Queue[Bench] = Queue()
    for number in range(jobs):
        folder = bench.folder / f"job-{number}"
        folder.mkdir(exist_ok=True)
        benches.put(replace(bench, folder=folder, program=Program(bench.program.code)))

    def one(trial: Callable[[Bench], Trial]) -> Trial | None:
        if time.monotonic() > deadline:
            return None
        own = benches.get()
        try:
            return trial(own)
        finally:
            benches.put(own)

    with ThreadPoolExecutor(jobs) as pool:
        for finished in as_completed([pool.submit(one, trial) for trial in campaign]):
            trial = finished.result()
            if trial is not None:
                yield trial
    while not benches.empty():
        benches.get().program.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=5, help="at random moments")
    parser.add_argument("--damages", type=int, default=10)
    parser.add_argument("--size", choices=tuple(tiny_company.WEEKS), default="tiny")
    parser.add_argument("--seed", type=int, default=1, help="of the company, the moments and the damages")
    parser.add_argument("--no-aimed", action="store_true", help="no kills aimed at files")
    parser.add_argument("--only", default="", help="only kinds of files whose name holds this text")
    parser.add_argument("--jobs", type=int, default=2, help="trials at a time")
    parser.add_argument("--minutes", type=float, default=np.inf, help="start no further trial after so many minutes")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/methods/recovery.md")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder that is removed if not given")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="plumbline-recovery-"))
    began, done = time.monotonic(), []
    try:
        bench = prepared(folder, given.size, given.seed)
        count = sum(map(len, by_kind(bench.reference).values()))
        print(f"undisturbed: exit code 0, {bench.reference_run.cpu:.0f} s of processor time, {count} derived files")
        print(f"{'target':<30}{'what':<52}{'verdict':<13}{'exit':>5}{'cpu s':>8}", flush=True)
        campaign = planned(bench, given.kills, given.damages, given.seed, aimed=not given.no_aimed, only=given.only)
        for trial in results(bench, campaign, given.jobs, given.minutes):
            done.append(trial)
            what, target = trial.what[:51], trial.target[:29]
            print(f"{target:<30}{what:<52}{trial.verdict:<13}{trial.exit_code:>5}{trial.cpu:>8.0f}", flush=True)
            for reason in trial.reasons[:5]:
                print(f"    {reason}", flush=True)
        bench.program.close()
    finally:
        if given.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    totals = Counter(trial.verdict for trial in done)
    print(f"\n{len(done)} of {len(campaign)} trials in {(time.monotonic() - began) / 60:.0f} minutes: ", end="")
    print(", ".join(f"{totals[verdict]} {verdict}" for verdict in VERDICTS if totals[verdict]))
    print(f"part files that stayed behind: {sum(trial.parts_left for trial in done)}")
    if given.write:
        write(PAGE, given.size, len(campaign), done)
    return 1 if totals["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
