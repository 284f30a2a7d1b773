"""Derived files that are read back: how they prove that they are whole, and where a damaged one goes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from feedback.storage.atomic_files import write_atomically

DAMAGED = ".damaged"


def sha256_of(path: Path) -> str:
    """Hex digest of a file's content, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksum_file(path: Path) -> Path:
    """The file beside `path` that holds its digest, as `sha256sum --check` reads it."""
    return path.with_name(f"{path.name}.sha256")


def write_checksum(path: Path) -> None:
    """Write the digest of a finished file beside it. Raises OSError, e.g. on a full or read-only disk."""
    write_atomically(checksum_file(path), f"{sha256_of(path)}  {path.name}\n".encode())


def has_its_checksum(path: Path) -> bool:
    """Whether `path` has the digest that was written beside it; False where either of them is missing."""
    try:
        promised = checksum_file(path).read_bytes().split()
        return bool(promised) and promised[0] == sha256_of(path).encode()
    except OSError:
        return False


def set_aside(path: Path) -> Path:
    """Rename a damaged file or folder to `<name>.damaged` (`.damaged-2` and so on where that exists); never delete it.

    Returns the new path. Raises OSError where the folder cannot be written.
    """
    target, number = path.with_name(f"{path.name}{DAMAGED}"), 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}{DAMAGED}-{number}")
    os.replace(path, target)
    return target
