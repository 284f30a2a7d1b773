"""The currency codes that a delivered file may carry, so that `EURO` or `XYZ` is noticed at once."""

from __future__ import annotations

from datetime import date
from functools import cache

OLDEST = date(2010, 1, 1)  # the oldest day that a workspace can hold
_NOT_TENDER = frozenset({"SVC", "VED"})  # ISO 4217 lists them, though CLDR knows no place that pays in them


@cache
def currency_codes() -> frozenset[str]:
    """Codes of ISO 4217 that were legal tender somewhere on or after `OLDEST`; a past export keeps its past currency.

    Source: CLDR, through babel, so no test or fund codes such as XXX or XDR.
    """
    from babel.core import get_global  # only a file with a currency column needs it

    tender = {
        code
        for history in get_global("territory_currencies").values()
        for code, _, until, is_tender in history
        if is_tender and (until is None or date(*until) >= OLDEST)
    }
    return frozenset(tender | _NOT_TENDER)
