"""Commands with which an outsider can check a report: audit verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dagster_project.commands.terminal import NO, USAGE, JsonOption, as_json, out, rows_as_table, stop

audit = typer.Typer(no_args_is_help=True, help="Audit packs: what a report was computed from, checked again.")


@audit.callback()
def _packs() -> None:
    """Audit packs: what a report was computed from, checked again."""


@audit.command("verify")
def verify_pack(
    pack: Annotated[
        Path,
        typer.Argument(
            metavar="PACK", help="A folder such as WS/audit/2026-Q3/<report id>, or a report file of the workspace."
        ),
    ],
    level: Annotated[
        int, typer.Option(min=1, max=3, help="1 origin, hashes and ledger, 2 every figure again, 3 a refit.")
    ] = 2,
    json_: JsonOption = False,
) -> None:
    """Check signature, hashes and ledger chain (1) and compute every figure again (2); says exactly what differs."""
    from feedback.reports.audit import AuditKeyUnusable, issuer, origin_of, pack_holding, verify

    if level == 3:
        stop(
            3, "level 3 (a refit from the recorded inputs and seed) arrives with refits from a pack; levels 1 and 2 run"
        )
    if pack.is_file():
        held = pack_holding(pack)
        if held is None:
            stop(
                NO,
                f"{pack}: no audit pack in a folder audit/ above it holds this file: it was changed, or never issued",
            )
        pack = held
    if not (pack / "manifest.json").exists():
        stop(USAGE, f"{pack} is not an audit pack: it holds no manifest.json")
    pack = pack.resolve()  # `verify .` inside a pack names it too
    try:
        deviations = verify(pack, levels=tuple(range(1, level + 1)))
        signature = "differs" if deviations else origin_of(pack, issuer())
    except AuditKeyUnusable as refused:
        stop(USAGE, str(refused))
    rows = [{"level": d.level, "where": d.where, "message": d.message} for d in deviations]
    if json_:
        told = {"signature": signature if isinstance(signature, str) else signature.state}
        levels = list(range(1, level + 1))
        as_json({"pack": str(pack), "verified": not rows, "levels": levels, **told, "differences": rows})
    elif isinstance(signature, str):
        rows_as_table("differences", rows)
    else:
        out.print(f"{pack.name[:12]}: level {level} holds, nothing differs; {signature.note}")
    if rows:
        raise typer.Exit(NO)
