"""What reading one file results in: its rows per raw table, its refused rows, and its books."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from dagster_project.sources.contract import Broken, Context, Unreadable
from dagster_project.sources.delivered import delivered_at
from dagster_project.sources.privacy import stripped

QUARANTINE_SCHEMA = {
    "source": pl.String,
    "file": pl.String,
    "row": pl.Int64,
    "column": pl.String,
    "value": pl.String,
    "rule": pl.String,
    "message": pl.String,
}
LONGEST_VALUE = 200
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


@dataclass(frozen=True)
class Delivery:
    """What one file brought. `delivered = landed + quarantined + duplicate + control` counts rows of the file.

    `frames` holds typed rows per raw table; a file may feed several, and `rows_landed` counts its own rows once.
    `quarantine` has a line per broken rule, so a row may appear there twice; a file refused as a whole has one line
    with row null.
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
class Reading:
    """What is known about a file while it is read, so that a refusal half-way can still report it."""

    source: str
    file: str
    sha256: str
    now: datetime
    encoding: str = ""
    entity: str = ""
    shape: str = ""
    rows: int = 0
    notices: list[str] = field(default_factory=list)

    def landed(
        self,
        ctx: Context,
        frames: dict[str, pl.DataFrame],
        broken: list[Broken],
        *,
        control: int = 0,
        duplicate: int = 0,
    ) -> Delivery:
        """The finished delivery. Raises AssertionError if a reader lost or invented rows: a fault in the reader."""
        quarantined = len({b.row for b in broken})
        rows = self.rows - quarantined - duplicate - control
        held = {row for frame in frames.values() for row in frame["_row"].unique().to_list()}
        if len(held) != rows:
            raise AssertionError(
                f"{self.file}: {rows} rows should have landed, {len(held)} did: the reader of {self.shape} lost some"
            )
        low, high = _span(frames, ctx)
        return Delivery(
            source=self.source,
            file=self.file,
            sha256=self.sha256,
            entity=self.entity,
            shape=self.shape,
            frames=frames,
            quarantine=_quarantine(self.source, self.file, broken),
            rows_delivered=self.rows,
            rows_landed=rows,
            rows_quarantined=quarantined,
            rows_duplicate=duplicate,
            rows_control=control,
            day_min=low,
            day_max=high,
            delivered_at=delivered_at(self.file, high, self.now),
            encoding=self.encoding,
            notices=tuple(self.notices),
        )

    def refused(self, refusal: Unreadable) -> Delivery:
        """A file that cannot be landed: it counts as its rows, or as one where they cannot be counted."""
        rows = max(self.rows, 1)
        message = f"landing/{self.file}: {refusal.why} [{refusal.rule}]."
        line = (self.source, self.file, None, refusal.column, refusal.value, refusal.rule, message)
        return Delivery(
            source=self.source,
            file=self.file,
            sha256=self.sha256,
            entity=self.entity,
            shape=self.shape,
            frames={},
            quarantine=pl.DataFrame([line], schema=QUARANTINE_SCHEMA, orient="row"),
            rows_delivered=rows,
            rows_landed=0,
            rows_quarantined=rows,
            rows_duplicate=0,
            rows_control=0,
            day_min=None,
            day_max=None,
            delivered_at=delivered_at(self.file, None, self.now),
            encoding=self.encoding,
            notices=tuple(self.notices),
            status="unreadable",
        )


def _span(frames: dict[str, pl.DataFrame], ctx: Context) -> tuple[date | None, date | None]:
    days = [
        f.select(pl.col(c).cast(pl.Date)).to_series() for f in frames.values() for c in f.columns if c in _SPAN_COLUMNS
    ]
    bounds = [d for s in days for d in (s.min(), s.max()) if isinstance(d, date) and d <= ctx.today]
    return (min(bounds), max(bounds)) if bounds else (None, None)


def _quarantine(source: str, name: str, broken: list[Broken]) -> pl.DataFrame:
    lines = []
    for b in sorted(broken, key=lambda b: (b.row, b.column, b.rule)):
        column = f', column "{b.column}"' if b.column else ""
        value = None if b.value is None else stripped(b.value)[:LONGEST_VALUE]
        shown = f'"{value}" ' if value is not None else ""
        lines.append(
            (
                source,
                name,
                b.row,
                b.column or None,
                value,
                b.rule,
                f"landing/{name}, row {b.row}{column}: {shown}{b.why} [{b.rule}].",
            )
        )
    return pl.DataFrame(lines, schema=QUARANTINE_SCHEMA, orient="row")
