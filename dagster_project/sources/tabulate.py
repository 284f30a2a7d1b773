"""Text, sheets and records to one frame of cells: every value still text, every row with the number a person sees."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import polars as pl

from dagster_project.sources.contract import Unreadable

DELIMITERS = (",", ";", "\t", "|")
HEADER_WITHIN = 30
_LONGEST_QUOTE = 50  # lines; a quote that stays open longer was never meant as one
_EXACT_INTEGER = 2**53
_SURROGATE = re.compile("[\ud800-\udfff]")
_TOO_DEEP = "it is nested too deeply to be a list of records"


@dataclass(frozen=True)
class Candidate:
    """A row that may be the header: its line, its cells, and how the file would then be cut."""

    cells: tuple[str, ...]
    line: int
    delimiter: str = ","
    sheet: int = 0


@dataclass(frozen=True)
class BadRow:
    row: int
    column: str
    value: str
    rule: str
    why: str


@dataclass(frozen=True)
class Table:
    """Cells below the header as text columns `c0`, `c1`, … and `_row`; rows that could not be split are in `bad`.

    `exact`: the container keeps numbers as numbers, so no decimal mark is in doubt.
    """

    frame: pl.DataFrame
    headers: tuple[str, ...]
    preamble: tuple[str, ...] = ()
    bad: tuple[BadRow, ...] = ()
    exact: bool = False
    notices: tuple[str, ...] = ()
    overlong: tuple[tuple[int, tuple[str, ...]], ...] = field(default=())


def csv_candidates(text: str) -> Iterator[Candidate]:
    """Every row among the first 30 that could be a header, under each delimiter."""
    lines = text.split("\n", 400)[:400]
    for delimiter in DELIMITERS:
        reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter)
        try:
            for seen, cells in enumerate(reader):
                if seen >= HEADER_WITHIN:
                    break
                if sum(bool(c.strip()) for c in cells) >= 2 or (
                    len(cells) == 1 and cells[0].strip() and delimiter == ","
                ):
                    yield Candidate(tuple(cells), reader.line_num, delimiter)
        except csv.Error:
            continue


def csv_table(text: str, header: Candidate) -> Table:
    """The rows below `header`. Fast for regular files; a file with broken quotes or overlong rows is cut line by
    line."""
    names = header.cells
    width = len(names)
    start = _offset(text, header.line)
    preamble = tuple(line for line in text[:start].split("\n")[: header.line - 1] if line.strip(' ,;\t|"'))
    body = text[start:]
    lines = body.count("\n") + (not body.endswith("\n") and body != "")
    if lines == 0:
        return Table(_frame([], [], width), names, preamble)
    columns = [f"c{i}" for i in range(width)]
    try:
        frame = pl.read_csv(
            body.encode("utf-8"),
            separator=header.delimiter,
            has_header=False,
            infer_schema=False,
            new_columns=columns,
            schema=dict.fromkeys(columns, pl.String),
            quote_char='"',
        )
    except pl.exceptions.PolarsError:  # ragged or empty lines: cut by hand below
        frame = None
    if frame is None or frame.height != lines or frame.width != width or _quotes_open(frame):
        return _cut_slowly(body, header, preamble)
    frame = frame.with_columns((pl.int_range(pl.len(), dtype=pl.Int64) + header.line + 1).alias("_row"))
    return Table(_filled_rows(frame), names, preamble)


def xlsx_candidates(data: bytes) -> tuple[list[Candidate], list[tuple[str, list[list[str]]]]]:
    """Candidate headers of each sheet, and the sheets as cells of text. Raises Unreadable for a damaged workbook."""
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = [(n, _cells(book.get_sheet_by_name(n).to_python(skip_empty_area=False))) for n in book.sheet_names]
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise Unreadable(
            "encoding_unknown", f"the workbook cannot be opened ({error}); save it again as .xlsx"
        ) from None
    candidates = [
        Candidate(tuple(cells), line, sheet=index)
        for index, (_, rows) in enumerate(sheets)
        for line, cells in enumerate(rows[:HEADER_WITHIN], start=1)
        if sum(bool(c) for c in cells) >= 2
    ]
    return candidates, sheets


def xlsx_table(sheets: list[tuple[str, list[list[str]]]], header: Candidate) -> Table:
    """The rows below the header of its sheet; hidden rows count, formulas stand by their cached value."""
    name, rows = sheets[header.sheet]
    below = rows[header.line :]
    width = len(header.cells)
    frame = _frame(
        [(r + [""] * width)[:width] for r in below], range(header.line + 1, header.line + 1 + len(below)), width
    )
    others = [sheet for i, (sheet, cells) in enumerate(sheets) if i != header.sheet and any(any(r) for r in cells)]
    notices = (f"read sheet {name!r}; not read: {', '.join(others)}",) if others else ()
    preamble = tuple(" ".join(c for c in r if c) for r in rows[: header.line - 1] if any(r))
    return Table(_filled_rows(frame), header.cells, preamble, notices=notices)


def json_table(text: str) -> Table:
    """JSON lines, or one JSON list of records: each key a column, nested values as JSON text, numbers as written."""
    records: list[tuple[int, dict[str, Any]]] = []
    bad: list[BadRow] = []
    content = text.lstrip()
    if content.startswith("["):
        try:
            items = json.loads(text, parse_float=_Number)
        except RecursionError:
            raise Unreadable("bad_json", f"{_TOO_DEEP}; write one flat record per line (.jsonl) or one list") from None
        except ValueError as error:
            raise Unreadable(
                "bad_json", f"it is not valid JSON ({error}); write one record per line (.jsonl) or one list"
            ) from None
        parsed: Iterator[tuple[int, Any]] = enumerate(items, start=1)
    else:
        parsed = _json_lines(text, bad)
    for row, item in parsed:
        if isinstance(item, dict) and (half := _half_characters(item)):
            why = "holds half of a character (a lone surrogate); write the text as UTF-8 and deliver it again"
            bad.append(BadRow(row, half[0], half[1], "bad_json", why))
        elif isinstance(item, dict):
            records.append((row, item))
        else:
            bad.append(
                BadRow(
                    row, "", str(item)[:200], "bad_json", "a record must be an object {…}; write one object per line"
                )
            )
    headers = tuple(dict.fromkeys(key for _, record in records for key in record))
    cells = [[_json_cell(record.get(key)) for key in headers] for _, record in records]
    frame = _frame(cells, [row for row, _ in records], len(headers))
    return Table(frame, headers, bad=tuple(bad), exact=True)


def parquet_table(data: bytes) -> Table:
    """A Parquet file; nested columns become JSON text, the row number is the record's position from 1."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:  # pyarrow, because a damaged file makes polars' own reader panic instead of raising
        frame = pl.DataFrame(pl.from_arrow(parquet.ParquetFile(io.BytesIO(data)).read()))
    except (pa.ArrowException, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        why = " ".join(str(error).split())[:120]
        raise Unreadable("encoding_unknown", f"the Parquet file cannot be opened ({why}); write it again") from None
    headers = tuple(frame.columns)
    cells = [_parquet_cells(frame[name]).alias(f"c{i}") for i, name in enumerate(headers)]
    table = pl.DataFrame(cells).with_columns((pl.int_range(pl.len(), dtype=pl.Int64) + 1).alias("_row"))
    return Table(table, headers, exact=True)


class _Number(float):
    """A JSON number that remembers how it was written, so that money never passes through a float."""

    def __new__(cls, text: str) -> _Number:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


def _json_lines(text: str, bad: list[BadRow]) -> Iterator[tuple[int, Any]]:
    decoder = json.JSONDecoder(parse_float=_Number)
    for row, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield row, decoder.decode(line)
            except RecursionError:
                bad.append(BadRow(row, "", line[:200], "bad_json", f"{_TOO_DEEP}; write one flat record per line"))
            except ValueError as error:
                bad.append(
                    BadRow(
                        row,
                        "",
                        line[:200],
                        "bad_json",
                        f"the line is not valid JSON ({error}); correct it and deliver again",
                    )
                )


def _half_characters(record: dict[str, Any]) -> tuple[str, str] | None:
    """The first key and value that are no text, because a pair of surrogates was torn apart; printable."""
    for key, value in record.items():
        text = f"{key}\n{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        if _SURROGATE.search(text):
            name, _, shown = text.encode("utf-8", "backslashreplace").decode().partition("\n")
            return name, shown[:200]
    return None


def _json_cell(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, _Number):
        return value.text
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _parquet_cells(series: pl.Series) -> pl.Series:
    if series.dtype.is_nested():
        if isinstance(series.dtype, pl.Struct):
            return series.struct.json_encode()
        boxed = series.to_frame("x").select(pl.struct("x").struct.json_encode()).to_series()
        return boxed.str.slice(5).str.head(-1)  # {"x":…} without its box
    if series.dtype == pl.Binary:
        return pl.Series(series.name, [None if b is None else _text_of(b) for b in series], dtype=pl.String)
    if series.dtype in (pl.Duration, pl.Time, pl.Object):
        return pl.Series(series.name, [None if v is None else str(v) for v in series], dtype=pl.String)
    if isinstance(series.dtype, pl.Datetime):
        if series.dtype.time_zone is not None:
            series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return series.dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
    if series.dtype.is_float():
        return series.map_elements(lambda x: _number_text(x), return_dtype=pl.String)
    return series.cast(pl.String)


def _text_of(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return f"0x{data.hex()}"  # readable as no name and no number: a typed column refuses it


def _cells(rows: list[list[Any]]) -> list[list[str]]:
    return [[_sheet_text(cell) for cell in row] for row in rows]


def _sheet_text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float | int):
        return _number_text(float(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return "" if cell is None else str(cell).strip()


def _number_text(number: float) -> str:
    """Shortest text of a spreadsheet's number; above 2^53 in exponent form, because digits are already lost there."""
    if math.isnan(number):
        return ""
    if number.is_integer() and abs(number) < _EXACT_INTEGER:
        return str(int(number))
    return f"{number:.15E}" if abs(number) >= _EXACT_INTEGER else repr(number)


def _frame(cells: list[list[Any]], rows: Any, width: int) -> pl.DataFrame:
    schema = {f"c{i}": pl.String for i in range(width)}
    frame = pl.DataFrame(cells, schema=schema, orient="row") if cells else pl.DataFrame(schema=schema)
    return frame.with_columns(pl.Series("_row", list(rows), dtype=pl.Int64))


def _filled_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """Without rows that hold nothing at all: they are paper, not data."""
    cells = [c for c in frame.columns if c != "_row"]
    return frame.filter(pl.any_horizontal((pl.col(c).is_not_null() & (pl.col(c) != "")) for c in cells))


def _quotes_open(frame: pl.DataFrame) -> bool:
    last = frame.tail(1).row(0)
    return any(isinstance(c, str) and "\n" in c for c in last)


def _offset(text: str, line: int) -> int:
    at = 0
    for _ in range(line):
        at = text.find("\n", at) + 1
        if at == 0:
            return len(text)
    return at


def _cut_slowly(body: str, header: Candidate, preamble: tuple[str, ...]) -> Table:
    """Row by row with the line numbers right in spite of quoted line breaks; a quote that never closes costs one
    row."""
    width = len(header.cells)
    lines = body.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    cells: list[list[str]] = []
    rows: list[int] = []
    bad: list[BadRow] = []
    overlong: list[tuple[int, tuple[str, ...]]] = []
    at = 0
    while at < len(lines):
        taken, record = _record(lines, at, header.delimiter)
        row = header.line + 1 + at
        at += taken
        if record is None:
            why = "a quotation mark is opened and never closed; close it, or double it if it is part of the text"
            bad.append(BadRow(row, "", lines[at - 1][:200], "bad_quote", why))
            continue
        while len(record) > width and not record[-1].strip():
            record.pop()
        if not any(c.strip() for c in record):
            continue
        if len(record) > width:
            overlong.append((row, tuple(record)))
            continue
        cells.append(record + [""] * (width - len(record)))
        rows.append(row)
    return Table(_frame(cells, rows, width), header.cells, preamble, tuple(bad), overlong=tuple(overlong))


def _record(lines: list[str], at: int, delimiter: str) -> tuple[int, list[str] | None]:
    """Lines taken by the record that starts at `at`, and its cells; None where its quote never closes."""
    if '"' not in lines[at]:
        return 1, lines[at].split(delimiter)
    reader = csv.reader((line + "\n" for line in lines[at : at + _LONGEST_QUOTE]), delimiter=delimiter)
    try:
        record = next(reader)
    except (csv.Error, StopIteration):
        return 1, None
    if reader.line_num > 1 and reader.line_num == min(_LONGEST_QUOTE, len(lines) - at) and record[-1].endswith("\n"):
        return 1, None
    return reader.line_num, record
