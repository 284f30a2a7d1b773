"""The report as one A4 page of PDF: no clock, no system font, so the same view gives the same bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from feedback.reports.page.view import MORE, View

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
MANY_CHANNELS = 16  # above this, a page with table and sections would be of small type and few words
SMALLEST = 7.6  # points; smaller type is not legible in print


def pdf_of(view: View) -> bytes:
    """Compiles the page with the fonts inside the typst package only."""
    return bytes(_compiler(view).compile(format="pdf"))


def pages_of(view: View) -> int:
    """How many A4 pages the view fills."""
    return int(_compiler(view).query("<pages>", field="value", one=True))


def fitted(view: View) -> View:
    """The view as it fits on one page: smaller type first, then fewer lines of what is in the workbook anyway.

    Lines are dropped from the end of the track record, the unknowns and content work, ordered by weight, and a line
    says that the workbook lists more. A table of so many channels that it leaves no room flows over further pages, with
    every line.
    """
    whole = view
    if len(view.page["channels"]) > MANY_CHANNELS:
        return whole
    while pages_of(view) > 1:
        page = view.page
        if page["body_size"] > SMALLEST:
            view = _with(view, body_size=round(page["body_size"] - 0.3, 1), row_height=page["row_height"])
        elif len(page["record"]["rows"]) > 2:
            view = _with(view, record={**page["record"], "rows": page["record"]["rows"][:-1]})
        elif len(page["unknown"]) > len(page["content"]):
            view = _with(view, unknown=page["unknown"][:-1], more=MORE)
        elif page["content"]:
            view = _with(view, content=page["content"][:-1])
        elif page["unknown"]:
            view = _with(view, unknown=page["unknown"][:-1], more=MORE)
        else:
            return whole
    return view


def _with(view: View, **changed: Any) -> View:
    return replace(view, page={**view.page, **changed})


def _compiler(view: View) -> Any:
    import typst

    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
    inputs = {
        "page": json.dumps(view.page, sort_keys=True, ensure_ascii=False),
        "charts": json.dumps(view.charts),
        "change": view.change_svg,
    }
    return typst.Compiler(input=TEMPLATE.read_bytes(), font_paths=fonts, sys_inputs=inputs)
