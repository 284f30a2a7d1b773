"""The key with which personal identifiers are hashed before any table sees them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

VARIABLE = "PLUMBLINE_PEPPER"


def pepper(folder: Path) -> bytes:
    """PLUMBLINE_PEPPER, else the file `pepper` in `folder`, made on first use and readable by its owner only.

    Raises ValueError on a variable of fewer than 16 characters: so short a key can be guessed.
    """
    given = os.environ.get(VARIABLE)
    if given is not None:
        if len(given) < 16:
            raise ValueError(f"{VARIABLE} has {len(given)} characters: use at least 16 random ones")
        return given.encode()
    path = folder / "pepper"
    if not path.exists():
        part = folder / f"pepper.{os.getpid()}.part"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        os.replace(part, path)
    return path.read_text(encoding="ascii").strip().encode()
