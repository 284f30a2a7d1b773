"""The workspace's ledger as the commands open it, and what becomes of its refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from dagster_project.commands.terminal import NO, USAGE, opened, sentences_for_trouble, stop
from dagster_project.warehouse import run_record
from dagster_project.workspace.approval_ledger import approvals_of
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings
from feedback.approvals import ApprovalRefused, Approvals, KeyUnusable
from feedback.approvals.tokens import TokenRefused


@contextmanager
def open_ledger(ws: Path) -> Iterator[tuple[Workspace, Settings, Approvals]]:
    """The ledger of a workspace; refusals leave with 1, a key that cannot be used with 2, a broken ledger with 3."""
    workspace, settings = opened(ws)
    with sentences_for_trouble():
        try:
            yield workspace, settings, approvals_of(workspace, settings)
        except (ApprovalRefused, TokenRefused) as refused:
            stop(NO, str(refused))
        except KeyUnusable as unusable:
            stop(USAGE, str(unusable))


def now_of(settings: Settings) -> datetime:
    """The moment that dates a decision: the workspace's set day where there is one."""
    return run_record.now(settings).replace(tzinfo=UTC, microsecond=0)
