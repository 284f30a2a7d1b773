"""`plumbline`: one command per task. Exit 0 ok, 1 the answer is no, 2 wrong usage or configuration, 3 could not run."""

from __future__ import annotations

import logging
import warnings
from importlib import metadata
from typing import Annotated

import typer

from dagster_project.commands import agents, ask, audit, offers, run, setup, status
from dagster_project.commands.approvals import decide
from dagster_project.commands.approvals import pending as pending_command
from dagster_project.commands.approvals import request as request_command
from dagster_project.commands.experiment import design
from dagster_project.commands.plan import command as plan_command

warnings.filterwarnings("ignore")
logging.getLogger("dagster").setLevel(logging.CRITICAL)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Closed-loop marketing measurement: exports in, one audited number per channel out, patterns back to agents.",
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"plumbline {metadata.version('plumbline')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Closed-loop marketing measurement: exports in, one audited number per channel out, patterns back to agents."""


for command in (
    setup.init,
    setup.demo,
    run.check,
    run.run,
    status.status,
    status.show,
    run.report,
    plan_command.plan,
    ask.ask,
    run.ui,
    pending_command.pending,
    decide.approve,
    decide.deny,
    request_command.request,
    setup.doctor,
):
    app.command(command.__name__)(command)
agents.feed.command("offer")(offers.offer_cards)
app.add_typer(agents.feed, name="feed")
app.add_typer(audit.audit, name="audit")
app.add_typer(design.experiment, name="experiment")

if __name__ == "__main__":
    app()
