"""One sequence of deliveries, lived through in a random order of arrival and built again from landing/ in one go."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence as Listing
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np

from benchmarks.deliveries.marts import InMemoryWorkspace, Statement
from benchmarks.deliveries.sequences import AS_OF, Sequence, sequence
from dagster_project.workspace.settings import Settings

_RAW = tuple(f"select * from raw.{table} order by all" for table in ("google_ads", "channel_spend", "revenue"))
_MARTS = ("select * from marts.channel_day order by all", "select * from marts.kpi_day order by all")


@dataclass(frozen=True)
class Outcome:
    """What a sequence gave: `wrong` names the days whose amount is not the true one, `differs` marts that disagree."""

    seed: int
    kinds: tuple[str, ...]
    deliveries: int
    wrong: tuple[str, ...]
    differs: tuple[str, ...]

    @property
    def right(self) -> bool:
        return not self.wrong and not self.differs


def trial(seed: int, sql: Listing[Statement]) -> Outcome:
    """The marts after random arrival, against the true amounts, a clean order and a rebuild from the files alone."""
    made = sequence(seed)
    names = list(made.files)
    shuffled = [names[i] for i in np.random.default_rng(seed + 1).permutation(len(names))]
    lived, clean, rebuilt = (
        _landed(made, arrivals, sql) for arrivals in ([[n] for n in shuffled], [[n] for n in names], [names])
    )
    wrong = [
        f"{what} {day}: {found.get(day)} instead of {right.get(day)}"
        for what, right, found in (
            ("google_ads", made.google, _by_day(lived, "spend", "channel_day where source = 'google_ads'")),
            ("channel_spend", made.own, _by_day(lived, "spend", "channel_day where source = 'channel_spend'")),
            ("revenue", made.revenue, _by_day(lived, "revenue", "kpi_day where kpi = 'revenue'")),
        )
        for day in sorted({*right, *found})
        if right.get(day) != found.get(day)
    ]
    differs = [name for name, other in (("clean order", clean), ("rebuild", rebuilt)) if not _equal(other, lived)]
    for workspace in (lived, clean, rebuilt):
        workspace.close()
    return Outcome(seed, tuple(made.kinds), len(names), tuple(wrong), tuple(differs))


def _landed(made: Sequence, arrivals: list[list[str]], sql: Listing[Statement]) -> InMemoryWorkspace:
    with tempfile.TemporaryDirectory() as folder:
        workspace = InMemoryWorkspace(Path(folder), sql, Settings(), AS_OF)
        for names in arrivals:
            workspace.deliver({name: made.files[name] for name in names})
        return workspace


def _by_day(workspace: InMemoryWorkspace, amount: str, rows: str) -> dict[date, Decimal]:
    if not workspace.built:
        workspace.build()
    return dict(workspace.rows(f"select day, sum({amount}) from marts.{rows} group by day"))


def _equal(one: InMemoryWorkspace, other: InMemoryWorkspace) -> bool:
    """Whether the marts are equal. Equal raw rows give equal marts, since the SQL reads nothing else."""
    if all(one.rows(query) == other.rows(query) for query in _RAW):
        return True
    for workspace in (one, other):
        if not workspace.built:
            workspace.build()
    return all(one.rows(query) == other.rows(query) for query in _MARTS)
