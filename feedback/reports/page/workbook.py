"""The report as a workbook: exact values with formats, all lines that do not fit on the page, no formulas or links."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision

from feedback.reports.figure_store import Figure, FigureStore
from feedback.reports.figures.channels import SOURCES
from feedback.reports.figures.full_costs import LABELS

STAMP = datetime(2000, 1, 1)  # a fixed creation time: the same figures give the same bytes
FORMATS = {"ratio": "0.00", "share": "0.0%", "count": "#,##0", "axis": "General"}
CHANNEL_FIGURES = ("spend", "measured_spend", "incremental", "iroas", "mroas", "next_earns", "p_pays", "claim")
WITHOUT_RANGE = ("spend", "measured_spend", "p_pays", "claim")
EFFECTS = ("incremental", "iroas", "mroas", "next_earns", "p_pays")  # no point where the channel is not measured
CHANNEL_FACTS = ("grade", "measured", "decision", "last_test")


def workbook_of(store: FigureStore) -> bytes:
    """Sheets: report, channels, unknowns, figures, facts. Texts are written as strings, even if they begin with `=`."""
    import xlsxwriter

    buffer = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(buffer, options)
    book.set_properties({"title": f"Attribution report {store.text('page.title')}", "created": STAMP})
    style = _Style(book)
    _report(book, store, style)
    _channels(book, store, style)
    _unknowns(book, store, style)
    _figures(book, store, style)
    _facts(book, store, style)
    book.close()
    return buffer.getvalue()


class _Style:
    """The few formats of the book, made once each."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._numbers: dict[str, Any] = {}
        self.title = book.add_format({"bold": True, "font_size": 16})
        self.head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom"})
        self.bold = book.add_format({"bold": True})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top"})

    def number(self, unit: str) -> Any:
        """A number format by unit; money to the minor unit of its currency, at most to the two stored places."""
        if unit not in self._numbers:
            whole_units = unit not in FORMATS and get_currency_precision(unit) == 0
            money = "#,##0" if whole_units else "#,##0.00"
            self._numbers[unit] = self._book.add_format({"num_format": FORMATS.get(unit, money)})
        return self._numbers[unit]


def _report(book: Any, store: FigureStore, style: _Style) -> None:
    sheet = book.add_worksheet("report")
    sheet.set_column(0, 0, 52)
    sheet.set_column(1, 3, 18)
    sheet.set_column(4, 4, 90)
    sheet.write_string(0, 0, f"Attribution report {store.text('page.title')}", style.title)
    sheet.write_string(1, 0, f"{store.text('page.company')}, amounts in {store.text('page.currency')}")
    row = _heads(sheet, 3, ("figure", "value", "low (90 %)", "high (90 %)", "basis"), style)
    for label, key in _lines(store):
        figure = store.get(key)
        if figure is not None:
            sheet.write_string(row, 0, label)
            _number(sheet, row, 1, figure, "value", style)
            _number(sheet, row, 2, figure, "low", style)
            _number(sheet, row, 3, figure, "high", style)
            sheet.write_string(row, 4, figure.basis)
            row += 1
    if "headline.refusal" in store:
        sheet.write_string(row + 1, 0, store.text("headline.refusal"), style.bold)


def _lines(store: FigureStore) -> Iterable[tuple[str, str]]:
    """The reconciliation first, then the headlines: the order of the page."""
    yield "Ledger revenue (GL)", "ledger.revenue"
    yield "refunds posted", "ledger.refunds"
    for number in store.names("excluded"):
        yield f"excluded: {store.text(f'excluded.{number}.reason')}", f"excluded.{number}"
    for number in store.names("item"):
        yield store.text(f"item.{number}.reason"), f"item.{number}"
    yield "timing and cut-off, within tolerance", "ledger.gap"
    yield "Modelled outcome", "outcome.total"
    yield "Baseline (without marketing)", "split.baseline"
    yield "Caused by marketing, all channels", "split.channels"
    yield store.text("split.residual_label"), "split.residual"
    yield "Share caused by marketing", "headline.share"
    yield "Media spend", "total.spend"
    yield "Media spend of the days with measured effects", "total.measured_spend"
    yield "Costs that are not media, in no return", "total.other_costs"
    yield "Media spend in the ledger", "ledger.spend"
    yield "accrued before its invoice, less earlier accruals", "ledger.accrued_spend"
    yield "platforms report more (+) or less (−)", "ledger.spend_gap"
    yield "Marketing costs beyond media", "costs.total"
    for kind, label in LABELS.items():
        yield label, f"costs.{kind}"
    yield "iROAS of all channels", "total.iroas"
    yield "Contribution margin", "headline.margin"
    yield "Break-even iROAS", "headline.break_even"
    yield "Contribution after spend", "headline.contribution"
    yield "P(contribution after spend above 0)", "headline.p_profit"
    yield "Costs beyond media on the days with measured effects", "costs.measured"
    yield "Contribution after spend and costs, fully loaded", "headline.contribution_fully_loaded"
    yield "P(fully loaded contribution above 0)", "headline.p_profit_fully_loaded"
    yield "Blended CAC, media only", "headline.blended_cac"
    yield "Blended CAC, fully loaded", "headline.cac_fully_loaded"
    yield "P(channels caused more than everything)", "gate.more_than_everything"
    yield "P(baseline below 0)", "gate.negative_baseline"


def _channels(book: Any, store: FigureStore, style: _Style) -> None:
    sheet = book.add_worksheet("channels")
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 30, 13)
    heads = ["channel"]
    for name in CHANNEL_FIGURES:
        heads += [
            name.replace("_", " "),
            *([f"{name} low", f"{name} high"] if name not in WITHOUT_RANGE else []),
        ]
    row = _heads(
        sheet, 0, [*heads, *(f"evidence: {s}" for s in SOURCES), *(f.replace("_", " ") for f in CHANNEL_FACTS)], style
    )
    for channel in store.names("channel"):
        sheet.write_string(row, 0, store.text(f"channel.{channel}.label"))
        column = 1
        for name in CHANNEL_FIGURES:
            hidden = name in EFFECTS and store.text(f"channel.{channel}.measured", "yes") == "no"
            for part in ("value",) if name in WITHOUT_RANGE else ("value", "low", "high"):
                figure = None if hidden and part == "value" else store.get(f"channel.{channel}.{name}")
                _number(sheet, row, column, figure, part, style)
                column += 1
        for source in SOURCES:
            _number(sheet, row, column, store.get(f"weight.{channel}.{source}"), "value", style)
            column += 1
        for fact in CHANNEL_FACTS:
            sheet.write_string(row, column, store.text(f"channel.{channel}.{fact}"))
            column += 1
        row += 1


def _unknowns(book: Any, store: FigureStore, style: _Style) -> None:
    sheet = book.add_worksheet("unknowns")
    sheet.set_column(0, 1, 26)
    sheet.set_column(2, 3, 80)
    row = _heads(sheet, 0, ("kind", "subject", "what was observed", "what to do"), style)
    for n in store.names("warning"):
        texts = [store.text(f"warning.{n}.{part}") for part in ("severity", "subject", "message", "action")]
        row = _texts(sheet, row, [f"warning, {texts[0]}", *texts[1:]], style)
    for n in store.names("conflict"):
        row = _texts(
            sheet,
            row,
            ["conflict", store.text(f"conflict.{n}.channel"), store.text(f"conflict.{n}.message"), ""],
            style,
        )
    for n in store.names("not_run"):
        needs = f"needs {store.text(f'not_run.{n}.needs')}"
        row = _texts(sheet, row, ["not run", store.text(f"not_run.{n}.capability"), needs, ""], style)


def _figures(book: Any, store: FigureStore, style: _Style) -> None:
    sheet = book.add_worksheet("figures")
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 4, 18)
    sheet.set_column(5, 6, 70)
    row = _heads(sheet, 0, ("id", "value", "low", "high", "unit", "basis", "sha256 of the query"), style)
    for figure in store.figures.values():
        sheet.write_string(row, 0, figure.id)
        for column, part in enumerate(("value", "low", "high"), 1):
            _number(sheet, row, column, figure, part, style)
        for column, text in enumerate((figure.unit, figure.basis, figure.sql_sha256), 4):
            sheet.write_string(row, column, text)
        row += 1


def _facts(book: Any, store: FigureStore, style: _Style) -> None:
    sheet = book.add_worksheet("facts")
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 2, 80)
    row = _heads(sheet, 0, ("id", "text", "source"), style)
    for fact in store.facts.values():
        row = _texts(sheet, row, [fact.id, fact.text, fact.source], style)


def _heads(sheet: Any, row: int, names: Sequence[str], style: _Style) -> int:
    for column, name in enumerate(names):
        sheet.write_string(row, column, name, style.head)
    return row + 1


def _texts(sheet: Any, row: int, texts: Sequence[str], style: _Style) -> int:
    for column, text in enumerate(texts):
        sheet.write_string(row, column, text, style.wrapped)
    return row + 1


def _number(sheet: Any, row: int, column: int, figure: Figure | None, part: str, style: _Style) -> None:
    if figure is None:
        return
    number: Decimal | None = {"value": figure.value, "low": figure.low, "high": figure.high}[part]
    if number is not None:
        sheet.write_number(row, column, float(number), style.number(figure.unit))
