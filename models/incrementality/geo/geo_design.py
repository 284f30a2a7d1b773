"""A geo test before it runs: who is treated, how it will be read, what it can find and cost; frozen by its hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from typing import Literal

import polars as pl

Kind = Literal["heavy_up", "go_dark", "holdback"]


@dataclass(frozen=True)
class AnalysisPlan:
    """How the test will be read, decided before it starts; a read that departs from it says so."""

    start: date | None
    duration: int
    cooldown: int
    grain: str
    method: str
    level: float
    decision: str


@dataclass(frozen=True)
class GeoDesign:
    """One candidate design with its printed score.

    `mde` is the smallest lift (share of KPI) found with the asked power, by the less favourable of two readings: days
    that no choice of groups or method has seen, and `mde_claimed`, the days used for that choice.
    `validated_power` is the power on the unseen days at `mde_claimed`. Money is None where the inputs do not say.
    `accepted` are all treated sets that passed: drawing among them at random makes the test a randomised one.
    """

    treated: tuple[str, ...]
    controls: tuple[str, ...]
    excluded: tuple[str, ...]
    kind: Kind
    plan: AnalysisPlan
    mde: float
    mde_claimed: float
    power: float
    validated_power: float
    correlation: float
    scaled_l2: float
    share_of_kpi: float
    mde_units: float
    spend_needed: float | None
    mde_iroas: float | None
    cost: float | None
    reasons: tuple[str, ...]
    rejected: tuple[tuple[str, int], ...]
    accepted: tuple[tuple[str, ...], ...]
    power_curve: tuple[tuple[float, float, float], ...]
    data_sha256: str
    data_until: date
    seed: int

    def __post_init__(self) -> None:
        if both := sorted(set(self.treated) & set(self.controls)):
            raise ValueError(f"geo {both[0]!r} is treated and control in the design: it can only be one")

    @property
    def sha256(self) -> str:
        """Identity of the design, its plan and the data it was made from."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """Canonical text: the same design always gives the same bytes."""
        return json.dumps(asdict(self), sort_keys=True, default=str, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> GeoDesign:
        """The design that was frozen; raises ValueError for another document."""
        content = json.loads(text)
        if set(content) != {field.name for field in fields(cls)}:
            raise ValueError(f"not a geo design: it has the fields {', '.join(sorted(content))}")
        plan = content["plan"]
        plan["start"] = date.fromisoformat(plan["start"]) if plan["start"] else None
        content["plan"] = AnalysisPlan(**plan)
        content["data_until"] = date.fromisoformat(content["data_until"])
        for name in ("treated", "controls", "excluded", "reasons"):
            content[name] = tuple(content[name])
        for name in ("rejected", "accepted", "power_curve"):
            content[name] = tuple(tuple(row) for row in content[name])
        return cls(**content)

    def curve_frame(self) -> pl.DataFrame:
        """Power by lift: lift, power (selection days), validated_power (unseen days)."""
        return pl.DataFrame(
            [*self.power_curve],
            schema={"lift": pl.Float64, "power": pl.Float64, "validated_power": pl.Float64},
            orient="row",
        )

    @property
    def end(self) -> date | None:
        """Last day of the planned test, for daily and weekly panels."""
        if self.plan.start is None or self.plan.grain not in ("day", "week"):
            return None
        return self.plan.start + timedelta(days=self.plan.duration * (7 if self.plan.grain == "week" else 1) - 1)


@dataclass(frozen=True)
class CellsDesign:
    """Disjoint cells with one frozen design each; every cell's `excluded` holds the other cells' geos.

    `mde` is the largest validated detectable lift of its cells: what the weakest cell can find. `accepted` are the
    sets of cells that qualified, to draw one at random.
    """

    cells: tuple[tuple[str, GeoDesign], ...]
    accepted: tuple[tuple[tuple[str, ...], ...], ...]
    reasons: tuple[str, ...]

    @property
    def mde(self) -> float:
        return max(design.mde for _, design in self.cells)

    @property
    def geos(self) -> dict[str, tuple[str, ...]]:
        """Treated geos by cell, as `read_cells` takes them."""
        return {name: design.treated for name, design in self.cells}

    @property
    def sha256(self) -> str:
        """Identity of all cells with their plans and data."""
        identity = {name: design.sha256 for name, design in self.cells}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
