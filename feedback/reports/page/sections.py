"""The sections below the channel table, as short texts: books, decisions, change, unknowns, track record."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from feedback.reports.figure_store import FigureStore
from feedback.reports.figures.change import NAMED
from feedback.reports.figures.full_costs import LABELS
from feedback.reports.figures.ledger_tie import NOT_COMPUTED
from feedback.reports.page.printing import NBSP, Printer, currency_symbol, written_month
from feedback.reports.page.waterfall import waterfall_svg

SHOWN_ELSEWHERE = ("reading_unexpected", "mostly_assumption")  # a conflict or an assumption has its own line
LARGE_RESIDUAL = Decimal("0.02")
CHANGE_ROW, CHANGE_WIDTH = 19.0, 104.0


def money_name(store: FigureStore) -> str:
    """The symbol of the report currency, `€`, or its code where it has none."""
    return currency_symbol(store.text("page.currency"))


def books(store: FigureStore, printer: Printer) -> list[dict[str, str]]:
    if "ledger.booked" not in store:
        return []
    lines = [("Ledger revenue (GL)", printer.exact("ledger.revenue"), "yes")]
    if "ledger.refunds" in store:
        lines.append(("refunds posted", printer.exact("ledger.refunds"), ""))
    for group in ("excluded", "item"):
        for number in store.names(group):
            reason = store.text(f"{group}.{number}.reason")
            label = f"excluded: {reason}" if group == "excluded" else reason
            lines.append((label, printer.exact(f"{group}.{number}"), ""))
    lines.append(("timing and cut-off, within tolerance", printer.exact("ledger.gap"), ""))
    lines.append(("Modelled outcome", printer.exact("outcome.total"), "yes"))
    if "ledger.spend" in store:
        lines.append(("Media spend in the ledger", printer.exact("ledger.spend"), "gap"))
        if "ledger.accrued_spend" in store:
            lines.append(
                ("accrued before its invoice, less earlier accruals", printer.exact("ledger.accrued_spend"), "")
            )
        lines.append(("platforms report more (+) or less (−)", printer.exact("ledger.spend_gap"), ""))
    if "costs.total" in store:
        lines.append(("Marketing costs beyond media", printer.exact("costs.total"), "gap"))
        booked = [(LABELS[kind], f"costs.{kind}") for kind in LABELS if f"costs.{kind}" in store]
        lines += [(label, printer.exact(key), "") for label, key in booked]
    return [{"label": label, "amount": amount, "strong": strong} for label, amount, strong in lines]


def todo(store: FigureStore, printer: Printer) -> list[dict[str, str]]:
    money = money_name(store)
    lines: list[dict[str, str]] = []
    if "move.amount" in store:
        giver, taker = (store.text(f"channel.{store.text(f'move.{end}')}.label") for end in ("from", "to"))
        lines.append(
            {
                "lead": f"Move {printer.compact('move.amount')}{NBSP}{money} from {giver} to {taker}.",
                "text": f"Expected contribution {printer.compact('move.gain')}{NBSP}{money} per period"
                f" (90{NBSP}%: {printer.compact_span('move.gain')}),"
                f" P(better){NBSP}{printer.probability('move.p_better')}. Without the move this gain is forgone.",
            }
        )
    elif "headline.margin" in store:
        lines.append(
            {
                "lead": "Move nothing yet.",
                "text": "No two channels graded A to C differ by more than their uncertainty.",
            }
        )
    else:
        lines.append(
            {
                "lead": "Set the contribution margin.",
                "text": "Without it no decision can compare a return with its cost.",
            }
        )
    for word in ("scale", "cut"):
        names = [n for n in store.names("channel") if store.text(f"channel.{n}.decision").startswith(word)]
        if names:
            labels = "; ".join(store.text(f"channel.{n}.label") for n in names)
            side = "at least" if word == "scale" else "at most"
            edge = (min if word == "scale" else max)(names, key=lambda n: store[f"channel.{n}.p_pays"].value)
            p = printer.probability(f"channel.{edge}.p_pays").removeprefix(f"={NBSP}")
            lines.append(
                {"lead": f"{sentence_case(word)} {labels}.", "text": f"P(next {money} pays) is {side} {p} for each."}
            )
    if "next_test.worth" in store:
        label = store.text(f"channel.{store.text('next_test.channel')}.label")
        lines.append({"lead": f"Test {label} next.", "text": _worth_of_test(printer, money)})
    return lines


def _worth_of_test(printer: Printer, money: str) -> str:
    worth = f"{printer.compact('next_test.worth')}{NBSP}{money}"
    if "next_test.net" not in printer.store:
        return (
            f"Knowing its true return would be worth up to {worth} per period, more than for any other channel;"
            " a test that costs more does not pay."
        )
    doubles = printer.store.text("next_test.kind") == "heavy_up"
    does = "Double it" if doubles else "Switch it off"
    return (
        f"{does} for {printer.count('next_test.weeks')} weeks in the test's regions: spend changes by"
        f" {printer.compact('next_test.cash')}{NBSP}{money}, expected contribution while it runs"
        f" {printer.compact('next_test.result')}{NBSP}{money}. The reading is worth {worth} over a year's decisions and"
        f" changes one with probability {printer.percent('next_test.p_flip')}."
    )


def change(store: FigureStore, printer: Printer) -> tuple[dict[str, Any], str]:
    """The bridge from the previous headline: at most three channels by name, the rest in one bar."""
    if "change.total" not in store:
        return {"rows": [], "sentence": store.text("change.none")}, ""
    judged = [key for key in store.figures if key.startswith("change.judged.")][:NAMED]
    steps = ["change.spend", *judged, *(["change.rest"] if store["change.rest"].value else [])]
    printer.bridge("change.before", steps, "split.channels")
    labels = {"change.spend": "spend moved", "change.rest": "return of the other channels"}
    for key in judged:
        name = key.removeprefix("change.judged.")
        labels[key] = f"return of {store.text(f'channel.{name}.label', name)}"
    since = store.text("change.since")
    rows = [
        {"label": since, "amount": printer.money("change.before"), "strong": "yes"},
        *({"label": labels[key], "amount": printer.signed(key), "strong": ""} for key in steps),
        {"label": store.text("page.title"), "amount": printer.money("split.channels"), "strong": "yes"},
    ]
    svg = waterfall_svg(
        float(store["change.before"].value), [float(store[k].value) for k in steps], row=CHANGE_ROW, width=CHANGE_WIDTH
    )
    note = (
        f"Caused by marketing, {since} to {store.text('page.title')}. “Spend moved” is valued at the earlier"
        " return; “return of” is the change of the incremental outcome per unit of spend. The axis of the bars does not"
        " start at 0."
    )
    alt = "Bridge: " + "; ".join(f"{row['label']} {row['amount']}" for row in rows)
    return {"rows": rows, "note": note, "alt": alt, "row_height": CHANGE_ROW, "width": CHANGE_WIDTH}, svg


def unknown(store: FigureStore, printer: Printer) -> list[dict[str, str]]:
    """The most severe first: the page drops lines from the end when there is no room for all of them."""
    high, medium = (_warnings(store, severity)[:most] for severity, most in (("high", 4), ("medium", 2)))
    return [*_conflicts(store, printer), *high, *_weak_money(store, printer), *medium, *_not_run(store)]


def _conflicts(store: FigureStore, printer: Printer) -> list[dict[str, str]]:
    lines = []
    for number in store.names("conflict")[:3]:
        key = f"conflict.{number}"
        p = f" (p = {printer.probability_small(f'{key}.p')})" if f"{key}.p" in store else ""
        label = store.text(f"channel.{store.text(f'{key}.channel')}.label", "all channels")
        lines.append({"lead": f"Conflict, {label}:", "text": store.text(f"{key}.message") + p + "."})
    return lines


def _warnings(store: FigureStore, severity: str) -> list[dict[str, str]]:
    """One line per message: the same sentence about several subjects is printed once."""
    numbers = [
        n
        for n in store.names("warning")
        if store.text(f"warning.{n}.severity") == severity and store.text(f"warning.{n}.code") not in SHOWN_ELSEWHERE
    ]
    by_message = {
        store.text(f"warning.{n}.message"): {
            "lead": f"{sentence_case(severity)}.",
            "text": store.text(f"warning.{n}.message"),
            "action": store.text(f"warning.{n}.action"),
        }
        for n in numbers
    }
    return list(by_message.values())


def _weak_money(store: FigureStore, printer: Printer) -> list[dict[str, str]]:
    lines = []
    weak = store.get("unknown.grade_d_share")
    if weak is not None and weak.value > 0:
        share = printer.percent("unknown.grade_d_share")
        lines.append(
            {
                "lead": "Weak evidence.",
                "text": f"{share} of the spend is graded D: use its numbers only to choose tests.",
            }
        )
    assumed = [store.text(f"channel.{name}.label") for name in store.names("assumption")]
    if assumed:
        lines.append({"lead": "Mostly assumption:", "text": "; ".join(assumed) + "."})
    residual = store.get("split.residual_share")
    if residual is not None and residual.value > LARGE_RESIDUAL:
        share = printer.percent("split.residual_share")
        text = f"{share} of the outcome is explained by neither the channels nor the baseline."
        lines.append({"lead": "Residual.", "text": text})
    quarantined = [store.text(f"ledger.quarantined.{n}.rows") for n in store.names("ledger.quarantined")]
    if quarantined:
        lines.append({"lead": "In quarantine, so not in the books above:", "text": "; ".join(quarantined)})
    if store.text("costs.state") == NOT_COMPUTED:
        entries = "; ".join(store.text(f"costs.unpriced.{n}.entries") for n in store.names("costs.unpriced"))
        text = f"costs of the books have no exchange rate: {entries}."
        lines.append({"lead": "Fully loaded contribution cannot be computed:", "text": text})
    if "ledger.orphans" in store:
        amount = printer.exact("ledger.orphans")
        text = f"{amount} {store.text('page.currency')} are posted to ledger accounts that plumbline.yaml does not map."
        lines.append({"lead": "Unmapped.", "text": text})
    open_days = store.get("outcome.provisional")
    if open_days is not None and open_days.value > 0:
        share = printer.percent("outcome.provisional")
        lines.append({"lead": "Still open.", "text": f"{share} of the outcome's rows may still be restated."})
    return lines


def _not_run(store: FigureStore) -> list[dict[str, str]]:
    missing = [
        f"{store.text(f'not_run.{n}.capability').replace('_', ' ')} (needs {store.text(f'not_run.{n}.needs')})"
        for n in store.names("not_run")
    ]
    return [{"lead": "Not run:", "text": "; ".join(missing) + "."}] if missing else []


def record(store: FigureStore, printer: Printer) -> dict[str, Any]:
    if "track.tests" not in store:
        return {"summary": "No test result is available yet, so no prediction could be checked.", "rows": []}
    rows = []
    for number in store.names("record")[:6]:
        key = f"record.{number}"
        rows.append(
            {
                "ended": month_of(store.text(f"{key}.ended")),
                "channel": store.text(f"channel.{store.text(f'{key}.channel')}.label", store.text(f"{key}.channel")),
                "kind": store.text(f"{key}.kind"),
                "predicted": printer.ratio_span(f"{key}.predicted"),
                "said": f"{printer.ratio(f'{key}.test_said')} ({printer.ratio_span(f'{key}.test_said')})",
                "agrees": store.text(f"{key}.agrees") == "ranges overlap",
            }
        )
    overlapping, tests = printer.count("track.kept"), printer.count("track.tests")
    predicted = all(row["kind"] == "predicted" for row in rows)
    note = (
        "Each prediction is older than the end of its test."
        if predicted
        else "In retrospect: the ranges come from this run's model, fitted to data that already include the tests."
    )
    summary = f"In {overlapping} of {tests} tests the 90{NBSP}% ranges of iROAS overlap."
    return {"summary": summary, "rows": rows, "note": note}


def month_of(iso: str) -> str:
    """`Aug 2026`."""
    return written_month(date.fromisoformat(iso[:10]))


def sentence_case(word: str) -> str:
    return word[:1].upper() + word[1:]
