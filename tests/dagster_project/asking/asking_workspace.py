"""A workspace with a small panel and engines on a local server, for the tests of asking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dagster_project.workspace.settings import Settings

PANEL = """prompt_id,prompt_text,intent,locale,is_core,weight
p1,Which CRM would you recommend?,shortlist,en-US,true,1
p2,Compare the leading CRMs.,comparison,en-US,true,2
p3,What does Acme cost?,brand,en-US,false,1
"""


def settings_of(**changes: Any) -> Settings:
    """Settings with two engines and caps; `changes` replace keys of `ai`, or whole parts named `llm` or `company`."""
    parts: dict[str, Any] = {
        "company": changes.pop("company", {"own_domains": ["acme.example"]}),
        "llm": changes.pop("llm", {"daily_cap": 10, "monthly_cap": 100}),
    }
    ai: dict[str, Any] = {
        "brands": ["Acme", "HubSpot", "Pipedrive"],
        "control_brand": "Zorvella",
        "category": {"en": "CRM software", "de": "CRM-Software"},
        "engines": [
            {"name": "openai", "model": "openai/gpt-5-mini", "key": "OPENAI_API_KEY", "price_usd": "0.012"},
            {"name": "perplexity", "model": "perplexity/sonar", "key": "PERPLEXITYAI_API_KEY", "price_usd": "0.005"},
        ],
    }
    return Settings.model_validate(parts | {"ai": ai | changes})


def land_panel(landing: Path, text: str = PANEL, name: str = "2026-11-01-panel.csv") -> None:
    """The panel as a file."""
    folder = landing / "ai_panel"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
