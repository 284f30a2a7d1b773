"""The panel of questions: made from templates, read from landing/ai_panel, and one hash for exactly this panel."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from dagster_project.asking.templates import NAMING, OF_A_SUBJECT, Template, languages, shipped
from dagster_project.workspace.ai_settings import Market, Words
from dagster_project.workspace.settings import Settings
from models.error import PlumblineError

SOURCE = "ai_panel"
_AUDIENCE = {"en": "a small company", "de": "ein kleines Unternehmen"}
_MARKETS = {
    ("US", "en"): "the United States",
    ("GB", "en"): "the United Kingdom",
    ("DE", "en"): "Germany",
    ("AT", "en"): "Austria",
    ("CH", "en"): "Switzerland",
    ("FR", "en"): "France",
    ("NL", "en"): "the Netherlands",
    ("CA", "en"): "Canada",
    ("AU", "en"): "Australia",
    ("IE", "en"): "Ireland",
    ("DE", "de"): "Deutschland",
    ("AT", "de"): "Österreich",
    ("CH", "de"): "der Schweiz",
}


class PanelError(PlumblineError, ValueError):
    """The panel cannot be made, read or asked as it stands."""


@dataclass(frozen=True)
class Prompt:
    """One question of the panel. `engine` empty: for every engine. `weight` 0: kept in the file, no longer asked."""

    prompt_id: str
    prompt_text: str
    intent: str = ""
    engine: str = ""
    surface: str = ""
    locale: str = ""
    is_core: bool = True
    weight: float = 1.0
    persona: str = ""
    topic: str = ""
    origin: str = "file"

    @property
    def version(self) -> str:
        """Changes with the wording, so that answers to two wordings are never compared."""
        return hashlib.sha256(self.prompt_text.encode()).hexdigest()[:12]


def in_language(words: Words | None, language: str) -> str | None:
    """The wording for a language: the one given for it, or the only one given."""
    return words.get(language) if isinstance(words, dict) else words


def from_templates(settings: Settings, topics: Mapping[str, str] | None = None) -> list[Prompt]:
    """The templates filled for every market of plumbline.yaml; personas take turns, so the panel does not multiply.

    `topics` are subjects (key → words) from the company's own pages and search terms. Raises PanelError where
    plumbline.yaml names no category, or a market's language has no templates.
    """
    panel = settings.ai
    prompts: list[Prompt] = []
    for market in panel.markets:
        if market.language not in languages():
            raise PanelError(
                f"there are no templates in {market.language!r} (market {market.locale})",
                file="plumbline.yaml",
                key="ai.markets",
                fix=f"choose one of {', '.join(languages())}, or write your own prompts into landing/ai_panel/*.csv",
            )
        if in_language(panel.category, market.language) is None:
            raise PanelError(
                f"no category for prompts in {market.language!r}",
                file="plumbline.yaml",
                key="ai.category",
                fix="say what is sold, as in `category: CRM software`, or per language `{en: …, de: …}`",
            )
        turn = 0
        for template in shipped():
            subjects = (topics or {}).items() if template.intent == OF_A_SUBJECT else [("", "")]
            for key, subject in subjects:
                prompt = _prompt(template, market, settings, turn, key, subject)
                if prompt is not None:
                    prompts.append(prompt)
                    turn += 1
    return prompts


def _prompt(
    template: Template, market: Market, settings: Settings, turn: int, topic_key: str, subject: str
) -> Prompt | None:
    language, panel = market.language, settings.ai
    persona = panel.personas[turn % len(panel.personas)] if panel.personas else None
    rivals = panel.brands[1:]
    words = {
        "category": in_language(panel.category, language),
        "audience": in_language(persona.words, language) if persona else _AUDIENCE[language],
        "market": market.name or _MARKETS.get((market.country, language)),
        "problem": (in_language(panel.problem, language) or "").rstrip(".") or None,
        "integration": panel.integrations[turn % len(panel.integrations)] if panel.integrations else None,
        "own": panel.brands[0] if panel.brands else None,
        "rival": rivals[turn % len(rivals)] if rivals else None,
        "rival2": rivals[(turn + 1) % len(rivals)] if len(rivals) > 1 else None,
        "topic": subject or None,
    }
    text = template.filled(language, {k: v for k, v in words.items() if v is not None})
    if text is None:
        return None
    named = persona.name if persona and "audience" in template.slots(language) else ""
    key = ".".join(part for part in (template.template_id, topic_key, market.locale, named) if part)
    return Prompt(
        key, text, template.intent, locale=market.locale, is_core=template.intent not in NAMING, persona=named,
        topic=topic_key or template.template_id, origin="template",
    )  # fmt: skip


def as_csv(prompts: Iterable[Prompt]) -> bytes:
    """The panel as a file for landing/ai_panel; cells that a spreadsheet would run as a formula are refused.

    Raises PanelError for such a cell: every prompt is text that somebody will open in a spreadsheet.
    """
    names = [f.name for f in fields(Prompt) if f.name != "origin"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for prompt in prompts:
        first = prompt.prompt_text[:1]
        if first in "=+-@\t\r":
            raise PanelError(
                f"prompt {prompt.prompt_id} begins with {first!r}, which a spreadsheet takes for a formula",
                fix="begin category, problem and personas in plumbline.yaml with a letter",
            )
        cells = [getattr(prompt, name) for name in names]
        writer.writerow(
            [str(c).lower() if isinstance(c, bool) else f"{c:g}" if isinstance(c, float) else c for c in cells]
        )
    return text.getvalue().encode()


def read_panel(landing: Path, settings: Settings) -> list[Prompt]:
    """The prompts of landing/ai_panel that are asked, by id: of each the newest delivery, without those of weight 0.

    Raises PanelError where there is no prompt, or a file holds a row that does not land: a panel is asked whole.
    """
    from dagster_project.sources.landing import files_by_source
    from dagster_project.sources.order import turn
    from dagster_project.sources.read import read_file

    newest: dict[tuple[str, str, str, str], Prompt] = {}
    for file in sorted(files_by_source(landing, SOURCE).get(SOURCE, []), key=lambda f: turn(f.name)):
        delivery = read_file(
            file.path, SOURCE, settings.options(SOURCE), settings=settings, now=datetime.now(UTC), file=file.name
        )
        if delivery.status != "landed" or delivery.rows_quarantined:
            raise PanelError(
                str(delivery.quarantine["message"][0]),
                fix="correct the row: a panel is asked as a whole or not at all",
            )
        for row in delivery.frames[SOURCE].iter_rows(named=True):
            prompt = Prompt(
                row["prompt_id"], row["prompt_text"], row["intent"] or "", row["engine"] or "", row["surface"] or "",
                row["locale"] or "", row["is_core"] is not False, 1.0 if row["weight"] is None else row["weight"],
                row["persona"] or "", row["topic"] or "",
            )  # fmt: skip
            newest[prompt.prompt_id, prompt.engine, prompt.surface, prompt.locale] = prompt
    prompts = [newest[key] for key in sorted(newest) if newest[key].weight > 0]
    if not prompts:
        raise PanelError(
            "there is no prompt to ask",
            file="landing/ai_panel",
            fix="`plumbline ask WS --propose --write` makes a panel from the templates, or put your own CSV there",
        )
    return prompts


def panel_sha256(prompts: Iterable[Prompt]) -> str:
    """The hash of everything that decides what is asked and how it is counted."""
    digest = hashlib.sha256()
    for p in sorted(prompts, key=lambda p: (p.prompt_id, p.engine, p.surface, p.locale)):
        parts = (p.prompt_id, p.engine, p.surface, p.locale, p.persona, p.version, str(p.is_core), repr(p.weight))
        digest.update(("\x1f".join(parts) + "\x1e").encode())
    return digest.hexdigest()
