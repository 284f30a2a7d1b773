"""`python -m benchmarks.incrementality.looks`: how often do early looks at a geo test without effect raise an alarm?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.incrementality.page import table
from models.incrementality import GeoPanel, look_geo
from models.incrementality.geo.interim_looks import GeoLooks
from models.incrementality.geo.simulated import FIRST_MONDAY, READ_DAYS, SimulatedTest, heterogeneous, textbook
from models.incrementality.group_sequential import Spending

PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods" / "incrementality-looks.md"
LOOKS = (0.2, 0.4, 0.6, 0.8, 1.0)
CASES: Sequence[tuple[str, float, Spending]] = tuple(
    product(("A1", "H"), (0.9, 0.98), ("obrien_fleming", "pocock"))  # 20 placebos: ranks at 90 %, Student's t at 98 %
)
METHOD = "did"  # the cheapest: what is measured is the rule of the looks


def main() -> int:
    """Exit 0 when no rule raises more alarms than it may, two Monte Carlo errors allowed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.incrementality.looks", description=__doc__)
    parser.add_argument("--replications", type=int, default=1_000)
    parser.add_argument("--no-page", action="store_true", help="print only")
    asked = parser.parse_args()
    replications = asked.replications
    rows, kept = [], True
    for scenario, level, spending in CASES:
        quiet = [_made(scenario, seed) for seed in range(replications)]
        found = [_looked(made, level, spending) for made in quiet]
        alarms = float(np.mean([looks.decision == "stop_effect" for looks in found]))
        naive = float(np.mean([_naive(made, level) for made in quiet]))
        error = float(np.sqrt((1 - level) * level / replications))
        kept &= alarms <= 1 - level + 2 * error
        rows.append(
            (scenario, found[0].form, spending, f"{1 - level:.2f}", f"{alarms:.3f} ± {error:.3f}", f"{naive:.3f}")
        )
    head = ("panels", "form", "spending", "allowed", "false alarms in five looks", "without a rule")
    text = "\n\n".join(
        [
            "# Early looks at a geo test",
            f"Printed by `python -m benchmarks.incrementality.looks --replications {replications}`. Geo tests of"
            f" {READ_DAYS} days in which nothing happened (panels A1 and H of the incrementality benchmark, 20"
            f" controls), looked at after {', '.join(f'{share:.0%}' for share in LOOKS)} of their days by `look_geo`,"
            f" method {METHOD}. ± is one Monte Carlo standard error. The last column reads each look as if it were the"
            " only one.",
            table(head, rows),
        ]
    )
    sys.stdout.write(text + "\n")
    if not asked.no_page:
        PAGE.write_text(text + "\n", encoding="utf-8")
    return 0 if kept else 1


def _made(scenario: str, seed: int) -> SimulatedTest:
    return heterogeneous(seed, 0.0) if scenario == "H" else textbook("A1", seed, 0.0)


def _looked(made: SimulatedTest, level: float, spending: Spending, looks: Sequence[float] = LOOKS) -> GeoLooks:
    geos, days = made.kpi.shape
    dates = tuple(FIRST_MONDAY + timedelta(days=day) for day in range(days))
    panel = GeoPanel(tuple(f"g{row:02d}" for row in range(geos)), dates, made.kpi, None, "day")
    treated, end = [panel.geos[made.treated]], dates[-1]
    asked: dict[str, Any] = {"looks": looks, "spending": spending, "method": METHOD, "level": level, "seed": 1}
    return look_geo(panel, treated, start=dates[made.pre], end=end, **asked)


def _naive(made: SimulatedTest, level: float) -> bool:
    """Whether a read that knows of no other look finds an effect at any of them."""
    for share in LOOKS:
        until = made.pre + round(share * READ_DAYS)
        begun = SimulatedTest(made.kpi[:, :until], made.treated, made.pre, made.untreated[:until])
        if _looked(begun, level, "obrien_fleming", looks=(1.0,)).decision == "stop_effect":
            return True
    return False


if __name__ == "__main__":
    raise SystemExit(main())
