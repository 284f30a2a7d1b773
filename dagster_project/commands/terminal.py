"""How commands speak: tables and progress on a terminal, plain lines elsewhere, one JSON document with --json."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dagster_project.workspace.compiled_code import keep_compiled_code
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings, SettingsError, load
from models.error import PlumblineError

NO, USAGE, BROKEN = 1, 2, 3
INTERRUPTED = "interrupted: every finished step is kept, nothing is half-written; the same command completes it"
FIXES = {
    errno.ENOSPC: "the disk is full: free some space, then run the same command again",
    errno.EDQUOT: "the disk quota is used up: free some space, then run the same command again",
    errno.EROFS: "the disk is read-only: commands that only read work, a run needs to write",
    errno.EACCES: "this user may not write there: change the owner or the permissions of the workspace",
}


class LiteralConsole(Console):
    """A console on which text from files stays text: no emoji for `:x:`, and control characters are spelled out."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does; strings first lose what a terminal would obey."""
        super().print(*(shown(o) if isinstance(o, str) else o for o in objects), **options)


def shown(text: str) -> str:
    """`text` with every character that a terminal would obey, or nobody would see, in its escaped form."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


out = LiteralConsole(soft_wrap=True, emoji=False)
err = LiteralConsole(stderr=True, soft_wrap=True, emoji=False)

WorkspaceArgument = Annotated[
    Path,
    typer.Argument(metavar="WS", help="The workspace folder: plumbline.yaml and landing/.", show_default="data"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def stop(code: int, *sentences: str) -> NoReturn:
    """Say why on standard error and leave with the code: 1 the answer is no, 2 wrong usage, 3 could not run."""
    for sentence in sentences:
        err.print(escape(sentence), style="red" if err.is_terminal else None, highlight=False)
    raise typer.Exit(code)


def opened(folder: Path) -> tuple[Workspace, Settings]:
    """The workspace and its settings, or an exit with code 2 that names every fault."""
    workspace = Workspace.at(folder)
    if not workspace.root.is_dir():
        stop(USAGE, f"{folder} is not a folder: `plumbline init {folder}` makes a workspace there")
    try:
        settings = load(workspace.settings_file)
    except SettingsError as error:
        stop(USAGE, *str(error).splitlines())
    if any(options.columns for options in settings.sources.values()):
        from dagster_project.sources.catalogue import unknown_targets  # only then: it costs what polars costs

        if sentences := unknown_targets(settings):
            stop(USAGE, *sentences)
    keep_compiled_code(workspace)
    return workspace, settings


@contextmanager
def sentences_for_trouble() -> Iterator[None]:
    """Turn what can go wrong around a run or a question to its results into a sentence and exit code 3."""
    try:
        yield
    except typer.Exit:
        raise
    except KeyboardInterrupt:
        stop(BROKEN, INTERRUPTED)
    except Exception as error:
        sentence = _trouble(error)
        if sentence is None:
            raise
        stop(BROKEN, sentence)


def _trouble(error: BaseException) -> str | None:
    """The sentence for an error, or for what caused it (SQLAlchemy and Dagster wrap the errors of their files)."""
    import sqlite3

    import duckdb

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PlumblineError):
            return str(cause)
        if isinstance(cause, duckdb.Error):
            return f"the warehouse cannot be read or written: {str(cause).splitlines()[0]}"
        if isinstance(cause, OSError):
            return disk_sentence(cause)
        if isinstance(cause, sqlite3.Error):
            full = getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
            fix = f"; {FIXES[errno.ENOSPC]}" if full else ""
            return f"Dagster's files in warehouse/dagster cannot be read or written: {cause}{fix}"
        cause = cause.__cause__
    return None


def disk_sentence(error: OSError) -> str:
    """What the operating system refused, and the fix where the disk is full or read-only."""
    what = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    fix = FIXES.get(error.errno or 0, "")
    return f"{what}; {fix}" if fix else what


def as_json(document: object) -> None:
    """Print one JSON document; money stays exact as text."""
    sys.stdout.write(json.dumps(document, default=_plain, ensure_ascii=False, indent=2) + "\n")


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def rows_as_table(title: str, rows: Sequence[dict[str, Any]], *, most: int = 200) -> None:
    """Rows as a table on a terminal, tab-separated lines elsewhere; text from data never becomes markup."""
    if not rows:
        out.print(f"{escape(title)}: no rows")
        return
    if not out.is_terminal:
        print("\t".join(rows[0]))
        for row in rows[:most]:
            print("\t".join(cell(v) for v in row.values()))
        return
    table = Table(title=escape(title), title_justify="left", header_style="bold")
    for name, value in rows[0].items():
        table.add_column(name, justify="right" if isinstance(value, int | float | Decimal) else "left")
    for row in rows[:most]:
        table.add_row(*(escape(cell(v)) for v in row.values()))
    out.print(table)
    if len(rows) > most:
        out.print(f"{len(rows) - most} more rows: use --json or --limit")


def cell(value: object) -> str:
    """A value as a person reads it; control characters of foreign text are shown, not sent to the terminal."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    if isinstance(value, list):
        return ", ".join(cell(v) for v in value)
    return shown(str(value)).replace("\n", "\\n")
