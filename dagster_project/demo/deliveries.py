"""When the demo company's exports arrive: one file per month, with the last days of the month before again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

REREAD_DAYS = 14
LAST_DELIVERY = date(2026, 10, 10)


@dataclass(frozen=True)
class Delivery:
    """One export: it holds the days from `first` to `last`; those after `settled` will still be restated."""

    on: date
    first: date
    last: date
    settled: date

    def rows(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows of the delivery's days."""
        return frame.filter(pl.col("day").is_between(self.first, self.last))


def monthly(first: date, last: date, *, lag: int = 3, reread: int = REREAD_DAYS) -> tuple[Delivery, ...]:
    """Deliveries `lag` days into each month, and a last one on 2026-10-10 that settles the final days."""
    deliveries = []
    month = date(first.year, first.month, 1)
    while month <= last:
        following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
        end = min(following - timedelta(days=1), last)
        deliveries.append(
            Delivery(
                on=following + timedelta(days=lag - 1),
                first=max(month - timedelta(days=reread), first),
                last=end,
                settled=end - timedelta(days=reread),
            )
        )
        month = following
    if reread:
        deliveries.append(Delivery(LAST_DELIVERY, max(last - timedelta(days=reread - 1), first), last, last))
    return tuple(deliveries)


def as_first_seen(
    frame: pl.DataFrame, delivery: Delivery, shares: dict[str, tuple[int, float]], rng: np.random.Generator
) -> pl.DataFrame:
    """The delivery's rows with the numbers that were known then.

    `shares` names, per column, over how many last days it still grows and which share may be missing on the very last;
    integers stay integers, money and fractions keep two decimals.
    """
    delivered = delivery.rows(frame)
    if delivery.settled >= delivery.last or delivered.is_empty():
        return delivered
    age = np.array([(delivery.last - day).days for day in delivered["day"].to_list()])
    for column, (span, missing) in shares.items():
        fresh = np.clip(1 - age / span, 0, 1)
        share_reported = 1 - missing * fresh * rng.uniform(0.5, 1.0, len(age))
        values = delivered[column].to_numpy() * share_reported
        is_count = delivered[column].dtype.is_integer()
        delivered = delivered.with_columns(
            pl.Series(column, np.floor(values).astype(np.int64) if is_count else np.round(values, 2))
        )
    return delivered


def line(cells: Sequence[str], delimiter: str = ",") -> str:
    """One text line; a cell that holds the delimiter, a quote, a comma or a line end is quoted."""
    return delimiter.join(
        '"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in (delimiter, '"', ",", "\n")) else cell
        for cell in cells
    )
