"""Few channels or sixty, short labels or long: every row is on the page, in HTML and in PDF."""

from __future__ import annotations

import pypdf
import pytest
import report_snapshot

from feedback.reports import build

LONG = "Programmatic display, retargeting of abandoned baskets {:04d}"


@pytest.mark.parametrize(
    ("channels", "label", "pages"),
    [
        pytest.param(1, "Only {}", 1, id="one"),
        pytest.param(8, LONG, 1, id="labels of sixty characters"),
        pytest.param(40, "Channel {:02d}", 2, id="forty"),
        pytest.param(60, "Channel {:02d}", 2, id="sixty"),
    ],
)
def test_every_channel_is_on_the_page(monkeypatch, tmp_path, settings, channels, label, pages):
    known = report_snapshot.CHANNELS
    rows = tuple((f"c{i:02d}", label.format(i), *known[i % len(known)][2:]) for i in range(channels))
    monkeypatch.setattr(report_snapshot, "CHANNELS", rows)
    snapshot = report_snapshot.write_snapshot(tmp_path / "published.duckdb", draws=100)
    files = build(snapshot, tmp_path, period="2026-Q3", settings=settings)
    pdf = pypdf.PdfReader(files.pdf)
    assert len(pdf.pages) == pages
    printed = "".join(page.extract_text() for page in pdf.pages)
    words = "".join(printed.split())
    page = files.html.read_text("utf-8")
    for _, text, *_ in rows:
        assert "".join(text.split()) in words, f"{text} is not in the PDF"
        assert text in page
    assert "All channels" in printed
    assert "text-overflow: ellipsis" not in page.split(".long")[1].split("}")[0]
