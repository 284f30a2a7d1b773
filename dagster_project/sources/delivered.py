"""When a file could first be known: the date in its name where that is plausible, else the time of landing."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from pathlib import PurePath

from dagster_project.workspace.settings import Settings

_ISO_DAY = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)")


def effective_now(settings: Settings, now: datetime) -> datetime:
    """UTC without zone: the end of `clock` (workspace time) where plumbline.yaml sets one, else the instant given."""
    if settings.clock is not None:
        now = datetime.combine(settings.clock, time(23, 59, 59), tzinfo=settings.zone)
    return now.astimezone(UTC).replace(tzinfo=None) if now.tzinfo else now


def business_day(settings: Settings, now: datetime) -> date:
    """The workspace's calendar day at `now` (UTC without zone)."""
    return now.replace(tzinfo=UTC).astimezone(settings.zone).date()


def delivered_at(file: str, newest: date | None, now: datetime) -> datetime:
    """End of the one ISO day in the file's name (or in a folder `delivered_at=…`), never later than `now`.

    Falls back to `now` where there is none or several, where it lies in the future, or before the newest day inside.
    """
    path = PurePath(file)
    named = {d for text in _ISO_DAY.findall(path.name) if (d := _day(text))}
    if not named:
        folders = [p.removeprefix("delivered_at=") for p in path.parts[:-1] if p.startswith("delivered_at=")]
        named = {d for text in folders if (d := _day(text))}
    if len(named) != 1:
        return now
    day = named.pop()
    if day > now.date() or (newest is not None and newest > day):
        return now
    return min(datetime.combine(day, time(23, 59, 59)), now)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
