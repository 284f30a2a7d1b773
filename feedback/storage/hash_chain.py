"""A ledger of events in which each line holds the hash of the previous line, so that an edit breaks every later line.

The chain alone cannot show that lines were cut off its end; therefore each audit pack keeps the chain up to its own
line, and the ledger of approvals keeps its length and head in a second place. Nor can it show that all lines were
written anew; that takes a key which the writer of the file does not hold.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from feedback.storage.atomic_files import sync_folder
from feedback.storage.canonical_json import canonical, sha256
from models.error import PlumblineError

GENESIS = "0" * 64


SEALS = ("hash", "mac")


def line(previous: str, body: Mapping[str, Any], *, key: bytes | None = None) -> str:
    """The ledger line that follows the line with hash `previous`, as canonical JSON.

    `hash` is the SHA-256 of the canonical JSON of `body` and `previous`; with a `key`, `mac` is the HMAC of that hash.
    Raises ValueError for a body that has no canonical form.
    """
    linked = {**body, "previous": previous}
    digest = sha256(linked)
    seals = {"hash": digest, **({"mac": mac(key, digest)} if key else {})}
    return canonical({**linked, **seals}).decode()


def mac(key: bytes, digest: str) -> str:
    """Hex HMAC-SHA256 of a line's hash."""
    return hmac.new(key, digest.encode(), hashlib.sha256).hexdigest()


def signed(text: str, key: bytes) -> bool:
    """Whether a line of a chain that holds carries the right signature; compared in constant time."""
    entry = json.loads(text)
    given = entry.get("mac")
    return isinstance(given, str) and hmac.compare_digest(given.encode(), mac(key, entry["hash"]).encode())


def lines_of(path: Path) -> list[str]:
    """The complete lines of a ledger, oldest first; none if there is no file.

    A last line without its line end was cut by a crash while it was written: it was never acknowledged and is left out.
    """
    if not path.is_file():
        return []
    text = path.read_bytes().decode("utf-8", errors="surrogateescape")  # a damaged byte breaks its line, not the reader
    return text.split("\n")[:-1]


def head(lines: Sequence[str]) -> str:
    """Hash of the last line, or the hash that the first line follows."""
    return str(json.loads(lines[-1])["hash"]) if lines else GENESIS


class ChainBroken(PlumblineError, ValueError):
    """A ledger whose lines do not follow from each other: it was edited or damaged."""


def checked_lines(path: Path) -> list[str]:
    """The complete lines of a ledger. Raises ChainBroken with the first line that does not follow from the last."""
    lines = lines_of(path)
    broken = broken_at(lines)
    if broken is not None:
        raise ChainBroken(
            "it does not follow from the line before, so this line and every later one count for nothing",
            file=path.name,
            row=broken,
            fix="restore the file from a backup",
        )
    return lines


def broken_at(lines: Sequence[str]) -> int | None:
    """Number of the first line (from 1) that does not follow from the one before; None if the chain holds."""
    previous = GENESIS
    for number, text in enumerate(lines, 1):
        try:
            entry = json.loads(text)
            linked = {key: value for key, value in entry.items() if key not in SEALS}
            follows = entry["previous"] == previous and entry["hash"] == sha256(linked)
            if not follows or text != canonical(entry).decode():
                return number
        except (ValueError, KeyError, TypeError, AttributeError):
            return number
        previous = entry["hash"]
    return None


def append(path: Path, text: str) -> None:
    """Adds a line and waits until it is on the disk; an incomplete line left by a crash is cut off first."""
    complete = "".join(f"{earlier}\n" for earlier in lines_of(path)).encode("utf-8", errors="surrogateescape")
    is_new = not path.exists()
    with path.open("wb" if is_new else "r+b") as file:
        file.truncate(len(complete))
        file.seek(0, os.SEEK_END)
        file.write(f"{text}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync_folder(path.parent)
