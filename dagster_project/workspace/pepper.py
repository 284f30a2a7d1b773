"""The key with which personal identifiers are hashed before any table sees them."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from feedback.storage.atomic_files import replacing
from feedback.storage.damaged_files import set_aside
from models.error import PlumblineError

VARIABLE = "PLUMBLINE_PEPPER"
LEAST_CHARACTERS = 16
_KEY = re.compile(rb"[0-9a-f]{64}\s*")


class PepperError(PlumblineError, ValueError):
    """The key that was given can be guessed."""


def pepper(folder: Path) -> bytes:
    """PLUMBLINE_PEPPER, else the file `pepper` in `folder`, made on first use and readable by its owner only.

    A damaged file is set aside and a new key is made; the rows that were hashed with the old one are then landed
    again (see `dagster_project.assets.ingest`). Raises PepperError on a variable of fewer than 16 characters.
    """
    given = os.environ.get(VARIABLE)
    if given is not None:
        if len(given) < LEAST_CHARACTERS:
            raise PepperError(
                f"has {len(given)} characters", key=VARIABLE, fix=f"use at least {LEAST_CHARACTERS} random ones"
            )
        return given.encode()
    path = folder / "pepper"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        content = _new_key(path)
    if not _KEY.fullmatch(content):
        set_aside(path)
        content = _new_key(path)
    return content.strip()


def set_aside_damaged_pepper(folder: Path) -> list[str]:
    """Set a damaged file `pepper` aside before a run uses it; returns a sentence for the run's notes, or none.

    The file is left alone where PLUMBLINE_PEPPER is set, since it is not used then.
    """
    path = folder / "pepper"
    if os.environ.get(VARIABLE) is not None or not path.exists() or _KEY.fullmatch(path.read_bytes()):
        return []
    return [
        f"{folder.name}/{path.name} is damaged: it was set aside as {set_aside(path).name}, and this run makes a new"
        " key; person keys differ from those of earlier snapshots"
    ]


def _new_key(path: Path) -> bytes:
    key = secrets.token_hex(32).encode()
    with replacing(path) as part, os.fdopen(_for_owner_only(part), "wb") as file:
        file.write(key)
    return key


def _for_owner_only(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
