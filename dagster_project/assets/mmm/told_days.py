"""How far each source of media spend tells its days: a day that no file tells is unknown, not a day without spend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from dagster_project.workspace.settings import Settings
from models.warning import Warning

LONGEST_SILENCE = 7  # days inside a daily source without any row, before they count as not delivered
DENSE = 0.9  # share of days with rows above which a source counts as delivered daily
LATE_START = 28  # days after the outcome's first day


@dataclass(frozen=True)
class ToldDays:
    """Last day that every source of media spend has told, and what is doubtful about the days before."""

    until: date
    warnings: tuple[Warning, ...]


def told_days(con: duckdb.DuckDBPyConnection, settings: Settings, first_day: date, last_day: date) -> ToldDays:
    """What the sources of media spend say about the outcome's days `first_day` to `last_day`, both included.

    A source that ends before the outcome ends the model with it, unless plumbline.yaml says that it has `ended`: from
    then on its spend is zero by the company's word. Days of a period (week, month) are told by the period's line.
    """
    rows = con.execute(
        "select distinct source, day, grain from marts.channel_day where cost_type = 'media' order by all"
    ).fetchall()
    told: dict[str, set[date]] = {}
    for source, day, grain in rows:
        told.setdefault(source, set()).update(_days_of(day, grain))
    ended = {str(name): options.ended for name, options in settings.sources.items() if options.ended is not None}
    until = {source: last_day if source in ended else min(max(days), last_day) for source, days in told.items()}
    warnings = [w for source, days in sorted(told.items()) for w in _doubts(source, days, first_day, ended)]
    end = min(until.values(), default=last_day)
    late = [source for source, day in sorted(until.items()) if day == end]
    if end < last_day:
        warnings.append(_ends_early(late, end, last_day))
    return ToldDays(end, tuple(warnings))


def _days_of(day: date, grain: str) -> list[date]:
    if grain == "month":
        following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        return [day + timedelta(days=i) for i in range((following - day).days)]
    return [day + timedelta(days=i) for i in range(7 if grain == "week" else 1)]


def _ends_early(sources: list[str], end: date, last_day: date) -> Warning:
    names = ", ".join(f"landing/{s}" for s in sources)
    return Warning(
        code="spend_ends_before_outcome",
        severity="high",
        subject=sources[0] if len(sources) == 1 else "all",
        message=f"{names} tells spend until {end}, the outcome goes to {last_day}: {(last_day - end).days} days have no"
        " known spend, so the model ends with the spend. They are not days without spend.",
        action="Deliver the missing days; if nothing was spent there any more, set "
        + " and ".join(f"sources.{s}.ended: {end}" for s in sources)
        + " in plumbline.yaml.",
    )


def _doubts(source: str, days: set[date], first_day: date, ended: Mapping[str, date]) -> list[Warning]:
    found = []
    start, end = min(days), max(days)
    if (start - first_day).days > LATE_START:
        found.append(
            Warning(
                code="spend_starts_after_outcome",
                severity="medium",
                subject=source,
                message=f"landing/{source} tells spend from {start} on, {(start - first_day).days} days after the"
                " outcome begins; the days before are taken as days without spend.",
                action=f"If {source} spent before {start}, deliver those days or set mmm.start to {start}.",
            )
        )
    silences = [
        (a, b) for a, b in zip(sorted(days), sorted(days)[1:], strict=False) if (b - a).days - 1 >= LONGEST_SILENCE
    ]
    missing = sum((b - a).days - 1 for a, b in silences)
    if silences and len(days) >= DENSE * ((end - start).days + 1 - missing):
        first, second = silences[0]
        found.append(
            Warning(
                code="spend_days_missing",
                severity="high",
                subject=source,
                message=f"landing/{source} has no row from {first + timedelta(days=1)} to {second - timedelta(days=1)}"
                + (f" and in {len(silences) - 1} more stretches" if len(silences) > 1 else "")
                + f" ({missing} days in all) between days that it tells; they are taken as days without spend.",
                action="Deliver the missing days; if nothing was spent, deliver them with 0.",
            )
        )
    if source in ended and end > ended[source]:
        found.append(
            Warning(
                code="spend_after_its_end",
                severity="medium",
                subject=source,
                message=f"landing/{source} tells spend until {end}, but sources.{source}.ended is {ended[source]}.",
                action=f"Remove sources.{source}.ended or set it to the true last day.",
            )
        )
    return found
