"""The conditions under which no report may be built, and why, in sentences a CFO understands."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from feedback.reports.figure_store import FigureStore
from feedback.reports.figures.ledger_tie import INCOMPLETE, NOT_COMPUTED, TIED
from feedback.reports.snapshot.settings import GatePolicy
from models.error import PlumblineError


class ReportBlocked(PlumblineError):
    """The figures are missing, or contradict the books or each other: no report is built.

    `reasons` are plain sentences; `page` is the file that lists them, which is not a report.
    """

    def __init__(self, reasons: tuple[str, ...], page: Path | None = None) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons
        self.page = page


def reasons(store: FigureStore, policy: GatePolicy | None = None) -> tuple[str, ...]:
    """The sentences of every gate that fails; an empty tuple releases the report."""
    limits = policy or GatePolicy()
    failures = [*_missing(store), *_books(store), *_impossible(store, limits), *_warned(store)]
    return tuple(dict.fromkeys(failures))


def _missing(store: FigureStore) -> list[str]:
    failures = []
    for rows, what in ((store["spend.unpriced_rows"], "spend"), (store["outcome.unpriced_rows"], "revenue")):
        if rows.value > 0:
            failures.append(
                f"{rows.value:.0f} row(s) of {what} have no exchange rate into {store.text('page.currency')}, so {what}"
                " would be understated. Land the missing rates in landing/context, or correct the currency in the"
                " export."
            )
    if "split.channels" not in store:
        needs = [
            f"{store.text(f'not_run.{number}.capability')} needs {store.text(f'not_run.{number}.needs')}"
            for number in store.names("not_run")
        ]
        because = f" Not run: {'; '.join(needs)}." if needs else " Run the model, or ask for another period."
        failures.append(f"There is no estimate of what marketing caused in {store.text('page.title')}.{because}")
    elif store["outcome.total"].value <= 0:
        failures.append(
            f"No outcome is recorded from {store.text('page.start')} to {store.text('page.end')}, so nothing can be"
            " split into baseline and channels. Land the revenue of these days."
        )
    return failures


def _books(store: FigureStore) -> list[str]:
    """The tie to the ledger: not delivered and not applicable are said on the page, all else must hold to the cent."""
    state = store.text("ledger.state")
    if state == NOT_COMPUTED:
        rows = "; ".join(store.text(f"ledger.unpriced.{number}.entries") for number in store.names("ledger.unpriced"))
        return [
            "The tie to the ledger cannot be computed: entries have no exchange rate into"
            f" {store.text('page.currency')}. {rows}. Land the missing rates in landing/context, or correct the"
            " currency in the ledger's export."
        ]
    if state == INCOMPLETE:
        months, needed = store["ledger.months"].value, store["ledger.months_needed"].value
        return [
            f"The ledger holds {months} of the {needed} months of this period. Land the missing months; part of the"
            " books cannot confirm the whole outcome."
        ]
    if state != TIED:
        return []
    gap, allowed = store["ledger.gap"], store["ledger.allowed_gap"]
    if abs(gap.value) <= allowed.value:
        return []
    return [
        f"The modelled outcome differs from the ledger by {_money(gap.value)} {gap.unit} after all named items;"
        f" the tolerance is {_money(allowed.value)} {gap.unit}. Look for revenue that is missing in"
        " landing/revenue, posted in another month, or on an account that plumbline.yaml does not map." + _weekly(store)
    ]


def _weekly(store: FigureStore) -> str:
    if store["outcome.cut_rows"].value == 0:
        return ""
    return (
        " The outcome is weekly or monthly, and a week across the border of the period counts in proportion to its"
        " days: such data match the ledger only within a wider ledger.tolerance."
    )


def _impossible(store: FigureStore, limits: GatePolicy) -> list[str]:
    failures = []
    if "split.channels" in store and store["outcome.total"].value > 0:
        if "gate.more_than_everything" not in store:
            failures.append(
                "Whether the channels together caused more than was booked cannot be computed. Run it again."
            )
        if store.text("split.baseline_state") == "missing":
            failures.append(
                "Whether the outcome without marketing is below zero cannot be computed, because the model wrote no"
                " draws of the baseline for this period. Run it again."
            )
    over = store.get("gate.more_than_everything")
    if over is not None and over.value >= limits.more_than_everything:
        failures.append(
            f"With probability {_percent(over.value)} the channels together would have caused more than everything that"
            f" was booked; less than {_percent(limits.more_than_everything)} is allowed. The model attributes too much"
            " to marketing: check its controls and priors, or calibrate it with a test."
        )
    below = store.get("gate.negative_baseline")
    if below is not None and below.value >= limits.negative_baseline:
        failures.append(
            f"With probability {_percent(below.value)} the outcome without marketing would be below zero; less than"
            f" {_percent(limits.negative_baseline)} is allowed. Check trend, seasonality and controls of the model."
        )
    return failures


def _warned(store: FigureStore) -> list[str]:
    return [
        f"{store.text(f'warning.{number}.subject')}: {store.text(f'warning.{number}.message')}"
        f" {store.text(f'warning.{number}.action')}"
        for number in store.names("warning")
        if store.text(f"warning.{number}.severity") == "block"
    ]


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _percent(share: Decimal) -> str:
    return f"{share * 100:.1f} %"
