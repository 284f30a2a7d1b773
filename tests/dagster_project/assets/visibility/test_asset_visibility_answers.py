"""The panel as the run sees it: questions per market, the control brand, what stays out."""

from __future__ import annotations

import duckdb
import pytest

from dagster_project.assets.visibility.answers import panel_answers
from dagster_project.workspace.settings import Settings
from models.visibility import metrics

SETTINGS = Settings.model_validate(
    {
        "company": {"name": "Acme", "own_domains": ["acme.example"]},
        "ai": {
            "brands": ["Acme", "Rival"],
            "control_brand": "Zorvella",
            "competitor_domains": {"Rival": ["rival.example"]},
        },
    }
)


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("create schema marts")
    con.execute("""
        create table marts.ai_visibility_answer as
        select row_number() over () as answer_id, date '2026-11-02' as week, date '2026-11-02' as day,
            'openai' as engine, 'api' as surface, locale, prompt_id, cast(1 as bigint) as replicate,
            'answered' as status, ['Acme'] as brands, ['acme.example'] as cited_domains,
            timestamp '2026-11-02 06:00' as requested_at,
            'gpt-5-mini' as served_model, contract, 'rules' as extractor_version, 'form' as importer,
            prompt_id <> 'b' as is_core, 'comparison' as intent, null::varchar as topic, weight
        from (values
            ('q', 'en-US', 'search_required', 1.0), ('q', 'de-DE', 'search_required', 1.0),
            ('one', 'en-US', 'search_required', 1.0), ('b', 'en-US', 'search_required', 1.0),
            ('old', 'en-US', 'search_required', 0.0), ('mem', 'en-US', 'recall', 1.0)
        ) as t (prompt_id, locale, contract, weight)
    """)
    return con


def test_a_question_in_two_markets_is_two_and_recall_and_retired_ones_stay_out(con: duckdb.DuckDBPyConnection) -> None:
    found = panel_answers(con, SETTINGS)
    assert found is not None
    prompts = dict(found.panel.questions.select("prompt_id", "branded").iter_rows())
    assert prompts == {"q [en-US]": False, "q [de-DE]": False, "one": False, "b": True}
    assert found.answers["model_family"].unique().to_list() == ["gpt-5-mini"]
    kinds = dict(found.panel.brands.select("brand", "kind").iter_rows())
    assert kinds == {"Acme": "own", "Rival": "competitor", "Zorvella": "fictitious"}
    rates = metrics(found.answers, found.panel)
    assert rates.filter(rates["metric"] == "citation_rate")["brand"].to_list() == ["Acme", "Rival"]
    assert rates.filter(rates["metric"] == "false_mention")["value"].to_list() == [0.0]


def test_without_answers_there_is_no_panel(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("delete from marts.ai_visibility_answer")
    assert panel_answers(con, SETTINGS) is None
