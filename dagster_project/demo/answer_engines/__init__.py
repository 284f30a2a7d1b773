"""AI answer engines on this machine: a server that speaks each provider's documented form, for tests and the demo."""

from __future__ import annotations

from dagster_project.demo.answer_engines.reply import Fault, Page, Reply
from dagster_project.demo.answer_engines.server import AnswerEngines

__all__ = ["AnswerEngines", "Fault", "Page", "Reply"]
