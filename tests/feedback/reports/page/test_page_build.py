"""HTML, PDF and workbook print the figure store and nothing else, the same bytes every time, and nothing live."""

from __future__ import annotations

import html
import io
import json
import os
import re
import subprocess
import sys
from decimal import Decimal

import openpyxl
import pypdf
import pytest
from report_snapshot import RUN, changed

from feedback.reports import ReportSettings, build
from feedback.reports.figure_store import FigureStore

NUMBER = re.compile(r"[−-]?\d[\d,]*(?:\.\d+)?")
# What the templates themselves say: the level of all intervals, five sections, "above 1.00", "start at 0", P(above 0).
FIXED = {"90", "1", "2", "3", "4", "5", "1.00", "0"}


@pytest.fixture(scope="module")
def files(published, settings, tmp_path_factory):
    out = tmp_path_factory.mktemp("reports")
    before = build(published, out, period="2026-Q2", settings=settings)
    return build(published, out, settings=settings, previous=before.figures_json)


def numbers(text: str) -> set[str]:
    return {token.strip(",").replace("-", "−") for token in NUMBER.findall(text)}


def html_text(page: str) -> str:
    body = re.sub(r"<(style|title)>.*?</\1>", " ", page, flags=re.S)
    return html.unescape(re.sub(r"<[^>]+>", " ", body)).replace("\xa0", " ")


def pdf_text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages).replace("\xa0", " ")


def allowed(files) -> set[str]:
    """Numbers inside printed figures, and inside facts and the dates and footer lines made of facts."""
    page = files.view.page
    texts = [printed.text for printed in files.view.printed]
    texts += [fact.text for fact in files.store.facts.values()]
    texts += [page["period"], page["as_of"], *page["footer"], *(c["tested"] for c in page["channels"])]
    texts += [row["ended"] for row in page["record"]["rows"]]
    return set().union(*(numbers(text) for text in texts)) | FIXED


@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_every_printed_number_is_in_the_store(files, kind):
    text = html_text(files.html.read_text()) if kind == "html" else pdf_text(files.pdf.read_bytes())
    found = numbers(text)
    assert len(found) > 100
    assert found - allowed(files) == set()


@pytest.fixture(scope="module")
def with_unmeasured(published, settings, tmp_path_factory):
    """Newsletter and brand search rest on prior for more than half; the first may have lost money."""
    folder = tmp_path_factory.mktemp("unmeasured")
    snapshot = changed(
        published,
        folder / "published-2.duckdb",
        "alter table measurement.channel_estimate add column measured boolean",
        "update measurement.channel_estimate set measured = channel not in ('newsletter', 'search_brand')"
        " where method = 'triangulated'",
        "update measurement.period_draw set incremental = -incremental where component = 'newsletter' and draw % 4 = 0",
    )
    return build(snapshot, folder / "out", settings=settings)


@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_what_is_mostly_prior_is_a_range_and_no_point(with_unmeasured, kind):
    files = with_unmeasured
    text = html_text(files.html.read_text()) if kind == "html" else pdf_text(files.pdf.read_bytes())
    rows = {row["label"]: row for row in files.view.page["channels"]}
    for label, name in (("Newsletter", "newsletter"), ("Search, brand", "search_brand")):
        figure = files.store[f"channel.{name}.iroas"]
        low, high = (f"{end:.2f}".replace("-", "−") for end in (figure.low, figure.high))
        assert rows[label]["range"] == f"between {low} and {high}, not measured"
        assert rows[label]["iroas"] == ""
        assert rows[label]["weak"]
    assert files.store["channel.newsletter.iroas"].low < 0
    assert " ".join(text.split()).count("not measured") >= 2
    assert numbers(text) - allowed(files) == set()
    assert "not measured" not in files.view.page["channels"][0]["range"]


def test_the_workbook_leaves_the_point_of_an_unmeasured_channel_empty(with_unmeasured):
    book = openpyxl.load_workbook(with_unmeasured.xlsx)
    head, *rows = book["channels"].iter_rows(values_only=True)
    by_label = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    assert by_label["Newsletter"]["iroas"] is None
    assert by_label["Newsletter"]["iroas low"] is not None
    assert by_label["Newsletter"]["measured"] == "no"
    assert by_label["Meta"]["iroas"] is not None


@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_a_foreign_number_would_be_noticed(files, kind):
    text = html_text(files.html.read_text()) if kind == "html" else pdf_text(files.pdf.read_bytes())
    assert numbers(text.replace("853", "854")) - allowed(files) == {"854"}


def test_every_number_cell_of_the_workbook_is_a_figure_of_the_store(files):
    known = {
        float(part)
        for figure in files.store.figures.values()
        for part in (figure.value, figure.low, figure.high)
        if part is not None
    }
    book = openpyxl.load_workbook(files.xlsx)
    cells = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row]
    found = {float(value) for value in cells if isinstance(value, int | float)}
    assert len(found) > 100
    assert found <= known
    texts = [fact.text for fact in files.store.facts.values()] + [f.basis for f in files.store.figures.values()]
    texts += [*files.store.figures, *files.store.facts, *(f.sql_sha256 for f in files.store.figures.values())]
    words = set().union(*(numbers(value) for value in cells if isinstance(value, str)))
    assert words <= set().union(*(numbers(text) for text in texts)) | FIXED


def test_a_printed_text_is_its_figure_rounded(files):
    for printed in files.view.printed:
        part = getattr(files.store[printed.figure], printed.part)
        text = printed.text.replace("−", "-").replace(",", "").lstrip("+")
        places = len(text.partition(".")[2])
        unit = Decimal(1).scaleb(-places) * printed.scale
        allocated = printed.part == "value" and places == 0
        if text in ("99", "1") and "p_" in printed.figure:
            continue  # "above 99 %" and "below 1 %" name a bound, not the value
        assert abs(Decimal(text) * printed.scale - part) <= (unit if allocated else unit / 2), printed


def test_printed_rows_add_up_to_printed_totals(files):
    page = files.view.page

    def whole(text: str) -> int:
        return int(text.replace("−", "-").replace(",", "").replace("+", ""))

    assert sum(whole(c["spend"]) for c in page["channels"]) == whole(page["total"]["spend"])
    assert sum(whole(c["incremental"]) for c in page["channels"]) == whole(page["total"]["incremental"])
    *parts, outcome = (whole(line["amount"]) for line in page["below"])
    assert sum(parts) + whole(page["total"]["incremental"]) == outcome
    before, *steps, now = (whole(row["amount"]) for row in page["change"]["rows"])
    assert before + sum(steps) == now == whole(page["total"]["incremental"])


def test_headline_stands_in_all_formats(files):
    for text in (html_text(files.html.read_text()), pdf_text(files.pdf.read_bytes())):
        assert "5.35 m" in text
        assert "Tied to the ledger: gap 0.00 EUR" in text
        assert RUN in text
        assert files.store.text("store.sha256")[:12] in text


def test_no_bare_roi_and_no_word_of_proof(files):
    for text in (html_text(files.html.read_text()), pdf_text(files.pdf.read_bytes())):
        assert not re.search(r"(?<![im])\bROI\b|\bROAS\b|prove|significant", text)


def test_the_html_needs_no_network_and_runs_no_script(files):
    page = files.html.read_text()
    assert "default-src 'none'" in page
    assert not re.search(r"https?:|//[a-z]|<script|\bon\w+=|@import|javascript:", page)
    assert page.count('role="img"') == 2
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_the_same_snapshot_gives_the_same_bytes_in_another_process(published, files, tmp_path):
    code = (
        "import sys; from pathlib import Path; from decimal import Decimal; from feedback.reports import *;"
        "s = ReportSettings(company='Acme Instruments GmbH', currency='EUR', margin=Decimal('0.71'));"
        "snapshot, out = map(Path, sys.argv[1:]);"
        "before = build(snapshot, out, period='2026-Q2', settings=s).figures_json;"
        "build(snapshot, out, settings=s, previous=before)"
    )
    environment = {**os.environ, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "LC_ALL": "C.UTF-8"}
    subprocess.run([sys.executable, "-c", code, str(published), str(tmp_path)], check=True, env=environment)
    for kind in ("html", "pdf", "xlsx", "figures_json"):
        path = getattr(files, kind)
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), kind


def test_building_again_over_itself_changes_nothing(published, files, settings):
    before, earlier = files.pdf.read_bytes(), files.pdf.parent / "cfo-report-2026-Q2.figures.json"
    assert build(published, files.pdf.parent, settings=settings, previous=earlier).pdf.read_bytes() == before


def test_figures_json_holds_the_store(files):
    assert FigureStore.from_json(files.figures_json.read_text()) == files.store
    assert json.loads(files.figures_json.read_text())["figures"][0]["value"] == "41222244.91"


def test_ten_channels_and_many_long_warnings_still_fit_on_one_page(published, settings, tmp_path):
    crowded = changed(
        published,
        tmp_path / "crowded.duckdb",
        *(
            statement
            for name in ("podcast_sponsorships_and_radio", "affiliates")
            for statement in (
                f"insert into marts.channel_day select day, '{name}', campaign, geo, source, cost_type, currency,"
                " grain, spend, spend_report, 0, 0, 0, 0, false from marts.channel_day where channel = 'events'",
                f"insert into measurement.period_draw select run_id, period, '{name}', draw, incremental / 3"
                " from measurement.period_draw where component = 'events'",
            )
        ),
        f"insert into measurement.warning select '{RUN}', 'w' || i, 'channel ' || i, 'high',"
        " 'Case ' || i || repeat(': something was seen that makes this number doubtful', 9), 'Do something about it.'"
        " from range(20) t(i)",
    )
    files = build(crowded, tmp_path / "out", settings=settings)
    assert len(pypdf.PdfReader(files.pdf).pages) == 1
    assert len(files.view.page["channels"]) == 10
    assert "The workbook lists more" in pdf_text(files.pdf.read_bytes())
    book = openpyxl.load_workbook(files.xlsx)
    assert book["unknowns"].max_row == 1 + 3 + 20 + 1 + 1


PAYLOADS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(1)",
    "-2+3",
    "\t=1+1",
    "http://evil.example/x",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}",
    '#panic("typst")',
    '$x^2$ *bold* ] #read("/etc/passwd")',
]


def test_hostile_labels_stay_text_in_all_formats(published, tmp_path):
    names = [
        "search_nonbrand",
        "paid_social_meta",
        "video",
        "paid_social_linkedin",
        "display",
        "events",
        "search_brand",
    ]
    renames = [
        "update ops.channel set label = '{}' where channel = '{}'".format(payload.replace("'", "''"), name)
        for payload, name in zip(PAYLOADS, names, strict=False)
    ]
    rest = "".join(PAYLOADS[7:]).replace("'", "''")
    hostile = changed(
        published, tmp_path / "hostile.duckdb", *renames, f"update measurement.warning set message = '{rest}'"
    )
    company = ReportSettings(company=PAYLOADS[6], currency="EUR", margin=Decimal("0.5"))
    files = build(hostile, tmp_path / "out", settings=company)
    page = files.html.read_text()
    assert "<script" not in page
    assert "<img" not in page
    assert "{{ 7*7 }}" in html.unescape(page)
    book = openpyxl.load_workbook(files.xlsx)
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", (sheet.title, cell.coordinate)
                assert cell.hyperlink is None
    assert book["channels"]["A2"].value == PAYLOADS[0]
    text = pdf_text(files.pdf.read_bytes())
    assert "#panic" in text
    assert "/Annots" not in files.pdf.read_bytes().decode("latin-1")


def test_without_a_margin_the_page_says_so_instead_of_a_profit(published, settings, tmp_path):
    files = build(published, tmp_path, settings=settings.model_copy(update={"margin": None}))
    text = pdf_text(files.pdf.read_bytes())
    assert "not printed" in text
    assert "no contribution margin" in " ".join(text.split())


def test_the_next_test_says_what_it_spends_earns_and_may_change(published, settings, tmp_path):
    planned = changed(
        published,
        tmp_path / "planned.duckdb",
        "create or replace table measurement.next_experiment as select run_id, 'video' as channel, 81000.0 as evsi,"
        " 78500.0 as net_value, 4.0 as weeks, 2500.0 as cost, '' as message, 'heavy_up' as kind, 64000.0 as cash,"
        " -2500.0 as result, 0.31 as p_flip from ops.current_run",
    )
    text = html_text(build(planned, tmp_path / "out", settings=settings).html.read_text())
    assert "Test Online video next." in text
    assert "Double it for 4 weeks in the test's regions: spend changes by 64 k €" in text
    assert re.search(r"expected contribution while it runs −2[\d,.k ]* €\. The reading is worth 81 k €", text)
    assert "changes one with probability 31 %" in text


def test_without_a_ledger_the_page_says_that_it_is_not_tied(published, settings, tmp_path):
    alone = changed(
        published, tmp_path / "alone.duckdb", "drop table marts.reconciliation", "drop table marts.ledger_period"
    )
    files = build(alone, tmp_path / "out", settings=settings)
    assert "Not tied to a ledger: none was delivered" in html_text(files.html.read_text())
    assert "Tie to the books" not in " ".join(re.findall(r"<h2>(.*?)</h2>", files.html.read_text()))
