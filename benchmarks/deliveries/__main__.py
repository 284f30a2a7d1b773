"""`python -m benchmarks.deliveries --sequences 1000`: in how many random sequences of files the marts are right."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.deliveries.marts import OUTCOME, SPEND, compiled, statements
from benchmarks.deliveries.trial import trial


def main() -> int:
    """Prints how many sequences gave the true amounts, and the marts of the clean order and a rebuild; 1 if not all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first sequence")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no sequence after that time")
    chosen = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        sql = statements(compiled(Path(folder)), (*SPEND, *OUTCOME))
    outcomes = []
    for seed in range(chosen.seed, chosen.seed + chosen.sequences):
        if time.monotonic() - started > chosen.seconds:
            break
        outcomes.append(trial(seed, sql))
        if not outcomes[-1].right:
            print(f"seed {seed}: {outcomes[-1].kinds}: {outcomes[-1].wrong[:3]} {outcomes[-1].differs}", flush=True)
    true = sum(not o.wrong for o in outcomes)
    same = {name: sum(name not in o.differs for o in outcomes) for name in ("clean order", "rebuild")}
    print(
        f"{len(outcomes)} sequences with {sum(o.deliveries for o in outcomes)} files: true amounts in {true},"
        f" the marts of the clean order in {same['clean order']}, of a rebuild from landing/ in {same['rebuild']}"
        f" ({time.process_time():.0f} CPU-s)"
    )
    return 0 if all(o.right for o in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
