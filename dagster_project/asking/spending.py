"""The caps on paid calls: what has been charged or reserved per day, month and purpose, and what may still be spent."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dagster_project.workspace.ai_settings import Llm
from models.error import PlumblineError

MICRO = Decimal(1_000_000)
# While a call goes on, the most that it can cost counts; once its outcome is unknown for good, what it usually costs.
CHARGED = (
    "case state when 'settled' then actual_usd when 'released' then 0 when 'reserved' then held_usd"
    " else estimate_usd end"
)


class CapReached(PlumblineError):
    """A paid call would exceed a cap of plumbline.yaml."""


@dataclass(frozen=True)
class Spent:
    """What counts against the caps, in US dollars: settled at the price, everything of unknown price as estimated."""

    today: Decimal
    month: Decimal
    purpose_today: Decimal


def spent(con: sqlite3.Connection, day: date, purpose: str) -> Spent:
    """What has been charged or reserved on `day`, in its month, and on the day for this purpose."""

    def total(condition: str, *values: str) -> Decimal:
        row = con.execute(f"select coalesce(sum({CHARGED}), 0) from cost where {condition}", values).fetchone()
        return Decimal(row[0]) / MICRO

    return Spent(
        total("day = ?", day.isoformat()),
        total("day like ?", f"{day:%Y-%m}-%"),
        total("day = ? and purpose = ?", day.isoformat(), purpose),
    )


def room(con: sqlite3.Connection, caps: Llm, day: date, purpose: str) -> tuple[Decimal, str]:
    """What may still be spent (US dollars, may be below 0) and the key of the cap that is nearest."""
    so_far = spent(con, day, purpose)
    rooms = [
        (caps.daily_cap - so_far.today, "llm.daily_cap"),
        (caps.monthly_cap - so_far.month, "llm.monthly_cap"),
    ]
    for name, cap in caps.purpose_caps.items():
        if name == purpose:
            rooms.append((cap - so_far.purpose_today, f"llm.purpose_caps.{name}"))
    return min(rooms)
