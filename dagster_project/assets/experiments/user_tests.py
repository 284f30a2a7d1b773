"""A/B and holdout tests over users: from the sums of the arms in the warehouse to one read per arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from models.warning import Warning

if TYPE_CHECKING:
    from models.incrementality import LiftContract, LiftResult

LEVEL = 0.9
MANY_CROSSED = 0.01  # share of users in several arms beyond which their loss may bias what is left


@dataclass(frozen=True)
class UserTest:
    """A declared test over users: sums by arm, which arm is the control, how often it may be read.

    `planned_users` is the size it was planned for: with it the test is read at any time by an always-valid rule,
    without it once, after its end. `spend` is the extra cost of the treatment. `crossed` users were seen in several
    arms and count in none.
    """

    experiment_id: str
    channels: tuple[str, ...]
    start: date
    end: date
    kpi: str
    money_per_kpi: float | None
    control: str
    split: Mapping[str, float] | None
    planned_users: int | None
    spend: float | None
    arms: pl.DataFrame
    crossed: int = 0

    @property
    def treatments(self) -> tuple[str, ...]:
        """Every arm but the control."""
        return tuple(sorted(set(self.arms["arm"].to_list()) - {self.control}))

    def name_of(self, treatment: str) -> str:
        """The test's name, with the arm's where there are several."""
        return self.experiment_id if len(self.treatments) == 1 else f"{self.experiment_id}:{treatment}"

    def read(self, treatment: str, *, margin: float | None) -> LiftResult:
        """What the treatment caused against the control; ranges of several treatments hold together.

        Raises ArmsError naming arm and column.
        """
        from models.incrementality import AnyLook, OneLook, read_ab
        from models.multiple_testing import simultaneous_level

        unit = self.money_per_kpi
        return read_ab(
            self.arms,
            control=self.control,
            treatment=treatment,
            level=simultaneous_level(LEVEL, len(self.treatments)),
            split=dict(self.split) if self.split else None,
            plan=AnyLook(self.planned_users) if self.planned_users else OneLook(),
            looks_taken=1,
            spend=self.spend if len(self.treatments) == 1 else None,
            margin=None if margin is None or unit is None else margin * unit,
        )

    def contract(self, treatment: str, lift: LiftResult) -> LiftContract:
        """What the treatment's read hands on."""
        from models.incrementality import ExperimentScope, lift_contract

        scope = ExperimentScope(
            test_id=self.name_of(treatment),
            channels=self.channels,
            geos=(),
            design="ab",
            start=self.start,
            end=self.end,
            cooldown_end=self.end,
            kpi=self.kpi,
        )
        return lift_contract(lift, scope, money_per_kpi=self.money_per_kpi)

    def warnings(self) -> list[Warning]:
        """What the assignment itself shows."""
        users = int(self.arms["n"].sum())
        if not self.crossed:
            return []
        share = self.crossed / (users + self.crossed)
        return [
            Warning(
                "users_in_several_arms",
                "high" if share > MANY_CROSSED else "low",
                self.experiment_id,
                f"{self.crossed:,} users ({share:.1%}) were seen in several arms and are left out.",
                "Assign by a key that a person keeps; those left out are rarely like the others.",
            )
        ]


def user_tests(
    con: duckdb.DuckDBPyConnection, as_of_day: date, *, company_kpi: str, value_per_unit: float | None
) -> tuple[list[UserTest], list[Warning]]:
    """Declared A/B tests that may be read by `as_of_day` and have arms; the others by name, with what they lack."""
    rows = con.execute(
        "select distinct on (experiment_id) experiment_id, channels, start_day, end_day, kpi, control_arm, split,"
        " planned_users, spend_treated, spend_control from marts.experiment where declared and design = 'ab'"
        " and start_day <= ? order by experiment_id, estimand",
        [as_of_day],
    ).fetchall()
    arms = con.sql("select * from marts.experiment_arm order by experiment_id, stratum, arm").pl()
    found, notes = [], []
    for name, channels, start, end, kpi, control, split, planned, treated, untreated in rows:
        if end > as_of_day and not planned:
            continue  # one look, after the end
        own = arms.filter(pl.col("experiment_id") == name).drop("experiment_id")
        if own.is_empty():
            notes.append(
                _unusable(name, f"no arm of {name} was delivered", "Deliver its users or the sums of its arms.")
            )
            continue
        try:
            shares = _shares(split)
        except ValueError:
            notes.append(_unusable(name, f"split {split!r} is not understood", "Write it as control:0.5|b:0.5."))
            continue
        crossed = int(own["crossed"].sum() or 0)
        if own["stratum"].n_unique() == 1:
            own = own.drop("stratum")
        found.append(
            UserTest(
                name,
                tuple(channels),
                start,
                end,
                kpi,
                1.0 if kpi == "revenue" else value_per_unit if kpi == company_kpi else None,
                control,
                shares,
                planned,
                None if treated is None else float(treated) - float(untreated or 0),
                own.drop("crossed"),
                crossed,
            )
        )
    return found, notes


def _shares(text: str | None) -> dict[str, float] | None:
    """Configured shares such as `control:0.5|b:0.5`; raises ValueError for other text."""
    if not text:
        return None
    pairs = [part.rsplit(":", 1) for part in text.replace(";", "|").split("|") if part.strip()]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(text)
    shares = {arm.strip(): float(share) for arm, share in pairs}
    total = sum(shares.values())
    if not total > 0:
        raise ValueError(text)
    return {arm: share / total for arm, share in shares.items()}


def _unusable(name: str, why: str, action: str) -> Warning:
    return Warning("experiment_unreadable", "high", name, f"The test could not be read: {why}.", action)
