"""The vocabulary in which a source states its contract: tables, shapes of files, and the fields of a shape.

How a contract is applied to a file is `read`; the contract of each source is in its module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

import polars as pl

from dagster_project.sources.rules import known
from models.error import PlumblineError

if TYPE_CHECKING:
    from dagster_project.sources.privacy import Pepper
    from dagster_project.workspace.settings import Settings, SourceOptions

Kind = Literal[
    "text",
    "id",
    "day",
    "instant",
    "period",
    "money",
    "rate",
    "count",
    "double",
    "flag",
    "json",
    "currency",
    "zone",
    "email",
    "domain",
    "person",
    "actor",
    "name",
    "answer",
    "url",
    "choice",
    "segment",
    "ids",
]
SQL_TYPE: Mapping[str, str] = {
    "day": "DATE",
    "instant": "TIMESTAMP",
    "money": "DECIMAL(18,6)",
    "rate": "DECIMAL(18,10)",
    "count": "BIGINT",
    "double": "DOUBLE",
    "flag": "BOOLEAN",
    "json": "JSON",
}
BOOKKEEPING = (
    ("_batch_id", "VARCHAR"),
    ("_file", "VARCHAR"),
    ("_row", "BIGINT"),
    ("_delivered_at", "TIMESTAMP"),
    ("_sha256", "VARCHAR"),
    ("_extra", "JSON"),
)
PERSONAL: frozenset[str] = frozenset({"email", "domain", "person", "actor", "name", "answer"})
NUMERIC: frozenset[str] = frozenset({"money", "rate", "count", "double"})


@dataclass(frozen=True)
class Entity:
    """One raw table: its columns as (name, kind), and the natural key that a file may hold once."""

    table: str
    columns: tuple[tuple[str, Kind], ...]

    @property
    def ddl(self) -> str:
        lines = [f'"{name}" {SQL_TYPE.get(kind, "VARCHAR")}' for name, kind in self.columns]
        lines += [f'"{name}" {sql}' for name, sql in BOOKKEEPING]
        return f"create table if not exists raw.{self.table} ({', '.join(lines)})"


@dataclass(frozen=True)
class Field:
    """How one column of a file becomes one column of the raw table.

    `names` are the headers it goes by in English or in a connector, `local` those of other interface languages; headers
    are compared without case, accents of spacing and a trailing parenthesis. `required`: the header must be in the
    file. `filled`: every row must hold a value. `summed`: checked against the file's totals row. `scale` turns micros
    into money. `stored=False`: read and checked, but not kept.
    """

    column: str
    kind: Kind
    names: tuple[str, ...]
    local: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    required: bool = False
    filled: bool = False
    summed: bool = False
    scale: str | None = None
    one_of: tuple[str, ...] = ()
    default: str | None = None
    future: bool = False
    least: int | None = None
    most: int | None = None
    stored: bool = True

    def all_names(self) -> tuple[str, ...]:
        return (*self.names, *(name for names in self.local.values() for name in names))


@dataclass(frozen=True)
class Context:
    """What a finishing step may know about the file beside its rows."""

    source: str
    file: str
    shape: str
    settings: Settings
    options: SourceOptions
    pepper: Pepper
    today: date
    now: datetime
    present: frozenset[str]
    feed_key: bytes | None = None
    headers: tuple[str, ...] = ()
    preamble: tuple[str, ...] = ()
    notices: list[str] = field(default_factory=list)

    def place(self, header: str) -> str | None:
        """The cell column of a header, for steps that read more than the shape's fields."""
        return next((f"c{i}" for i, h in enumerate(self.headers) if h.strip().casefold() == header), None)


@dataclass(frozen=True)
class Broken:
    """A row that broke a rule, as the finishing step of a source reports it; `why` is the end of the sentence."""

    row: int
    column: str
    value: str | None
    rule: str
    why: str

    def __post_init__(self) -> None:
        known(self.rule)


Finish = Callable[[pl.DataFrame, Context], tuple[dict[str, pl.DataFrame], list[Broken]]]
Reshape = Callable[[pl.DataFrame, Context], tuple[pl.DataFrame, list[Broken]]]


@dataclass(frozen=True)
class Shape:
    """One form in which a source's rows are delivered.

    `constants` fill columns that the form itself decides (level, day basis). `key` names raw columns that may
    occur once
    per file. `without` names headers that must be absent. `any_of`: of each group one header must be there. `reshape`
    works on cells before types, `finish` on typed rows. `currency_from` is where
    an absent currency comes from: the report currency, nowhere (refused), or account tables that staging joins.
    `rest_to` names a JSON column that takes the unknown columns; `repeats` allows equal rows (bookings without an id);
    `unused` is the reason why a known table is set aside.
    """

    name: str
    table: str = ""
    fields: tuple[Field, ...] = ()
    key: tuple[str, ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    any_of: tuple[tuple[str, ...], ...] = ()
    language: str | None = None
    date_order: Literal["ymd", "mdy", "dmy"] | None = None
    point_decimal: bool = False
    reshape: Reshape | None = None
    finish: Finish | None = None
    currency_from: Literal["report", "required", "objects", "none"] = "none"
    rest_to: str | None = None
    keeps_unknown: bool = True
    repeats: bool = False
    unused: str | None = None

    @property
    def required(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.required)


@dataclass(frozen=True)
class Refusal:
    """Headers by which a file is known to be unusable, with the rule and the fix for the message."""

    headers: tuple[str, ...]
    rule: str
    why: str
    unless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A folder of landing/: its tables, the forms its files may have, and known mistakes."""

    name: str
    entities: tuple[Entity, ...]
    shapes: tuple[Shape, ...]
    refusals: tuple[Refusal, ...] = ()

    @property
    def about_people(self) -> bool:
        """Whether its files hold personal data, so that a complete line of them is never shown."""
        return any(f.kind in PERSONAL for shape in self.shapes for f in shape.fields)

    def entity(self, table: str) -> Entity:
        return next(e for e in self.entities if e.table == table)


class Unreadable(PlumblineError):
    """A file that cannot be landed at all: the rule it broke, the column concerned (if any), and the message.

    `why` is the sentence without the column's name, for places that show the column beside it.
    """

    def __init__(self, rule: str, why: str, column: str | None = None, value: str | None = None) -> None:
        super().__init__(why, key=column, value=value)
        self.rule, self.why, self.column = known(rule), why, column
        self.value: str | None = value
