"""Commands that the design names and that cannot run yet: each says so and exits with 3."""

from __future__ import annotations

from collections.abc import Callable

import typer

from dagster_project.commands.terminal import BROKEN, stop

ARRIVES = {
    "ask": "Arrives with the AI panel: answers are read from landing/ai_answers until then.",
}


def add_to(app: typer.Typer) -> None:
    """Register each with its sentence as help, so that --help is accurate."""
    settings = {"allow_extra_args": True, "ignore_unknown_options": True}
    for name, sentence in ARRIVES.items():
        app.command(name, help=sentence, context_settings=settings, rich_help_panel="Not yet")(_refusal(name, sentence))


def _refusal(name: str, sentence: str) -> Callable[[], None]:
    def refuse() -> None:
        stop(BROKEN, f"plumbline {name}: {sentence[0].lower()}{sentence[1:]}")

    return refuse
