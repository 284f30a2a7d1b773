"""The ledger of approvals of a workspace, with its key and its anchor as plumbline.yaml names them."""

from __future__ import annotations

from pathlib import Path

from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings
from feedback.approvals import Approvals, Seal, signing_key
from feedback.approvals.tokens import FILE, PeopleTokens

ANCHOR = ".anchor"


def anchor_of(workspace: Workspace, settings: Settings) -> Path:
    """Where the ledger's length and head are kept: `approvals.anchor_file`, else a file beside the ledger.

    Not in a folder that may be deleted and made again: the anchor cannot be, and without it every gate is closed.
    """
    named = settings.approvals.anchor_file
    return workspace.root / Path(named).expanduser() if named else workspace.approvals.with_suffix(ANCHOR)


def approvals_of(workspace: Workspace, settings: Settings) -> Approvals:
    """The workspace's ledger. Raises KeyUnusable where the key is missing although it is named, or can be guessed."""
    key = signing_key(workspace.root, settings.approvals.key_file)
    seal = Seal(anchor_of(workspace, settings), key)
    return Approvals(workspace.approvals, settings.approvals, seal=seal, brand=settings.company.brand)


def tokens_of(workspace: Workspace) -> PeopleTokens:
    """The hashes of people's tokens, beside the ledger."""
    return PeopleTokens(workspace.approvals.with_name(FILE))
