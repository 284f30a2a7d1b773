"""Tests of one channel side by side: whether their returns can both be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

from models.warning import Warning

APART = 2.0  # standard errors between two tests beyond which they are shown as a conflict


@dataclass(frozen=True)
class ChannelReading:
    """One channel's return in one test: incremental KPI per unit of spend, its standard error, the error's inflation.

    `period` names its days for people; it plays no part in the comparison.
    """

    experiment_id: str
    channel: str
    iroas: float
    se: float
    inflation: float = 1.0
    period: str = ""

    def __post_init__(self) -> None:
        if not self.se > 0 or self.inflation < 1:
            raise ValueError(
                f"test {self.experiment_id}: se={self.se} must be above 0, inflation={self.inflation} >= 1"
            )


@dataclass(frozen=True)
class Pair:
    """Two tests of one channel and their distance in joint standard errors (first less second)."""

    first: ChannelReading
    second: ChannelReading
    z: float

    @property
    def agree(self) -> bool:
        """Closer than two joint standard errors."""
        return abs(self.z) <= APART

    @property
    def message(self) -> str:
        """The pair in a sentence."""
        a, b = self.first, self.second
        distance = (
            f"{a.experiment_id} reads {a.iroas:.2f} per unit of spend on {a.channel}, {b.experiment_id} {b.iroas:.2f}:"
            f" {abs(self.z):.1f} standard errors apart"
        )
        return distance + (
            "." if self.agree else ", more than chance explains. They are shown side by side, not averaged."
        )


def pairs(tests: Sequence[ChannelReading]) -> list[Pair]:
    """Every two tests of one channel, errors inflated by their grades; the order of the input decides first, second.

    Both may be right although they disagree: other days, regions or spend levels have other returns.
    """
    return [
        Pair(a, b, (a.iroas - b.iroas) / sqrt((a.se * a.inflation) ** 2 + (b.se * b.inflation) ** 2))
        for a, b in combinations(tests, 2)
        if a.channel == b.channel
    ]


def conflict_warnings(compared: Sequence[Pair]) -> list[Warning]:
    """One warning per pair that disagrees."""
    return [
        Warning.about(
            "tests_disagree",
            "high",
            (pair.first.experiment_id, pair.second.experiment_id),
            f"Two tests of {pair.first.channel} contradict each other. {pair.message}",
            "Compare their days, regions and spend levels; repeat the one whose plan was departed from.",
        )
        for pair in compared
        if not pair.agree
    ]
