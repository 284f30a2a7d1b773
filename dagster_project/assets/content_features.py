"""What each delivered row of the content log says about its piece, read once per version of the vocabulary."""

from __future__ import annotations

import json
from collections.abc import Iterable

import dagster as dg
import duckdb
import polars as pl

from dagster_project.warehouse import run_record, tables
from dagster_project.warehouse.resource import Warehouse
from dagster_project.warehouse.warnings import markdown, record_warnings
from feedback.patterns.dimensions import DIMENSIONS
from feedback.patterns.piece_features import Piece, PieceFeature, piece_features, vocabulary_version
from models.warning import Warning

UNREAD = (
    "select _batch_id, _row, content_id, headline, text, language, format, features from raw.content as piece"
    " where not exists (select 1 from ops.content_reading as done where done.batch_id = piece._batch_id"
    " and done.vocabulary_version = ?) order by _batch_id, _row"
)
COLUMNS = {
    "batch_id": pl.String,
    "file_row": pl.Int64,
    "content_id": pl.String,
    "namespace": pl.String,
    "feature": pl.String,
    "basis": pl.String,
    "extractor_version": pl.String,
    "delivered": pl.String,
    "vocabulary_version": pl.String,
}


@dg.asset(
    key=["measurement", "content_feature"],
    deps=[["raw", "content"]],
    group_name="measurement",
    owners=["team:content"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def content_feature(warehouse: Warehouse) -> dg.MaterializeResult:
    """Hook, proof, call to action and the other features of every piece: declared, or read from its text by rules."""
    with warehouse.write() as con:
        added = read_pieces(con)
        warnings = unknown_values(con)
        record_warnings(con, run_record.current(con).run_id, warnings)
        bases = con.sql(
            "select basis, count(*) from measurement.content_feature group by basis order by basis"
        ).fetchall()
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(count for _, count in bases),
            "pieces read": added,
            **{f"features {basis}": count for basis, count in bases},
            "warnings": dg.MetadataValue.md(markdown(warnings)),
        }
    )


def read_pieces(con: duckdb.DuckDBPyConnection) -> int:
    """Read what no earlier run has read with this vocabulary, and forget what an older one read; returns the rows read.

    A changed extractor therefore reads the whole history again.
    """
    version = vocabulary_version()
    con.execute("delete from measurement.content_feature where vocabulary_version <> ?", [version])
    con.execute("delete from ops.content_reading where vocabulary_version <> ?", [version])
    rows = con.execute(UNREAD, [version]).fetchall()
    frame = pl.DataFrame(list(_read(rows, version)), schema=COLUMNS, orient="row")
    if frame.height:
        tables.append(con, "measurement.content_feature", frame)
    con.execute(
        "insert into ops.content_reading select distinct _batch_id, cast(? as varchar) from raw.content where _batch_id"
        " not in (select batch_id from ops.content_reading)",
        [version],
    )
    return len(rows)


def _read(rows: Iterable[tuple[str, int, str, str, str, str, str, str]], version: str) -> Iterable[tuple[object, ...]]:
    for batch, row, content, headline, text, language, form, features in rows:
        box = json.loads(features) if features else None
        piece = Piece(headline, text, language, form, box if isinstance(box, dict) else None)
        for found in piece_features(piece):
            yield (batch, row, content, *_cells(found), version)


def _cells(found: PieceFeature) -> tuple[str | None, ...]:
    return found.namespace, found.feature, found.basis, found.version, found.delivered


def unknown_values(con: duckdb.DuckDBPyConnection) -> list[Warning]:
    """One warning per namespace with declared values outside the vocabulary, with an example and the allowed ones."""
    rows = con.sql(
        "select namespace, count(*), min_by(delivered, (batch_id, file_row)), min_by(content_id, (batch_id, file_row))"
        " from measurement.content_feature where basis = 'unknown' group by namespace order by namespace"
    ).fetchall()
    return [
        Warning(
            "feature_value_unknown",
            "low",
            f"content: {namespace}",
            f"{count} rows of landing/content declare a {namespace} that is not in the vocabulary, the first is"
            f" {str(value)[:60]!r} of {content}. It counts as unknown, and tests with such a piece teach nothing about"
            f" {namespace}.",
            f"Use one of {', '.join(DIMENSIONS[namespace].values)}."
            if namespace in DIMENSIONS
            else "Use an id of lower-case letters, digits, - and _.",
        )
        for namespace, count, value, content in rows
    ]


assets = [content_feature]
