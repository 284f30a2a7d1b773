"""What lies in landing/: every file, also behind links to folders, under a name that can be printed and stored."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def files_below(folder: Path) -> list[Path]:
    """Every file and every broken link below the folder, in the order of their names.

    Links to folders are followed, since a mounted share is often linked into landing/; a link that leads back to a
    folder above it is followed once.
    """
    return sorted(_walk(folder, frozenset()), key=os.fsencode)


def _walk(folder: Path, above: frozenset[str]) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in above or not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        found = list(entries)
    for entry in found:
        path = folder / entry.name
        if entry.is_dir(follow_symlinks=True):
            yield from _walk(path, above | {real})
        elif entry.is_file(follow_symlinks=True) or entry.is_symlink():
            yield path


def printable_name(path: Path, landing: Path) -> str:
    r"""The path below landing/ as text: bytes of a name that are no UTF-8 are written as `\xe9`."""
    name = path.relative_to(landing).as_posix()
    return os.fsencode(name).decode("utf-8", "backslashreplace")
