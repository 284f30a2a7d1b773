"""Commands around the pattern feed: list and serve. Both read the memory's snapshots, never the warehouse."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.commands.terminal import (
    BROKEN,
    USAGE,
    JsonOption,
    as_json,
    opened,
    rows_as_table,
    stop,
)
from dagster_project.warehouse import run_record

feed = typer.Typer(no_args_is_help=True, help="The pattern feed that content agents read.")
TOKEN = "PLUMBLINE_FEED_TOKEN"  # noqa: S105 - the variable's name, not a token


@feed.command("list")
def list_cards(
    ws: Annotated[Path, typer.Argument(metavar="WS")] = Path("data"),
    channel: Annotated[str | None, typer.Option(help="Only cards that hold for this channel.")] = None,
    json_: JsonOption = False,
) -> None:
    """The current, unexpired cards of the brand."""
    from feedback.serve import feed_list

    workspace, settings = opened(ws)
    cards = feed_list(workspace.memory, settings.company.brand, channel=channel, now=_now(ws))
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
            "expires": card["expires_at"][:10],
        }
        for card in cards
    ]
    rows_as_table(f"patterns of {settings.company.brand}", rows)


@feed.command("serve")
def serve_feed(
    ws: Annotated[Path, typer.Argument(metavar="WS")] = Path("data"),
    host: Annotated[str, typer.Option(help="Other than this machine only with a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8100,
) -> None:
    """The feed over HTTP, read-only: GET /v1/patterns. The token comes from PLUMBLINE_FEED_TOKEN."""
    from feedback.serve import serve

    workspace, settings = opened(ws)
    if not workspace.memory.exists():
        stop(BROKEN, f"{ws} has no feed yet: `plumbline run {ws}` first")
    clock = (lambda: _now(ws)) if settings.clock else None
    try:
        serve(
            workspace.memory,
            brand=settings.company.brand,
            token=os.environ.get(TOKEN),
            host=host,
            port=port,
            **({"clock": clock} if clock else {}),
        )
    except ValueError as error:
        stop(USAGE, str(error))


@feed.command("mcp")
def serve_mcp(ws: Annotated[Path, typer.Argument(metavar="WS")] = Path("data")) -> None:
    """Arrives with the MCP server; until then read `feed list --json` or `feed serve`."""
    opened(ws)
    stop(BROKEN, "feed mcp arrives with the MCP server; `plumbline feed serve` answers over HTTP today")


def _now(ws: Path) -> datetime:
    _, settings = opened(ws)
    return run_record.now(settings).replace(tzinfo=UTC)
