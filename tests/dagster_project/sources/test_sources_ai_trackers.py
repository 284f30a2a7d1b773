"""Exports of trackers land as the vendor's own rates, beside our answers and never among them."""

from __future__ import annotations

import json
from datetime import date

import pytest

DAY = date(2026, 11, 2)
PEEC = "\n".join(
    json.dumps(
        {
            "date": "2026-11-02",
            "model_id": model,
            "brand": {"id": "b1", "name": "Acme"},
            "visibility": 0.3,
            "visibility_count": 30,
            "visibility_total": 100,
        }
    )
    for model in ("chatgpt-scraper", "gpt-5-api")
)
PROFOUND = "date,asset_name,model,visibility_score\n2026-11-02,Acme,ChatGPT,31.5%\n"
WRITESONIC = "date,website,model,mention_count,number_of_answers\n2026-11-02,Acme,gpt,12,40\n"
GENERIC = """tracker,day,engine,surface,brand,measure,numerator,denominator
otterly,2026-11-02,gpt,ui_logged_in,Acme,citation_rate,3,20
"""
Row = tuple[str, date, str, str, str, str, float | None, float | None, float | None]


@pytest.mark.parametrize(
    ("name", "text", "rows"),
    [
        pytest.param(
            "a.jsonl",
            PEEC,
            [
                (
                    "peec",
                    date(2026, 11, 2),
                    "chatgpt-scraper",
                    "ui_logged_out",
                    "Acme",
                    "mention_rate",
                    30.0,
                    100.0,
                    None,
                ),
                ("peec", date(2026, 11, 2), "gpt-5-api", "import", "Acme", "mention_rate", 30.0, 100.0, None),
            ],
            id="Peec, with counts",
        ),
        pytest.param(
            "a.csv",
            PROFOUND,
            [("profound", date(2026, 11, 2), "ChatGPT", "import", "Acme", "mention_rate", None, None, 0.315)],
            id="Profound, a share without counts",
        ),
        pytest.param(
            "a.csv",
            WRITESONIC,
            [("writesonic", date(2026, 11, 2), "gpt", "import", "Acme", "mention_rate", 12.0, 40.0, None)],
            id="Writesonic",
        ),
        pytest.param(
            "a.csv",
            GENERIC,
            [("otterly", date(2026, 11, 2), "gpt", "ui_logged_in", "Acme", "citation_rate", 3.0, 20.0, None)],
            id="any tracker, in our own columns",
        ),
    ],
)
def test_a_trackers_export_is_recognised_by_its_columns(deliver, name: str, text: str, rows: list[Row]) -> None:
    found = deliver("ai_answers", text, name)
    assert found.status == "landed", found.quarantine["message"].to_list()
    columns = ("tracker", "day", "engine", "surface", "brand", "measure", "numerator", "denominator", "value")
    frame = found.frames["ai_tracker"]
    missing = [c for c in columns if c not in frame.columns]
    assert frame.select(c for c in columns if c not in missing).rows() == [
        tuple(v for c, v in zip(columns, row, strict=True) if c not in missing) for row in rows
    ]


def test_a_row_without_its_count_is_set_aside_and_named(deliver) -> None:
    found = deliver("ai_answers", WRITESONIC + "2026-11-03,Acme,gpt,many,40\n")
    assert found.quarantine.select("row", "column", "rule").rows() == [(3, "numerator", "bad_number")]
