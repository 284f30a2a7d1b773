"""The page of one test: what an invalid one says, and text from data stays text."""

from __future__ import annotations

from datetime import date

from feedback.reports.experiment.page import experiment_page

FOUND = {
    "experiment_id": "x",
    "channels": ["a", "<b>"],
    "geos": ["north"],
    "start_day": date(2026, 1, 5),
    "end_day": date(2026, 2, 1),
    "cooldown_end": date(2026, 2, 8),
    "verdict": "invalid",
    "grade": "C",
    "reasons": "Arrivals do not fit.",
    "design_sha256": None,
    "data_sha256": "0" * 64,
    "method": "mean",
    "inference": None,
    "departures": [],
    "checks": [
        {
            "name": "sample_ratio",
            "passed": False,
            "value": float("nan"),
            "threshold": 0.001,
            "message": "p = 0",
            "action": "Look <here>",
        }
    ],
    "warnings": [
        {"severity": "high", "message": "<script>", "action": "none"},
        {"severity": "info", "message": "quiet", "action": ""},
    ],
    "beside": [],
}


def test_an_invalid_test_says_so_first_and_nothing_is_markup() -> None:
    page = experiment_page(FOUND, ["Effect: 5."], {"path": b"png"})
    assert "its number must not be used (grade C)" in page
    assert page.index("must not be used") < page.index("Effect: 5.")
    assert "a, &lt;b&gt; in north" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "Look &lt;here&gt;" in page
    assert "nan" not in page
    assert "quiet" not in page.split("</style>")[1].replace('class="quiet"', "")
    assert "read until 2026-02-08" in page
