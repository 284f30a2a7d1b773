"""Commands that start something: init, demo, doctor."""

from __future__ import annotations

import platform
import shutil
import time
from importlib import metadata, resources
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.commands.terminal import (
    BROKEN,
    NO,
    USAGE,
    JsonOption,
    WorkspaceArgument,
    as_json,
    out,
    rows_as_table,
    stop,
)
from dagster_project.workspace.paths import Workspace

OPTIONAL = {
    "dagster-postgres": ("postgres", "keeps Dagster's instance in PostgreSQL"),
    "psycopg": ("postgres", "keeps card versions and events in PostgreSQL, for several writers"),
    "redis": ("redis", "delivers events into a Redis stream"),
    "litellm": (
        "agents",
        "asks AI engines (plumbline ask) and lets the example agent of docs/agent.md talk to a model",
    ),
}
REQUIRED = (
    "dagster",
    "dbt-core",
    "dbt-duckdb",
    "duckdb",
    "polars",
    "pymc",
    "nutpie",
    "numba",
    "typst",
    "altair",
)


def init(ws: WorkspaceArgument = Path("data")) -> None:
    """A new workspace: a commented plumbline.yaml and an empty landing/ with one folder per source."""
    from dagster_project.workspace.settings import SOURCES

    workspace = Workspace.at(ws)
    if workspace.settings_file.exists():
        stop(USAGE, f"{workspace.settings_file} exists already; nothing was changed")
    template = resources.files("dagster_project").joinpath("plumbline.template.yaml").read_text(encoding="utf-8")
    for source in SOURCES:
        (workspace.landing / source).mkdir(parents=True, exist_ok=True)
    workspace.settings_file.write_text(template, encoding="utf-8")
    out.print(f"{ws}: put exports into {ws}/landing/<source>/, say what they mean in {ws}/plumbline.yaml, then")
    out.print(f"  plumbline check {ws}    what would land and what would not")
    out.print(f"  plumbline run {ws}      from exports to the report")


def demo(
    ws: WorkspaceArgument = Path("demo"),
    company: Annotated[
        str | None,
        typer.Option(
            help="b2b_software, ecommerce, developer_tool, consumer_brand or biopharma; each seed another one."
        ),
    ] = None,
    size: Annotated[str, typer.Option(help="small (400 days), medium (three years) or large.")] = "small",
    seed: Annotated[int, typer.Option(help="Another seed is another company.")] = 7,
    days: Annotated[
        int | None, typer.Option(min=120, help="Days of history, the size's own number if not given.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """A made-up company's exports in WS/landing and its truth in WS/truth.json.

    Without --company it is the demo company of the documentation. The five kinds draw returns, claims, margins
    and tests anew for every seed: some channels are useless or harmful, one never varies, and some of the
    delivered tests are wrong.
    """
    from dagster_project.demo import KINDS, write

    if company is not None and company not in KINDS:
        stop(USAGE, f"--company {company}: one of {', '.join(KINDS)}")

    if size not in ("small", "medium", "large"):
        stop(USAGE, f"--size {size}: one of small, medium, large")
    started = time.monotonic()
    try:
        summary = write(Workspace.at(ws).root, company=company, size=size, seed=seed, days=days)
    except FileExistsError as error:
        stop(USAGE, str(error))
    document = {
        "workspace": str(ws),
        "company": company,
        "size": size,
        "seed": seed,
        "files": len(summary.files),
        "rows": summary.rows,
        "seconds": round(time.monotonic() - started, 1),
    }
    if json_:
        as_json(document)
    else:
        out.print(
            f"{ws}: {document['files']} export files with {summary.rows:,} rows of the demo company"
            f" ({'' if company is None else f'{company}, '}{size}, seed {seed})"
            f" in {document['seconds']} s; its truth is in {ws}/truth.json"
        )


def doctor(json_: JsonOption = False) -> None:
    """Versions, optional parts, what is missing and how to get it."""
    rows: list[dict[str, str]] = [{"part": "python", "state": platform.python_version(), "fix": ""}]
    missing = False
    for name in REQUIRED:
        try:
            rows.append({"part": name, "state": metadata.version(name), "fix": ""})
        except metadata.PackageNotFoundError:
            missing = True
            rows.append({"part": name, "state": "missing", "fix": "make test sets everything up (or: uv sync)"})
    for name, (extra, purpose) in OPTIONAL.items():
        try:
            state, fix = metadata.version(name), ""
        except metadata.PackageNotFoundError:
            state, fix = f"not installed: {purpose}", f"uv sync --extra {extra}"
        rows.append({"part": f"{name} (optional)", "state": state, "fix": fix})
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    rows.append({"part": "disk", "state": f"{free:.1f} GB free", "fix": "" if free > 1 else "free some space"})
    if json_:
        as_json({"ok": not missing, "parts": rows})
    else:
        rows_as_table("doctor", rows)
    if missing:
        raise typer.Exit(BROKEN if not json_ else NO)
