"""`python -m benchmarks.incrementality.series_nulls`: does a read of one series find effects where nothing happened?

Six kinds of series, with and without a lift. Writes docs/methods/incrementality-series.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.incrementality.page import table
from models.incrementality import LiftResult, read_series
from models.incrementality.geo.simulated import FIRST_MONDAY
from models.incrementality.series.bsts import forecast, tail_reading

PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods" / "incrementality-series.md"
BEFORE, WINDOW = 100, 20
FIRST_SEED = 10_000  # thresholds were set on earlier ones
LIFT = 0.1
ALLOWED = 0.1  # valid and significant without an effect; two Monte Carlo errors are added
POWER = 0.75  # at +10 % with a control, for the two kinds together

Draw = np.random.Generator


def walk(draw: Draw, step: float) -> np.ndarray:
    """A level that drifts by `step` per period."""
    return (draw.normal(size=BEFORE + WINDOW) * step).cumsum()


def memory(draw: Draw, retention: float, sd: float) -> np.ndarray:
    """AR(1) noise in its steady state."""
    shocks = draw.normal(size=BEFORE + WINDOW + 50)
    found = np.zeros(shocks.size)
    for period in range(1, shocks.size):
        found[period] = retention * found[period - 1] + shocks[period]
    return found[50:] * sd * np.sqrt(1 - retention**2)


def white(draw: Draw, sd: float) -> np.ndarray:
    return draw.normal(size=BEFORE + WINDOW) * sd


@dataclass(frozen=True)
class Kind:
    """Log KPI and, if there is one, log control of one kind of series."""

    name: str
    made: Callable[[Draw], tuple[np.ndarray, np.ndarray | None]]


def _noisy(draw: Draw) -> tuple[np.ndarray, np.ndarray]:
    common = walk(draw, 0.02)
    return common + walk(draw, 0.003) + white(draw, 0.03), common + white(draw, 0.03)


def _good(draw: Draw) -> tuple[np.ndarray, np.ndarray]:
    common = walk(draw, 0.02)
    return common + white(draw, 0.05), common + white(draw, 0.01)


KINDS = (
    Kind("noisy control, drifting level", _noisy),
    Kind("good control", _good),
    Kind("no control, strong drift", lambda draw: (walk(draw, 0.02) + white(draw, 0.05), None)),
    Kind("no control, weak drift", lambda draw: (walk(draw, 0.006) + white(draw, 0.05), None)),
    Kind("no control, AR .7", lambda draw: (memory(draw, 0.7, 0.08), None)),
    Kind("no control, white noise", lambda draw: (white(draw, 0.08), None)),
)


@dataclass(frozen=True)
class Measured:
    """Shares of reads; `before` is a structural series with a tight level and no placebos, the rest `read_series`."""

    kind: str
    before: float
    found: float
    false: float
    invalid: float
    power: float
    covered: float
    factor: float


def measured(place: int, runs: int) -> Measured:
    """`runs` series of one kind, each read without an effect and with the lift."""
    rows = []
    for seed in range(runs):
        kpi, control = KINDS[place].made(np.random.default_rng([FIRST_SEED + seed, place]))
        still, lifted = read(kpi, control, 0.0), read(kpi, control, LIFT)
        rows.append(
            (
                tight(kpi, control) <= 0.1,
                still.significant,
                still.significant and still.verdict == "valid",
                still.verdict == "invalid",
                lifted.significant and lifted.verdict == "valid",
                lifted.relative_low <= LIFT <= lifted.relative_high,
                float(still.other_form["placebo_factor"]),
            )
        )
    return Measured(KINDS[place].name, *np.mean(np.array(rows, dtype=float), axis=0))


def read(kpi: np.ndarray, control: np.ndarray | None, lift: float) -> LiftResult:
    """The read at 90 % of the last periods."""
    raised = 1_000 * np.exp(kpi)
    raised[BEFORE:] *= 1 + lift
    dates = [FIRST_MONDAY + timedelta(days=day) for day in range(BEFORE + WINDOW)]
    frame = pl.DataFrame({"date": dates, "kpi": raised})
    if control is not None:
        frame = frame.with_columns(control=100 * np.exp(control))
    names = [] if control is None else ["control"]
    return read_series(frame, start=dates[BEFORE], end=dates[-1], controls=names, seed=1, draws=1_000)


def tight(kpi: np.ndarray, control: np.ndarray | None) -> float:
    """p-value of a structural series with a tight level and no placebos."""
    columns = np.zeros((kpi.size, 0)) if control is None else control[:, None]
    drawn = forecast(kpi[:BEFORE], columns[:BEFORE], columns[BEFORE:], seed=1, draws=500)
    return tail_reading(drawn.effects(kpi[BEFORE:]), 0.9).p_value


def main() -> int:
    """Exit 0 when no kind finds more than allowed and controls bring the power asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.incrementality.series_nulls", description=__doc__)
    parser.add_argument("--runs", type=int, default=250, help="series per kind")
    parser.add_argument("--no-page", action="store_true", help="print only")
    asked = parser.parse_args()
    found = [measured(place, asked.runs) for place in range(len(KINDS))]
    text = _page(found, asked.runs)
    sys.stdout.write(text + "\n")
    if not asked.no_page:
        PAGE.write_text(text + "\n", encoding="utf-8")
    error = float(np.sqrt(ALLOWED * (1 - ALLOWED) / asked.runs))
    powered = np.mean([one.power for one in found[:2]]) >= POWER
    return 0 if powered and all(one.false <= ALLOWED + 2 * error for one in found) else 1


def _page(found: list[Measured], runs: int) -> str:
    rows = [
        (
            one.kind,
            f"{one.before:.3f}",
            f"{one.found:.3f}",
            f"**{one.false:.3f}**",
            f"{one.invalid:.2f}",
            f"{one.power:.2f}",
            f"{one.covered:.2f}",
            f"{one.factor:.2f}",
        )
        for one in found
    ]
    head = (
        "series",
        "tight level, no placebos",
        "range excludes zero",
        "valid and significant",
        "invalid",
        f"power at +{LIFT:.0%}",
        "cover",
        "mean factor",
    )
    return "\n\n".join(
        [
            "# Reads of one series",
            f"Printed by `python -m benchmarks.incrementality.series_nulls --runs {runs}`. {BEFORE} days before,"
            f" {WINDOW} read, ranges at 90 %, so .10 of reads without an effect may exclude zero; Monte Carlo error"
            f" about {np.sqrt(0.09 / runs):.3f}. The first column is a structural series with a tight level"
            " (CausalImpact's default) without placebos. `power` counts valid reads of a lift whose range excludes"
            " zero, `cover` is how often the range of all reads holds the lift.",
            table(head, rows),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
