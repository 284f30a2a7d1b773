"""The evidence table: its columns, and the closed lists of kinds of sensors, designs of tests and grades."""

from __future__ import annotations

from typing import Literal

import polars as pl

Kind = Literal["mmm", "experiment", "attribution", "platform", "self_reported"]
Design = Literal["rct", "quasi", "platform_lift"]
Grade = Literal["A", "B", "C", "D"]

ATTRIBUTION_KINDS = ("attribution", "platform", "self_reported")

REQUIRED = ("channel", "method", "kind", "iroas", "se")
COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "channel": pl.String,
    "method": pl.String,
    "kind": pl.String,
    "iroas": pl.Float64,
    "se": pl.Float64,
    "age_days": pl.Float64,
    "share_captured": pl.Float64,
    "quality": pl.Float64,
    "channel_class": pl.String,
    "design": pl.String,
    "tracking": pl.String,
    "claim_type": pl.String,
    "platform": pl.String,
    "uses_experiments": pl.Boolean,
}
# A test cannot have seen less than a twentieth or more than twice the full return.
LEAST_CAPTURED, MOST_CAPTURED = 0.05, 2.0
