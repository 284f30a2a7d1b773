"""Public holidays of the company's country as events of the media mix model, where plumbline.yaml names a country."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, timedelta

POOLED = "public holidays"
ENOUGH = timedelta(days=2 * 365)  # history after which a holiday that came back has an effect of its own
_REMARK = re.compile(r"\s*\([^)]*\)$")  # "(observed)", "(estimated)": the same holiday


def unknown(code: str) -> str:
    """Empty for a country, or country and region, whose holidays are known; else what is wrong with the code."""
    import holidays

    country, _, region = code.partition("-")
    countries = holidays.list_supported_countries()
    if country not in countries:
        return f"the holidays of {country} are not known; write an ISO country code such as DE or US, or leave it out"
    if region and region not in countries[country]:
        regions = ", ".join(countries[country]) or "none"
        return f"{country} has no region {region} with holidays of its own; it has {regions}"
    return ""


def named(code: str, first: date, last: date) -> dict[str, tuple[date, ...]]:
    """Name of each holiday, in English where the calendar has it, and its days from `first` to `last`, in order."""
    import holidays

    country, _, region = code.partition("-")
    kind = holidays.country_holidays(country)
    spoken = "en_US" if "en_US" in kind.supported_languages else kind.default_language
    years = range(first.year, last.year + 1)
    dates_by_name: defaultdict[str, set[date]] = defaultdict(set)
    for day, names in holidays.country_holidays(country, subdiv=region or None, years=years, language=spoken).items():
        for name in names.split("; ") if first <= day <= last else ():
            dates_by_name[_REMARK.sub("", name)].add(day)
    return {name: tuple(sorted(days)) for name, days in sorted(dates_by_name.items())}


def events(code: str, first: date, last: date) -> dict[str, tuple[date, ...]]:
    """The events of a model whose data go from `first` to `last`: name to days.

    With two years of history each holiday that fell twice into the first two has an effect of its own; all the others
    share one, as a holiday seen once cannot be distinguished from other events of its week.
    """
    whole = named(code, first, last)
    own = {}
    if last - first >= ENOUGH:
        own = {n: days for n, days in whole.items() if sum(day - first < ENOUGH for day in days) > 1}
    rest = sorted({day for n, days in whole.items() if n not in own for day in days})
    return own | ({POOLED: tuple(rest)} if rest else {})


def ahead(names: Collection[str], code: str | None, periods: Sequence[date], end: date) -> dict[str, list[float]]:
    """Days of each event in `names` in each of the coming periods, given by their first days; `end` is the last day.

    Raises ValueError where the model knows holidays and the settings no longer name their country.
    """
    if not names:
        return {}
    if code is None:
        raise ValueError(
            f"the model was fitted with {', '.join(sorted(names))}, and mmm.holidays in plumbline.yaml names no country"
            " any more: write it again, or run without holidays first"
        )
    coming = named(code, periods[0], end)
    days = {name: coming.get(name, ()) for name in names if name != POOLED}
    if POOLED in names:
        days[POOLED] = tuple(sorted({day for n, dates in coming.items() if n not in names for day in dates}))
    ends = [*(start - timedelta(days=1) for start in periods[1:]), end]
    return {
        name: [float(sum(a <= day <= b for day in dates)) for a, b in zip(periods, ends, strict=True)]
        for name, dates in days.items()
    }
