"""`python -m benchmarks.incrementality`: run the benchmark, print it, and write the page in docs."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.incrementality.coverage import SCENARIOS, Measured, measured
from benchmarks.incrementality.groups import CASES, group_measured
from benchmarks.incrementality.page import page, targets
from benchmarks.incrementality.peers import peers
from benchmarks.incrementality.quiet_panel import quiet_panel, rejections
from benchmarks.incrementality.speed import timings

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "methods" / "incrementality-benchmark.md"
PEERS_PAGE = PAGE.with_name("incrementality-peers.md")


def main() -> int:
    """Exit 0 when every promise was kept, 1 when one was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.incrementality", description=__doc__)
    parser.add_argument("--replications", type=int, default=1_000, help="simulated panels per scenario and method")
    parser.add_argument("--methods", default="auto,sdid_unit_log", help="estimators, comma-separated")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared" / "data", help="folder of public files")
    parser.add_argument("--peers", action="store_true", help="only: Meridian GeoX on its own example beside ours")
    parser.add_argument("--no-page", action="store_true", help="print only")
    asked = parser.parse_args()
    if asked.peers:
        return _beside_peers(asked.shared, write=not asked.no_page)
    jobs = [(method, scenario, asked.replications) for method in asked.methods.split(",") for scenario in SCENARIOS]
    if asked.processes > 1:
        with ProcessPoolExecutor(asked.processes) as pool:
            results = list(pool.map(measured, *zip(*jobs, strict=True)))
    else:
        results = [_told(measured(*job)) for job in jobs]
    quiet: list[tuple[int, int, float]] = []
    times: list[tuple[str, float, float]] = []
    if (asked.shared / "incrementality").is_dir():
        cities = quiet_panel(asked.shared)
        quiet = [(size, *rejections(cities, size)) for size in (1, 2, 4)]
        times = timings(asked.shared)
    else:
        sys.stderr.write(f"{asked.shared} is absent: the real panel and the timings are left out\n")
    groups = [group_measured(*case, max(1, asked.replications * 2 // 5)) for case in CASES]
    command = f"python -m benchmarks.incrementality --replications {asked.replications}"
    text = page(results, groups, quiet, times, command)
    sys.stdout.write(text)
    if not asked.no_page:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
    return 0 if all(kept for _, _, kept in targets(results)) else 1


def _beside_peers(shared: Path, *, write: bool) -> int:
    if not (shared / "incrementality").is_dir():
        sys.stderr.write(f"{shared} is absent: the peer's example files are not there\n")
        return 3
    try:
        text = peers(shared, "python -m benchmarks.incrementality --peers")
    except RuntimeError as refused:
        sys.stderr.write(f"{refused}\n")
        return 3
    sys.stdout.write(text + "\n")
    if write:
        PEERS_PAGE.write_text(text + "\n", encoding="utf-8")
    return 0


def _told(row: Measured) -> Measured:
    sys.stderr.write(
        f"{row.method} {row.scenario}: coverage {row.coverage:.3f}, false positives {row.false_positives:.3f},"
        f" power {row.power:.3f}, width {row.width:,.0f}, RMSE {row.error:,.0f}, chosen {dict(row.chosen)}\n"
    )
    return row


if __name__ == "__main__":
    raise SystemExit(main())
