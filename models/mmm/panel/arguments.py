"""Checks of the arguments of `MMMData.from_frame`: kinds, columns with two meanings, ambiguous names.

Values of columns are judged in `columns` and `plausibility`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date as Date
from datetime import datetime
from typing import get_args

import polars as pl

from models.mmm.panel.error import MMMError
from models.mmm.panel.roles import Mediator, Role, Treatment

LINES = (
    "baseline",
    "trend",
    "seasonality",
    "controls",
    "events",
    "hidden demand",
    "fitted",
    "residual",
    "observed",
    "all",
)


def as_frame(frame: object) -> pl.DataFrame:
    """The polars frame of `frame`; a lazy one is collected. Raises ValueError for anything else."""
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    kind = type(frame)
    pandas = kind.__module__.startswith("pandas")
    raise MMMError(
        f"frame is a {kind.__module__}.{kind.__name__}, not a polars DataFrame: pass"
        f" {'polars.from_pandas(frame)' if pandas else 'polars.DataFrame(...)'}"
    )


def refuse_wrong_kinds(**given: object) -> None:
    """Raises ValueError when an argument that maps names to columns is something else, or maps to no column name."""
    example = {
        "controls": "{'price': 'precision'}",
        "reach": "{'video': ('reach', 'frequency')}",
        "mediators": "{'brand': Mediator('searches', ('video',))}",
        "events": "{'fair': [date(2026, 5, 4)]}",
    }
    for argument, value in given.items():
        shape = example.get(argument, "{'search': 'search_spend'}")
        if not isinstance(value, Mapping):
            raise MMMError(f"{argument}={value!r}: give a mapping such as {shape}")
        for name, column in value.items():
            if not isinstance(name, str) or not name.strip():
                raise MMMError(f"{argument} holds the name {name!r}: names are texts, and not empty")
            if argument not in example and not isinstance(column, str):
                raise MMMError(f"{argument}[{name!r}]={column!r}: give the name of one column, such as {shape}")
            pair = isinstance(column, (tuple, list)) and len(column) == 2
            if argument == "reach" and not pair:
                raise MMMError(f"reach[{name!r}]={column!r}: give a pair, the reach column and the frequency column")


def refuse_unclear_names(
    channels: Iterable[str], levers: Iterable[str], mediators: Iterable[str], *, events: bool, controls: bool
) -> None:
    """Raises ValueError for ambiguous names: two alike, or the name of a line of the result."""
    unused = {"events": not events, "controls": not controls}
    taken = {line: "a line of the result" for line in LINES if not unused.get(line, False)}
    for kind, names in (("a channel", channels), ("a treatment", levers), ("a mediator", mediators)):
        for name in names:
            if name in taken:
                raise MMMError(f"{name!r} is the name of {kind} and of {taken[name]}: give it another name")
            if ", " in name:  # lists of channels are separated so in warnings
                raise MMMError(f"{kind} is called {name!r}: leave the comma out of the name")
            taken[name] = kind


def refuse_unknown_channels(
    spend: Mapping[str, str],
    organic: Mapping[str, str],
    exposure: Mapping[str, str],
    reach: Mapping[str, tuple[str, str]],
    organic_se: Mapping[str, str],
    levels: Collection[str],
    mediators: Mapping[str, Mediator],
) -> None:
    """Raises ValueError for a declaration about an unknown channel, or one that does not apply to it."""
    doubled = sorted(set(spend) & set(organic))
    if doubled:
        raise MMMError(f"channel {doubled[0]!r} is both paid (spend) and organic: give it one meaning")
    if isinstance(levels, str):
        raise MMMError(f"levels={levels!r}: give a list of organic channels, such as [{levels!r}]")
    for label, names, declared in (
        ("exposure", set(exposure), {**spend, **organic}),
        ("reach", set(reach), {**spend, **organic}),
        ("organic_se", set(organic_se), organic),
        ("levels", set(levels), organic),
        ("mediators", {c for m in mediators.values() for c in m.channels}, {**spend, **organic}),
    ):
        unknown = sorted(names - set(declared))
        if unknown:
            where = "not in organic" if declared is organic else "neither in spend nor in organic"
            raise MMMError(f"{label} names channel {unknown[0]!r}, which is {where}: it has {', '.join(declared)}")
    both = set(organic_se) & (set(reach) | set(exposure))
    if both:
        raise MMMError(f"channel {min(both)!r} has organic_se beside reach or exposure: measure one series")
    both = set(reach) & set(exposure)
    if both:
        raise MMMError(f"channel {min(both)!r} has reach beside exposure: give one of the two")


def refuse_reused_columns(
    kpi: str,
    spend: Mapping[str, str],
    organic: Mapping[str, str],
    controls: Mapping[str, Role],
    mediators: Mapping[str, Mediator],
    treatments: Sequence[Treatment],
) -> None:
    """Raises ValueError when one column is given two meanings."""
    seen: dict[str, str] = {kpi: "the KPI"}
    named = [(c, f"channel {ch!r}") for ch, c in {**spend, **organic}.items()]
    named += [(m.column, f"mediator {name!r}") for name, m in mediators.items()]
    named += [(c, "a control") for c in controls] + [(t.column, "a treatment") for t in treatments]
    for column, use in named:
        if column in seen:
            raise MMMError(f"column {column!r} is used twice: as {seen[column]} and as {use}")
        seen[column] = use


def checked_roles(controls: Mapping[str, Role]) -> dict[str, Role]:
    """The controls, each with a role a control may have. Raises ValueError for others, with the reason."""
    for column, role in controls.items():
        if role not in get_args(Role):
            raise MMMError(f"control {column!r}: role {role!r} is unknown, one of {', '.join(get_args(Role))}")
        if role in ("mediator", "collider", "instrument"):
            why = {
                "mediator": "it carries part of a channel's effect, and controlling for it would remove that part."
                " Give it as mediators={name: Mediator(column, channels)} instead",
                "collider": "media and sales both move it, and controlling for it makes a false link between them",
                "instrument": "it acts only through spend, and controlling for it makes hidden demand worse",
            }[role]
            raise MMMError(f"control {column!r} is declared {role}: {why}. Leave it out of controls")
    return dict(controls)


def event_days(events: Mapping[str, Sequence[object]]) -> dict[str, list[Date]]:
    """The days of each event. Raises ValueError for what is neither a date nor a text like 2026-01-31."""
    out: dict[str, list[Date]] = {}
    for name, days in events.items():
        if isinstance(days, (str, Date)):
            raise MMMError(f"events[{name!r}]={days!r}: give a list of dates, such as [date(2026, 5, 4)]")
        out[name] = [_day(name, day) for day in days]
    return out


def _day(name: str, day: object) -> Date:
    if isinstance(day, datetime):
        return day.date()
    if isinstance(day, Date):
        return day
    try:
        return Date.fromisoformat(str(day))
    except ValueError:
        raise MMMError(f"events[{name!r}] holds {day!r}, which is not a date like 2026-01-31") from None
