"""Roles of the panel's columns: the unit of the KPI, causal roles, treatments and mediators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.mmm.panel.error import MMMError

KpiUnit = Literal["revenue", "count"]
Role = Literal["confounder", "precision", "irrelevant", "mediator", "collider", "instrument", "event"]


@dataclass(frozen=True)
class Treatment:
    """A lever without media money behind it (price, promotion): `baseline` is the value that counts as no treatment."""

    column: str
    baseline: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.baseline):
            raise MMMError(f"treatment {self.column!r}: baseline={self.baseline} is not a number")


@dataclass(frozen=True)
class Mediator:
    """A series that `channels` move and that moves the KPI in turn, such as brand searches: never a control.

    `column` holds its volume per period (searches, visits), not money.
    """

    column: str
    channels: tuple[str, ...]

    def __post_init__(self) -> None:
        if isinstance(self.channels, str) or not self.channels:
            raise MMMError(f"mediator {self.column!r}: channels={self.channels!r}, give the channels that move it")
