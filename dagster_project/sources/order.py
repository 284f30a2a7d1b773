"""Which delivery came when: the order is a property of the deliveries, never of the runs that happened to see them.

A delivery is a content under a path. It is ordered by the instant at which it could first be known; where no name tells
that instant, files of one instant by when they were last written; then by its name as a person counts (`export`,
`export (2)`, `export (10)`), then, where one path held several contents, by their turn.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from dagster_project.sources.delivered import delivered_at

_NEVER = datetime(9999, 1, 1)
_INSTANT = "%Y-%m-%dT%H:%M:%S.%f"
_COPY = re.compile(r"\s*\((\d{1,6})\)$")


@dataclass(frozen=True)
class File:
    """A file of landing/: its content, its name below landing/, and where it lies."""

    path: Path
    name: str
    sha256: str

    @property
    def named_day(self) -> date | None:
        """The day on which its name says that it was delivered."""
        told = delivered_at(self.name, None, _NEVER)
        return None if told == _NEVER else told.date()


@dataclass(frozen=True)
class Landed:
    """A delivery that the warehouse holds."""

    name: str
    sha256: str
    delivered_at: datetime


def natural(name: str) -> str:
    """A name as text that sorts as people count: digits by their number, no case, a copy ` (n)` after its original."""
    folder, _, file = unicodedata.normalize("NFKC", name).casefold().rpartition("/")
    stem, dot, endings = file.partition(".")
    copy = _COPY.search(stem)
    stem = stem[: copy.start()] if copy else stem
    number = int(copy[1]) if copy else 0
    counted = re.sub(r"\d+", lambda m: f"{len(m[0].lstrip('0')):03d}{m[0].lstrip('0')}", f"{folder}/{stem}")
    return f"{counted} ({number:06d}){dot}{endings}"


def turn(name: str) -> tuple[datetime, str]:
    """The place of a file among others that have not landed: by the day in its name, then as people count."""
    return delivered_at(name, None, _NEVER), natural(name)


def batch_id(delivery_time: datetime, written: datetime, name: str, earlier_contents: int, sha256: str) -> str:
    """The name of a batch, which sorts as its delivery does, whenever it was landed.

    `written` orders deliveries of one instant: the instant itself where the file's name told it, else the file's
    modification time (UTC without zone).
    """
    moments = f"{delivery_time:{_INSTANT}} {written:{_INSTANT}}"
    return f"{moments} {natural(name)} {earlier_contents:04d} {sha256[:8]}"


def new_deliveries(files: Iterable[File], landed: Sequence[Landed]) -> list[File]:
    """The files of one source that are deliveries of their own, in order; `landed` in the order in which it landed.

    A content that is known is delivered again where the day in the file's name says so, and where the path held
    another content in between. An undated copy of a known content, or a file that was moved, is no new delivery.
    """
    last_content = {delivery.name: delivery.sha256 for delivery in landed}
    known = [
        (File(Path(), d.name, d.sha256).named_day or d.delivered_at.date(), natural(d.name), d.sha256) for d in landed
    ]
    contents = {d.sha256 for d in landed}
    fresh: list[File] = []
    for file in sorted(files, key=lambda f: turn(f.name)):
        if last_content.get(file.name) == file.sha256:
            continue
        day, place = file.named_day, natural(file.name)
        is_known = file.sha256 in contents
        was_another = file.name in last_content  # a path that held another content in between is always a delivery
        if is_known and day is None and not was_another:
            continue
        if is_known and day is not None and not was_another:
            same_day = [(name, sha) for told, name, sha in known if told == day]
            before = [name for name, sha in same_day if sha == file.sha256]
            nearest = max((name for name in before if name <= place), default=None)
            between = [n for n, sha in same_day if sha != file.sha256 and (nearest or "") < n < place]
            if before and (nearest is None or not between):
                continue
        fresh.append(file)
        contents.add(file.sha256)
        known.append((day or _NEVER.date(), place, file.sha256))
    return fresh
