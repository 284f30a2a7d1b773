"""Prints whether versions and events survive random kills on every store.

`python -m benchmarks.events --kills 300 --seed 1`
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.events import real_servers
from benchmarks.events.campaign import Reckoning, place_of, trial
from benchmarks.events.roles import ROLES

STORES = ("embedded", "postgres", "postgres and redis")
COLUMNS = ("store", "kills", *ROLES, "events", "came again", "injected", "passed over", "lost", "seconds", "held")


def main() -> int:
    """Run the trials and print the table; 1 where a promise was broken, 3 where a server is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events")
    parser.add_argument("--kills", type=int, default=300, help="over all stores together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES)
    asked = parser.parse_args()
    rows: list[Reckoning] = []
    for number, name in enumerate(asked.stores):
        share = asked.kills // len(asked.stores) + (number < asked.kills % len(asked.stores))
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            try:
                dsn = stack.enter_context(real_servers.postgres()) if "postgres" in name else None
                url = stack.enter_context(real_servers.redis()) if "redis" in name else None
            except real_servers.ServerMissing as missing:
                print(missing, file=sys.stderr)
                return 3
            rows.append(trial(name, place_of(folder, asked.seed + number, dsn, url), share))
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for row in rows:
        cells = [row.store, sum(row.kills.values()), *(row.kills[role] for role in ROLES), row.events, row.repeated]
        cells += [row.injected, row.stale, row.lost, f"{row.seconds:.0f}", "no" if row.faults else "yes"]
        print(f"| {' | '.join(map(str, cells))} |")
    for row in rows:
        for fault in row.faults:
            print(f"{row.store}: {fault}", file=sys.stderr)
    return 1 if any(row.faults for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
