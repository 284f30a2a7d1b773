"""What the falsification tests cost on every run: each group of tests in CPU and wall seconds.

Run: python -m benchmarks.mmm.falsification [--geos N] [--weeks N] [--channels N] [--seed N] [--profile]. The panel is
that of `benchmarks.mmm.scale`; figures are of one process, after the compiled code was loaded.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time

from benchmarks.mmm.scale import Size, frame
from models.mmm import Falsification, MMMData, falsify


def panel(size: Size, seed: int) -> MMMData:
    """The simulated panel as the model reads it; regions only where there are several."""
    many = size.geos > 1
    return MMMData.from_frame(
        frame(size, seed),
        date="date",
        kpi="kpi",
        geo="geo" if many else None,
        population="population" if many else None,
        spend={f"channel_{c}": f"channel_{c}" for c in range(size.channels)},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--geos", type=int, default=1)
    parser.add_argument("--weeks", type=int, default=156)
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", action="store_true", help="also print where the time goes")
    asked = parser.parse_args()
    data = panel(Size("panel", asked.geos, asked.weeks, asked.channels), asked.seed)
    falsify(panel(Size("small", asked.geos, 60, 2), 0), shifts=3, repeats=1, folds=0, seed=0)  # loads compiled code
    profile = cProfile.Profile()
    if asked.profile:
        profile.enable()
    cpu, wall = time.process_time(), time.monotonic()
    found = falsify(data, seed=asked.seed)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    if asked.profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("cumulative").print_stats(30)
    show(asked.geos, asked.weeks, asked.channels, found, cpu, wall)


def show(geos: int, weeks: int, channels: int, found: Falsification, cpu: float, wall: float) -> None:
    """One line of cost, and the results of the tests."""
    print(
        f"{geos} x {weeks} x {channels} (regions x weeks x channels): {found.tests.height} attempts in {cpu:.1f} CPU-s,"
        f" {wall:.1f} s wall. {found.verdict}"
    )


if __name__ == "__main__":
    main()
