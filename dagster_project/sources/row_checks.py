"""Faults that show only between rows or between columns: repeats, contradictions, shifted cells."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import polars as pl

from dagster_project.sources import values
from dagster_project.sources.contract import Broken, Context, Unreadable
from dagster_project.sources.recognise import Match


def repeated(frame: pl.DataFrame) -> set[int]:
    """Rows that are, cell for cell, an earlier row of the same file."""
    cells = [c for c in frame.columns if c != "_row"]
    if frame.is_empty() or not cells:
        return set()
    return set(frame.filter(~pl.struct(cells).is_first_distinct())["_row"].to_list())


def refuse_shifted(cells: pl.DataFrame, by_field: dict[int, pl.Series], match: Match, ctx: Context) -> None:
    """Raises Unreadable (`shifted_columns`) where a typed column mostly holds values of its right neighbour."""
    by_place = {place: int(i) for i, place in match.places.items()}
    strict = {"day", "instant", "money", "count", "flag", "currency", "zone", "rate"}
    for index, series in by_field.items():
        field = match.shape.fields[index]
        neighbour = by_place.get(match.places[str(index)] + 1)
        if field.kind not in strict or neighbour is None or neighbour not in by_field:
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
            f"row {row}, column {header!r} holds {value!r}, which belongs under {next_header!r}: the columns"
            f" are shifted"
            " against the header; export the file again",
            column=header,
            value=value,
        )


def unique_by(frame: pl.DataFrame, key: tuple[str, ...]) -> tuple[pl.DataFrame, list[Broken]]:
    """Rows whose key occurs once; of equal rows the first is kept, unequal ones are all refused."""
    columns = [k for k in key if k in frame.columns]
    repeats_key = frame.select(pl.struct(columns).is_duplicated()).to_series()
    if not repeats_key.any():
        return frame, []
    group = frame.filter(repeats_key)
    content = [c for c in frame.columns if c != "_row"]
    distinct_rows = group.unique(subset=content, keep="first", maintain_order=True)
    conflicting = distinct_rows.filter(distinct_rows.select(pl.struct(columns).is_duplicated()).to_series())
    rows = conflicting.with_columns(pl.col("_row").sort().implode().over(columns).alias("_all"))
    broken = []
    for line in rows.iter_rows(named=True):
        what = ", ".join(f"{c} {line[c]}" for c in columns if line[c] is not None)
        others = ", ".join(str(r) for r in line["_all"] if r != line["_row"])
        differs = _differing(conflicting, line, columns)
        column, value = (differs[0], str(line[differs[0]])) if differs else (columns[0], None)
        fix = "keep the right row, or export the column that tells them apart"
        if column == "_extra":
            column, value = _unknown_column(distinct_rows, line)
            fix = "the report is split by a column that Plumbline does not know: remove it and export again"
        why = f"is one of several values for {what} (also row {others}); {fix}"
        broken.append(Broken(line["_row"], column, value, "key_conflict", why))
    clash = (
        pl.struct(columns).is_in(conflicting.select(pl.struct(columns)).to_series().implode())
        if conflicting.height
        else pl.lit(False)
    )
    accepted = distinct_rows.filter(~clash) if conflicting.height else distinct_rows
    return pl.concat([frame.filter(~repeats_key), accepted]).sort("_row", maintain_order=True), broken


def _fits(cells: pl.Series, kind: str, ctx: Context) -> bool:
    tests = {
        "day": lambda: values.days(cells, None),
        "instant": lambda: values.instants(cells, None),
        "money": lambda: values.decimals(cells, "."),
        "count": lambda: values.counts(cells, "."),
        "flag": lambda: values.flags(cells),
        "currency": lambda: cells.str.extract(r"^([A-Z]{3})$"),
        "zone": lambda: cells.str.extract(r"^([A-Z][A-Za-z_]+/[A-Za-z_/+\-0-9]+|UTC)$"),
    }
    return kind in tests and tests[kind]().null_count() == 0


def _unknown_column(rows: pl.DataFrame, line: dict[str, Any]) -> tuple[str, str | None]:
    """The first column among the unknown ones in which the row differs from another one."""
    own = json.loads(line["_extra"] or "{}")
    for text in rows["_extra"]:
        other = json.loads(text or "{}")
        for name in own:
            if own[name] != other.get(name):
                return name, None if own[name] is None else str(own[name])
    return "_extra", line["_extra"]


def _differing(conflicting: pl.DataFrame, line: dict[str, Any], columns: Iterable[str]) -> list[str]:
    same = conflicting.filter(
        pl.all_horizontal(pl.col(c).eq_missing(pl.lit(line[c], dtype=conflicting.schema[c])) for c in columns)
    )
    return [c for c in conflicting.columns if c not in ("_row", *columns) and same[c].n_unique() > 1]
