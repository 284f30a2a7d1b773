"""The report as one static HTML file: no script, no network reference, everything escaped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from feedback.reports.figure_store import FigureStore
from feedback.reports.page.view import View

TEMPLATES = Path(__file__).parent / "templates"


def html_of(view: View) -> str:
    """The page with both charts inline as SVG."""
    return rendered(
        "report.html.j2",
        page=view.page,
        chart=_inline(view.chart_svg, view.page["chart_alt"], "returns"),
        change=_inline(view.change_svg, view.page["change"].get("alt", ""), "change"),
    )


def blocked_html(store: FigureStore, reasons: tuple[str, ...]) -> str:
    """A page that says why there is no report; it shows no withheld figure except those quoted in the reasons."""
    return rendered(
        "blocked.html.j2",
        company=store.text("page.company"),
        title=store.text("page.title"),
        reasons=reasons,
        run_mark=run_mark(store.text("run.id")),
    )


def run_mark(run_id: str) -> Markup:
    """The footer of a page without a report; it names the run whose report was withheld."""
    return Markup("<footer>run {}</footer>").format(run_id)


def rendered(template: str, **values: Any) -> str:
    """A template of this package with its values escaped; a name that the template uses without a value is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def _inline(svg: str, alt: str, name: str) -> Markup:
    """Our own chart inside the page: ids made unique per chart, a label for screen readers, no namespace reference."""
    if not svg:
        return Markup("")
    bare = re.sub(r'\sxmlns(:xlink)?="[^"]*"', "", svg)
    bare = re.sub(r'(id="|url\(#)', rf"\g<1>{name}-", bare)
    label = Markup.escape(alt)
    return Markup(bare.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))  # noqa: S704 - drawn by us from numbers
