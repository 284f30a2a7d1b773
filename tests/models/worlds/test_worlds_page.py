"""docs/demo.md shows the truth of the demonstration company, figure by figure."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.worlds import company

PAGE = Path(__file__).resolve().parents[3] / "docs" / "demo.md"


@pytest.mark.slow
def test_the_page_shows_the_true_figures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    truth = company(7, "medium").truth
    for name, entry in truth["channels"].items():
        row = f"| {name} | {entry['spend']:,.0f} | {entry['contribution']:,.0f} | {entry['iroas']:.2f} |"
        assert row in page, f"docs/demo.md is out of date: {row}"
    for name, entry in truth["experiments"].items():
        row = f"| {entry['effect']:,.0f} | {100 * entry['relative']:+.1f} % | {entry['spend_difference']:,.0f} |"
        assert row in page, f"docs/demo.md is out of date for {name}: {row}"
    assert f"| revenue | {truth['revenue_total']:,.0f} | 100.0 % |" in page
    assert truth["content"]["briefs"] >= 300
