"""What the page says, as texts: the figure store arranged for the eye. HTML and PDF print the same view."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from feedback.reports import chart
from feedback.reports.change import NAMED
from feedback.reports.figure import Fact, Figure, FigureStore
from feedback.reports.printing import DASH, SYMBOLS, THIN, Printed, Printer
from feedback.reports.waterfall import waterfall_svg

CHANGE_ROW, CHANGE_WIDTH = 19.0, 104.0


@dataclass(frozen=True)
class View:
    """`page` holds every text of the report; `chart_svg` the drawing; `printed` which figure each number came from."""

    page: dict[str, Any]
    chart_svg: str
    change_svg: str
    printed: tuple[Printed, ...]
    store: FigureStore


def view_of(store: FigureStore, *, row_height: float = 23.0, chart_width: float = 140.0) -> View:
    """Arranges a store that passed its gates. The store of the view also holds the ticks of the chart's axis."""
    rows = [_chart_row(store, name) for name in store.names("channel")]
    total = store.get("total.iroas")
    rows.append(_chart_total(total))
    even = store.get("headline.break_even")
    at = chart.ticks(rows, float(even.value) if even else None)
    axis = [
        Figure(f"axis.{i}", Decimal(str(value)), "axis", "tick of the chart's axis", "none")
        for i, value in enumerate(at)
    ]
    store = store.plus(axis)
    printer = Printer.of(store)
    _allocate(store, printer)
    labels = [printer.tick(tick.id) for tick in axis]
    svg = chart.returns_svg(rows, at, labels, float(even.value) if even else None, row=row_height, width=chart_width)
    change, change_svg = _change(store, printer)
    page = {
        **_heading(store, printer),
        "tiles": _tiles(store, printer),
        "channels": [_channel(store, printer, name) for name in store.names("channel")],
        "total": _total(store, printer),
        "below": _below(store, printer),
        "books": _books(store, printer),
        "todo": _todo(store, printer),
        "change": change,
        "unknown": _unknown(store, printer),
        "record": _record(store, printer),
        "footer": _footer(store),
        "chart_alt": _alt(store, printer),
        "more": "",
        "body_size": 8.8,
        "row_height": row_height,
        "chart_width": chart_width,
        "chart_height": len(rows) * row_height + chart.AXIS_HEIGHT,
    }
    return View(page, svg, change_svg, tuple(printer.printed), store)


def money_name(store: FigureStore) -> str:
    """`€`, or the currency's code."""
    code = store.text("page.currency")
    return SYMBOLS.get(code, code)


def _allocate(store: FigureStore, printer: Printer) -> None:
    names = store.names("channel")
    printer.allocate([f"channel.{n}.spend" for n in names], "total.spend")
    parts = [key for key in ("split.baseline", "split.channels", "split.residual") if key in store]
    printer.allocate(parts, "outcome.total")
    printer.allocate([k for n in names if (k := f"channel.{n}.incremental") in store], "split.channels")


def _chart_row(store: FigureStore, name: str) -> chart.Row:
    iroas, mroas, claim = (store.get(f"channel.{name}.{key}") for key in ("iroas", "mroas", "claim"))
    return chart.Row(
        iroas=float(iroas.value) if iroas else None,
        low=float(iroas.low or 0) if iroas else None,
        high=float(iroas.high or 0) if iroas else None,
        mroas=float(mroas.value) if mroas else None,
        claim=float(claim.value) if claim else None,
        weak=store.text(f"channel.{name}.grade") == "D",
    )


def _chart_total(total: Figure | None) -> chart.Row:
    if total is None:
        return chart.Row(None, None, None, None, None)
    return chart.Row(float(total.value), float(total.low or 0), float(total.high or 0), None, None)


def _heading(store: FigureStore, printer: Printer) -> dict[str, Any]:
    tied = "ledger.gap" in store
    scale = f"thousand {store.text('page.currency')}" if printer.scale == 1000 else store.text("page.currency")
    return {
        "company": store.text("page.company"),
        "title": store.text("page.title"),
        "period": f"{_day(store.text('page.start'))} {DASH} {_day(store.text('page.end'))}",
        "as_of": _day(store.text("run.as_of_day")) if "run.as_of_day" in store else "",
        "tied": tied,
        "status": (
            f"Tied to the ledger: gap {printer.exact('ledger.gap')}{THIN}{store.text('page.currency')}"
            if tied
            else "Not tied to a ledger: none was delivered"
        ),
        "scale": scale,
        "currency": money_name(store),
    }


def _tiles(store: FigureStore, printer: Printer) -> list[dict[str, str]]:
    money = money_name(store)
    outcome = {
        "label": "Modelled outcome",
        "value": printer.compact("outcome.total"),
        "range": "",
        "note": "No ledger was delivered, so this figure is not checked against the books.",
    }
    if "ledger.booked" in store:
        outcome["range"] = f"ledger revenue {printer.compact('ledger.booked')}"
        outcome["note"] = "Ledger revenue less named exclusions; the steps are under “Tie to the books”."
    caused = {
        "label": "Caused by marketing",
        "value": printer.compact("split.channels"),
        "range": f"90{THIN}%: {printer.compact_span('split.channels')}",
        "note": "",
    }
    if "headline.share" in store:
        caused["note"] = (
            f"{printer.percent('headline.share')} of the modelled outcome (90{THIN}%: {printer.percent_span('headline.share')});"
            " effect counted when booked."
        )
    return [outcome, caused, _profit_tile(store, printer), _spend_tile(store, printer, money)]


def _profit_tile(store: FigureStore, printer: Printer) -> dict[str, str]:
    label = "Contribution after spend"
    if "headline.contribution" not in store:
        return {
            "label": label,
            "value": "not printed",
            "range": "",
            "note": store.text("headline.refusal"),
            "refused": "yes",
        }
    key = "headline.contribution"
    return {
        "label": label,
        "value": printer.compact(key),
        "range": f"90{THIN}%: {printer.compact_span(key)}",
        "note": f"P(above 0){THIN}{printer.probability('headline.p_profit')}; margin {printer.percent('headline.margin')} of"
        " what marketing caused, less media spend.",
    }


def _spend_tile(store: FigureStore, printer: Printer, money: str) -> dict[str, str]:
    tile = {"label": "Media spend", "value": printer.compact("total.spend"), "range": "", "note": ""}
    if "total.iroas" in store:
        tile["range"] = f"iROAS {printer.ratio('total.iroas')} (90{THIN}%: {printer.ratio_span('total.iroas')})"
    notes = []
    if "headline.break_even" in store:
        notes.append(f"Break-even iROAS is {printer.ratio('headline.break_even')}.")
    if "headline.blended_cac" in store:
        notes.append(f"Blended CAC, media only: {printer.money_whole('headline.blended_cac')}{THIN}{money}.")
    tile["note"] = " ".join(notes)
    return tile


def _channel(store: FigureStore, printer: Printer, name: str) -> dict[str, Any]:
    key = f"channel.{name}"
    shares = [f"weight.{name}.{source}" for source in ("experiment", "mmm", "attribution", "prior")]
    grade = store.text(f"{key}.grade")
    return {
        "label": store.text(f"{key}.label"),
        "spend": printer.money(f"{key}.spend"),
        "incremental": printer.money(f"{key}.incremental") if f"{key}.incremental" in store else "not modelled",
        "iroas": printer.ratio(f"{key}.iroas") if f"{key}.iroas" in store else DASH,
        "range": printer.ratio_span(f"{key}.iroas") if f"{key}.iroas" in store else "",
        "mroas": printer.ratio(f"{key}.mroas") if f"{key}.mroas" in store else DASH,
        "next": printer.ratio(f"{key}.next_earns") if f"{key}.next_earns" in store else DASH,
        "evidence": "/".join(printer.shares(shares)) if all(s in store for s in shares) else DASH,
        "assumption": f"assumption.{name}" in store,
        "tested": _month(store.text(f"{key}.last_test")) if f"{key}.last_test" in store else "never",
        "grade": grade,
        "decision": store.text(f"{key}.decision"),
        "weak": grade == "D",
    }


def _total(store: FigureStore, printer: Printer) -> dict[str, str]:
    known = "total.iroas" in store
    return {
        "label": "All channels",
        "spend": printer.money("total.spend"),
        "incremental": printer.money("split.channels"),
        "iroas": printer.ratio("total.iroas") if known else DASH,
        "range": printer.ratio_span("total.iroas") if known else "",
    }


def _below(store: FigureStore, printer: Printer) -> list[dict[str, str]]:
    lines = []
    if "split.baseline" in store:
        lines.append(("Baseline (without marketing)", printer.money("split.baseline")))
    lines.append(("Unexplained residual", printer.money("split.residual")))
    lines.append(("Modelled outcome", printer.money("outcome.total")))
    return [{"label": label, "amount": amount} for label, amount in lines]


def _books(store: FigureStore, printer: Printer) -> list[dict[str, str]]:
    if "ledger.booked" not in store:
        return []
    lines = [("Ledger revenue (GL)", printer.exact("ledger.booked"), "yes")]
    for group in ("excluded", "item"):
        for number in store.names(group):
            reason = store.text(f"{group}.{number}.reason")
            label = f"excluded: {reason}" if group == "excluded" else reason
            lines.append((label, printer.exact(f"{group}.{number}"), ""))
    lines.append(("timing and cut-off, within tolerance", printer.exact("ledger.gap"), ""))
    lines.append(("Modelled outcome", printer.exact("outcome.total"), "yes"))
    if "ledger.spend" in store:
        lines.append(("Media spend in the ledger", printer.exact("ledger.spend"), "gap"))
        lines.append(("platforms report more (+) or less (−)", printer.exact("ledger.spend_gap"), ""))
    return [{"label": label, "amount": amount, "strong": strong} for label, amount, strong in lines]


def _todo(store: FigureStore, printer: Printer) -> list[dict[str, str]]:
    money = money_name(store)
    said: list[dict[str, str]] = []
    if "move.amount" in store:
        giver, taker = (store.text(f"channel.{store.text(f'move.{end}')}.label") for end in ("from", "to"))
        said.append({
            "lead": f"Move {printer.compact('move.amount')}{THIN}{money} from {giver} to {taker}.",
            "text": f"Expected contribution {printer.compact('move.gain')}{THIN}{money} a period (90{THIN}%: "
            f"{printer.compact_span('move.gain')}), P(better){THIN}{printer.probability('move.p_better')}. Doing nothing forgoes it.",
        })  # fmt: skip
    elif "headline.margin" in store:
        said.append(
            {"lead": "Move nothing yet.", "text": "No pair of graded channels differs by more than the uncertainty."}
        )
    else:
        said.append(
            {
                "lead": "Set the contribution margin.",
                "text": "Without it no decision can compare a return with its cost.",
            }
        )
    for word in ("scale", "cut"):
        names = [n for n in store.names("channel") if store.text(f"channel.{n}.decision").startswith(word)]
        if names:
            labels = ", ".join(store.text(f"channel.{n}.label") for n in names)
            side = "at least" if word == "scale" else "at most"
            edge = (min if word == "scale" else max)(names, key=lambda n: store[f"channel.{n}.p_pays"].value)
            p = printer.probability(f"channel.{edge}.p_pays").removeprefix(f"={THIN}")
            said.append(
                {"lead": f"{_sentence_case(word)} {labels}.", "text": f"P(next {money} pays) is {side} {p} for each."}
            )
    if "next_test.worth" in store:
        label = store.text(f"channel.{store.text('next_test.channel')}.label")
        said.append({
            "lead": f"Test {label} next.",
            "text": f"Knowing its true return would be worth up to {printer.compact('next_test.worth')}{THIN}{money} a period,"
            " more than for any other channel; a test costing more is not worth it.",
        })  # fmt: skip
    return said


def _change(store: FigureStore, printer: Printer) -> tuple[dict[str, Any], str]:
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
        f"Caused by marketing, {since} to {store.text('page.title')}. “Spend moved” is at the earlier return; “return of” is the"
        " change of incremental per unit of spend. The bars' axis does not start at 0."
    )
    alt = "Bridge: " + "; ".join(f"{row['label']} {row['amount']}" for row in rows)
    return {"rows": rows, "note": note, "alt": alt, "row_height": CHANGE_ROW, "width": CHANGE_WIDTH}, svg


def _unknown(store: FigureStore, printer: Printer) -> list[dict[str, str]]:
    said: list[dict[str, str]] = []
    for number in store.names("conflict"):
        p = f" (p = {printer.probability_small(f'conflict.{number}.p')})" if f"conflict.{number}.p" in store else ""
        said.append({"lead": "Conflict.", "text": store.text(f"conflict.{number}.message") + p})
    for number in store.names("warning"):
        if store.text(f"warning.{number}.severity") in ("high", "medium"):
            lead = _sentence_case(store.text(f"warning.{number}.severity"))
            message, action = store.text(f"warning.{number}.message"), store.text(f"warning.{number}.action")
            said.append({"lead": f"{lead}.", "text": message, "action": action})
    weak = store.get("unknown.grade_d_share")
    if weak is not None and weak.value > 0:
        share = printer.percent("unknown.grade_d_share")
        said.append(
            {"lead": "Guesswork.", "text": f"{share} of the spend is graded D: its numbers only say what to test."}
        )
    guessed = [store.text(f"channel.{name}.label") for name in store.names("assumption")]
    if guessed:
        said.append({"lead": "Mostly assumption:", "text": ", ".join(guessed) + "."})
    open_days = store.get("outcome.provisional")
    if open_days is not None and open_days.value > 0:
        share = printer.percent("outcome.provisional")
        said.append({"lead": "Still open.", "text": f"{share} of the outcome's rows may yet be restated."})
    for number in store.names("not_run"):
        what, needs = store.text(f"not_run.{number}.capability"), store.text(f"not_run.{number}.needs")
        said.append({"lead": "Not run:", "text": f"{what}; needs {needs}."})
    return said


def _record(store: FigureStore, printer: Printer) -> dict[str, Any]:
    if "track.tests" not in store:
        return {"summary": "No test has been read yet, so no prediction could be checked.", "rows": []}
    rows = []
    for number in store.names("record")[:6]:
        key = f"record.{number}"
        rows.append({
            "test": store.text(f"{key}.test"),
            "channel": store.text(f"channel.{store.text(f'{key}.channel')}.label", store.text(f"{key}.channel")),
            "kind": store.text(f"{key}.kind"),
            "predicted": printer.ratio_span(f"{key}.predicted"),
            "said": f"{printer.ratio(f'{key}.test_said')} ({printer.ratio_span(f'{key}.test_said')})",
            "agrees": store.text(f"{key}.agrees") == "ranges overlap",
        })  # fmt: skip
    kept, tests = printer.count("track.kept"), printer.count("track.tests")
    predicted = all(row["kind"] == "predicted" for row in rows)
    note = (
        "Each prediction is older than the end of its test."
        if predicted
        else "Looking back: the model's own range of this run stands beside tests it had not to predict."
    )
    summary = f"In {kept} of {tests} tests the 90{THIN}% ranges of iROAS overlap."
    return {"summary": summary, "rows": rows, "note": note}


def _footer(store: FigureStore) -> list[str]:
    short = {"data": "run.data_sha256", "spec": "run.spec_sha256", "packages": "run.packages_sha256"}
    hashes = [f"{name} {store.text(key)[:12]}" for name, key in short.items() if key in store]
    first = [f"run {store.text('run.id')}", f"figures {store.text('store.sha256')[:12]}", *hashes]
    second = [f"code {store.text('run.code_version')}"] if "run.code_version" in store else []
    if "run.seed" in store:
        second.append(f"seed {store.text('run.seed')}")
    if "run.as_of_day" in store:
        second.append(f"data as of {store.text('run.as_of_day')}")
    return [" · ".join(first), " · ".join(second)]


def _alt(store: FigureStore, printer: Printer) -> str:
    said = [
        f"{store.text(f'channel.{name}.label')} {printer.ratio(f'channel.{name}.iroas')}"
        f" ({printer.ratio_span(f'channel.{name}.iroas')})"
        for name in store.names("channel")
        if f"channel.{name}.iroas" in store
    ]
    return "iROAS with 90 % intervals: " + "; ".join(said)


def _day(iso: str) -> str:
    day = date.fromisoformat(iso[:10])
    return f"{day.day} {day:%B %Y}"


def _month(iso: str) -> str:
    return f"{date.fromisoformat(iso[:10]):%b %Y}"


def _sentence_case(word: str) -> str:
    return word[:1].upper() + word[1:]


def with_own_hash(store: FigureStore) -> FigureStore:
    """The store plus the fact that names it, for the footer; hashed before the fact is added."""
    return store.plus([Fact("store.sha256", store.sha256, "sha256 of the figures and facts above")])
