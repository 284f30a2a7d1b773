"""Realistic damage: a few dozen rows that no reader may land, and one file that was delivered twice.

Damage never changes the truth: a damaged row of a re-read source comes back intact with the next delivery;
elsewhere the damaged row is an extra copy beside the good one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from dagster_project.demo.deliveries import line
from dagster_project.demo.export import Export, Planted

RECENT = 13
TWICE_FROM_END = 5
LATE_SHARE = 0.12


@dataclass(frozen=True)
class Damage:
    """What goes wrong in one column of a source: the rule that must catch it, and the cell as it then looks."""

    column: str
    rule: str
    cell: str


LETTER = "1O4.2O"
REREAD: dict[str, tuple[Damage, ...]] = {
    "google_ads": (
        Damage("Cost", "bad_number", LETTER),
        Damage("Campaign ID", "id_precision_lost", "1.80021E+10"),
        Damage("Day", "bad_date", "2026-02-30"),
        Damage("Currency code", "bad_currency", "EURO"),
    ),
    "meta_ads": (
        Damage("Amount spent ({currency})", "bad_number", LETTER),
        Damage("Campaign ID", "id_precision_lost", "1.20210E+17"),
        Damage("Impressions", "bad_number", "1l77"),
    ),
    "tiktok_ads": (
        Damage("Cost", "bad_number", LETTER),
        Damage("Campaign ID", "id_precision_lost", "1.76021E+15"),
    ),
    "linkedin_ads": (
        Damage("Start Date (in UTC)", "bad_date", "2/30/2026"),
        Damage("Total Spent", "bad_number", LETTER),
    ),
    "channel_spend": (
        Damage("spend", "bad_number", LETTER),
        Damage("currency", "bad_currency", "EURO"),
        Damage("day", "bad_date", "2026-02-30"),
    ),
    "revenue": (
        Damage("value", "bad_number", LETTER),
        Damage("day", "missing_value", ""),
        Damage("currency", "bad_currency", "E"),
    ),
}
EXTRA: dict[str, tuple[Damage, ...]] = {
    "ledger": (Damage("amount", "bad_number", "4.5O0,OO"),),
    "hubspot": (Damage("Record ID", "id_precision_lost", "5.00027E+08"),),
    "context": (Damage("value", "bad_number", "9b.4"),),
}
EVERY = {
    "google_ads": 2,
    "meta_ads": 2,
    "linkedin_ads": 2,
    "tiktok_ads": 2,
    "channel_spend": 4,
    "revenue": 2,
    "ledger": 6,
    "hubspot": 13,
    "context": 4,
    "ga4": 5,
    "content": 7,
    "content_events": 4,
    "ai_answers": 4,
}
LINE_CUT = "bad_json"


def with_dirt(exports: Iterable[Export], currency: str, seed: int) -> Iterator[Export]:
    """The exports with damaged rows in each source's most recent deliveries, and one Meta file a second time."""
    rng = np.random.default_rng([seed, 103])
    by_source: dict[str, list[Export]] = {}
    for export in exports:
        by_source.setdefault(export.source, []).append(export)
    for source, files in by_source.items():
        folders: dict[str, list[str]] = {}
        for file in files:
            folders.setdefault(file.path.rpartition("/")[0], []).append(file.path)
        count = 0
        for index, file in enumerate(files):
            siblings = folders[file.path.rpartition("/")[0]]
            to_come = len(siblings) - 1 - siblings.index(file.path)
            settled = source in REREAD and to_come == 0
            if source in EVERY and to_come < RECENT and not settled and index % EVERY[source] == 0:
                file = _damaged(file, currency, count, rng)
                count += 1
            yield file
            if source == "meta_ads" and to_come == TWICE_FROM_END:
                again = file.path.replace(".csv", " (1).csv")
                yield replace(file, path=again, duplicate_of=file.path, planted=())


def _damaged(file: Export, currency: str, count: int, rng: np.random.Generator) -> Export:
    if file.path.endswith(".xlsx"):
        return file
    if file.source in REREAD:
        kinds = REREAD[file.source]
        damage = kinds[count % len(kinds)]
        return _cell_damaged(file, replace(damage, column=damage.column.format(currency=currency)), rng)
    if file.source in EXTRA:
        kinds = EXTRA[file.source]
        return _copy_damaged(file, kinds[count % len(kinds)])
    if file.source == "ga4":
        return _event_damaged(file)
    return _line_cut(file)


def _cell_damaged(file: Export, damage: Damage, rng: np.random.Generator) -> Export:
    """One cell among the file's last days, which the next delivery brings again."""
    sheet = _Sheet.of(file)
    if damage.column not in sheet.header:
        return file
    late = max(int(sheet.count * LATE_SHARE), 1)
    index = sheet.first + sheet.count - 1 - int(rng.integers(0, late))
    lines = sheet.with_cell(index, damage.column, damage.cell)
    planted = Planted(file.path, index + 1, damage.column, damage.cell, damage.rule)
    return replace(file, content=sheet.encoded(lines), planted=(planted,))


def _copy_damaged(file: Export, damage: Damage) -> Export:
    """A copy of the last row with one bad cell, put after it."""
    sheet = _Sheet.of(file)
    if damage.column not in sheet.header or not sheet.count:
        return file
    index = sheet.first + sheet.count - 1
    bad = sheet.with_cell(index, damage.column, damage.cell)[index]
    lines = [*sheet.lines[: index + 1], bad, *sheet.lines[index + 1 :]]
    planted = Planted(file.path, index + 2, damage.column, damage.cell, damage.rule)
    return replace(file, content=sheet.encoded(lines), rows=file.rows + 1, planted=(planted,))


def _line_cut(file: Export) -> Export:
    """A last JSON line whose second half never arrived."""
    from dagster_project.demo.content_files import squeezed, unsqueezed

    packed = file.path.endswith(".gz")
    text = (unsqueezed(file.content) if packed else file.content).decode("utf-8")
    last = text.rstrip("\n").rsplit("\n", 1)[-1]
    cut = last[: len(last) // 2]
    content = (text + cut + "\n").encode("utf-8")
    planted = Planted(file.path, text.count("\n") + 1, "", cut[:60], LINE_CUT)
    return replace(file, content=squeezed(content) if packed else content, rows=file.rows + 1, planted=(planted,))


def _event_damaged(file: Export) -> Export:
    """A copy of the last event on a day that does not exist."""
    rows = pl.read_parquet(io.BytesIO(file.content))
    bad = rows.tail(1).with_columns(pl.lit("20260231").alias("event_date"))
    buffer = io.BytesIO()
    pl.concat([rows, bad]).write_parquet(buffer, compression="zstd", statistics=False)
    planted = Planted(file.path, rows.height + 1, "event_date", "20260231", "bad_date")
    return replace(file, content=buffer.getvalue(), rows=file.rows + 1, planted=(planted,))


@dataclass(frozen=True)
class _Sheet:
    """A delimited text file cut into lines, with its header found."""

    encoding: str
    end: str
    delimiter: str
    lines: list[str]
    header: list[str]
    first: int
    count: int

    @classmethod
    def of(cls, file: Export) -> _Sheet:
        encoding = (
            "utf-16"
            if file.content[:2] == b"\xff\xfe"
            else "utf-8-sig"
            if file.content[:3] == b"\xef\xbb\xbf"
            else "utf-8"
        )
        text = file.content.decode(encoding)
        end = "\r\n" if "\r\n" in text else "\n"
        lines = text.rstrip(end).split(end)
        at = 2 if file.source == "google_ads" else 3 if file.source == "linkedin_ads" else 0
        delimiter = max("\t;,", key=lines[at].count)
        header = next(csv.reader([lines[at]], delimiter=delimiter))
        return cls(encoding, end, delimiter, lines, header, at + 1, file.rows)

    def with_cell(self, index: int, column: str, text: str) -> list[str]:
        cells = next(csv.reader([self.lines[index]], delimiter=self.delimiter))
        cells[self.header.index(column)] = text
        return [*self.lines[:index], line(cells, self.delimiter), *self.lines[index + 1 :]]

    def encoded(self, lines: list[str]) -> bytes:
        text = self.end.join(lines) + self.end
        return ("\ufeff" + text).encode("utf-16-le") if self.encoding == "utf-16" else text.encode(self.encoding)
