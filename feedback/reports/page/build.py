"""Builds the one-page report from a published snapshot: HTML, PDF, workbook and the figures behind them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from feedback.reports.figure_store import FigureStore
from feedback.reports.figures import figures
from feedback.reports.figures.gates import ReportBlocked, reasons
from feedback.reports.page.html import blocked_html, html_of, run_mark
from feedback.reports.page.pdf import fitted, pdf_of
from feedback.reports.page.view import View, view_of, with_own_hash
from feedback.reports.page.workbook import workbook_of
from feedback.reports.snapshot.context import current_run, period_of
from feedback.reports.snapshot.query import open_snapshot
from feedback.reports.snapshot.settings import ReportSettings
from feedback.storage.atomic_files import write_atomically


@dataclass(frozen=True)
class ReportFiles:
    """Paths of the report's files; `figures_json` is what the other three print, and the next report's `previous`."""

    html: Path
    pdf: Path
    xlsx: Path
    figures_json: Path
    store: FigureStore
    view: View
    previous: FigureStore | None = None


def report_files(out: Path, period: str) -> dict[str, Path]:
    """The four files of a period's report in the folder `out`, by the names of their fields in `ReportFiles`."""
    kinds = {"html": "html", "pdf": "pdf", "xlsx": "xlsx", "figures_json": "figures.json"}
    return {field: out / f"cfo-report-{period}.{ending}" for field, ending in kinds.items()}


def withheld_pages(out: Path, run_id: str) -> list[Path]:
    """The pages in `out` that say why a run's report was withheld; a period has one at most."""
    mark = run_mark(run_id)
    pages = sorted(out.glob("cfo-report-*.blocked.html"))
    return [page for page in pages if mark in page.read_text("utf-8", errors="replace")]


def build(
    snapshot: Path,
    out: Path,
    *,
    period: str | None = None,
    settings: ReportSettings,
    previous: Path | None = None,
) -> ReportFiles:
    """Writes `cfo-report-<period>.{html,pdf,xlsx,figures.json}` into `out`.

    `snapshot` is the published DuckDB file, read and never written. `period` is a fiscal quarter such as `2026-Q3`;
    None takes the last with complete data. `previous` is the figures.json of the report before this one
    (`audit.report_before` finds it); without it this is the first report. The same input gives the same bytes, and each
    file appears whole or not at all.

    Raises ReportBlocked when a gate fails: only `cfo-report-<period>.blocked.html` is then written, which says why and
    is no report, and the files of an earlier report of the period are removed: the audit pack keeps theirs. Raises
    SnapshotError when the snapshot holds no spend or no outcome.
    """
    con = open_snapshot(snapshot)
    try:
        run_id = current_run(con)
        chosen = period_of(con, run_id, period, settings)
        earlier = FigureStore.from_json(previous.read_text(encoding="utf-8")) if previous else None
        store = figures(con, period=chosen.key, settings=settings, previous=earlier)
    finally:
        con.close()
    blocked = out / f"cfo-report-{store.text('page.period')}.blocked.html"
    against = reasons(store)
    paths = report_files(out, store.text("page.period"))
    if against:
        _write({blocked: blocked_html(store, against).encode()})
        for withdrawn in paths.values():
            withdrawn.unlink(missing_ok=True)
        raise ReportBlocked(against, blocked)
    view = fitted(view_of(with_own_hash(store)))
    files = ReportFiles(**paths, store=view.store, previous=earlier, view=view)
    _write(
        {
            files.html: html_of(view).encode(),
            files.pdf: pdf_of(view),
            files.xlsx: workbook_of(view.store),
            files.figures_json: view.store.to_json().encode(),
        }
    )
    blocked.unlink(missing_ok=True)
    return files


def _write(contents: dict[Path, bytes]) -> None:
    """Each file as a whole, after all of them were rendered: a failure while rendering leaves the old report as it was.

    A process killed between two of the files leaves new ones beside old ones; `feedback.reports.audit.undelivered`
    finds that, and the next build mends it.
    """
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
