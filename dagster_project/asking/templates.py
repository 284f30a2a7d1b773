"""The prompt templates that ship, and how they are filled with a company's words."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

NAMING = ("alternative_to", "brand")  # intents whose questions name a brand: never part of a headline rate
OF_A_SUBJECT = "topic"


@dataclass(frozen=True)
class Template:
    """A question with slots in braces; `texts` holds one wording per language."""

    template_id: str
    intent: str
    texts: Mapping[str, str]

    def slots(self, language: str) -> frozenset[str]:
        """The names that must be filled."""
        return frozenset(name for _, name, _, _ in string.Formatter().parse(self.texts[language]) if name)

    def filled(self, language: str, words: Mapping[str, str]) -> str | None:
        """The question, or None where the language or one of its words is missing. Words are inserted as they are."""
        if language not in self.texts or not self.slots(language) <= words.keys():
            return None
        text = self.texts[language].format_map(words)
        return text[0].upper() + text[1:]


@cache
def shipped() -> tuple[Template, ...]:
    """Every template that ships, in the order of the file."""
    read = yaml.safe_load(Path(__file__).with_name("prompt_templates.yaml").read_text(encoding="utf-8"))
    return tuple(Template(key, intent, texts) for intent, group in read.items() for key, texts in group.items())


@cache
def languages() -> tuple[str, ...]:
    """The languages in which every template exists."""
    return tuple(sorted(set.intersection(*(set(t.texts) for t in shipped()))))
