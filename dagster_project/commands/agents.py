"""Commands around the pattern feed: list and serve. Both read the memory's snapshots, never the warehouse."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from dagster_project.commands.feed_events import list_events, relay_events
from dagster_project.commands.feed_receipts import return_receipts, write_skill
from dagster_project.commands.feed_tokens import token
from dagster_project.commands.terminal import (
    BROKEN,
    NO,
    USAGE,
    JsonOption,
    as_json,
    opened,
    rows_as_table,
    stop,
)
from dagster_project.warehouse import run_record
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings

feed = typer.Typer(no_args_is_help=True, help="The pattern feed that content agents read.")
feed.add_typer(token, name="token")
feed.command("skill")(write_skill)
feed.command("receipt")(return_receipts)
feed.command("events")(list_events)
feed.command("relay")(relay_events)


@feed.command("list")
def list_cards(
    ws: Annotated[Path, typer.Argument(metavar="WS")] = Path("data"),
    channel: Annotated[str | None, typer.Option(help="Only cards that hold for this channel.")] = None,
    neutral: Annotated[bool, typer.Option("--neutral", help="Also what was shown to make no difference.")] = False,
    json_: JsonOption = False,
) -> None:
    """The current, unexpired cards of the brand: what to do and what to avoid, strongest first."""
    from feedback.memory import read
    from feedback.patterns import ranked, useful
    from feedback.patterns.card_estimates import worth_in_words
    from feedback.serve import feed_list

    workspace, settings = opened(ws)
    reason = read(workspace.memory, settings.company.brand, _now(settings)).reason
    if reason is not None:
        stop(BROKEN, f"{ws} lists no cards: {reason}")
    cards = feed_list(workspace.memory, settings.company.brand, channel=channel, now=_now(settings))
    cards = ranked(cards) if neutral else useful(cards)
    if json_:
        as_json({"brand": settings.company.brand, "patterns": cards})
        return
    rows = [
        {
            "state": card["state"],
            "kind": card["kind"],
            "statement": card["statement"],
            "channels": card["scope"]["channels"],
            "effect (log odds)": card["evidence"]["estimates"][0]["shrunk"] if card["evidence"]["estimates"] else None,
            f"{settings.report_currency} per 1,000": worth_in_words(card),
            "expires": card["expires_at"][:10],
        }
        for card in cards
    ]
    rows_as_table(f"patterns of {settings.company.brand}", rows)


@feed.command("serve")
def serve_feed(
    ws: Annotated[Path, typer.Argument(metavar="WS")] = Path("data"),
    host: Annotated[str, typer.Option(help="Other than this machine only with a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8100,
    workers: Annotated[int, typer.Option(help="Processes that share the port.", min=1, max=64)] = 1,
) -> None:
    """The feed over HTTP, read-only: GET /v1/patterns. `feed token` and PLUMBLINE_FEED_TOKEN say who may read."""
    from feedback.serve.listening import TOKEN_VARIABLE, application

    workspace, settings = opened(ws)
    if not workspace.memory.exists():
        stop(BROKEN, f"{ws} has no feed yet: `plumbline run {ws}` first")
    brand = settings.company.brand
    try:
        application(workspace.memory, brand=brand, host=host, token=os.environ.get(TOKEN_VARIABLE))
    except ValueError as error:
        stop(USAGE, str(error))
    asked = ["--brand", brand, "--host", host, "--port", str(port), "--workers", str(workers)]
    _serve(workspace, settings, asked)


@feed.command("brand")
def list_brand(ws: Annotated[Path, typer.Argument(metavar="WS")] = Path("data"), json_: JsonOption = False) -> None:
    """The brand's voice and guidelines in brand/*.md: which are in force; exit 1 where one is faulty."""
    from feedback.memory.brand_documents import BrandDocumentError, in_force, load

    workspace, settings = opened(ws)
    try:
        documents = load(workspace.brand_documents)
    except BrandDocumentError as fault:
        stop(NO, str(fault))
    current = {document.name for document in in_force(documents, _now(settings))}
    rows = [
        {
            "document": document.name,
            "title": document.front.title,
            "in force": document.name in current,
            "valid from": document.front.valid_from,
            "valid until": document.front.valid_until,
            "superseded by": document.front.superseded_by,
            "sha256": document.sha256,
        }
        for document in documents
    ]
    if json_:
        as_json({"brand": settings.company.brand, "documents": rows})
    else:
        rows_as_table(f"brand documents of {settings.company.brand}", rows)


@feed.command("mcp")
def serve_mcp(
    ws: Annotated[Path, typer.Argument(metavar="WS")] = Path("data"),
    http: Annotated[bool, typer.Option("--http", help="Over HTTP at /mcp instead of standard input.")] = False,
    host: Annotated[str, typer.Option(help="With --http: other than this machine only with a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="With --http: port to listen on.", min=0, max=65535)] = 8101,
) -> None:
    """The feed for agents that speak MCP, read-only; an agent's host starts this command itself."""
    from feedback.serve.listening import TOKEN_VARIABLE, application

    workspace, settings = opened(ws)
    if not workspace.memory.exists():
        stop(BROKEN, f"{ws} has no feed yet: `plumbline run {ws}` first")
    brand = settings.company.brand
    asked = ["--brand", brand, "--protocol", "mcp-http" if http else "mcp-stdio"]
    if http:
        try:
            application(workspace.memory, brand=brand, host=host, token=os.environ.get(TOKEN_VARIABLE))
        except ValueError as error:
            stop(USAGE, str(error))
        asked += ["--host", host, "--port", str(port)]
    _serve(workspace, settings, asked)


def _serve(workspace: Workspace, settings: Settings, asked: list[str]) -> NoReturn:
    asked = [*asked, "--brand-documents", str(workspace.brand_documents)]
    if settings.clock:
        asked += ["--now", _now(settings).isoformat()]
    _replace_process("feedback.serve", [str(workspace.memory), *asked])


def _replace_process(module: str, arguments: list[str]) -> NoReturn:
    """Go on as another program, which does not carry what this one has loaded."""
    os.environ["PYTHONSAFEPATH"] = "1"  # a folder `feedback` in the current folder must not hide ours
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - our own program, no shell


def _now(settings: Settings) -> datetime:
    return run_record.now(settings).replace(tzinfo=UTC)
