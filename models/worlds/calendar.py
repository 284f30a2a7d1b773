"""Days, weekdays and public holidays of the simulated companies' regions."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

CATHOLIC = ("DE-BY", "DE-BW", "DE-NW", "DE-RP", "AT")


def days_between(first: date, last: date) -> list[date]:
    """Every day from `first` to `last`, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def easter_sunday(year: int) -> date:
    """Gregorian Easter (the anonymous algorithm of 1876)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    moon = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * moon) // 451
    month, day = divmod(h + moon - 7 * m + 114, 31)
    return date(year, month, day + 1)


def public_holidays(year: int, region: str) -> set[date]:
    """Days on which hardly anybody in the region buys software for work.

    Kept instead of the `holidays` package, which has other days for DE-SN, DE-BE, AT and CH: every world of a seed, and
    the figures published for it, would change.
    """
    easter = easter_sunday(year)
    if not (region.startswith("DE-") or region in ("AT", "CH")):
        return _abroad(year, region[:2], easter)
    moving = {"Good Friday": -2, "Easter Monday": 1, "Ascension": 39, "Whit Monday": 50}
    days = {easter + timedelta(days=n) for n in moving.values()}
    days |= {date(year, 1, 1), date(year, 12, 25), date(year, 12, 26)}
    if region == "CH":
        return days | {date(year, 8, 1)}
    days.add(date(year, 5, 1))
    days.add(date(year, 10, 26) if region == "AT" else date(year, 10, 3))
    if region in CATHOLIC:
        days |= {date(year, 11, 1), easter + timedelta(days=60)}
    if region in ("DE-BY", "DE-BW", "AT"):
        days.add(date(year, 1, 6))
    if region in ("DE-NI", "DE-SN", "DE-SH", "DE-HH"):
        days.add(date(year, 10, 31))
    if region == "DE-HE":
        days.add(easter + timedelta(days=60))
    return days


def _abroad(year: int, country: str, easter: date) -> set[date]:
    """The few days on which shops and offices are closed nearly everywhere in the country."""
    days = {date(year, 1, 1), date(year, 12, 25)}
    if country == "US":
        november = date(year, 11, 1)
        thanksgiving = november + timedelta(days=(3 - november.weekday()) % 7 + 21)
        return days | {date(year, 7, 4), thanksgiving}
    if country == "IN":
        return days | {date(year, 1, 26), date(year, 8, 15)}
    days |= {easter - timedelta(days=2), date(year, 12, 26)}
    return days if country == "BR" else days | {easter + timedelta(days=1)}


def holiday_flags(days: list[date], regions: tuple[str, ...]) -> np.ndarray:
    """1.0 where the day is a public holiday of the region, shape (days, regions)."""
    years = sorted({day.year for day in days})
    closed = {region: set().union(*(public_holidays(year, region) for year in years)) for region in regions}
    return np.array([[float(day in closed[region]) for region in regions] for day in days])


def monday(day: date) -> date:
    """First day of the ISO week."""
    return day - timedelta(days=day.weekday())
