"""A file that is parsed once and again only when it changes on the disk."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from models.error import PlumblineError

T = TypeVar("T")
# A second change within one tick of the file system's clock would leave the same times: such a file is read again.
CLOCK_TICK_NS = 50_000_000


class CachedFile(Generic[T]):
    """The value of `parse(content)`, kept until inode, size or times of the file change.

    A refusal (PlumblineError) of `parse` is kept as well, so that a damaged file costs its reading once.
    """

    def __init__(self, path: Path, parse: Callable[[bytes], T], *, most_bytes: int) -> None:
        self.path, self._parse, self._most_bytes = path, parse, most_bytes
        self._name = str(path)  # a Path is turned into text at every call
        self._signature: tuple[int, ...] | None = None
        self._value: T | None = None
        self._refusal: PlumblineError | None = None

    def value(self) -> T:
        """The parsed content. Raises FileNotFoundError, OSError for what is not a plain file or too large, and
        what `parse` raises.
        """
        status = os.stat(self._name)
        signature = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if self._signature is None or signature != self._signature:
            self._read(status, signature)
        if self._refusal is not None:
            raise self._refusal
        return self._value  # type: ignore[return-value]  # `_read` has set it, or the refusal

    def _read(self, status: os.stat_result, signature: tuple[int, ...]) -> None:
        self._signature = self._value = self._refusal = None
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{self.path.name} is not a plain file")
        if status.st_size > self._most_bytes:
            raise OSError(f"{self.path.name} has {status.st_size} bytes; at most {self._most_bytes} are read")
        try:
            self._value = self._parse(self.path.read_bytes())
        except PlumblineError as refusal:
            self._refusal = refusal
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > CLOCK_TICK_NS:
            self._signature = signature
