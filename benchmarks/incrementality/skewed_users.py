"""`python -m benchmarks.incrementality.skewed_users`: does a user test without effect show one where few buy?

Their values are skewed and the arms unequal. Writes docs/methods/incrementality-users.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.incrementality.page import table
from models.incrementality import AnyLook, LiftResult, OneLook, read_ab
from models.incrementality.users.estimate import difference
from models.incrementality.users.looks import Plan
from models.incrementality.users.moments import arms_from_frame

PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods" / "incrementality-users.md"
LIFT = 0.3
ALLOWED = 0.07  # false lifts on one side, of a nominal .05; two Monte Carlo errors are added
MISSES = 0.075  # range above or below the truth
LOOKS = 10


@dataclass(frozen=True)
class Shape:
    """Users of both arms, the share that buys, and the log-sd of their values; `pareto` replaces the lognormal."""

    control: int
    treated: int
    buyers: float
    log_sd: float
    pareto: float | None = None

    def __str__(self) -> str:
        values = f"Pareto {self.pareto}" if self.pareto else f"lognormal {self.log_sd}"
        return f"{self.control:,} / {self.treated:,}, {self.buyers:.0%}, {values}"

    def values(self, draw: np.random.Generator, users: int, *, buyers: float = 1.0) -> np.ndarray:
        """Values of the users who buy, their share times `buyers`; everybody else has zero."""
        count = draw.binomial(users, self.buyers * buyers)
        return 1 + draw.pareto(self.pareto, count) if self.pareto else draw.lognormal(3, self.log_sd, count)


SHAPES = (
    Shape(2_000, 18_000, 0.03, 1.5),
    Shape(1_000, 19_000, 0.03, 1.5),
    Shape(5_000, 95_000, 0.03, 1.5),
    Shape(2_000, 18_000, 0.03, 1.0),
    Shape(2_000, 18_000, 0.10, 1.2),
    Shape(500, 9_500, 0.02, 1.2),
    Shape(10_000, 10_000, 0.03, 1.5),
    Shape(18_000, 2_000, 0.03, 1.5),
    Shape(2_000, 18_000, 0.03, 2.0),
    Shape(2_000, 18_000, 0.03, 0.0, pareto=1.8),
)
BOUND = SHAPES[:8]  # lognormal values of the sizes that shops have; the last two are harder and only shown
DELIVERED = {
    "buyers and cubes": ("buyers", "sum_cu"),
    "cubes": ("sum_cu",),
    "sums only": (),
}


def sums(arm: str, users: int, values: np.ndarray) -> dict[str, object]:
    """One arm as the warehouse delivers it."""
    return {
        "arm": arm,
        "n": users,
        "sum": float(values.sum()),
        "sum_sq": float((values**2).sum()),
        "sum_cu": float((values**3).sum()),
        "buyers": values.size,
    }


def arms(shape: Shape, seed: int, *, more_buyers: float = 0.0, larger_values: float = 0.0) -> pl.DataFrame:
    """Both arms of one test with the given lift of the treated."""
    draw = np.random.default_rng([seed, shape.control, shape.treated, round(100 * shape.buyers)])
    control = shape.values(draw, shape.control)
    treated = shape.values(draw, shape.treated, buyers=1 + more_buyers) * (1 + larger_values)
    return pl.DataFrame([sums("control", shape.control, control), sums("treated", shape.treated, treated)])


def read(frame: pl.DataFrame, columns: Sequence[str] = ("buyers", "sum_cu"), plan: Plan | None = None) -> LiftResult:
    """The read at 90 %, with what was delivered beside the sums."""
    users = dict(frame.select("arm", "n").iter_rows())
    split = {arm: n / sum(users.values()) for arm, n in users.items()}
    kept = frame.select("arm", "n", "sum", "sum_sq", *columns)
    return read_ab(kept, control="control", split=split, plan=plan or OneLook())


def false_lifts(shape: Shape, runs: int) -> dict[str, tuple[float, float]]:
    """Share of tests without effect that are valid and show a lift, and a loss; by what was delivered."""
    found: dict[str, list[tuple[bool, bool]]] = {name: [] for name in ("Welch", *DELIVERED)}
    for seed in range(runs):
        frame = arms(shape, seed)
        control, treated = arms_from_frame(frame.select("arm", "n", "sum", "sum_sq"))
        contrast = difference(control, treated)
        reach = contrast.reach(0.9)
        found["Welch"].append((contrast.point > reach, contrast.point < -reach))
        for name, columns in DELIVERED.items():
            result = read(frame, columns)
            valid = result.verdict == "valid"
            found[name].append((valid and result.low > 0, valid and result.high < 0))
    return {name: tuple(np.mean(sides, axis=0)) for name, sides in found.items()}


def lifted(shape: Shape, runs: int, **lift: float) -> tuple[float, float, float, float]:
    """Power of the read and of the share of buyers, and how often the range lies above and below the true lift."""
    power, buyers, above, below = [], [], [], []
    for seed in range(runs):
        result = read(arms(shape, 100_000 + seed, **lift))
        power.append(result.low > 0)
        buyers.append(float(result.other_form.get("buyers_p_value", 1.0)) <= 0.1)
        above.append(result.relative_low > LIFT)
        below.append(result.relative_high < LIFT)
    return float(np.mean(power)), float(np.mean(buyers)), float(np.mean(above)), float(np.mean(below))


def ever_found(shape: Shape, runs: int) -> float:
    """Share of tests without effect in which one of ten looks by an always-valid range finds an effect."""
    ever = 0
    planned = shape.control + shape.treated
    for seed in range(runs):
        draw = np.random.default_rng([seed, 7, shape.control])
        parts = [[shape.values(draw, users // LOOKS) for _ in range(LOOKS)] for users in (shape.control, shape.treated)]
        for look in range(1, LOOKS + 1):
            control, treated = (np.concatenate(values[:look]) for values in parts)
            frame = pl.DataFrame(
                [
                    sums("control", shape.control // LOOKS * look, control),
                    sums("treated", shape.treated // LOOKS * look, treated),
                ]
            )
            if frame["buyers"].min() == 0:
                continue
            result = read(frame, plan=AnyLook(planned))
            if result.verdict == "valid" and result.significant:
                ever += 1
                break
    return ever / runs


def main() -> int:
    """Exit 0 when no shape shows more false lifts or missed ranges than allowed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.incrementality.skewed_users", description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000, help="tests per shape without effect")
    parser.add_argument("--no-page", action="store_true", help="print only")
    asked = parser.parse_args()
    runs, fewer = asked.runs, max(1, asked.runs // 4)
    quiet = {shape: false_lifts(shape, runs) for shape in SHAPES}
    raised = {
        (shape, kind): lifted(shape, fewer, **{kind: LIFT})
        for shape in (SHAPES[0], SHAPES[2], SHAPES[4], SHAPES[5], SHAPES[6])
        for kind in ("more_buyers", "larger_values")
    }
    looks = {shape: ever_found(shape, fewer) for shape in (SHAPES[0], SHAPES[6])}
    text = _page(quiet, raised, looks, runs, fewer)
    sys.stdout.write(text + "\n")
    if not asked.no_page:
        PAGE.write_text(text + "\n", encoding="utf-8")
    return 0 if _kept(quiet, raised, looks, runs, fewer) else 1


def _kept(quiet: dict, raised: dict, looks: dict, runs: int, fewer: int) -> bool:
    held = all(
        share <= ALLOWED + 2 * np.sqrt(ALLOWED * (1 - ALLOWED) / runs)
        for shape in BOUND
        for name in DELIVERED
        for share in quiet[shape][name]
    )
    covered = all(
        miss <= MISSES + 2 * np.sqrt(MISSES * (1 - MISSES) / fewer) for found in raised.values() for miss in found[2:]
    )
    return held and covered and all(share <= 0.1 + 2 * np.sqrt(0.09 / fewer) for share in looks.values())


def _page(quiet: dict, raised: dict, looks: dict, runs: int, fewer: int) -> str:
    def both(sides: tuple[float, float]) -> str:
        return f"{sides[0]:.3f} / {sides[1]:.3f}"

    false = [(str(shape), *(both(found[name]) for name in ("Welch", *DELIVERED))) for shape, found in quiet.items()]
    kinds = {"more_buyers": "more buyers", "larger_values": "larger values"}
    power = [
        (str(shape), kinds[kind], f"{found[0]:.2f}", f"{found[1]:.2f}", f"{found[2]:.3f}", f"{found[3]:.3f}")
        for (shape, kind), found in raised.items()
    ]
    return "\n\n".join(
        [
            "# User tests with few buyers and skewed values",
            f"Printed by `python -m benchmarks.incrementality.skewed_users --runs {runs}`. Arms are control / treated"
            " users, the share that buys, and the law of their values (log-sd, or tail index). Ranges at 90 %, so .05"
            " of tests without effect may show a lift and .05 a loss.",
            "## Tests without effect: share that are valid and show a lift / a loss",
            f"{runs:,} tests per shape, Monte Carlo error about {np.sqrt(0.05 * 0.95 / runs):.3f}. The first column is"
            " Welch's t-test without a guard, the others `read_ab` by what the arms deliver beside n, sum and sum_sq."
            " With sums only, unequal arms are invalid because nothing says how skewed their values are.",
            table(("arms, buyers, values", "Welch, no guard", *DELIVERED), false),
            f"## Lift of {LIFT:.0%}",
            f"{fewer:,} tests per row. `power` is how often the range lies above zero, `share of buyers` how often"
            " the share of buyers alone differs at p <= .10: the clearer number where a lift comes through buyers,"
            " blind where it comes through values.",
            table(
                ("arms, buyers, values", "lift through", "power", "share of buyers", "range above truth", "below"),
                power,
            ),
            "## Ten looks by an always-valid range",
            f"{fewer:,} tests without effect, looked at after each tenth of their users: share that ever finds an"
            " effect, .10 allowed.",
            table(("arms, buyers, values", "ever"), [(str(shape), f"{share:.3f}") for shape, share in looks.items()]),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
