"""A panel is frozen for its period: what was asked first is asked until the period ends, or a new version says why."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from dagster_project.asking.ledger import Ledger
from dagster_project.asking.panel import PanelError, Prompt, panel_sha256
from dagster_project.workspace.settings import Settings

MOST_SHOWN = 5


@dataclass(frozen=True)
class FrozenPanel:
    """`panel_version` stands in every answer: period, number of the version, and the hash of panel and roster."""

    period: str
    version: int
    sha256: str
    prompts: Mapping[str, str]

    @property
    def panel_version(self) -> str:
        return f"{self.period}.{self.version}-{self.sha256[:8]}"


def period_of(day: date, kind: Literal["month", "quarter"]) -> str:
    """`2026-12` or `2026-Q4`."""
    return f"{day:%Y-%m}" if kind == "month" else f"{day.year}-Q{(day.month + 2) // 3}"


def next_period(day: date, kind: Literal["month", "quarter"]) -> date:
    """First day of the following period."""
    later = day
    while period_of(later, kind) == period_of(day, kind):
        later = (later.replace(day=28) + timedelta(days=4)).replace(day=1)
    return later


def identity(prompts: Sequence[Prompt], settings: Settings) -> tuple[str, dict[str, str]]:
    """(hash of the panel and its roster, what each part of it is): the parts name a difference in words."""
    panel = settings.ai
    roster = json.dumps(
        [panel.looked_for, settings.company.own_domains, panel.competitor_domains, panel.earned_domains],
        sort_keys=True,
        ensure_ascii=False,
    )
    parts = {_place(p): f"{p.version} {p.is_core} {p.weight!r} {p.persona}" for p in prompts}
    parts["brands and domains of plumbline.yaml"] = roster
    return hashlib.sha256((panel_sha256(prompts) + roster).encode()).hexdigest(), parts


def _place(prompt: Prompt) -> str:
    return " ".join(p for p in ("prompt", prompt.prompt_id, prompt.engine, prompt.surface, prompt.locale) if p)


def newest(ledger: Ledger, period: str) -> FrozenPanel | None:
    """The version in force; None before the first ask of the period."""
    row = ledger.con.execute(
        "select period, version, sha256, prompts from panel where period = ? order by version desc limit 1", (period,)
    ).fetchone()
    return FrozenPanel(row[0], row[1], row[2], json.loads(row[3])) if row else None


def frozen(
    ledger: Ledger, prompts: Sequence[Prompt], settings: Settings, day: date, *, reason: str | None = None
) -> FrozenPanel:
    """The panel of the day's period, frozen now if it is the first; `reason` allows a new version.

    Raises PanelError, naming what differs, where the panel or its roster is not the frozen one and no reason is given.
    """
    kind = settings.ai.period
    period = period_of(day, kind)
    sha256, parts = identity(prompts, settings)
    before = newest(ledger, period)
    if before is not None and before.sha256 == sha256:
        return before
    if before is not None and not (reason or "").strip():
        raise PanelError(
            f"the panel of {period} is frozen and differs: {difference(before.prompts, parts)}",
            file="landing/ai_panel",
            fix=f"put it back, wait until {next_period(day, kind)}, or begin a version whose answers are not compared"
            ' with the earlier ones: --new-version "why"',
        )
    version = before.version + 1 if before else 1
    with ledger.con:
        ledger.con.execute(
            "insert into panel values (?, ?, ?, ?, ?, ?)",
            (period, version, sha256, datetime.now(UTC).isoformat(), reason, json.dumps(parts, ensure_ascii=False)),
        )
    return FrozenPanel(period, version, sha256, parts)


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What was added, removed and changed, in words."""
    groups = (
        ("changed", sorted(k for k in before.keys() & now.keys() if before[k] != now[k])),
        ("added", sorted(now.keys() - before.keys())),
        ("removed", sorted(before.keys() - now.keys())),
    )
    told = []
    for word, names in groups:
        if names:
            more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
            told.append(f"{word}: {', '.join(names[:MOST_SHOWN])}{more}")
    return "; ".join(told)
