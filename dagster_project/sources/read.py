"""One delivered file, read completely: typed rows per table, refused rows with their reason, and the file's books.

Pure reading: no database and no clock here; writing is `landing`.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl

from dagster_project.sources import controls, privacy
from dagster_project.sources.contract import PERSONAL, Broken, Context, Shape, Source, Unreadable
from dagster_project.sources.decode import decoded, repaired, unpacked
from dagster_project.sources.delivered import business_day, effective_now
from dagster_project.sources.delivery import LONGEST_VALUE, Delivery, Reading
from dagster_project.sources.money import with_currency
from dagster_project.sources.recognise import Match, recognised
from dagster_project.sources.row_checks import refuse_shifted, repeated, unique_by
from dagster_project.sources.tabulate import (
    Candidate,
    Table,
    csv_candidates,
    csv_table,
    json_table,
    parquet_table,
    xlsx_candidates,
    xlsx_table,
)
from dagster_project.sources.typed import cells_of, locale_of, typed_columns
from dagster_project.workspace.settings import Settings, SourceOptions
from models.error import PlumblineError

_LOG = logging.getLogger(__name__)
ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".parquet", ".json", ".jsonl", ".ndjson")


def read_file(
    path: Path,
    source: str,
    options: SourceOptions,
    *,
    settings: Settings,
    now: datetime,
    pepper: privacy.Pepper = b"",
    feed_key: bytes | None = None,
    file: str | None = None,
) -> Delivery:
    """All contents of the file, by the contract of `source` (a folder name of landing/).

    Never raises for bad data: bad rows come back in `quarantine`, a file that cannot be read at all as
    `unreadable` with
    one line. `now` is an aware UTC instant; `pepper` keys the hashes of personal data and must not be empty for sources
    that hold some. `file` is the path below landing/ (derived from `path` if not given). Raises FileNotFoundError if
    the file is gone and ValueError for an empty pepper. `feed_key` verifies offers of the pattern feed; without
    it none is accepted.
    """
    from dagster_project.sources.catalogue import source_named

    contract = source_named(source)
    name = file if file is not None else relative_name(path, source)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        reading = Reading(source, name, unopened_sha256(name), effective_now(settings, now))
        why = f"the file cannot be opened ({error.strerror}); make it readable for the user who runs plumbline"
        return reading.refused(Unreadable("cannot_open", why))
    reading = Reading(source, name, hashlib.sha256(data).hexdigest(), effective_now(settings, now))
    try:
        return _read(data, contract, reading, options, settings, pepper, feed_key)
    except Unreadable as refusal:
        return reading.refused(refusal)
    except PlumblineError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:  # a file from outside must not stop the others
        if not pepper and contract.about_people:
            raise
        _LOG.exception("landing/%s made its reader fail", name)
        reading.rows = 0
        why = f"its reader failed ({type(error).__name__}), so nothing of it landed; export it in another format"
        return reading.refused(Unreadable("reader_failed", f"{why}, and report the message in the log"))


def unopened_sha256(name: str) -> str:
    """What stands for the hash of a file that cannot be opened: it is tried again in every run."""
    return hashlib.sha256(f"cannot be opened: {name}".encode()).hexdigest()


def relative_name(path: Path, source: str) -> str:
    """The file's path from its source folder on, as people write it: `google_ads/2026/november.csv`."""
    parts = path.parts
    places = [i for i, part in enumerate(parts[:-1]) if part == source]
    return "/".join(parts[places[-1] :]) if places else f"{source}/{path.name}"


def _read(
    data: bytes,
    source: Source,
    reading: Reading,
    options: SourceOptions,
    settings: Settings,
    pepper: privacy.Pepper,
    feed_key: bytes | None,
) -> Delivery:
    table, match = _opened(data, source, reading, options)
    shape = match.shape
    reading.entity, reading.shape = shape.table, shape.name
    reading.rows = table.frame.height + len(table.bad) + len(table.overlong)
    reading.notices += table.notices
    ctx = Context(
        source=source.name,
        file=reading.file,
        shape=shape.name,
        settings=settings,
        options=options,
        pepper=pepper,
        feed_key=feed_key,
        today=business_day(settings, reading.now),
        now=reading.now,
        notices=reading.notices,
        preamble=table.preamble,
        headers=table.headers,
        present=frozenset(shape.fields[int(i)].column for i in match.places),
    )
    if shape.unused is not None:
        ctx.notices.append(f"set aside as a whole: {shape.unused}")
        return reading.landed(ctx, {}, [], control=reading.rows)
    if shape.reshape is None:
        return _checked(source, reading, table, table.frame, match, ctx, [])
    frame, early = shape.reshape(table.frame, ctx)
    frame, match = _as_fields(frame, match)
    return _checked(source, reading, table, frame, match, ctx, early)


def _opened(data: bytes, source: Source, reading: Reading, options: SourceOptions) -> tuple[Table, Match]:
    """The file's table under the shape it was recognised as."""
    from dagster_project.sources.catalogue import for_options

    data = unpacked(data, reading.file)
    ending = reading.file.casefold().removesuffix(".gz").rpartition(".")[2]
    if not data.strip():
        raise Unreadable("no_header", "the file is empty; deliver it again or remove it")
    source = for_options(source, options)
    renamed = dict(options.columns)
    if data.startswith(b"PK\x03\x04"):
        reading.encoding = "xlsx"
        candidates, sheets = xlsx_candidates(data)
        match = recognised(source, candidates, renamed, options.shape)
        return xlsx_table(sheets, match.header), match
    if data.startswith(b"PAR1"):
        reading.encoding = "parquet"
        return _record_match(parquet_table(data), source, renamed, options)
    if ending in ("xlsx", "parquet"):
        raise Unreadable("encoding_unknown", f"the name says {ending} but the bytes do not; export it again")
    text = decoded(data)
    reading.encoding = text.encoding
    reading.notices += text.notices
    if ending in ("json", "jsonl", "ndjson"):
        return _record_match(json_table(text.text), source, renamed, options)
    body = text.text
    try:
        match = recognised(source, csv_candidates(body), renamed, options.shape)
    except Unreadable:
        repaired_body = repaired(body) if ("Ã" in body or "â€" in body) else None
        if repaired_body is None:
            raise
        match = recognised(source, csv_candidates(repaired_body), renamed, options.shape)
        body = repaired_body
        reading.notices.append(
            "encoding_guessed: the text had been decoded as Windows-1252 once too often; repaired by one round"
        )
    return csv_table(body, match.header), match


def _record_match(table: Table, source: Source, renamed: dict[str, str], options: SourceOptions) -> tuple[Table, Match]:
    match = recognised(source, [Candidate(table.headers, 1)], renamed, options.shape)
    return table, match


def _as_fields(frame: pl.DataFrame, match: Match) -> tuple[pl.DataFrame, Match]:
    """A reshaped frame, whose columns are named as the raw table's, put under the shape's fields."""
    names = [c for c in frame.columns if c != "_row"]
    shape = match.shape
    places = {str(i): names.index(f.column) for i, f in enumerate(shape.fields) if f.column in names}
    header = replace(match.header, cells=tuple(names))
    renamed = frame.select("_row", *(pl.col(n).cast(pl.String).alias(f"c{i}") for i, n in enumerate(names)))
    return renamed, replace(match, places=places, header=header)


def _checked(
    source: Source, reading: Reading, table: Table, frame: pl.DataFrame, match: Match, ctx: Context, early: list[Broken]
) -> Delivery:
    """Rows through all checks, in the order in which one fault would hide another."""
    shape = match.shape
    everything = cells_of(frame, match)
    control = controls.control_rows(frame, match, everything)
    data = frame.join(control, on="_row", how="anti", maintain_order="left")
    cells = everything.join(control, on="_row", how="anti", maintain_order="left")
    locale = locale_of(everything, match, ctx, table.exact)
    typed, faults, by_field = typed_columns(cells, match, ctx, locale)
    refuse_shifted(cells, by_field, match, ctx)
    broken = [*early, *_uncut(table, source), *faults]
    again = set() if shape.repeats else repeated(table.frame) - set(control["_row"].to_list())
    is_again = data["_row"].is_in(sorted(again))
    controls.check_totals(frame, control, by_field, cells, everything, broken, is_again, match, ctx, locale)
    typed = _with_constants(typed, shape)
    if shape.keeps_unknown or shape.rest_to:
        typed = _with_unknown(typed, data, match, ctx)
    typed, currency_faults = with_currency(typed.filter(~is_again), match, ctx)
    already = {b.row for b in broken}
    broken += [b for b in currency_faults if b.row not in already]
    frames, late = _finished(_without(typed, {b.row for b in broken}), shape, ctx, source)
    broken += late
    frames = {t: _without(f, {b.row for b in late}) for t, f in frames.items()}
    duplicates = len(again)
    if shape.key and shape.table in frames:
        before = set(frames[shape.table]["_row"])
        frames[shape.table], conflicts = unique_by(frames[shape.table], shape.key)
        broken += conflicts
        clash = {b.row for b in conflicts}
        equal = before - set(frames[shape.table]["_row"]) - clash
        duplicates += len(equal)
        frames = {t: _without(f, clash | equal) for t, f in frames.items()}
    broken = [_as_headed(b, match) for b in broken if b.row not in again]
    legal = sum(controls.is_legal(line) for _, line in table.overlong)
    return reading.landed(ctx, frames, broken, control=control.height + legal, duplicate=duplicates)


def _as_headed(broken: Broken, match: Match) -> Broken:
    """The fault under the file's own header, where a step spoke of the table's column; personal values hidden."""
    for index, place in match.places.items():
        field = match.shape.fields[int(index)]
        if field.column == broken.column and field.stored:
            hidden = broken.value is not None and field.kind in PERSONAL and "…" not in broken.value
            value = privacy.masked(broken.value) if hidden and broken.value else broken.value
            return replace(broken, column=match.header.cells[place], value=value)
    return broken


def _uncut(table: Table, source: Source) -> list[Broken]:
    """Rows that could not be cut into cells: open quotes, broken JSON, more cells than headers."""

    def shown(line: str) -> str:
        return privacy.masked(line) if source.about_people else line[:LONGEST_VALUE]

    broken = [Broken(b.row, b.column, shown(b.value), b.rule, b.why) for b in table.bad]
    for row, cells in table.overlong:
        if not controls.is_legal(cells):
            why = f"has {len(cells)} cells under {len(table.headers)} headers; quote texts that hold the delimiter"
            broken.append(Broken(row, "", shown(",".join(cells)), "shifted_columns", why))
    return broken


def _without(frame: pl.DataFrame, rows: set[int]) -> pl.DataFrame:
    return frame.filter(~pl.col("_row").is_in(sorted(rows))) if rows else frame


def _with_constants(typed: pl.DataFrame, shape: Shape) -> pl.DataFrame:
    defaults = {f.column: f.default for f in shape.fields if f.default is not None and f.column in typed.columns}
    typed = typed.with_columns(pl.col(c).fill_null(pl.lit(v)) for c, v in defaults.items())
    absent = {f.column: f.default for f in shape.fields if f.default is not None and f.column not in typed.columns}
    constants = {**absent, **shape.constants}
    return typed.with_columns(pl.lit(value, dtype=pl.String).alias(c) for c, value in constants.items())


def _with_unknown(typed: pl.DataFrame, data: pl.DataFrame, match: Match, ctx: Context) -> pl.DataFrame:
    """Columns that no field reads, as one JSON object per row; columns with personal data are named and left out."""
    unknown = [(i, h) for i, h in enumerate(match.header.cells) if i not in match.used and h.strip()]
    personal = [h for _, h in unknown if privacy.is_personal(h)]
    kept_columns = [(i, h) for i, h in unknown if h not in personal and not h.startswith("_")]
    if personal:
        ctx.notices.append(f"not kept, because they may hold personal data: {', '.join(sorted(set(personal)))}")
    if not kept_columns:
        return typed
    target = match.shape.rest_to
    if target is None or target in typed.columns:
        target = "_extra"
    if target == "_extra":
        ctx.notices.append(
            f"columns kept in _extra, unknown to {match.shape.name}: {', '.join(h for _, h in kept_columns)}"
        )
    names: dict[str, int] = {}
    for i, h in kept_columns:
        names.setdefault(h.strip() if h.strip() not in names else f"{h.strip()} #{i + 1}", i)
    box = data.select(pl.struct(pl.col(f"c{i}").alias(h) for h, i in names.items()).struct.json_encode().alias("j"))[
        "j"
    ]
    if bool(box.str.contains("@|%40").any()):
        box = pl.Series("j", [privacy.EMAIL.sub("[e-mail removed]", t) if "@" in t or "%40" in t else t for t in box])
    return typed.with_columns(box.alias(target))


def _finished(
    good: pl.DataFrame, shape: Shape, ctx: Context, source: Source
) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    frames, late = shape.finish(good, ctx) if shape.finish is not None else ({shape.table: good}, [])
    return {table: _as_entity(frame, source, table) for table, frame in frames.items()}, late


_POLARS: dict[str, pl.DataType | type[pl.DataType]] = {
    "day": pl.Date,
    "instant": pl.Datetime("us"),
    "money": pl.Decimal(38, 6),
    "rate": pl.Decimal(38, 10),
    "count": pl.Int64,
    "double": pl.Float64,
    "flag": pl.Boolean,
}


def _as_entity(frame: pl.DataFrame, source: Source, table: str) -> pl.DataFrame:
    """The frame with exactly the table's columns, in order, absent ones null."""
    columns = []
    for name, kind in (*source.entity(table).columns, ("_extra", "json")):
        dtype: pl.DataType | type[pl.DataType] = _POLARS.get(kind, pl.String)
        columns.append(pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype=dtype).alias(name))
    return frame.select("_row", *columns)
