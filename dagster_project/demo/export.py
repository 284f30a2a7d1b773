"""One file of the landing folder, and what is wrong with it on purpose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Planted:
    """A damaged row: its place (line of a text, row of a Parquet file, from 1) and the rule that must
    catch it.
    """

    file: str
    row: int
    column: str
    value: str
    rule: str


@dataclass(frozen=True)
class Export:
    """A file below landing/; `rows` are data rows, damaged ones included, totals and preambles not."""

    path: str
    content: bytes
    rows: int
    planted: tuple[Planted, ...] = ()
    duplicate_of: str | None = None

    @property
    def source(self) -> str:
        return self.path.split("/", 1)[0]
