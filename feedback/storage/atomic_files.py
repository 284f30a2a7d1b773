"""Files that are replaced completely or not at all, even when the process is killed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART = ".part"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A part file beside `path` for a writer that needs a file name; it becomes `path` when the block ends.

    The content is flushed to the disk before the rename and the folder after it, so a reader or a crash sees the old
    file or the new one, never a part. An error inside the block leaves `path` as it was and removes the part.
    The file's permissions follow the umask. Raises OSError, e.g. on a full or read-only disk.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{PART}")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`; see `replacing`."""
    with replacing(path) as part:
        part.write_bytes(content)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk: a power cut may lose a rename although the content is safe."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
