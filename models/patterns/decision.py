"""One weekly decision on one pattern, and its form as a table, so that history survives a restart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Literal

import polars as pl

from models.patterns.estimates import Estimate
from models.patterns.spec import Risk, Tier

State = Literal["candidate", "provisional", "promoted", "watch", "retired", "blocked"]
Kind = Literal["do", "avoid", "neutral"]
Key = tuple[str, Kind, tuple[str, ...]]
ACTIVE: tuple[State, ...] = ("provisional", "promoted", "watch")


@dataclass(frozen=True)
class Decision:
    """What the rules say about a pattern in the week that starts on `week` (data cut Monday 00:00 UTC).

    `since` is the week in which it entered `state`; `provisional_since` starts the fresh data that promotion needs;
    `evidence_since` drops older data after a retirement. `unmet` lists the rules still open, in plain words;
    `reason` says why the state is what it is; `retire_reason` is one of the contract's words.
    """

    feature: str
    kind: Kind
    channels: tuple[str, ...]
    week: date
    state: State
    previous: State | None
    since: date
    reason: str
    unmet: tuple[str, ...] = ()
    meets_promotion: bool = False
    provisional_since: date | None = None
    evidence_since: date | None = None
    expires: date | None = None
    p_assign: float = 0.0
    worth: float = 0.0
    risk: Risk = "low"
    tier: Tier = "B"
    retire_reason: str | None = None
    estimate: Estimate | None = None

    @property
    def key(self) -> Key:
        """What makes it the same pattern week after week."""
        return self.feature, self.kind, self.channels

    @property
    def changed(self) -> bool:
        """Did the state change this week?"""
        return self.state != self.previous


def block(decision: Decision, week: date, reason: str) -> Decision:
    """A person takes the pattern out, from any state, at once. Raises ValueError without a reason."""
    if not reason.strip():
        raise ValueError(f"blocking {decision.feature} needs a reason")
    values = {f.name: getattr(decision, f.name) for f in fields(Decision)}
    values |= {"week": week, "since": week, "previous": decision.state, "state": "blocked", "p_assign": 0.0}
    return Decision(**(values | {"reason": reason, "retire_reason": "human_block", "unmet": ()}))


def to_frame(decisions: Iterable[Decision]) -> pl.DataFrame:
    """One row per decision; the estimate's fields are the columns est_*, null where there is none."""
    empty = {f"est_{f.name}": None for f in fields(Estimate)}
    rows = []
    for d in decisions:
        row = {f.name: getattr(d, f.name) for f in fields(Decision) if f.name != "estimate"}
        row["channels"], row["unmet"] = list(d.channels), list(d.unmet)
        estimate = (
            {f"est_{k}": list(v) if isinstance(v, tuple) else v for k, v in vars(d.estimate).items()}
            if d.estimate
            else {}
        )
        rows.append(row | empty | estimate)
    return pl.DataFrame(rows, infer_schema_length=None)


def from_frame(frame: pl.DataFrame) -> list[Decision]:
    """Decisions back from `to_frame`'s table."""
    decisions = []
    for row in frame.iter_rows(named=True):
        estimate = {k.removeprefix("est_"): v for k, v in row.items() if k.startswith("est_")}
        own: dict[str, Any] = {k: v for k, v in row.items() if not k.startswith("est_")}
        own["channels"], own["unmet"] = tuple(own["channels"]), tuple(own["unmet"] or ())
        if estimate["feature"] is not None:
            own["estimate"] = Estimate(**(estimate | {"channels": tuple(estimate["channels"])}))
        decisions.append(Decision(**own))
    return decisions
