"""Several treatments against one control: ranges that hold together, and p-values corrected for the number of arms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from models.incrementality.result import LiftResult
from models.incrementality.users.looks import Plan
from models.incrementality.users.moments import ArmsError
from models.incrementality.users.read import read_ab
from models.multiple_testing import holm, simultaneous_level


@dataclass(frozen=True)
class ArmsResult:
    """Each treatment's own read at the joint level, `adjusted` p-values (Holm), and the arm that beats all, if any.

    All ranges hold together at `level` (Bonferroni). `winner` has a range above zero and the largest lower bound above
    every other arm's upper bound; None when that cannot be said.
    """

    arms: Mapping[str, LiftResult]
    adjusted: pl.DataFrame
    winner: str | None
    level: float


def read_arms(
    arms: pl.DataFrame,
    *,
    control: str,
    level: float = 0.9,
    split: dict[str, float] | None = None,
    plan: Plan | None = None,
    looks_taken: int = 1,
    randomised: bool = True,
) -> ArmsResult:
    """Read every other arm against `control` as `read_ab` does, which says what the arguments mean."""
    names = sorted(set(arms["arm"].cast(pl.String)) - {control})
    if len(names) < 2:
        raise ArmsError(f"arms beside {control!r}: {', '.join(names) or 'none'}; read one arm with read_ab")
    joint = simultaneous_level(level, len(names))
    reads = {
        name: read_ab(
            arms,
            control=control,
            treatment=name,
            level=joint,
            split=split,
            plan=plan,
            looks_taken=looks_taken,
            randomised=randomised,
        )
        for name in names
    }
    p_values = [read.p_value for read in reads.values()]
    adjusted = pl.DataFrame({"arm": names, "p_value": p_values, "adjusted": holm(p_values)})
    unit = {name: read.att / read.effect if read.effect else 0.0 for name, read in reads.items()}
    best = max(names, key=lambda name: reads[name].low * unit[name])
    others = [reads[name].high * unit[name] for name in names if name != best]
    ahead = reads[best].low > 0 and reads[best].low * unit[best] > max(others)
    return ArmsResult(reads, adjusted, best if ahead else None, level)
