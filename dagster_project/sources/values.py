"""Cells to types, column by column: numbers without float, dates without guessing, in whichever locale the file speaks.

Nothing here raises for bad text: what cannot be read becomes null, and the caller compares with the cell.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import polars as pl

Mark = Literal[".", ","]
NULLS = ("", "--", "-", "–", "—", "n/a", "na", "(not set)", "null", "none", "nan", "\\n", "#n/a")
_SPACES = r"[\s\u{00a0}\u{202f}\u{2009}'’]"
_SIGNS = r"[$€£¥₹₽₺₩]|US\$|R\$|C\$|A\$|zł|kr\.?|Fr\."
_CODE = r"^([+\-(]?)[A-Z]{3}|[A-Z]{3}(\)?)$"
_PLAIN = r"^-?\d+(\.\d+)?$"
_POINT = r"^\D*(\d+\.(\d{1,2}|\d{4,})|0\.\d+|\d{4,}\.\d+|\d{1,3}(,\d{2,3})+\.\d*|\d{1,3}(,\d{2,3}){2,})\D*$"
_COMMA = r"^\D*(\d+,(\d{1,2}|\d{4,})|0,\d+|\d{4,},\d+|\d{1,3}(\.\d{3})+,\d*|\d{1,3}(\.\d{3}){2,})\D*$"
_UNDECIDED = r"^\D*[1-9]\d{0,2}[.,]\d{3}\D*$"
_NUMBER = {
    ".": r"^[+-]?((\d+|\d{1,3}(,\d{2,3})*,\d{3})(\.\d*)?|\.\d+)([eE][+-]?\d+)?$",
    ",": r"^[+-]?((\d+|\d{1,3}(\.\d{3})+)(,\d*)?|,\d+)([eE][+-]?\d+)?$",
}
LARGEST = 10**12  # DECIMAL(18,6) holds twelve digits before the point


def without_nulls(column: pl.Expr) -> pl.Expr:
    """The trimmed cell, null where it says in one of many ways that there is nothing."""
    text = column.str.strip_chars()
    return pl.when(text.str.to_lowercase().is_in(NULLS)).then(None).otherwise(text)


def marks(cells: pl.Series, whole: bool) -> tuple[bool, bool, str | None]:
    """Evidence of one numeric column: (says point, says comma, a cell that could be either).

    `whole`: the column counts things, so `1.204` in it can only be grouped thousands.
    """
    marked = cells.drop_nulls()
    marked = marked.filter(marked.str.contains("[.,]")).unique()
    if marked.is_empty():
        return False, False, None
    tidy = marked.str.replace_all(_SPACES, "")
    point, comma = bool(tidy.str.contains(_POINT).any()), bool(tidy.str.contains(_COMMA).any())
    open_cells = marked.filter(tidy.str.contains(_UNDECIDED))
    if whole and not (point or comma) and len(open_cells):
        return bool(open_cells.str.contains(",").any()), bool(open_cells.str.contains(r"\.").any()), None
    return point, comma, open_cells[0] if len(open_cells) else None


def tidied(cells: pl.Series, mark: Mark) -> pl.Series:
    """Numbers as plain `-1204.50`, null where the text is not a number under this decimal mark."""
    if mark == "." and bool(cells.str.contains(_PLAIN).all()):
        return cells
    x = cells.str.replace_all(_SPACES, "").str.replace_all(_SIGNS, "").str.replace_all(_CODE, "$1$2")
    x = x.str.replace(r"^\((.*)\)$", "-$1").str.replace(r"^(.*[^eE])[-−]$", "-$1").str.replace("^−", "-")
    good = x.str.contains(_NUMBER[mark])
    x = x.str.replace_all(",", "") if mark == "." else x.str.replace_all(r"\.", "").str.replace(",", ".")
    return x.to_frame("x").select(pl.when(good).then(pl.col("x")).otherwise(None)).to_series()


def decimals(cells: pl.Series, mark: Mark, places: int = 6, scale: str | None = None) -> pl.Series:
    """DECIMAL(38, places) straight from text; null for what is not a number or too large for twelve digits."""
    text = tidied(cells, mark)
    number = text.cast(pl.Decimal(38, places), strict=False)
    if scale is not None:
        number = _scaled(text, scale, places)
    frame = number.to_frame("x")
    return (
        frame.select(pl.when(pl.col("x").abs() < LARGEST).then(pl.col("x")).otherwise(None))
        .to_series()
        .alias(cells.name)
    )


def _scaled(text: pl.Series, scale: str, places: int) -> pl.Series:
    """Micros and the like: multiplied, never divided, in DECIMAL."""
    from decimal import Decimal

    wide = text.cast(pl.Decimal(38, 6), strict=False)
    return (wide * Decimal(scale)).cast(pl.Decimal(38, places), strict=False)


def counts(cells: pl.Series, mark: Mark) -> pl.Series:
    """Whole numbers; `12.0` is 12, `12.5` is null."""
    fast = cells.cast(pl.Int64, strict=False)
    if fast.null_count() == cells.null_count():
        return fast
    number = tidied(cells, mark).cast(pl.Decimal(38, 6), strict=False)
    whole = number.cast(pl.Int64, strict=False)
    frame = pl.DataFrame({"n": number, "w": whole})
    return (
        frame.select(pl.when(pl.col("w").cast(pl.Decimal(38, 6)) == pl.col("n")).then(pl.col("w")))
        .to_series()
        .alias(cells.name)
    )


def doubles(cells: pl.Series, mark: Mark) -> pl.Series:
    return tidied(cells, mark).cast(pl.Float64, strict=False).alias(cells.name)


def flags(cells: pl.Series) -> pl.Series:
    """Yes and no in the spellings of spreadsheets and connectors; null for anything else."""
    low = cells.str.to_lowercase()
    yes, no = ["true", "t", "yes", "y", "1", "ja", "oui", "sí", "si"], ["false", "f", "no", "n", "0", "nein", "non"]
    frame = low.to_frame("x")
    return (
        frame.select(pl.when(pl.col("x").is_in(yes)).then(True).when(pl.col("x").is_in(no)).then(False))
        .to_series()
        .alias(cells.name)
    )


_MONTHS = (
    "jan ene gen janv januar january enero janvier janeiro gennaio",
    "feb fév févr fev februar february febrero février fevereiro febbraio",
    "mar mär mrz märz mars march marzo março",
    "apr abr avr april abril avril aprile",
    "may mai mayo maio maggio mag",
    "jun juin giu june juni junio junho giugno",
    "jul juil lug july juli julio juillet julho luglio",
    "aug ago août aou august agosto",
    "sep sept set september septiembre septembre setembro settembre",
    "oct okt out ott october oktober octubre octobre outubro ottobre",
    "nov november noviembre novembre novembro",
    "dec dez dic déc december dezember diciembre décembre dezembro dicembre",
)
_MONTH_OF = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}
_SLASHED = re.compile(r"^(\d{1,2})[/\-](\d{1,2})[/\-](\d{4})$")
_DOTTED = re.compile(r"^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})$")
_NAMED = re.compile(
    r"^(?:[^\W\d]+,\s*)?(?:(\d{1,2})(?:st|nd|rd|th|\.|º)?\s+(?:de\s+)?([^\W\d]+)\.?|([^\W\d]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?)\s*,?\s+(?:de\s+)?(\d{4})$"
)
_SERIAL = re.compile(r"^\d{5}(\.0)?$")


def date_order(cells: pl.Series) -> tuple[bool, bool, str | None]:
    """Evidence of one date column: (day comes first, month comes first, a date that could be either)."""
    either: str | None = None
    day_first = month_first = False
    for text in cells.drop_nulls().unique(maintain_order=True):
        moment = _MOMENT.match(text)
        parts = _SLASHED.match(moment["day"] if moment else text)
        if parts:
            a, b = int(parts[1]), int(parts[2])
            day_first |= a > 12 >= b
            month_first |= b > 12 >= a
            if a <= 12 and b <= 12 and a != b:
                either = either or text
    return day_first, month_first, either


_ISO = re.compile(r"^(\d{4}-\d{2}-\d{2}|\d{8})$")
_MIDNIGHT = re.compile(r"[T ,]\s*(?:0{1,2}:00(?::00(?:\.0+)?)?|12:00(?::00)?\s*[Aa][Mm])\s*(?:Z|UTC|GMT|[+\-]00:?00)?$")


def day_of(text: str, order: str | None) -> date | None:
    """One date as text; `order` settles 3/4/2026. None where the whole cell is not a date.

    A time is part of a date only as midnight, which is how spreadsheets and databases write a day: any other time, zone
    or second date makes the cell something else, and dropping it would move the row to another day in silence.
    """
    text = _MIDNIGHT.sub("", text.strip())
    try:
        return date.fromisoformat(text) if _ISO.match(text) else _written_day(text, order)
    except ValueError:
        return None


def _written_day(text: str, order: str | None) -> date | None:
    if parts := re.match(r"^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})$", text):
        return date(int(parts[1]), int(parts[3]), int(parts[4]))
    if parts := _SLASHED.match(text):
        a, b, year = int(parts[1]), int(parts[2]), int(parts[3])
        if order == "dmy" or (order is None and (a > 12 or a == b)):
            return date(year, b, a)
        return date(year, a, b) if order == "mdy" or (order is None and b > 12) else None
    if parts := _DOTTED.match(text):
        return date(int(parts[3]), int(parts[2]), int(parts[1]))
    if parts := _NAMED.match(text):
        month = _MONTH_OF.get((parts[2] or parts[3]).casefold())
        return date(int(parts[5]), month, int(parts[1] or parts[4])) if month else None
    if _SERIAL.match(text) and 20000 < float(text) < 80000:
        return date(1899, 12, 30) + timedelta(days=int(float(text)))
    return None


def days(cells: pl.Series, order: str | None, months: bool = False) -> pl.Series:
    """Dates; with `months` a bare `2026-09` is the month's first day. Few distinct days make the loop cheap."""
    iso = cells.str.to_date("%Y-%m-%d", strict=False)
    if iso.null_count() == cells.null_count():
        return iso
    distinct = cells.drop_nulls().unique()
    read = [_month_start(t) if months and len(t) == 7 else day_of(t, order) for t in distinct]
    return cells.replace_strict(distinct, pl.Series(read, dtype=pl.Date), default=None, return_dtype=pl.Date)


def _month_start(text: str) -> date | None:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


def instants(cells: pl.Series, order: str | None) -> pl.Series:
    """UTC times without zone. A time without an offset is UTC; a bare date is its midnight."""
    plain = cells.str.replace(r"^(\d{4}-\d{2}-\d{2})T", "$1 ").str.replace(r"\s*(Z|UTC|GMT|\+00:?00)$", "")
    out = plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
    readers = (
        lambda s: s.str.to_datetime("%Y-%m-%d %H:%M", strict=False, time_unit="us"),
        lambda s: s.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")),
    )
    for read_as in readers:
        if out.null_count() > cells.null_count():
            more = read_as(plain)
            out = pl.DataFrame({"a": out, "b": more}).select(pl.coalesce("a", "b")).to_series()
    if out.null_count() > cells.null_count():
        unread = cells.filter(out.is_null()).drop_nulls().unique()
        read = pl.Series([_instant(t, order) for t in unread], dtype=pl.Datetime("us"))
        more = cells.replace_strict(unread, read, default=None, return_dtype=pl.Datetime("us"))
        out = pl.DataFrame({"a": out, "b": more}).select(pl.coalesce("a", "b")).to_series()
    return out.alias(cells.name)


_MOMENT = re.compile(
    r"^(?P<day>.+?)(?:T|,?\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d{1,9})?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?:Z|UTC|GMT|(?:UTC|GMT)?(?P<offset>[+\-]\d{2}:?\d{2}))?$"
)


def _instant(text: str, order: str | None) -> datetime | None:
    """One moment in UTC, read from the whole cell; None for anything that is left over, such as a zone's short name."""
    try:
        moment = datetime.fromisoformat(text) if "W" not in text else None  # 2026-W45-1 is a week in many exports
        if moment is None:
            return None
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        pass
    if re.fullmatch(r"\d{13}|\d{16}", text):
        micros = int(text) * (1000 if len(text) == 13 else 1)
        return datetime(1970, 1, 1) + timedelta(microseconds=micros)
    parts = _MOMENT.match(text)
    day = day_of(parts["day"] if parts else text, order)
    if day is None:
        return None
    if not parts:
        return datetime(day.year, day.month, day.day)
    hour = int(parts["hour"])
    if parts["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (parts["half"][0] in "pP")
    try:
        moment = datetime(day.year, day.month, day.day, hour, int(parts["minute"]), int(parts["second"] or 0))
        return moment - _offset(parts["offset"]) if parts["offset"] else moment
    except (ValueError, OverflowError):
        return None


def _offset(text: str) -> timedelta:
    size = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return -size if text[0] == "-" else size
