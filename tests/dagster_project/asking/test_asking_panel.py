"""Templates, the panel they make, and the freeze that keeps its answers comparable."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from dagster_project.asking.frozen_panel import frozen, next_period, period_of
from dagster_project.asking.ledger import opened
from dagster_project.asking.panel import PanelError, as_csv, from_templates, panel_sha256, read_panel
from dagster_project.asking.templates import NAMING, OF_A_SUBJECT, languages, shipped
from dagster_project.workspace.settings import SettingsError, load
from tests.dagster_project.asking.asking_workspace import PANEL, land_panel, settings_of

FULL = {
    "problem": {"en": "we lose track of leads", "de": "Uns gehen Anfragen verloren"},
    "integrations": ["Slack", "Outlook"],
    "personas": [
        {"name": "smb", "words": {"en": "a team of ten", "de": "ein Team von zehn"}},
        {"name": "corp", "words": {"en": "a large company", "de": "einen Konzern"}},
    ],
    "markets": [
        {"country": "US", "locale": "en-US"},
        {"country": "DE", "locale": "de-DE"},
    ],
}


def test_fifty_questions_with_commercial_intent_ship_and_name_no_brand():
    general = [t for t in shipped() if t.intent not in (*NAMING, OF_A_SUBJECT)]
    assert len(general) >= 50
    assert all(count >= 8 for count in Counter(t.intent for t in general).values())
    assert languages() == ("de", "en")
    assert len({t.template_id for t in shipped()}) == len(shipped())
    brand_slots = {"own", "rival", "rival2"}
    assert not any(t.slots(language) & brand_slots for t in general for language in languages())
    assert all(t.slots("en") == t.slots("de") for t in shipped())


def test_templates_are_filled_per_market_and_personas_take_turns():
    prompts = from_templates(settings_of(**FULL), {"lead-scoring": "lead scoring"})
    by_locale = Counter(p.locale for p in prompts)
    assert by_locale == {"en-US": len(shipped()), "de-DE": len(shipped())}
    assert {p.persona for p in prompts} == {"", "smb", "corp"}
    assert len({p.prompt_id for p in prompts}) == len(prompts)
    assert not [p.prompt_text for p in prompts if "{" in p.prompt_text]
    core = [p for p in prompts if p.is_core and p.locale == "en-US"]
    assert len(core) >= 50
    assert not [p for p in core if any(b in p.prompt_text for b in ("Acme", "HubSpot", "Pipedrive"))]
    assert sum("lead scoring" in p.prompt_text for p in prompts) == 4


def test_what_plumbline_yaml_does_not_say_is_left_out_and_a_missing_category_is_refused():
    plain = from_templates(settings_of(brands=[]))
    assert {p.intent for p in plain}.isdisjoint({"problem", "integration", *NAMING})
    with pytest.raises(PanelError, match=r"ai\.category.*de"):
        from_templates(settings_of(category={"en": "CRM"}, markets=[{"country": "DE", "locale": "de-DE"}]))
    with pytest.raises(PanelError, match=r"ai\.markets.*'sv'"):
        from_templates(settings_of(markets=[{"country": "SE", "locale": "sv-SE"}]))


def test_a_written_panel_is_read_back_and_a_later_file_replaces_a_prompt(tmp_path: Path):
    settings = settings_of(**FULL)
    prompts = from_templates(settings)
    land_panel(tmp_path, as_csv(prompts).decode())
    back = read_panel(tmp_path, settings)
    assert panel_sha256(back) == panel_sha256(prompts)
    first = prompts[0].prompt_id
    land_panel(tmp_path, f"prompt_id,prompt_text,locale,weight\n{first},x,en-US,0\n", "2026-12-01-panel.csv")
    assert {p.prompt_id for p in prompts} - {p.prompt_id for p in read_panel(tmp_path, settings)} == {first}


def test_a_cell_that_a_spreadsheet_would_run_is_not_written():
    prompts = from_templates(settings_of(problem="=HYPERLINK(1)"))
    with pytest.raises(PanelError, match="formula"):
        as_csv(prompts)


def test_a_panel_with_a_bad_row_is_not_asked_in_part(tmp_path: Path):
    land_panel(tmp_path, PANEL + "p4,,shortlist,en-US,true,1\n")
    with pytest.raises(PanelError, match=r"row 5.*prompt_text"):
        read_panel(tmp_path, settings_of())
    with pytest.raises(PanelError, match="--propose"):
        read_panel(tmp_path / "empty", settings_of())


def test_a_frozen_panel_is_not_changed_without_a_word(tmp_path: Path):
    land_panel(tmp_path)
    settings, day = settings_of(), date(2026, 12, 1)
    prompts = read_panel(tmp_path, settings)
    with opened(tmp_path / "asking") as ledger:
        first = frozen(ledger, prompts, settings, day)
        assert frozen(ledger, prompts, settings, date(2026, 12, 31)) == first
        assert first.panel_version.startswith("2026-Q4.1-")
        land_panel(tmp_path, PANEL.replace("Compare the leading", "Compare the best") + "p4,New?,x,en-US,true,1\n")
        changed = read_panel(tmp_path, settings)
        with pytest.raises(PanelError, match=r"changed: prompt p2 en-US; added: prompt p4 en-US.*2027-01-01"):
            frozen(ledger, changed, settings, day)
        with pytest.raises(PanelError, match="brands and domains"):
            frozen(ledger, prompts, settings_of(brands=["Acme", "HubSpot"]), day)
        second = frozen(ledger, changed, settings, day, reason="p2 was ambiguous")
        assert (second.version, second.period) == (2, "2026-Q4")
        assert frozen(ledger, changed, settings, date(2027, 1, 1)).panel_version.startswith("2027-Q1.1-")


@pytest.mark.parametrize(
    ("day", "kind", "period", "following"),
    [
        (date(2026, 1, 31), "month", "2026-01", date(2026, 2, 1)),
        (date(2026, 12, 31), "month", "2026-12", date(2027, 1, 1)),
        (date(2026, 3, 31), "quarter", "2026-Q1", date(2026, 4, 1)),
        (date(2026, 11, 30), "quarter", "2026-Q4", date(2027, 1, 1)),
    ],
)
def test_periods(day, kind, period, following):
    assert (period_of(day, kind), next_period(day, kind)) == (period, following)


def test_a_secret_in_plumbline_yaml_is_refused_and_never_repeated(tmp_path: Path):
    file = tmp_path / "plumbline.yaml"
    file.write_text("ai: {engines: [{name: openai, model: openai/m, key: sk-live-4711}]}\n")
    with pytest.raises(SettingsError, match="name of an environment variable") as caught:
        load(file)
    assert "4711" not in str(caught.value)
    file.write_text("ai: {engines: [{name: openai, model: gpt-5-mini, key: K}]}\n")
    with pytest.raises(SettingsError, match="openai/gpt-5-mini"):
        load(file)
