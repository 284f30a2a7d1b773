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
    pack: Annotated[Path, typer.Argument(metavar="PACK", help="A folder such as WS/audit/2026-Q3/<report id>.")],
    level: Annotated[int, typer.Option(min=1, max=3, help="1 hashes and ledger, 2 every figure again, 3 a refit.")] = 2,
    json_: JsonOption = False,
) -> None:
    """Check hashes and the ledger chain (1) and compute every figure again (2); says exactly what differs."""
    from feedback.reports.audit import verify

    if level == 3:
        stop(
            3, "level 3 (a refit from the recorded inputs and seed) arrives with refits from a pack; levels 1 and 2 run"
        )
    if not (pack / "manifest.json").exists():
        stop(USAGE, f"{pack} is not an audit pack: it holds no manifest.json")
    pack = pack.resolve()  # `verify .` inside a pack names it too
    deviations = verify(pack, levels=tuple(range(1, level + 1)))
    rows = [{"level": d.level, "where": d.where, "message": d.message} for d in deviations]
    if json_:
        as_json({"pack": str(pack), "verified": not rows, "levels": list(range(1, level + 1)), "differences": rows})
    elif rows:
        rows_as_table("differences", rows)
    else:
        out.print(f"{pack.name[:12]}: level {level} holds, nothing differs")
    if rows:
        raise typer.Exit(NO)
