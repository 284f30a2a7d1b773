"""Marketing costs beyond media, as the books have them: contribution and acquisition cost, fully loaded.

`costs.state` says which of five states they are in. Only `computed` has figures; `not computed` names the entries that
have no exchange rate; `not booked`, `not delivered` and `not applicable` (the period cuts a month, and books know whole
ones) are said on the page: a cost that is not known is not zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from feedback.reports.figure_store import Fact, Figure, FigureStore, cents
from feedback.reports.figures.ledger_tie import (
    MART,
    NOT_APPLICABLE,
    NOT_COMPUTED,
    NOT_DELIVERED,
    unpriced_entries,
)
from feedback.reports.figures.reconciliation import BOOKING_DATE, COUNTED, ZERO
from feedback.reports.snapshot.context import ReportContext
from feedback.reports.snapshot.draws import probability
from models.periods import last_day

COMPUTED, NOT_BOOKED = "computed", "not booked"
LABELS = {"agency_fee": "agency fees", "tooling": "software", "salaries": "salaries"}


def full_cost_figures(context: ReportContext, store: FigureStore) -> Iterator[Figure | Fact]:
    """The costs of each kind on the days on which effects are measured, and what they leave of contribution.

    `costs.<kind>` and `costs.total` are those of the whole period, as booked. Contribution takes the part of each month
    that lies on measured days. `headline.cac_fully_loaded` is media and costs of the period over its new customers.
    """
    state = store.text("ledger.state")
    if state in (NOT_DELIVERED, NOT_APPLICABLE):
        yield Fact("costs.state", state, MART)
        return
    kinds, months = list(LABELS), list(context.period.months)
    unpriced = unpriced_entries(context, months, kinds)
    yield from (Fact(f"costs.unpriced.{number}.entries", text, MART) for number, text in enumerate(unpriced, 1))
    if unpriced:
        yield Fact("costs.state", NOT_COMPUTED, MART)
        return
    booked = context.query(
        f"select period, kind, sum(amount_report)::decimal(18,2) as amount from {MART}"
        " where list_contains($months, period) and list_contains($kinds, kind) group by all order by kind, period",
        needs=(MART,),
        months=months,
        kinds=kinds,
    )
    if not booked.rows:
        yield Fact("costs.state", NOT_BOOKED, MART)
        return
    yield Fact("costs.state", COMPUTED, MART)
    unit, sha = context.settings.currency, booked.sql_sha256
    for kind in kinds:
        amounts = [row["amount"] for row in booked.rows if row["kind"] == kind]
        if amounts:
            yield Figure(f"costs.{kind}", sum(amounts, ZERO), unit, f"{LABELS[kind]} in the books; {COUNTED}", sha)
    total = sum((row["amount"] for row in booked.rows), ZERO)
    yield Figure("costs.total", total, unit, f"marketing costs in the books that are not media; {COUNTED}", sha)
    yield from _contribution(context, store, [(row["period"], row["amount"]) for row in booked.rows], sha)
    customers, spend = store.get("outcome.new_customers"), store["total.spend"]
    if customers is not None and customers.value > 0:
        basis = "media spend and marketing costs of the books over all new customers: blended, not incremental"
        value = cents((spend.value + total) / customers.value)
        yield Figure("headline.cac_fully_loaded", value, unit, basis, sha)


def _contribution(
    context: ReportContext, store: FigureStore, booked: list[tuple[str, Decimal]], sha: str
) -> Iterator[Figure]:
    media_only, draws, margin = store.get("headline.contribution"), context.draws, context.settings.margin
    if media_only is None or draws is None or margin is None:
        return
    first, last = context.period.start, context.period.end
    if "page.measured_to" in store:
        first, last = (date.fromisoformat(store.text(f"page.measured_{end}")) for end in ("from", "to"))
    measured = cents(sum((amount * _share(month, first, last) for month, amount in booked), ZERO))
    unit = context.settings.currency
    basis = f"costs in the books on the days on which effects are measured, a month by its days; {COUNTED}"
    yield Figure("costs.measured", measured, unit, basis, sha)
    low, high = (bound - measured if bound is not None else None for bound in (media_only.low, media_only.high))
    basis = f"contribution after media spend less these costs; {BOOKING_DATE}"
    key = "headline.contribution_fully_loaded"
    yield Figure(key, media_only.value - measured, unit, basis, sha, low, high, media_only.level)
    after = draws.incremental * float(margin) - float(store["total.measured_spend"].value) - float(measured)
    said = "probability that contribution after media spend and marketing costs is above 0"
    yield probability("headline.p_profit_fully_loaded", after > 0, said, sha)


def _share(month: str, first: date, last: date) -> Decimal:
    """The part of a month `YYYY-MM` that lies from `first` to `last`, both included."""
    begins = date.fromisoformat(f"{month}-01")
    ends = last_day(begins, "month")
    inside = min(ends, last).toordinal() - max(begins, first).toordinal() + 1
    return Decimal(max(inside, 0)) / ends.day
