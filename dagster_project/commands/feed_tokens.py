"""`plumbline feed token`: who may read the brand's feed over HTTP; made, listed and revoked while servers run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagster_project.commands.terminal import (
    USAGE,
    JsonOption,
    as_json,
    err,
    opened,
    out,
    rows_as_table,
    sentences_for_trouble,
    stop,
)

if TYPE_CHECKING:
    from feedback.serve.tokens import FeedToken, TokenStore

token = typer.Typer(no_args_is_help=True, help="Tokens of readers: new, list, revoke. Kept as hashes.")
Workspace = Annotated[Path, typer.Argument(metavar="WS")]


@token.command("new")
def new_token(
    ws: Workspace = Path("data"),
    note: Annotated[str, typer.Option(help="Who it is for.")] = "",
    days: Annotated[int, typer.Option(help="Days until it expires.", min=1, max=3650)] = 365,
    replaces: Annotated[str | None, typer.Option(help="The id of a token that ends a day from now.")] = None,
    json_: JsonOption = False,
) -> None:
    """A new token of this brand, printed once; servers of this workspace ask for one from the first token on."""
    from feedback.serve import tokens

    workspace, settings = opened(ws)
    now = datetime.now(UTC)
    with sentences_for_trouble():
        try:
            if replaces is not None:
                tokens.revoke(workspace.memory, replaces, now, grace=timedelta(days=1))
            secret, made = tokens.new(
                workspace.memory, settings.company.brand, now, lifetime=timedelta(days=days), note=note
            )
        except tokens.TokenRefused as refused:
            stop(USAGE, str(refused))
    if json_:
        as_json({"token": secret, **_row(made, tokens.TokenStore(workspace.memory), now)})
        return
    out.print(secret, markup=False, highlight=False)
    err.print(
        f"token {made.token_id} of brand {made.brand} is valid until {made.expires_at}; it is not shown again",
        markup=False,
    )


@token.command("list")
def list_tokens(ws: Workspace = Path("data"), json_: JsonOption = False) -> None:
    """Every token ever made: state, dates, last use. The tokens themselves are stored nowhere."""
    from feedback.serve.tokens import TokenStore

    workspace, _ = opened(ws)
    now = datetime.now(UTC)
    store = TokenStore(workspace.memory)
    with sentences_for_trouble():
        rows = [_row(made, store, now) for made in (store.tokens() or {}).values()]
    if json_:
        as_json({"tokens": rows})
    else:
        rows_as_table("tokens of the feed", rows)


@token.command("revoke")
def revoke_token(token_id: Annotated[str, typer.Argument(metavar="ID")], ws: Workspace = Path("data")) -> None:
    """End a token at once, also for servers that are running."""
    from feedback.serve import tokens

    workspace, _ = opened(ws)
    with sentences_for_trouble():
        try:
            tokens.revoke(workspace.memory, token_id, datetime.now(UTC))
        except tokens.TokenRefused as refused:
            stop(USAGE, str(refused))
    out.print(f"token {token_id} is revoked", markup=False, highlight=False)


def _row(made: FeedToken, store: TokenStore, now: datetime) -> dict[str, Any]:
    used = store.last_used(made.token_id)
    return {
        "id": made.token_id,
        "brand": made.brand,
        "state": made.ended(now) or "valid",
        "created": made.created_at,
        "expires": made.expires_at,
        "revoked": made.revoked_at,
        "last used": used.strftime("%Y-%m-%dT%H:%M:%SZ") if used else None,
        "note": made.note,
    }
