"""Paths: the channels that touched one buyer, in order, with the outcome. Reading, checking, joining."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

SEPARATOR = " > "
COUNTS = ("total_conversions", "total_conversion_value", "total_null")


@dataclass(frozen=True)
class Journeys:
    """Distinct paths as flat arrays: touch i belongs to path `path[i]` and is of channel `channels[code[i]]`.

    `code`, `path`: one entry per touch, ordered by path and position. `start`: first touch of each path and
    one end marker, so path p holds touches start[p]:start[p + 1]. `conversions`, `value`, `nulls`: one per
    path.
    """

    channels: tuple[str, ...]
    code: np.ndarray
    path: np.ndarray
    start: np.ndarray
    conversions: np.ndarray
    value: np.ndarray
    nulls: np.ndarray

    @property
    def length(self) -> np.ndarray:
        """Touches per path."""
        return np.diff(self.start)

    def channel_sets(self) -> np.ndarray:
        """Shape (paths, channels), true where the path meets the channel at least once."""
        met = np.zeros((self.conversions.size, len(self.channels)), dtype=bool)
        met[self.path, self.code] = True
        return met


def joined(channels: Sequence[str]) -> str:
    """One path as text, "a > b > c". Raises ValueError on a name that would make the separator ambiguous."""
    if not channels:
        raise ValueError(
            "a path without a touch is an untracked conversion: leave it out of the paths and report its share"
        )
    for name in channels:
        _refuse_ambiguous(name, SEPARATOR.join(channels))
    return SEPARATOR.join(channels)


def aggregate(touches: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Touch rows and path outcomes, summed over equal paths: path, total_conversions,
    total_conversion_value, total_null.

    `touches`: path_id, position, channel, one row per touch. `outcomes`: path_id, conversions, value, nulls,
    one row per path. Outcomes without touches are untracked conversions: they are left out, and their number
    is for the caller to report. Raises ValueError where a touch has no outcome or a channel's name holds
    the separator.
    """
    _refuse_missing(touches, ("path_id", "position", "channel"), "touches")
    _refuse_missing(outcomes, ("path_id", "conversions", "value", "nulls"), "outcomes")
    names = touches["channel"].unique().to_list()
    for name in names:
        _refuse_ambiguous(name, str(name))
    orphans = touches.join(outcomes, on="path_id", how="anti")
    if orphans.height:
        raise ValueError(f"touches of path_id={orphans['path_id'][0]!r} have no row in outcomes: add its outcome")
    return (
        touches.sort("path_id", "position")
        .group_by("path_id", maintain_order=True)
        .agg(pl.col("channel").str.join(SEPARATOR).alias("path"))
        .join(outcomes, on="path_id", how="inner")
        .group_by("path")
        .agg(
            pl.col("conversions").sum().alias("total_conversions"),
            pl.col("value").sum().alias("total_conversion_value"),
            pl.col("nulls").sum().alias("total_null"),
        )
        .sort("path")
    )


def journeys(paths: pl.DataFrame) -> Journeys:
    """Validated paths, equal ones summed, in the order of their text, so that row order never changes a result.

    `paths`: path, total_conversions, total_conversion_value, total_null. Negative values are refunds and
    valid; negative counts, a value without a conversion, a blank step and a missing column are refused with
    ValueError. Rows in which nothing happened (no conversion, no null) are dropped.
    """
    _refuse_missing(paths, ("path", *COUNTS), "paths")
    counted = _checked_counts(paths)
    distinct = (
        counted.group_by("path")
        .agg(pl.col(column).sum() for column in COUNTS)
        .filter((pl.col("total_conversions") > 0) | (pl.col("total_null") > 0))
        .sort("path")
        .with_row_index("path_index")
    )
    steps = distinct.select("path_index", "path", channel=pl.col("path").str.split(SEPARATOR)).explode("channel")
    for name, text in steps.unique("channel").select("channel", "path").iter_rows():
        _refuse_ambiguous(name, text)
    channels = tuple(sorted(steps["channel"].unique().to_list()))
    codes = pl.DataFrame(
        {"channel": channels, "code": range(len(channels))}, schema={"channel": pl.String, "code": pl.Int64}
    )
    coded = steps.join(codes, on="channel", how="left", maintain_order="left")
    owner = coded["path_index"].to_numpy().astype(np.int64)
    return Journeys(
        channels=channels,
        code=coded["code"].to_numpy().astype(np.int64),
        path=owner,
        start=np.searchsorted(owner, np.arange(distinct.height + 1)),
        conversions=distinct["total_conversions"].to_numpy(),
        value=distinct["total_conversion_value"].to_numpy(),
        nulls=distinct["total_null"].to_numpy(),
    )


def _checked_counts(paths: pl.DataFrame) -> pl.DataFrame:
    if paths.height and paths.schema["path"] != pl.String:
        raise ValueError(f'column "path" is {paths.schema["path"]}: it must be text such as "a > b"')
    counted = paths.select(pl.col("path").cast(pl.String), *(pl.col(column).cast(pl.Float64) for column in COUNTS))
    rules = {
        "path is missing: leave conversions without touches out, they are untracked": pl.col("path").is_null(),
        **{f"{c} is missing or not finite": ~pl.col(c).is_finite().fill_null(False) for c in COUNTS},
        "total_conversions is negative": pl.col("total_conversions") < 0,
        "total_null is negative": pl.col("total_null") < 0,
        "there is a value but no conversion: net refunds into the conversion they reverse": (
            (pl.col("total_conversions") == 0) & (pl.col("total_conversion_value") != 0)
        ),
    }
    for complaint, broken in rules.items():
        bad = counted.with_row_index("row").filter(broken)
        if bad.height:
            raise ValueError(f"paths, row {bad['row'][0]} ({bad.drop('row').row(0)}): {complaint}")
    return counted


def _refuse_missing(frame: pl.DataFrame, columns: Sequence[str], what: str) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ValueError(
            f"{what} lacks the column(s) {', '.join(missing)}; it has {', '.join(frame.columns) or 'none'}"
        )


def _refuse_ambiguous(name: str | None, text: str) -> None:
    if not name or name != name.strip() or " >" in name or "> " in name:
        raise ValueError(
            f"path {text!r} holds the step {name!r}: a channel's name is not blank, has no spaces"
            f" around it and does not contain {SEPARATOR!r}; rename the channel before paths are joined"
        )
