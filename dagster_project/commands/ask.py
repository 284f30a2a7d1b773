"""`plumbline ask`: the panel's questions to the AI engines of plumbline.yaml, within the caps, each slot once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.commands.terminal import (
    BROKEN,
    USAGE,
    JsonOption,
    WorkspaceArgument,
    as_json,
    opened,
    sentences_for_trouble,
    stop,
)


def ask(
    ws: WorkspaceArgument = Path("data"),
    propose: Annotated[
        bool, typer.Option("--propose", help="Print prompts from templates and your own pages.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="With --propose: put them into landing/ai_panel.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print plan, cost and power; ask nothing.")] = False,
    json_: JsonOption = False,
) -> None:
    """Ask AI engines the panel's questions for today's slots; what is answered already is never asked again."""
    workspace, settings = opened(ws)
    from dagster_project.asking import preview
    from dagster_project.asking.ledger import read
    from dagster_project.asking.panel import PanelError, read_panel
    from dagster_project.commands import ask_plan
    from dagster_project.sources.delivered import business_day, effective_now

    day = business_day(settings, effective_now(settings, datetime.now(UTC)))
    with sentences_for_trouble():
        try:
            if propose:
                ask_plan.propose(workspace, settings, day, write=write, json_=json_)
                return
            prompts = read_panel(workspace.landing, settings)
        except PanelError as error:
            stop(USAGE, str(error))
        books = workspace.asking / "ledger.sqlite"
        if dry_run:
            if books.exists():
                with read(books) as ledger:
                    document = preview.document(day, prompts, settings, ledger)
            else:
                document = preview.document(day, prompts, settings, None)
            if json_:
                as_json(document)
            else:
                ask_plan.print_preview(document)
            return
        stop(BROKEN, "asking is not there yet; --propose and --dry-run are")
