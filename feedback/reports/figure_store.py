"""A figure of the report with its range, basis and source, and the store that everything printed comes from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

LEVEL = Decimal("0.90")
CENT = Decimal("0.01")
MILLIONTH = Decimal("0.000001")


@dataclass(frozen=True)
class Figure:
    """One number that may be printed.

    `unit` is a currency code, `ratio`, `share`, `count`, or `axis` for the ticks of a chart. `low` and `high` enclose
    the value with probability `level`; both are None for a number that is counted, not estimated. `basis` says what
    kind of number and range it is; `sql_sha256` hashes the query, with its parameters, that fetched its inputs.
    """

    id: str
    value: Decimal
    unit: str
    basis: str
    sql_sha256: str
    low: Decimal | None = None
    high: Decimal | None = None
    level: Decimal | None = None

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None) or (self.low is None) != (self.level is None):
            raise ValueError(f"figure {self.id}: low, high and level come together or not at all")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"figure {self.id}: low {self.low} is above high {self.high}")
        if not self.value.is_finite():
            raise ValueError(f"figure {self.id}: {self.value} is not a number")


@dataclass(frozen=True)
class Fact:
    """A printed text that is not a number: a label, a date, a hash, a sentence of a warning.

    `source` is a table, a setting or the name of a rule in docs/cfo.md, never a path in the code.
    """

    id: str
    text: str
    source: str


@dataclass(frozen=True)
class FigureStore:
    """All figures and facts of one report, by id; an id appears once.

    A page shows nothing that is not in here: HTML, PDF and workbook are views of this store.
    """

    figures: dict[str, Figure] = field(default_factory=dict)
    facts: dict[str, Fact] = field(default_factory=dict)

    @classmethod
    def of(cls, items: Iterable[Figure | Fact]) -> FigureStore:
        """Raises ValueError when two items claim the same id."""
        figures: dict[str, Figure] = {}
        facts: dict[str, Fact] = {}
        for item in items:
            if item.id in figures or item.id in facts:
                raise ValueError(f"figure {item.id} is defined twice")
            if isinstance(item, Figure):
                figures[item.id] = item
            else:
                facts[item.id] = item
        return cls(figures, facts)

    def plus(self, items: Iterable[Figure | Fact]) -> FigureStore:
        """This store with more items."""
        return FigureStore.of([*self.figures.values(), *self.facts.values(), *items])

    def __contains__(self, identifier: str) -> bool:
        return identifier in self.figures or identifier in self.facts

    def __getitem__(self, identifier: str) -> Figure:
        try:
            return self.figures[identifier]
        except KeyError:
            raise KeyError(f"no figure {identifier!r} in the store") from None

    def get(self, identifier: str) -> Figure | None:
        """The figure, or None where the data did not allow it."""
        return self.figures.get(identifier)

    def text(self, identifier: str, default: str = "") -> str:
        """The text of a fact."""
        fact = self.facts.get(identifier)
        return fact.text if fact else default

    def names(self, prefix: str) -> tuple[str, ...]:
        """The part of the ids between `prefix` and the last part, in order of entry: the channels, the items.

        Of `channel.a.b.spend` that is `a.b`; of `excluded.1` it is `1`.
        """
        rests = (key[len(prefix) + 1 :] for key in (*self.facts, *self.figures) if key.startswith(f"{prefix}."))
        return tuple(dict.fromkeys(rest.rpartition(".")[0] or rest for rest in rests))

    def to_json(self) -> str:
        """Sorted keys, decimals as text: the same store gives the same bytes."""
        body = {
            "figures": [_plain(asdict(self.figures[key])) for key in self.figures],
            "facts": [asdict(self.facts[key]) for key in self.facts],
        }
        return json.dumps(body, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> FigureStore:
        """Reads what `to_json` wrote."""
        body = json.loads(text)
        figures = [
            Figure(
                row["id"],
                Decimal(row["value"]),
                row["unit"],
                row["basis"],
                row["sql_sha256"],
                *(None if row[part] is None else Decimal(row[part]) for part in ("low", "high", "level")),
            )
            for row in body["figures"]
        ]
        return cls.of([*figures, *(Fact(**row) for row in body["facts"])])

    @property
    def sha256(self) -> str:
        """Names this set of figures; printed in the footer."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: format(value, "f") if isinstance(value, Decimal) else value for key, value in row.items()}


def cents(amount: float | Decimal) -> Decimal:
    """Money as the report keeps it: two places, ties to even."""
    return Decimal(amount).quantize(CENT, ROUND_HALF_EVEN)


def millionths(number: float | Decimal) -> Decimal:
    """Ratios and shares as the report keeps them: six places."""
    return Decimal(number).quantize(MILLIONTH, ROUND_HALF_EVEN)
