"""`python -m benchmarks.incrementality.usable_power`: does a geo test deliver the power that its design promised?

Each simulated country is designed on its history, then tested with the lift that the chosen design says it can find.
Writes docs/methods/incrementality-power.md.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.incrementality.page import table
from models.incrementality import GeoDesign, design_geo, read_geo
from models.incrementality.geo.simulated import FIRST_MONDAY, heterogeneous_group

PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods" / "incrementality-power.md"
POWER = 0.8
MARGIN = 0.05  # distance of usable from promised power; two Monte Carlo errors are added
HISTORY, DURATION = 150, 21


@dataclass(frozen=True)
class Case:
    """A country of `geos` regions, of which `size` are treated."""

    geos: int
    size: int
    share: float = 1.0  # of the designs: large countries take longest

    def __str__(self) -> str:
        return f"{self.size} of {self.geos}"


CASES = (Case(21, 1), Case(10, 1), Case(10, 2), Case(40, 10, share=0.2))


@dataclass(frozen=True)
class Measured:
    """Shares over simulated tests with the promised lift, and of tests without one that are valid and significant."""

    case: Case
    runs: int
    lift: float
    found: float
    usable: float
    invalid: float
    false: float


def measured(case: Case, runs: int, power: float = POWER) -> Measured:
    """`runs` countries, each designed, tested with the promised lift and without."""
    rows = []
    for seed in range(runs):
        country = heterogeneous_group(10_000 + seed, case.geos, 1, 0.0, pre=HISTORY, days=DURATION).kpi
        [design] = design_geo(
            frame(country[:, :HISTORY]), duration=DURATION, seed=seed, sizes=(case.size,), candidates=2_000, count=1,
            power=power,
        )  # fmt: skip
        with_lift, without = (tested(country, design, lift) for lift in (design.mde, 0.0))
        rows.append(
            (
                design.mde,
                with_lift[0] > 0,
                with_lift[0] > 0 and with_lift[2] == "valid",
                with_lift[2] == "invalid",
                without[2] == "valid" and (without[0] > 0 or without[1] < 0),
            )
        )
    columns = np.array(rows, dtype=float)
    return Measured(
        case, runs, float(np.median(columns[:, 0])), *(float(share) for share in columns[:, 1:].mean(axis=0))
    )


def tested(country: np.ndarray, design: GeoDesign, lift: float) -> tuple[float, float, str]:
    """Range and verdict of the design's test when its regions rise by `lift`."""
    kpi = country.copy()
    kpi[[int(geo[1:]) for geo in design.treated], HISTORY:] *= 1 + lift
    first = FIRST_MONDAY + timedelta(days=HISTORY)
    read = read_geo(frame(kpi), design, start=first, end=first + timedelta(days=DURATION - 1), seed=1)
    return read.low, read.high, read.verdict


def frame(kpi: np.ndarray) -> pl.DataFrame:
    """The panel geo, date, kpi; geos are named g00, g01, …"""
    geos, days = kpi.shape
    return pl.DataFrame(
        {
            "geo": np.repeat([f"g{row:02d}" for row in range(geos)], days),
            "date": [FIRST_MONDAY + timedelta(days=day) for day in range(days)] * geos,
            "kpi": kpi.ravel(),
        }
    )


def main() -> int:
    """Exit 0 when usable power keeps what was promised in every case."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.incrementality.usable_power", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="designs per case")
    parser.add_argument("--no-page", action="store_true", help="print only")
    asked = parser.parse_args()
    found = []
    for case in CASES:
        found.append(measured(case, max(1, round(asked.runs * case.share))))
        sys.stderr.write(f"{found[-1]}\n")
    text = _page(found, asked.runs)
    sys.stdout.write(text + "\n")
    if not asked.no_page:
        PAGE.write_text(text + "\n", encoding="utf-8")
    kept = (one.usable >= POWER - MARGIN - 2 * float(np.sqrt(POWER * (1 - POWER) / one.runs)) for one in found)
    return 0 if all(kept) else 1


def _page(found: list[Measured], runs: int) -> str:
    rows = [
        (
            str(one.case),
            str(one.runs),
            f"{one.lift:.1%}",
            f"{one.found:.3f}",
            f"**{one.usable:.3f}**",
            f"{one.invalid:.3f}",
            f"{one.false:.3f}",
        )
        for one in found
    ]
    head = (
        "regions treated",
        "designs",
        "promised lift (median)",
        "range above zero",
        "usable",
        "invalid",
        "false, no lift",
    )
    return "\n\n".join(
        [
            "# Does a geo test deliver the power that its design promised?",
            f"Printed by `python -m benchmarks.incrementality.usable_power --runs {runs}`. Each of the simulated"
            " countries per row (own trends, weekdays and loadings on two common factors) is designed on"
            f" {HISTORY} days with `design_geo`, and its best design is tested on the next {DURATION} days with the"
            f" lift that the design says it finds with a chance of {POWER:.0%}. `usable` results are valid and their"
            " 90 % range lies above zero; `false` are valid and significant without a lift. Monte Carlo error of 200"
            f" designs about {np.sqrt(POWER * (1 - POWER) / 200):.3f}.",
            table(head, rows),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
