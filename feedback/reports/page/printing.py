"""How figures become text: one scale for all money in a table, rounded so that printed rows add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from babel.dates import format_date
from babel.numbers import format_decimal, get_currency_precision, get_currency_symbol

from feedback.reports.figure_store import Figure, FigureStore
from models.largest_remainder import whole_units

Part = Literal["value", "low", "high"]
LOCALE = "en"  # numbers, currencies and dates follow it; the sentences of the page are written in the same language
MINUS, DASH, NBSP = "\u2212", "\u2013", "\u00a0"
STORED_PLACES = 2  # figures of money are kept to two places, whatever the currency's minor unit
THOUSANDS_FROM = Decimal(500_000)


@dataclass(frozen=True)
class Printed:
    """One printed number: which part of which figure, its text, and the factor from the text to the figure."""

    figure: str
    part: Part
    text: str
    scale: Decimal


def rounded_parts(parts: Sequence[Decimal], total: Decimal, scale: Decimal, target: int | None = None) -> list[int]:
    """Whole numbers of `scale` that sum to `target`, each within one of its part.

    `target` is the rounded total unless the total was itself rounded up or down as part of a larger sum. Units go by
    largest remainder, earlier parts first. Raises ValueError when the parts do not sum to the total: rounding must
    never hide a gap.
    """
    if sum(parts, Decimal(0)) != total:
        raise ValueError(f"parts sum to {sum(parts, Decimal(0))}, not to {total}: rounding cannot close a real gap")
    goal = int((total / scale).to_integral_value(ROUND_HALF_EVEN)) if target is None else target
    return whole_units([part / scale for part in parts], goal)


@dataclass
class Printer:
    """Writes figures of a store as text and keeps a list of what it wrote; only this class turns numbers into text."""

    store: FigureStore
    scale: Decimal = Decimal(1)
    printed: list[Printed] = field(default_factory=list)
    _fixed: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, store: FigureStore) -> Printer:
        """Money in thousands from half a million of outcome or spend, else in whole units."""
        sizes = [abs(store[key].value) for key in ("outcome.total", "total.spend") if key in store]
        return cls(store, Decimal(1000) if max(sizes, default=Decimal(0)) >= THOUSANDS_FROM else Decimal(1))

    def allocate(self, parts: Sequence[str], total: str) -> None:
        """Fixes the printed parts so that they add up to the printed total, which may itself have been fixed before."""
        values = [self.store[key].value for key in parts]
        rounded = rounded_parts(values, self.store[total].value, self.scale, self._fixed.get(total))
        self._fixed.update(zip(parts, rounded, strict=True))
        self._fixed.setdefault(total, sum(rounded))

    def bridge(self, start: str, steps: Sequence[str], end: str) -> None:
        """Fixes printed steps so that start and steps add up to the end as both are printed elsewhere."""
        first = int((self.store[start].value / self.scale).to_integral_value(ROUND_HALF_EVEN))
        whole = self.store[end].value - self.store[start].value
        rounded = rounded_parts([self.store[k].value for k in steps], whole, self.scale, self._fixed[end] - first)
        self._fixed.update(zip(steps, rounded, strict=True))

    def money(self, key: str, part: Part = "value") -> str:
        """Money at the table's scale, `1,777`."""
        amount = self._part(key, part)
        if part == "value" and key in self._fixed:
            whole = Decimal(self._fixed[key])
        else:
            whole = (amount / self.scale).to_integral_value(ROUND_HALF_EVEN)
        return self._note(key, part, grouped(whole, 0), self.scale)

    def signed(self, key: str) -> str:
        """Money at the table's scale with its sign, `+35`, `−12`."""
        text = self.money(key)
        return text if text.startswith(MINUS) or text == "0" else f"+{text}"

    def money_whole(self, key: str) -> str:
        """Money in whole units whatever the table's scale, for a price per piece."""
        return self._note(key, "value", grouped(self._part(key, "value"), 0), Decimal(1))

    def exact(self, key: str, part: Part = "value") -> str:
        """Money to the minor unit of its currency, `41,222,244.91` in EUR, `41,222,244` in JPY.

        An amount that has a finer part, as converted yen may have, is printed with both stored places: printed steps
        of the books must add up.
        """
        amount = self._part(key, part)
        minor = min(get_currency_precision(self.store[key].unit), STORED_PLACES)
        places = minor if amount == amount.quantize(Decimal(1).scaleb(-minor)) else STORED_PLACES
        return self._note(key, part, grouped(amount, places), Decimal(1))

    def compact(self, key: str, part: Part = "value", like: str | None = None) -> str:
        """Money for a headline, `41.22 m`, `235 k`; `like` names the figure whose size sets the unit."""
        number, unit = self._compact(key, part, like)
        return f"{number}{NBSP}{unit}" if unit else number

    def compact_span(self, key: str, like: str | None = None) -> str:
        """The range of a headline in the unit of its value, `4.64–6.24 m`."""
        low, unit = self._compact(key, "low", like or key)
        high, _ = self._compact(key, "high", like or key)
        return _between(low, high) + (f"{NBSP}{unit}" if unit else "")

    def money_span(self, key: str) -> str:
        """The range of an amount at the table's scale."""
        return _between(self.money(key, "low"), self.money(key, "high"))

    def ratio(self, key: str, part: Part = "value") -> str:
        """A return, `2.08`."""
        return self._note(key, part, grouped(self._part(key, part), 2), Decimal(1))

    def ratio_span(self, key: str) -> str:
        """`1.71–2.50`."""
        return _between(self.ratio(key, "low"), self.ratio(key, "high"))

    def percent(self, key: str, part: Part = "value", places: int = 0) -> str:
        """A share, `13 %`."""
        return self._note(key, part, grouped(self._part(key, part) * 100, places), Decimal("0.01")) + f"{NBSP}%"

    def probability(self, key: str) -> str:
        """A probability, `P = 76 %` or `P > 99 %`: a share of finitely many draws is never certain."""
        share = self._part(key, "value")
        if share > Decimal("0.99"):
            return f">{NBSP}{self._note(key, 'value', '99', Decimal('0.01'))}{NBSP}%"
        if share < Decimal("0.01"):
            return f"<{NBSP}{self._note(key, 'value', '1', Decimal('0.01'))}{NBSP}%"
        return f"={NBSP}{self.percent(key)}"

    def percent_span(self, key: str) -> str:
        """`11–15 %`."""
        low, high = self.percent(key, "low"), self.percent(key, "high")
        return _between(low.removesuffix(f"{NBSP}%"), high)

    def shares(self, keys: Sequence[str]) -> list[str]:
        """Shares in whole percent that add up to 100, as long as the shares themselves do."""
        values = [self.store[key].value for key in keys]
        rounded = rounded_parts(values, sum(values, Decimal(0)), Decimal("0.01"))
        return [self._note(k, "value", str(r), Decimal("0.01")) for k, r in zip(keys, rounded, strict=True)]

    def count(self, key: str) -> str:
        """A whole number."""
        return self._note(key, "value", grouped(self._part(key, "value"), 0), Decimal(1))

    def probability_small(self, key: str) -> str:
        """A p-value with two leading digits' worth of places, `0.003`."""
        return self._note(key, "value", grouped(self._part(key, "value"), 3), Decimal(1))

    def tick(self, key: str) -> str:
        """An axis label, `2` or `0.5`."""
        return self._note(key, "value", format(self._part(key, "value").normalize(), "f"), Decimal(1))

    def _compact(self, key: str, part: Part, like: str | None) -> tuple[str, str]:
        size = abs(self.store[like or key].value)
        scale, unit, places = Decimal(1), "", 0
        if size >= 1_000_000:
            scale, unit, places = Decimal(1_000_000), "m", 2
        elif size >= 10_000:
            scale, unit, places = Decimal(1000), "k", 0
        return self._note(key, part, grouped(self._part(key, part) / scale, places), scale), unit

    def _part(self, key: str, part: Part) -> Decimal:
        figure: Figure = self.store[key]
        number = {"value": figure.value, "low": figure.low, "high": figure.high}[part]
        if number is None:
            raise ValueError(f"figure {key} has no {part}: it may not be printed with a range")
        return number

    def _note(self, key: str, part: Part, text: str, scale: Decimal) -> str:
        self.printed.append(Printed(key, part, text, scale))
        return text


def grouped(number: Decimal, places: int) -> str:
    """A number with digits grouped as the locale does, rounded half to even; a minus sign instead of a hyphen."""
    rounded = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    pattern = f"#,##0.{'0' * places}" if places else "#,##0"
    return (MINUS if rounded < 0 else "") + format_decimal(abs(rounded), format=pattern, locale=LOCALE)


def currency_symbol(code: str) -> str:
    """`€`, `A$`, or the code itself where the locale knows no symbol."""
    return get_currency_symbol(code, locale=LOCALE)


def written_day(day: date) -> str:
    """`30 September 2026`."""
    return format_date(day, "d MMMM y", locale=LOCALE)


def written_month(day: date) -> str:
    """`Sep 2026`."""
    return format_date(day, "MMM y", locale=LOCALE)


def _between(low: str, high: str) -> str:
    return f"{low} to {high}" if low.startswith(MINUS) else f"{low}{DASH}{high}"
