"""Whole minor units (cents) out of fractional weights, so that credit rows add up to what was booked."""

from __future__ import annotations

import polars as pl

from models.largest_remainder import whole_units_by_group

LARGEST_EXACT = 2**53


def cents(weights: pl.DataFrame, amount_minor: pl.DataFrame) -> pl.DataFrame:
    """Each touch's amount in whole minor units, by largest remainder: `weights` plus the column `amount_minor`.

    `weights`: conversion_id, touch_id, weight[, model, position]; weights of one (model, conversion) are scaled to sum
    to 1. `amount_minor`: conversion_id, amount_minor, whole units of the currency's smallest coin; negative for a
    refund. Rows of one (model, conversion) sum to the amount with no difference; equal remainders go to the earlier
    position, then the smaller touch_id, so the result does not depend on row order. Split the original and the report
    currency separately. Raises ValueError on a negative or missing weight, weights that are all zero, a conversion
    without amount, a touch given twice, or an amount beyond 2^53.
    """
    model = ["model"] if "model" in weights.columns else []
    place = ["position"] if "position" in weights.columns else []
    key = [*model, "conversion_id"]
    amounts = amount_minor.select("conversion_id", amount_minor=pl.col("amount_minor").cast(pl.Int64, strict=True))
    _refuse_bad_amounts(amounts)
    _refuse_bad_weights(weights, key)
    # A left join keeps conversions that lack an amount visible, to be refused by name.
    rows = weights.join(amounts, on="conversion_id", how="left", maintain_order="left")
    lacking = rows.filter(pl.col("amount_minor").is_null())
    if lacking.height:
        raise ValueError(
            f"conversion_id={lacking['conversion_id'][0]!r} has weights but no amount_minor: add its amount"
        )
    units = whole_units_by_group(rows, group=key, weight="weight", total="amount_minor", ties=[*place, "touch_id"])
    return rows.with_columns(amount_minor=units).select(*weights.columns, "amount_minor")


def _refuse_bad_amounts(amounts: pl.DataFrame) -> None:
    twice = amounts.filter(pl.col("conversion_id").is_duplicated())
    if twice.height:
        raise ValueError(f"amount_minor names conversion_id={twice['conversion_id'][0]!r} twice: one amount each")
    huge = amounts.filter(pl.col("amount_minor").abs() > LARGEST_EXACT)
    if huge.height:
        raise ValueError(f"amount_minor={huge['amount_minor'][0]} of {huge['conversion_id'][0]!r} is beyond 2^53")


def _refuse_bad_weights(weights: pl.DataFrame, key: list[str]) -> None:
    bad = weights.filter(~((pl.col("weight") >= 0) & pl.col("weight").is_finite()).fill_null(False))
    if bad.height:
        where = f"conversion {bad['conversion_id'][0]!r}, touch {bad['touch_id'][0]!r}"
        raise ValueError(f"weight={bad['weight'][0]} of {where}: a weight is a finite number >= 0")
    empty = weights.group_by(key).agg(pl.col("weight").sum()).filter(pl.col("weight") <= 0)
    if empty.height:
        raise ValueError(
            f"all weights of conversion {empty['conversion_id'][0]!r} are 0, so its amount cannot be allocated"
        )
    twice = weights.filter(pl.struct(*key, "touch_id").is_duplicated())
    if twice.height:
        raise ValueError(f"touch {twice['touch_id'][0]!r} of conversion {twice['conversion_id'][0]!r} is given twice")
