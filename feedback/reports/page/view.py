"""The texts of the page, arranged from the figure store. HTML and PDF print the same view."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from feedback.reports.figure_store import Fact, Figure, FigureStore
from feedback.reports.figures.full_costs import NOT_BOOKED
from feedback.reports.figures.ledger_tie import NOT_APPLICABLE, NOT_COMPUTED, NOT_DELIVERED, TIED
from feedback.reports.page import channel_chart, content_work, sections
from feedback.reports.page.printing import DASH, NBSP, Printed, Printer, written_day

MORE = "The workbook lists more on the sheet “unknowns”."
UNTIED = {
    NOT_DELIVERED: "Not tied to a ledger: none was delivered",
    NOT_APPLICABLE: "Not tied to a ledger: the window begins or ends within a month",
}
NOT_LOADED = {
    NOT_APPLICABLE: "Fees, software and salaries are not in it: books know whole months, and this period cuts one.",
    NOT_DELIVERED: "Fees, software and salaries are not known: no ledger was delivered.",
    NOT_BOOKED: "No ledger account is mapped to fees, software or salaries, so they are not in it.",
    NOT_COMPUTED: "Fully loaded contribution cannot be computed: see section 4.",
}
NOT_MEASURED = "not measured"  # more than half of the weight is prior: a range, no point
ROW_HEIGHTS = ((9, 23.0), (12, 20.0), (16, 16.5), (999, 17.0))  # most channels, pixels per row
LONG_LABELS = (
    (52, 30.0),
    (26, 23.0),
)  # from this many characters on a label takes several lines, and its row this height
ROWS_OF_A_PAGE = 640.0  # pixels of table rows below heading and headline figures; a longer table goes on over the page


@dataclass(frozen=True)
class View:
    """`page` holds every text of the report; `chart_svg` the drawing; `printed` which figure each number came from.

    `charts` are the same drawing in the parts of the table that fit on a page, as `page["parts"]` divides its rows.
    """

    page: dict[str, Any]
    chart_svg: str
    charts: tuple[str, ...]
    change_svg: str
    printed: tuple[Printed, ...]
    store: FigureStore


def view_of(store: FigureStore, *, chart_width: float = 140.0) -> View:
    """Arranges a store that passed its gates. The store of the view also holds the ticks of the chart's axis."""
    row_height = _row_height(store)
    rows = [_chart_row(store, name) for name in store.names("channel")]
    total = store.get("total.iroas")
    rows.append(_chart_total(total))
    even = store.get("headline.break_even")
    at = channel_chart.ticks(rows, float(even.value) if even else None)
    axis = [
        Figure(f"axis.{i}", Decimal(str(value)), "axis", "tick of the chart's axis", "none")
        for i, value in enumerate(at)
    ]
    store = store.plus(axis)
    printer = Printer.of(store)
    _allocate(store, printer)
    labels = [printer.tick(tick.id) for tick in axis]
    break_even = float(even.value) if even else None
    svg = channel_chart.returns_svg(rows, at, labels, break_even, row=row_height, width=chart_width)
    parts = _parts(len(rows) - 1, row_height)
    charts = [svg]
    if len(parts) > 1:
        charts = [
            channel_chart.returns_svg(
                rows[start : end + last], at, labels, break_even, row=row_height, width=chart_width
            )
            for start, end, last in parts
        ]
    change, change_svg = sections.change(store, printer)
    unknowns = sections.unknown(store, printer)
    page = {
        **_heading(store, printer),
        "tiles": _tiles(store, printer),
        "channels": [_channel(store, printer, name) for name in store.names("channel")],
        "total": _total(store, printer),
        "below": _below(store, printer),
        "table_note": _table_note(store, printer),
        "books": sections.books(store, printer),
        "todo": sections.todo(store, printer),
        "change": change,
        "unknown": unknowns,
        "record": sections.record(store, printer),
        "content": content_work.lines(store, printer),
        "footer": _footer(store),
        "chart_alt": _alt(store, printer),
        "more": MORE if len(unknowns) < len(store.names("warning")) else "",
        "legend": ["● iROAS, 90 %  ◇ mROAS", "○ platform’s claim" + ("  ┆ break-even" if even else "")],
        "body_size": 8.8,
        "row_height": row_height,
        "chart_width": chart_width,
        "chart_height": len(rows) * row_height + channel_chart.AXIS_HEIGHT,
        "axis_height": channel_chart.AXIS_HEIGHT,
        "parts": [{"start": start, "end": end, "last": last} for start, end, last in parts],
    }
    return View(page, svg, tuple(charts), change_svg, tuple(printer.printed), store)


def _row_height(store: FigureStore) -> float:
    names = store.names("channel")
    longest = max((len(store.text(f"channel.{name}.label")) for name in names), default=0)
    by_label = next((height for least, height in LONG_LABELS if longest >= least), 0.0)
    return max(by_label, next(height for most, height in ROW_HEIGHTS if len(names) <= most))


def _parts(channels: int, row_height: float) -> list[tuple[int, int, bool]]:
    """First and end of the channels in each part of the table, and whether it is the last, with the row of totals."""
    most = int(ROWS_OF_A_PAGE / row_height)
    starts = list(range(0, channels, most)) or [0]
    return [(start, min(start + most, channels), start == starts[-1]) for start in starts]


def _allocate(store: FigureStore, printer: Printer) -> None:
    names = store.names("channel")
    printer.allocate([f"channel.{n}.spend" for n in names], "total.spend")
    parts = [key for key in ("split.baseline", "split.channels", "split.residual") if key in store]
    printer.allocate(parts, "outcome.total")
    printer.allocate([k for n in names if (k := f"channel.{n}.incremental") in store], "split.channels")


def _chart_row(store: FigureStore, name: str) -> channel_chart.Row:
    iroas, mroas, claim = (store.get(f"channel.{name}.{key}") for key in ("iroas", "mroas", "claim"))
    measured = _is_measured(store, name)
    return channel_chart.Row(
        iroas=float(iroas.value) if iroas and measured else None,
        low=float(iroas.low or 0) if iroas else None,
        high=float(iroas.high or 0) if iroas else None,
        mroas=float(mroas.value) if mroas and measured else None,
        claim=float(claim.value) if claim else None,
        weak=store.text(f"channel.{name}.grade") == "D",
    )


def _is_measured(store: FigureStore, name: str) -> bool:
    """Whether a channel's number may be printed as a point; stores of earlier versions do not say."""
    return store.text(f"channel.{name}.measured", "yes") == "yes"


def _chart_total(total: Figure | None) -> channel_chart.Row:
    if total is None:
        return channel_chart.Row(None, None, None, None, None)
    return channel_chart.Row(float(total.value), float(total.low or 0), float(total.high or 0), None, None)


def _heading(store: FigureStore, printer: Printer) -> dict[str, Any]:
    state = store.text("ledger.state")
    tied = state == TIED
    return {
        "company": store.text("page.company"),
        "title": store.text("page.title"),
        "period": f"{_day(store.text('page.start'))} {DASH} {_day(store.text('page.end'))}",
        "as_of": _day(store.text("run.as_of_day")) if "run.as_of_day" in store else "",
        "tied": tied,
        "status": (
            f"Tied to the ledger: gap {printer.exact('ledger.gap')}{NBSP}{store.text('page.currency')}"
            if tied
            else UNTIED[state]
        ),
        "currency": sections.money_name(store),
    }


def _tiles(store: FigureStore, printer: Printer) -> list[dict[str, str]]:
    money = sections.money_name(store)
    outcome = {
        "label": "Modelled outcome",
        "value": printer.compact("outcome.total"),
        "range": "",
        "note": "This figure was not checked against the books.",
    }
    if "ledger.booked" in store:
        outcome["range"] = f"ledger revenue {printer.compact('ledger.revenue')}"
        outcome["note"] = "Ledger revenue less named exclusions; the steps are under “Tie to the books”."
    caused = {
        "label": "Caused by marketing",
        "value": printer.compact("split.channels"),
        "range": f"90{NBSP}%: {printer.compact_span('split.channels')}",
        "note": "",
    }
    if "headline.share" in store:
        caused["note"] = (
            f"{printer.percent('headline.share')} of the modelled outcome"
            f" (90{NBSP}%: {printer.percent_span('headline.share')});"
            " effect counted when booked."
        )
    caused["note"] = f"{caused['note']} {_measured(store)}".strip()
    return [outcome, caused, _profit_tile(store, printer), _spend_tile(store, printer, money)]


def _measured(store: FigureStore) -> str:
    """On which days effects are measured, in one sentence; empty where they are measured in the whole period."""
    if "page.measured_to" not in store:
        return ""
    first, last = _day(store.text("page.measured_from")), _day(store.text("page.measured_to"))
    if store.text("page.measured_from") == store.text("page.start"):
        return f"Effects are measured up to {last}; iROAS and contribution count spend up to that day."
    return f"Effects are measured from {first} to {last}; iROAS and contribution count the spend of these days."


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
    note = (
        f"P(above 0){NBSP}{printer.probability('headline.p_profit')}; margin of {printer.percent('headline.margin')}"
        " times what marketing caused, less media spend."
    )
    return {
        "label": "Contribution, media only",
        "value": printer.compact(key),
        "range": f"90{NBSP}%: {printer.compact_span(key)}",
        "note": f"{note} {_fully_loaded(store, printer)}",
    }


def _fully_loaded(store: FigureStore, printer: Printer) -> str:
    """Contribution after all marketing costs of the books, or why it is not printed."""
    key, money = "headline.contribution_fully_loaded", sections.money_name(store)
    if key in store:
        return (
            f"Fully loaded, less {printer.compact('costs.measured')}{NBSP}{money} of fees, software and salaries:"
            f" {printer.compact(key)}{NBSP}{money} (90{NBSP}%: {printer.compact_span(key)}), P(above 0){NBSP}"
            f"{printer.probability('headline.p_profit_fully_loaded')}."
        )
    return NOT_LOADED.get(store.text("costs.state"), "")


def _spend_tile(store: FigureStore, printer: Printer, money: str) -> dict[str, str]:
    tile = {"label": "Media spend", "value": printer.compact("total.spend"), "range": "", "note": ""}
    if "total.iroas" in store:
        tile["range"] = f"iROAS {printer.ratio('total.iroas')} (90{NBSP}%: {printer.ratio_span('total.iroas')})"
    notes = []
    if "headline.break_even" in store:
        notes.append(f"Break-even iROAS is {printer.ratio('headline.break_even')}.")
    if "headline.blended_cac" in store:
        loaded = (
            f"; fully loaded: {printer.money_whole('headline.cac_fully_loaded')}{NBSP}{money}"
            if "headline.cac_fully_loaded" in store
            else ""
        )
        notes.append(f"Blended CAC, media only: {printer.money_whole('headline.blended_cac')}{NBSP}{money}{loaded}.")
    tile["note"] = " ".join(notes)
    return tile


def _channel(store: FigureStore, printer: Printer, name: str) -> dict[str, Any]:
    key = f"channel.{name}"
    shares = [f"weight.{name}.{source}" for source in ("experiment", "mmm", "attribution", "prior")]
    grade = store.text(f"{key}.grade")
    measured = _is_measured(store, name)
    caused, returned = f"{key}.incremental", f"{key}.iroas"
    has_return = returned in store
    shown = {"iroas": DASH, "range": ""}
    if has_return and measured:
        shown = {"iroas": printer.ratio(returned), "range": printer.ratio_span(returned)}
    elif has_return:
        between = f"between {printer.ratio(returned, 'low')} and {printer.ratio(returned, 'high')}"
        shown = {"iroas": "", "range": f"{between}, {NOT_MEASURED}", "between": between}
    return {
        "label": store.text(f"{key}.label"),
        "spend": printer.money(f"{key}.spend"),
        "incremental": (printer.money if measured else printer.money_span)(caused)
        if caused in store
        else "not modelled",
        **shown,
        "measured": measured,
        "not_measured": NOT_MEASURED,
        "mroas": printer.ratio(f"{key}.mroas") if measured and f"{key}.mroas" in store else DASH,
        "next": printer.ratio(f"{key}.next_earns") if measured and f"{key}.next_earns" in store else DASH,
        "evidence": "/".join(printer.shares(shares)) if all(s in store for s in shares) else DASH,
        "assumption": f"assumption.{name}.said" in store,
        "tested": sections.month_of(store.text(f"{key}.last_test")) if f"{key}.last_test" in store else "never",
        "grade": grade,
        "decision": store.text(f"{key}.decision"),
        "weak": grade == "D",
    }


def _total(store: FigureStore, printer: Printer) -> dict[str, str]:
    has_return = "total.iroas" in store
    return {
        "label": "All channels",
        "spend": printer.money("total.spend"),
        "incremental": printer.money("split.channels"),
        "iroas": printer.ratio("total.iroas") if has_return else DASH,
        "range": printer.ratio_span("total.iroas") if has_return else "",
    }


def _below(store: FigureStore, printer: Printer) -> list[dict[str, str]]:
    lines = []
    if "split.baseline" in store:
        lines.append(("Baseline (without marketing)", printer.money("split.baseline")))
    lines.append((store.text("split.residual_label"), printer.money("split.residual")))
    lines.append(("Modelled outcome", printer.money("outcome.total")))
    return [{"label": label, "amount": amount} for label, amount in lines]


def _table_note(store: FigureStore, printer: Printer) -> str:
    money = sections.money_name(store)
    scale = f"thousand {store.text('page.currency')}" if printer.scale == 1000 else store.text("page.currency")
    return (
        f"Money in {scale}. Points are posterior means and add up; ranges are central 90 % posterior intervals and do"
        f" not. “Next {money} earns” is margin × mROAS: above 1.00 it pays for itself. Grey rows are grade D: use them"
        " only to choose tests. “Not measured”: more than half is prior knowledge."
    )


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
    returns = [
        f"{store.text(f'channel.{name}.label')} {printer.ratio(f'channel.{name}.iroas')}"
        f" ({printer.ratio_span(f'channel.{name}.iroas')})"
        if _is_measured(store, name)
        else f"{store.text(f'channel.{name}.label')} {printer.ratio_span(f'channel.{name}.iroas')}, not measured"
        for name in store.names("channel")
        if f"channel.{name}.iroas" in store
    ]
    return "iROAS with 90 % intervals: " + "; ".join(returns)


def _day(iso: str) -> str:
    return written_day(date.fromisoformat(iso[:10]))


def with_own_hash(store: FigureStore) -> FigureStore:
    """The store plus the fact that names it, for the footer; hashed before the fact is added."""
    return store.plus([Fact("store.sha256", store.sha256, "sha256 of the figures and facts above")])


def named_by(store: FigureStore) -> str:
    """The hash that `with_own_hash` computed: over all but that fact and the chart's ticks, which the view adds."""
    figures = (figure for key, figure in store.figures.items() if not key.startswith("axis."))
    facts = (fact for key, fact in store.facts.items() if key != "store.sha256")
    return FigureStore.of([*figures, *facts]).sha256
