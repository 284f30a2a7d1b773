"""One delivered file, read whole: typed rows per table, refused rows with their reason, and the file's books.

Pure reading: no database and no clock here; writing is `landing`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from dagster_project.settings import Settings, SourceOptions
from dagster_project.sources import controls, privacy
from dagster_project.sources.contract import Broken, Context, Shape, Source, Unreadable
from dagster_project.sources.decode import decoded, repaired, unpacked
from dagster_project.sources.delivered import business_day, delivered_at, effective_now
from dagster_project.sources.recognise import Match, recognised
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

ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".parquet", ".json", ".jsonl", ".ndjson")
QUARANTINE_SCHEMA = {
    "source": pl.String, "file": pl.String, "row": pl.Int64, "column": pl.String, "value": pl.String,
    "rule": pl.String, "message": pl.String,
}  # fmt: skip
_LONGEST_VALUE = 200


@dataclass(frozen=True)
class Delivery:
    """What one file brought. `delivered = landed + quarantined + duplicate + control` counts rows of the file.

    `frames` holds typed rows per raw table (a file may feed several; `rows_landed` counts its own rows once). `quarantine`
    has a line per broken rule, so a row may appear twice there; a file refused as a whole has one line with row null.
    """

    source: str
    file: str
    sha256: str
    entity: str
    shape: str
    frames: dict[str, pl.DataFrame]
    quarantine: pl.DataFrame
    rows_delivered: int
    rows_landed: int
    rows_quarantined: int
    rows_duplicate: int
    rows_control: int
    day_min: date | None
    day_max: date | None
    delivered_at: datetime
    encoding: str
    notices: tuple[str, ...] = ()
    status: str = "landed"

    @property
    def balanced(self) -> bool:
        return self.rows_delivered == (
            self.rows_landed + self.rows_quarantined + self.rows_duplicate + self.rows_control
        )


@dataclass
class _Progress:
    """What is known so far, so that a refusal half-way still tells it."""

    encoding: str = ""
    entity: str = ""
    shape: str = ""
    rows: int = 0
    notices: list[str] = field(default_factory=list)


def read_file(
    path: Path, source: str, options: SourceOptions, *, settings: Settings, now: datetime, pepper: privacy.Pepper = b"",
    file: str | None = None,
) -> Delivery:  # fmt: skip
    """Everything the file holds, as `source` (a folder name of landing/) promises it.

    Never raises for bad data: bad rows come back in `quarantine`, a file that cannot be read at all as `unreadable` with
    one line. `now` is an aware UTC instant; `pepper` keys the hashes of personal data and must not be empty for sources
    that hold some. `file` is the path below landing/ (derived from `path` if not given). Raises OSError if the file
    cannot be opened and ValueError for an empty pepper.
    """
    from dagster_project.sources.catalogue import source_named

    contract = source_named(source)
    name = file if file is not None else relative_name(path, source)
    data = path.read_bytes()
    moment = effective_now(settings, now)
    progress = _Progress()
    sha = hashlib.sha256(data).hexdigest()
    try:
        return _read(data, contract, name, sha, options, settings, moment, pepper, progress)
    except Unreadable as refusal:
        return _refused(contract, name, sha, moment, progress, refusal)


def relative_name(path: Path, source: str) -> str:
    """The file's path from its source folder on, as people write it: `google_ads/2026/november.csv`."""
    parts = path.parts
    places = [i for i, part in enumerate(parts[:-1]) if part == source]
    return "/".join(parts[places[-1] :]) if places else f"{source}/{path.name}"


def _read(
    data: bytes, source: Source, name: str, sha: str, options: SourceOptions, settings: Settings, now: datetime,
    pepper: privacy.Pepper, progress: _Progress,
) -> Delivery:  # fmt: skip
    table, match = _opened(data, source, name, options, progress)
    shape = match.shape
    progress.entity, progress.shape = shape.table, shape.name
    progress.rows = table.frame.height + len(table.bad) + len(table.overlong)
    progress.notices += table.notices
    ctx = Context(
        source=source.name, file=name, shape=shape.name, settings=settings, options=options, pepper=pepper,
        today=business_day(settings, now), now=now, notices=progress.notices, preamble=table.preamble, headers=table.headers,
        present=frozenset(shape.fields[int(i)].column for i in match.places),
    )  # fmt: skip
    if shape.unused is not None:
        ctx.notices.append(f"set aside as a whole: {shape.unused}")
        return _delivery(source, name, sha, progress, ctx, {}, [], now, control=progress.rows)
    if shape.reshape is not None:
        frame, early = shape.reshape(table.frame, ctx)
        progress.notices = ctx.notices
        reshaped, match = _as_fields(frame, match)
        return _typed(source, name, sha, reshaped, match, ctx, progress, table, early, now)
    return _typed(source, name, sha, table.frame, match, ctx, progress, table, [], now)


def _opened(data: bytes, source: Source, name: str, options: SourceOptions, progress: _Progress) -> tuple[Table, Match]:
    """The file's table under the shape it was recognised as."""
    from dagster_project.sources.catalogue import for_options

    data = unpacked(data, name)
    ending = name.casefold().removesuffix(".gz").rpartition(".")[2]
    if not data.strip():
        raise Unreadable("no_header", "the file is empty; deliver it again or remove it")
    source = for_options(source, options)
    renamed = dict(options.columns)
    if data.startswith(b"PK\x03\x04"):
        progress.encoding = "xlsx"
        candidates, sheets = xlsx_candidates(data)
        match = recognised(source, candidates, renamed, options.shape)
        return xlsx_table(sheets, match.header), match
    if data.startswith(b"PAR1"):
        progress.encoding = "parquet"
        return _record_match(parquet_table(data), source, renamed, options)
    if ending in ("xlsx", "parquet"):
        raise Unreadable("encoding_unknown", f"the name says {ending} but the bytes do not; export it again")
    text = decoded(data)
    progress.encoding = text.encoding
    progress.notices += text.notices
    if ending in ("json", "jsonl", "ndjson"):
        return _record_match(json_table(text.text), source, renamed, options)
    body = text.text
    try:
        match = recognised(source, csv_candidates(body), renamed, options.shape)
    except Unreadable:
        better = repaired(body) if ("Ã" in body or "â€" in body) else None
        if better is None:
            raise
        match = recognised(source, csv_candidates(better), renamed, options.shape)
        body = better
        progress.notices.append(
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


def _typed(
    source: Source, name: str, sha: str, frame: pl.DataFrame, match: Match, ctx: Context, progress: _Progress, table: Table,
    early: list[Broken], now: datetime,
) -> Delivery:  # fmt: skip
    shape = match.shape
    everything = cells_of(frame, match)
    control = controls.control_rows(frame, match, everything)
    legal = sum(controls.is_legal(cells) for _, cells in table.overlong)
    broken = list(early) + [Broken(b.row, b.column, b.value, b.rule, b.why) for b in table.bad]
    broken += [
        Broken(row, "", ",".join(cells)[:_LONGEST_VALUE], "shifted_columns", f"has {len(cells)} cells under {len(table.headers)} headers;"
               " quote texts that hold the delimiter")
        for row, cells in table.overlong if not controls.is_legal(cells)
    ]  # fmt: skip
    data = frame.join(control, on="_row", how="anti", maintain_order="left")
    cells = everything.join(control, on="_row", how="anti", maintain_order="left")
    locale = locale_of(everything, match, ctx, table.exact)
    typed, faults, by_field = typed_columns(cells, match, ctx, locale)
    _shifted(typed, cells, by_field, match, ctx)
    broken += faults
    again = set() if shape.repeats else _repeated(table.frame) - set(control["_row"].to_list())
    repeated = data["_row"].is_in(sorted(again))
    controls.check_totals(control, by_field, cells, everything, broken, repeated, match, ctx, locale)
    typed = _with_constants(typed, shape, match, ctx)
    if shape.keeps_unknown or shape.rest_to:
        typed = _with_unknown(typed, data, match, ctx)
    typed = typed.filter(~repeated)
    duplicates = len(again)
    typed, currency_faults = _with_currency(typed, match, ctx)
    already = {b.row for b in broken}
    broken += [b for b in currency_faults if b.row not in already]
    bad = {b.row for b in broken}
    good = typed.filter(~pl.col("_row").is_in(sorted(bad)))
    frames, late = _finished(good, shape, ctx, source)
    broken += late
    bad |= {b.row for b in late}
    frames = {t: f.filter(~pl.col("_row").is_in(sorted(bad))) for t, f in frames.items()}
    if shape.key and shape.table in frames:
        before = set(frames[shape.table]["_row"])
        frames[shape.table], conflicts = _unique(frames[shape.table], shape.key)
        broken += conflicts
        clash = {b.row for b in conflicts}
        equal = before - set(frames[shape.table]["_row"]) - clash
        duplicates += len(equal)
        frames = {t: f.filter(~pl.col("_row").is_in(sorted(clash | equal))) for t, f in frames.items()}
    broken = [b for b in broken if b.row not in again]
    return _delivery(
        source, name, sha, progress, ctx, frames, broken, now, control=control.height + legal, duplicate=duplicates
    )


def _repeated(frame: pl.DataFrame) -> set[int]:
    """Rows that are, cell for cell, an earlier row of the same file."""
    cells = [c for c in frame.columns if c != "_row"]
    if frame.is_empty() or not cells:
        return set()
    return set(frame.filter(~pl.struct(cells).is_first_distinct())["_row"].to_list())


def _shifted(
    typed: pl.DataFrame, cells: pl.DataFrame, by_field: dict[int, pl.Series], match: Match, ctx: Context
) -> None:
    """Raises Unreadable (`shifted_columns`) where a typed column mostly holds what belongs into its right neighbour."""
    by_place = {place: int(i) for i, place in match.places.items()}
    strict = {"day", "instant", "money", "count", "flag", "currency", "zone", "rate"}
    for index, series in by_field.items():
        wanted = match.shape.fields[index]
        neighbour = by_place.get(match.places[str(index)] + 1)
        if wanted.kind not in strict or neighbour is None or neighbour not in by_field:
            continue
        delivered = cells[f"f{index}"]
        bad = delivered.is_not_null() & series.is_null()
        filled = delivered.len() - delivered.null_count()
        if (
            not filled
            or bad.sum() * 2 <= filled
            or not _fits(delivered.filter(bad), match.shape.fields[neighbour].kind, ctx)
        ):
            continue
        header, next_header = (match.header.cells[match.places[str(i)]] for i in (index, neighbour))
        row, value = cells["_row"].filter(bad)[0], delivered.filter(bad)[0]
        raise Unreadable(
            "shifted_columns",
            f"row {row}, column {header!r} holds {value!r}, which belongs under {next_header!r}: the columns are shifted"
            " against the header; export the file again",
            column=header, value=value,
        )  # fmt: skip


def _fits(cells: pl.Series, kind: str, ctx: Context) -> bool:
    from dagster_project.sources import values

    tests = {
        "day": lambda: values.days(cells, None), "instant": lambda: values.instants(cells, None),
        "money": lambda: values.decimals(cells, "."), "count": lambda: values.counts(cells, "."),
        "flag": lambda: values.flags(cells), "currency": lambda: cells.str.extract(r"^([A-Z]{3})$"),
        "zone": lambda: cells.str.extract(r"^([A-Z][A-Za-z_]+/[A-Za-z_/+\-0-9]+|UTC)$"),
    }  # fmt: skip
    return kind in tests and tests[kind]().null_count() == 0


def _with_constants(typed: pl.DataFrame, shape: Shape, match: Match, ctx: Context) -> pl.DataFrame:
    defaults = {f.column: f.default for f in shape.fields if f.default is not None and f.column in typed.columns}
    typed = typed.with_columns(pl.col(c).fill_null(pl.lit(v)) for c, v in defaults.items())
    absent = {f.column: f.default for f in shape.fields if f.default is not None and f.column not in typed.columns}
    constants = {**absent, **shape.constants}
    return typed.with_columns(pl.lit(value, dtype=pl.String).alias(c) for c, value in constants.items())


def _with_unknown(typed: pl.DataFrame, data: pl.DataFrame, match: Match, ctx: Context) -> pl.DataFrame:
    """Columns that no field reads, as one JSON object a row; columns that hold persons' data are named and left out."""
    unknown = [(i, h) for i, h in enumerate(match.header.cells) if i not in match.used and h.strip()]
    personal = [h for _, h in unknown if privacy.is_personal(h)]
    kept = [(i, h) for i, h in unknown if h not in personal and not h.startswith("_")]
    if personal:
        ctx.notices.append(f"not kept, because they may hold personal data: {', '.join(sorted(set(personal)))}")
    if not kept:
        return typed
    target = match.shape.rest_to
    if target is None or target in typed.columns:
        target = "_extra"
    if target == "_extra":
        ctx.notices.append(f"columns kept in _extra, unknown to {match.shape.name}: {', '.join(h for _, h in kept)}")
    names: dict[str, int] = {}
    for i, h in kept:
        names.setdefault(h.strip() if h.strip() not in names else f"{h.strip()} #{i + 1}", i)
    box = data.select(pl.struct(pl.col(f"c{i}").alias(h) for h, i in names.items()).struct.json_encode().alias("j"))[
        "j"
    ]
    if bool(box.str.contains("@|%40").any()):
        box = pl.Series("j", [privacy.EMAIL.sub("[e-mail removed]", t) if "@" in t or "%40" in t else t for t in box])
    return typed.with_columns(box.alias(target))


def _with_currency(typed: pl.DataFrame, match: Match, ctx: Context) -> tuple[pl.DataFrame, list[Broken]]:
    """A currency on every row with money: column, header, account's setting, source's setting, in this order."""
    shape, options = match.shape, ctx.options
    if shape.currency_from == "none":
        return typed, []
    delivered = "currency" in typed.columns
    if len(match.currencies) > 1 and not delivered:
        found = ", ".join(sorted(match.currencies))
        raise Unreadable(
            "currency_mixed", f"the money columns carry {found}; export one currency per file, or add a currency column"
        )
    if not delivered:
        typed = typed.with_columns(pl.lit(None, dtype=pl.String).alias("currency"))
    fallbacks: list[pl.Expr] = [pl.lit(c) for c in match.currencies]
    accounts = {a: facts.currency for a, facts in options.accounts.items() if facts.currency}
    if accounts and "account_id" in typed.columns:
        plain = pl.col("account_id").str.replace_all("-", "")
        fallbacks.append(
            plain.replace_strict(
                {k.replace("-", ""): v for k, v in accounts.items()}, default=None, return_dtype=pl.String
            )
        )
    elif len(accounts) == 1:
        fallbacks.append(pl.lit(next(iter(accounts.values()))))
    if options.currency:
        fallbacks.append(pl.lit(options.currency))
    if shape.currency_from == "report" and not delivered and not options.currency:
        fallbacks.append(pl.lit(ctx.settings.report_currency))
        ctx.notices.append(
            f"no currency column: amounts were taken as {ctx.settings.report_currency}, the report currency"
        )
    typed = typed.with_columns(pl.coalesce(pl.col("currency"), *fallbacks).alias("currency"))
    missing = typed.filter(pl.col("currency").is_null())
    if missing.is_empty():
        return typed, []
    if shape.currency_from == "objects":
        ctx.notices.append("no currency on the rows: it is taken from the account table, or set sources."
                           f"{ctx.source}.accounts.<account_id>.currency in plumbline.yaml")  # fmt: skip
        return typed, []
    place = "accounts.<account_id>.currency (or .currency)" if "account_id" in typed.columns else "currency"
    fix = f"set sources.{ctx.source}.{place} in plumbline.yaml, or export the currency column"
    if not delivered:
        raise Unreadable("currency_missing", f"no column says in which currency the money is; {fix}", column="currency")
    return typed, [
        Broken(r, "currency", None, "currency_missing", f"no currency on this row; {fix}") for r in missing["_row"]
    ]


def _finished(
    good: pl.DataFrame, shape: Shape, ctx: Context, source: Source
) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    frames, late = shape.finish(good, ctx) if shape.finish is not None else ({shape.table: good}, [])
    return {table: _as_entity(frame, source, table) for table, frame in frames.items()}, late


_POLARS: dict[str, pl.DataType | type[pl.DataType]] = {
    "day": pl.Date, "instant": pl.Datetime("us"), "money": pl.Decimal(38, 6), "rate": pl.Decimal(38, 10), "count": pl.Int64,
    "double": pl.Float64, "flag": pl.Boolean,
}  # fmt: skip


def _as_entity(frame: pl.DataFrame, source: Source, table: str) -> pl.DataFrame:
    """The frame with exactly the table's columns, in order, absent ones null."""
    columns = []
    for name, kind in (*source.entity(table).columns, ("_extra", "json")):
        dtype: pl.DataType | type[pl.DataType] = _POLARS.get(kind, pl.String)
        columns.append(pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype=dtype).alias(name))
    return frame.select("_row", *columns)


def _unique(frame: pl.DataFrame, key: tuple[str, ...]) -> tuple[pl.DataFrame, list[Broken]]:
    """Rows whose key stands once; of equal rows the first stays, unequal ones are all refused."""
    columns = [k for k in key if k in frame.columns]
    twice = frame.select(pl.struct(columns).is_duplicated()).to_series()
    if not twice.any():
        return frame, []
    group = frame.filter(twice)
    content = [c for c in frame.columns if c != "_row"]
    single = group.unique(subset=content, keep="first", maintain_order=True)
    still = single.filter(single.select(pl.struct(columns).is_duplicated()).to_series())
    rows = still.with_columns(pl.col("_row").sort().implode().over(columns).alias("_all"))
    broken = []
    for line in rows.iter_rows(named=True):
        what = ", ".join(f"{c} {line[c]}" for c in columns if line[c] is not None)
        others = ", ".join(str(r) for r in line["_all"] if r != line["_row"])
        differs = _differing(still, line, columns)
        broken.append(Broken(
            line["_row"], differs[0] if differs else columns[0], str(line[differs[0]]) if differs else None, "key_conflict",
            f"is one of several values for {what} (also row {others}); keep the right row, or export the column that tells them apart",
        ))  # fmt: skip
    clash = (
        pl.struct(columns).is_in(still.select(pl.struct(columns)).to_series().implode())
        if still.height
        else pl.lit(False)
    )
    alone = single.filter(~clash) if still.height else single
    return pl.concat([frame.filter(~twice), alone]).sort("_row", maintain_order=True), broken


def _differing(still: pl.DataFrame, line: dict[str, object], columns: Iterable[str]) -> list[str]:
    same = still.filter(
        pl.all_horizontal(pl.col(c).eq_missing(pl.lit(line[c], dtype=still.schema[c])) for c in columns)
    )
    return [c for c in still.columns if c not in ("_row", *columns) and same[c].n_unique() > 1]


def _delivery(
    source: Source, name: str, sha: str, progress: _Progress, ctx: Context, frames: dict[str, pl.DataFrame], broken: list[Broken],
    now: datetime, *, control: int = 0, duplicate: int = 0,
) -> Delivery:  # fmt: skip
    quarantined = len({b.row for b in broken})
    landed = progress.rows - quarantined - duplicate - control
    held = {row for frame in frames.values() for row in frame["_row"].unique().to_list()} if frames else set()
    if len(held) != landed:
        raise AssertionError(
            f"{name}: {landed} rows should have landed, {len(held)} did: the reader of {ctx.shape} lost some"
        )
    low, high = _span(frames, ctx)
    return Delivery(
        source=source.name, file=name, sha256=sha, entity=progress.entity, shape=progress.shape, frames=frames,
        quarantine=_quarantine(source.name, name, broken), rows_delivered=progress.rows, rows_landed=landed,
        rows_quarantined=quarantined, rows_duplicate=duplicate, rows_control=control, day_min=low, day_max=high,
        delivered_at=delivered_at(name, high, now), encoding=progress.encoding, notices=tuple(progress.notices),
    )  # fmt: skip


def _span(frames: dict[str, pl.DataFrame], ctx: Context) -> tuple[date | None, date | None]:
    days = [
        f.select(pl.col(c).cast(pl.Date)).to_series() for f in frames.values() for c in f.columns if c in _SPAN_COLUMNS
    ]
    seen = [d for s in days for d in (s.min(), s.max()) if isinstance(d, date) and d <= ctx.today]
    return (min(seen), max(seen)) if seen else (None, None)


_SPAN_COLUMNS = (
    "day",
    "ordered_at",
    "posted_on",
    "event_date",
    "ts",
    "rate_date",
    "requested_at",
    "start_day",
    "end_day",
)


def _quarantine(source: str, name: str, broken: list[Broken]) -> pl.DataFrame:
    lines = []
    for b in sorted(broken, key=lambda b: (b.row, b.column, b.rule)):
        column = f', column "{b.column}"' if b.column else ""
        value = None if b.value is None else b.value[:_LONGEST_VALUE]
        shown = f'"{value}" ' if value is not None else ""
        lines.append((source, name, b.row, b.column or None, value, b.rule,
                      f"landing/{name}, row {b.row}{column}: {shown}{b.why} [{b.rule}]."))  # fmt: skip
    return pl.DataFrame(lines, schema=QUARANTINE_SCHEMA, orient="row")


def _refused(source: Source, name: str, sha: str, now: datetime, progress: _Progress, refusal: Unreadable) -> Delivery:
    """A file that cannot be landed: it counts as its rows, or as one where they cannot be counted."""
    rows = max(progress.rows, 1)
    message = f"landing/{name}: {refusal.why} [{refusal.rule}]."
    line = (source.name, name, None, refusal.column, refusal.value, refusal.rule, message)
    return Delivery(
        source=source.name, file=name, sha256=sha, entity=progress.entity, shape=progress.shape, frames={},
        quarantine=pl.DataFrame([line], schema=QUARANTINE_SCHEMA, orient="row"), rows_delivered=rows, rows_landed=0,
        rows_quarantined=rows, rows_duplicate=0, rows_control=0, day_min=None, day_max=None, delivered_at=delivered_at(name, None, now),
        encoding=progress.encoding, notices=tuple(progress.notices), status="unreadable",
    )  # fmt: skip
