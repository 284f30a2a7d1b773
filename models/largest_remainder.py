"""Whole units (cents, percent) out of fractional amounts, so that the rounded parts add up to the rounded total.

The largest-remainder method (Hamilton's): every part is rounded down, and the units still missing go to the parts
with the largest remainders. Here for a list of exact decimals and for the groups of a frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal

import polars as pl


def whole_units(parts: Sequence[Decimal], total: int) -> list[int]:
    """Whole numbers that sum to `total`, in the order of `parts`.

    Equal remainders go to the earlier part. Parts may be negative. Each result is within one of its part as long as
    `total` is within one of their sum per part; `total` may differ from the rounded sum where it was itself rounded as
    part of a larger sum. Raises ValueError without any part to carry a total that is not zero.
    """
    if not parts:
        if total:
            raise ValueError(f"total={total}: there is no part to carry it")
        return []
    floors = [int(part.to_integral_value(ROUND_FLOOR)) for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda i: (floors[i] - parts[i], i))
    every, further = divmod(total - sum(floors), len(parts))
    first = set(by_remainder[:further])
    return [floor + every + (i in first) for i, floor in enumerate(floors)]


def whole_units_by_group(
    rows: pl.DataFrame, *, group: Sequence[str], weight: str, total: str, ties: Sequence[str]
) -> pl.Series:
    """Whole numbers that sum to `total` within each group, in the order of `rows`, split in proportion to `weight`.

    `total` (Int64, the same in all rows of a group) may be negative: then the split of its size is mirrored, so that a
    reversal takes back exactly what the original gave. Equal remainders go to the first row in the order of `ties`.
    Weights must be finite, not negative and not all zero in a group; the caller checks them, because it can name the
    row. Doubles are exact to a hundredth of a unit up to totals of 2^43.
    """
    size = pl.col(total).abs()
    exact = pl.col(weight) / pl.col(weight).sum().over(group) * size
    split = rows.with_row_index("_row").with_columns(_exact=exact)
    split = split.with_columns(_floor=pl.col("_exact").floor().cast(pl.Int64))
    split = split.with_columns(
        _remainder=pl.col("_exact") - pl.col("_floor"), _missing=size - pl.col("_floor").sum().over(group)
    )
    split = split.sort([*group, "_remainder", *ties], descending=[False] * len(group) + [True] + [False] * len(ties))
    split = split.with_columns(_rank=pl.int_range(pl.len()).over(group), _count=pl.len().over(group).cast(pl.Int64))
    # For huge totals the doubles' own rounding can leave more than one unit per row, or less than none.
    further = (pl.col("_rank") < pl.col("_missing") % pl.col("_count")).cast(pl.Int64)
    units = pl.col(total).sign() * (pl.col("_floor") + pl.col("_missing") // pl.col("_count") + further)
    return split.with_columns(_units=units).sort("_row")["_units"].alias("units")
