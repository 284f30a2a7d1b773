"""A shape's fields over a file's cells: decimal mark and date order once, then typed columns and broken cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from dagster_project.sources import privacy, values
from dagster_project.sources.contract import NUMERIC, PERSONAL, Broken, Context, Field, Unreadable
from dagster_project.sources.currencies import currency_codes
from dagster_project.sources.recognise import Match

_FORGIVEN = frozenset({"email", "domain"})  # a contact or an order is not lost for a mistyped address
_POINT_LANGUAGES = ("en",)
_DATED = ("day", "instant")
_PLACEHOLDER = r"^\{\{?\s*[A-Za-z_][\w.\- ]*\s*\}?\}$"
_DAMAGED_ID = r"^\d(\.\d+)?[Ee]\+?\d+$|^\d+\.0+$"
_ID_FIX = "format the column as text before exporting, or deliver the original csv"
_SEVERAL_DAYS = r"(?i)^\d{4}-?W\d|\d{4}.*\D(19|20)\d{2}(\D|$)"
_TIME_OF_DAY = r"\d:\d{2}"
_WHY: dict[str, tuple[str, str]] = {
    "money": ("bad_number", "is not an amount; correct the cell and deliver the file again"),
    "rate": ("bad_number", "is not a rate; correct the cell and deliver the file again"),
    "count": ("bad_number", "is not a whole number; correct the cell and deliver the file again"),
    "double": ("bad_number", "is not a number; correct the cell and deliver the file again"),
    "day": ("bad_date", "is not a date; write it as 2026-11-03"),
    "instant": ("bad_date", "is not a date and time; write it as 2026-11-03T09:14:00Z"),
    "period": ("bad_date", "is not a month; write it as 2026-11"),
    "flag": ("bad_value", "is neither yes nor no; write true or false"),
    "json": ("bad_json", 'is not valid JSON; write an object such as {"key": "value"}'),
    "currency": ("bad_currency", "is not a currency code of ISO 4217; write for example EUR"),
    "zone": ("bad_value", "is not a time zone; write for example Europe/Berlin"),
}


@dataclass(frozen=True)
class Locale:
    mark: values.Mark
    order: str | None


def cells_of(frame: pl.DataFrame, match: Match) -> pl.DataFrame:
    """The file's cells by field (`f0`, `f1`, …) with nulls recognised, beside `_row`."""
    columns = [
        values.without_nulls(pl.col(f"c{place}")).alias(f"f{index}")
        for index, _ in enumerate(match.shape.fields)
        if (place := match.place(index)) is not None
    ]
    return frame.select("_row", *columns)


def locale_of(cells: pl.DataFrame, match: Match, ctx: Context, exact: bool) -> Locale:
    """The file's decimal mark and date order; Unreadable (`ambiguous_number`, `ambiguous_date`) if nothing decides."""
    return Locale(_mark(cells, match, ctx, exact), _order(cells, match, ctx))


def _mark(cells: pl.DataFrame, match: Match, ctx: Context, exact: bool) -> values.Mark:
    if ctx.options.decimal_mark is not None and not exact:
        return ctx.options.decimal_mark
    if exact or match.shape.point_decimal:
        return "."
    point = comma = 0
    weak: list[tuple[bool, bool]] = []
    undecided: tuple[int, str] | None = None
    for index, field in enumerate(match.shape.fields):
        if field.kind in NUMERIC and f"f{index}" in cells.columns:
            p, c, either = values.marks(cells[f"f{index}"], whole=False)
            point, comma = point + p, comma + c
            if field.kind == "count" and either:
                weak.append(values.marks(cells[f"f{index}"], whole=True)[:2])
            if either and undecided is None:
                undecided = (index, either)
    if point != comma:
        return "." if point > comma else ","
    if point == 0:
        for p, c in weak:
            if p != c:
                return "." if p else ","
    if undecided is None:
        return "."
    if any(_ungrouped(cells, index, field) for index, field in enumerate(match.shape.fields)):
        return "." if "." in undecided[1] else ","  # thousands are ungrouped elsewhere, so this mark does not group
    if match.language is not None:
        return "." if match.language in _POINT_LANGUAGES else ","
    row = cells.filter(pl.col(f"f{undecided[0]}") == undecided[1])["_row"][0]
    header = match.header.cells[match.places[str(undecided[0])]]
    raise Unreadable(
        "ambiguous_number",
        f"row {row}, column {header!r}: {undecided[1]!r} can mean two amounts, and no other cell of the file decides;"
        f" set sources.{ctx.source}.decimal_mark to '.' or ',' in plumbline.yaml",
        column=header,
        value=undecided[1],
    )


def _ungrouped(cells: pl.DataFrame, index: int, field: Field) -> bool:
    """Whether a numeric column holds a value such as 1204: its writer does not group thousands."""
    if field.kind not in NUMERIC or f"f{index}" not in cells.columns:
        return False
    return bool(cells[f"f{index}"].str.contains(r"^[+-]?\d{4,}$").any())


def _order(cells: pl.DataFrame, match: Match, ctx: Context) -> str | None:
    if ctx.options.date_order is not None:
        return ctx.options.date_order
    day_first = month_first = 0
    open_date: tuple[int, str] | None = None
    for index, field in enumerate(match.shape.fields):
        if field.kind in _DATED and f"f{index}" in cells.columns:
            d, m, either = values.date_order(
                cells[f"f{index}"].filter(cells[f"f{index}"].str.contains(r"^\d{1,2}[/\-]\d"))
            )
            day_first, month_first = day_first + d, month_first + m
            if either and open_date is None:
                open_date = (index, either)
    if day_first != month_first:
        return "dmy" if day_first > month_first else "mdy"
    if match.language not in (None, "en"):
        return "dmy"
    if match.shape.date_order is not None:
        return match.shape.date_order
    if open_date is None:
        return None
    row = cells.filter(pl.col(f"f{open_date[0]}") == open_date[1])["_row"][0]
    header = match.header.cells[match.places[str(open_date[0])]]
    raise Unreadable(
        "ambiguous_date",
        f"row {row}, column {header!r}: {open_date[1]!r} can mean two days, and no other cell of the file decides;"
        f" set sources.{ctx.source}.date_order to dmy or mdy in plumbline.yaml",
        column=header,
        value=open_date[1],
    )


def typed_columns(
    cells: pl.DataFrame, match: Match, ctx: Context, locale: Locale
) -> tuple[pl.DataFrame, list[Broken], dict[int, pl.Series]]:
    """Typed columns named as in the raw table, the cells that broke a rule, and the typed series by field."""
    out: dict[str, pl.Series] = {"_row": cells["_row"]}
    broken: list[Broken] = []
    segments: list[pl.Expr] = []
    by_field: dict[int, pl.Series] = {}
    for index, field in enumerate(match.shape.fields):
        if f"f{index}" not in cells.columns:
            continue
        header = match.header.cells[match.places[str(index)]]
        raw = cells[f"f{index}"]
        if field.kind == "segment":
            segments.append(pl.when(raw.is_not_null()).then(pl.lit(f"{field.column}=") + raw.fill_null("")))
            continue
        raw = _without_placeholders(raw, field, header, ctx)
        typed = _typed(raw, field, ctx, locale)
        by_field[index] = typed
        broken += _broken(cells["_row"], raw, typed, field, header, ctx)
        if field.stored:
            name = field.column
            earlier = out.get(name)
            filled = typed if earlier is None else _first(earlier, typed)
            out[name] = filled.alias(name)
    frame = pl.DataFrame(list(out.values()))
    if segments:
        frame = frame.with_columns(pl.concat_str(segments, separator=";", ignore_nulls=True).alias("segment"))
    return frame, broken, by_field


def _first(a: pl.Series, b: pl.Series) -> pl.Series:
    return pl.DataFrame({"a": a, "b": b}).select(pl.coalesce("a", "b")).to_series()


def _without_placeholders(raw: pl.Series, field: Field, header: str, ctx: Context) -> pl.Series:
    if field.kind not in ("text", "id", "url"):
        return raw
    hits = raw.str.contains(_PLACEHOLDER).fill_null(False)
    if not hits.any():
        return raw
    ctx.notices.append(
        f"column {header!r}: {int(hits.sum())} cells hold an unresolved placeholder such as"
        f" {raw.filter(hits)[0]!r} and were left"
        " empty; repair the tracking template"
    )
    return raw.to_frame("x").select(pl.when(~hits).then(pl.col("x"))).to_series()


def _typed(raw: pl.Series, field: Field, ctx: Context, locale: Locale) -> pl.Series:
    kind = field.kind
    match kind:
        case "money":
            return values.decimals(raw, locale.mark, 6, field.scale)
        case "rate":
            return values.decimals(raw, locale.mark, 10)
        case "count":
            return values.counts(raw, locale.mark)
        case "double":
            return values.doubles(raw, locale.mark)
        case "day":
            return values.days(raw, locale.order, months=ctx.options.grain == "month")
        case "instant":
            return values.instants(raw, locale.order)
        case "flag":
            return values.flags(raw)
        case "currency":
            code = raw.str.to_uppercase()
            return (
                code.to_frame("x")
                .select(pl.when(pl.col("x").is_in(list(currency_codes()))).then(pl.col("x")))
                .to_series()
            )
        case "choice":
            return raw.str.to_lowercase().str.replace_all(r"[\s\-]+", "_")
        case "period":
            return raw.str.extract(r"^(\d{4}-(?:0[1-9]|1[0-2]))(?:-\d{2})?$")
        case "id":
            return raw
        case "ids":
            return raw.str.replace_all(r"[,|\s]+", ";").str.strip_chars('[];"')
        case _:
            return _each(raw, _text_reader(kind, ctx))


def _text_reader(kind: str, ctx: Context) -> Callable[[str], str | None] | None:
    readers: dict[str, Callable[[str], str | None]] = {
        "email": lambda t: privacy.address_key(t, ctx.pepper),
        "domain": privacy.email_domain,
        "person": lambda t: privacy.person_key(t, ctx.pepper),
        "actor": lambda t: privacy.actor_key(t, ctx.pepper),
        "name": lambda t: privacy.name_key(t, ctx.pepper),
        "answer": privacy.stripped,
        "url": privacy.reduced_url,
        "json": _json,
        "zone": _zone,
        "text": lambda t: privacy.stripped(t) if "@" in t or "%40" in t else t,
    }
    return readers[kind]


def _json(text: str) -> str | None:
    try:
        return privacy.scrubbed_json(text)
    except ValueError:
        return None


def _zone(text: str) -> str | None:
    return text if "/" in text or text == "UTC" or (text.isalpha() and text.upper() not in ("TRUE", "FALSE")) else None


def _each(raw: pl.Series, read: Callable[[str], str | None] | None) -> pl.Series:
    """`read` over the distinct texts, so that repeated names cost once."""
    distinct = raw.drop_nulls().unique()
    if read is None or distinct.is_empty():
        return raw
    return raw.replace_strict(
        distinct, pl.Series([read(t) for t in distinct], dtype=pl.String), default=None, return_dtype=pl.String
    )


def _broken(rows: pl.Series, raw: pl.Series, typed: pl.Series, field: Field, header: str, ctx: Context) -> list[Broken]:
    broken: list[Broken] = []

    def report(mask: pl.Series, rule: str, why: str) -> None:
        mask = mask.fill_null(False)
        if mask.any():
            for row, value in zip(rows.filter(mask), raw.filter(mask), strict=True):
                shown = privacy.masked(value) if value is not None and field.kind in PERSONAL else value
                broken.append(Broken(row, header, shown, rule, why))

    if field.kind in _FORGIVEN:
        lost = typed.null_count() - raw.null_count()
        if lost and field.kind == "email":
            ctx.notices.append(f"column {header!r}: {lost} cells are no e-mail address and were left empty")
    elif raw.null_count() != typed.null_count():
        rule, why = _WHY.get(field.kind, ("bad_value", "cannot be read"))
        unread = raw.is_not_null() & typed.is_null()
        if field.kind == "day":
            several = unread & raw.str.contains(_SEVERAL_DAYS).fill_null(False)
            timed = unread & ~several & raw.str.contains(_TIME_OF_DAY).fill_null(False)
            report(several, "multi_day", "covers more than a day; export one row per day")
            report(timed, "bad_date", "holds a time of day, whose day depends on a zone; export the day alone")
            unread = unread & ~several & ~timed
        report(unread, rule, why)
    if field.filled and field.default is None and raw.null_count():
        report(raw.is_null(), "missing_value", "is empty but needed; fill the cell and deliver the file again")
    if field.kind in ("id", "ids"):
        damaged = raw.str.contains(_DAMAGED_ID).fill_null(False)
        long = raw.filter(raw.str.contains(r"^\d{16,}$"))
        if len(long) >= 2 and bool(long.str.contains(r"^\d{15}0+$").all()) and long.n_unique() > 1:
            damaged = damaged | raw.str.contains(r"^\d{15}0+$").fill_null(False)
        report(damaged, "id_precision_lost", f"has lost digits in a spreadsheet; {_ID_FIX}")
    if field.kind == "day" and not field.future and len(typed):
        report(
            typed > ctx.today, "future_day", f"lies after {ctx.today}; correct the date, or the clock in plumbline.yaml"
        )
    if field.kind == "instant" and not field.future and len(typed):
        report(typed > ctx.now, "future_day", f"lies after {ctx.now:%Y-%m-%d %H:%M} UTC; correct the time")
    if field.one_of:
        report(
            typed.is_not_null() & ~typed.is_in(list(field.one_of)),
            "bad_value",
            f"is not one of {', '.join(field.one_of)}",
        )
    if field.least is not None:
        report(typed < field.least, "bad_number", f"is below {field.least}; correct the cell")
    if field.most is not None:
        report(typed > field.most, "bad_number", f"is above {field.most}; correct the cell")
    return broken
