"""`plumbline feed skill` and `plumbline feed receipt`: how a content agent learns to use the feed, and reports."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.commands.terminal import NO, USAGE, JsonOption, as_json, opened, out, sentences_for_trouble, stop
from dagster_project.warehouse import run_record

Workspace = Annotated[Path, typer.Argument(metavar="WS")]


def write_skill(
    ws: Workspace = Path("data"),
    folder: Annotated[Path | None, typer.Option("--out", help="Write SKILL.md into this folder.")] = None,
) -> None:
    """The skill file that tells a content agent how to read, use and report; on standard output unless --out."""
    from importlib.resources import files

    from feedback.storage.atomic_files import write_atomically

    _, settings = opened(ws)
    template = files("feedback.serve").joinpath("SKILL.md").read_text("utf-8")
    text = template.replace("{brand}", settings.company.brand).replace("{workspace}", str(ws))
    if folder is None:
        out.print(text, markup=False, highlight=False, end="")
        return
    with sentences_for_trouble():
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "SKILL.md", text.encode())
    out.print(str(folder / "SKILL.md"), markup=False, highlight=False)


def return_receipts(
    offer: Annotated[Path, typer.Option(help="What `plumbline feed offer --json` printed for the variant.")],
    text: Annotated[Path, typer.Option(help="The finished text of the variant, as it will be published.")],
    ws: Workspace = Path("data"),
    agent: Annotated[str, typer.Option(help="Who wrote it.")] = "agent",
    applied: Annotated[list[str] | None, typer.Option(help="Id of an offered card that the text follows.")] = None,
    json_: JsonOption = False,
) -> None:
    """Report what became of an offer: one receipt per card of its draw, in landing/receipts, for the next run."""
    from feedback.serve.receipts import OfferUnreadable, offer_in, receipts_for, write_receipts

    workspace, settings = opened(ws)
    now = run_record.now(settings).replace(tzinfo=UTC)
    with sentences_for_trouble():
        content = text.read_bytes()
        if not content.strip():
            stop(USAGE, f"{text} is empty: save the finished text of the variant there")
        try:
            receipts = receipts_for(offer_in(offer), content, applied or (), agent=agent, now=now)
        except OfferUnreadable as error:
            stop(USAGE, str(error))
        if not receipts:
            stop(NO, f"{offer} drew no card, so there is nothing to report")
        path = write_receipts(workspace.landing / "receipts" / "returned", receipts)
    if json_:
        as_json({"file": path, "receipts": receipts})
    else:
        out.print(f"{len(receipts)} receipts in {path}", markup=False, highlight=False)
