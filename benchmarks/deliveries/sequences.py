"""Random deliveries of a small company whose true amounts are known: its files, and what the marts must say per day."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

FIRST_DAY = date(2026, 9, 1)
AS_OF = date(2026, 10, 31)
SETTLED = 3  # days after which a platform restates no more
FORMS = (
    "plain",
    "id lost",
    "renamed",
    "account lost",
    "device",
    "region",
    "plain and device",
    "ad groups",
    "ad groups and campaigns",
    "upper case",
    "device in two files",
    "split by campaign",
    "gzip",
    "extra column",
)
OWN_FORMS = ("plain", "upper case", "campaign column", "currency column", "gzip", "back to the bytes before")
COPIES = ("", " (1)", " (2)", " (10)")
Told = dict[tuple[int, date], tuple[Decimal, date]]


@dataclass
class Sequence:
    """Files by name in the order of their delivery, and the right spend and revenue per day."""

    files: dict[str, bytes] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    google: dict[date, Decimal] = field(default_factory=dict)
    own: dict[date, Decimal] = field(default_factory=dict)
    revenue: dict[date, Decimal] = field(default_factory=dict)

    def put(self, name: str, text: str, packed: bool = False) -> None:
        data = text.encode()
        self.files[name + (".gz" if packed else "")] = gzip.compress(data, mtime=0) if packed else data


def sequence(seed: int) -> Sequence:
    """One company's deliveries of ads, of its own list and of its revenue; the same seed gives the same files."""
    rng = np.random.default_rng(seed)
    made = Sequence()
    _google(rng, made)
    _own(rng, made)
    _revenue(rng, made)
    return made


def _number(rng: np.random.Generator, least: int, most: int) -> int:
    return int(rng.integers(least, most, endpoint=True))


def _pick(rng: np.random.Generator, among: tuple[str, ...]) -> str:
    return among[int(rng.integers(len(among)))]


def _amount(rng: np.random.Generator) -> Decimal:
    return Decimal(_number(rng, 100, 99_999)) / 100


def _google(rng: np.random.Generator, made: Sequence) -> None:
    campaigns = range(_number(rng, 2, 5))
    final = {(c, FIRST_DAY + timedelta(d)): _amount(rng) for c in campaigns for d in range(12)}
    late = {key: _number(rng, 0, 30) for key in final}  # what a platform still adds on each day until it has settled
    told: Told = {}
    end = told_on = FIRST_DAY
    for _ in range(_number(rng, 2, 6)):
        end = min(end + timedelta(_number(rng, 1, 4)), FIRST_DAY + timedelta(11))
        told_on = max(end, told_on + timedelta(1)) + timedelta(_number(rng, 0, 3))
        days = [end - timedelta(d) for d in range(_number(rng, 2, 8)) if end - timedelta(d) >= FIRST_DAY]
        chosen = list(campaigns) if rng.random() < 0.8 else list(campaigns)[1:]
        form = _pick(rng, FORMS)
        amounts: dict[tuple[int, date], Decimal] = {}
        for key in ((c, d) for c in chosen for d in days):
            missing_days = max(SETTLED - (told_on - key[1]).days, 0)
            amounts[key] = final[key] - late[key] * missing_days if final[key] > 100 else final[key]
            if told.get(key, (0, told_on))[1] <= told_on:
                told[key] = (amounts[key], told_on)
        made.kinds.append(form)
        _write_google(rng, made, f"google_ads/{told_on}", form, amounts)
    for (_, day), (amount, _on) in told.items():
        made.google[day] = made.google.get(day, Decimal(0)) + amount


def _write_google(
    rng: np.random.Generator, made: Sequence, stem: str, form: str, amounts: dict[tuple[int, date], Decimal]
) -> None:
    def place(suffix: str = "") -> str:
        return f"{stem}{suffix}{_pick(rng, COPIES)}.csv"

    def text(rows: list[dict[str, str]]) -> str:
        names = list(rows[0])
        return ",".join(names) + "\n" + "".join(",".join(r[n] for n in names) + "\n" for r in rows)

    def row(c: int, day: date, amount: Decimal, **more: str) -> dict[str, str]:
        base = {"Day": str(day), "Campaign": f"Campaign {c}", "Campaign ID": str(700 + c), "Customer ID": "1"}
        if form == "renamed":
            base["Campaign"] = f"New name {c}"
        if form == "upper case":
            base["Campaign"] = f" CAMPAIGN  {c} "
        if form in ("id lost",):
            del base["Campaign ID"]
        if form == "account lost":
            del base["Customer ID"]
        money = {
            "Currency code": "EUR",
            "Cost": str(amount),
            "Impr.": str(int(amount * 100)),
            "Clicks": str(int(amount * 2)),
        }
        return {**base, **more, **money, **({"Labels": "x"} if form == "extra column" else {})}

    def parts(column: str, values: tuple[str, str]) -> list[list[dict[str, str]]]:
        halves = []
        for n, value in enumerate(values):
            half = []
            for (c, d), amount in amounts.items():
                first = (amount / 3).quantize(Decimal("0.01"))
                half.append(row(c, d, first if n == 0 else amount - first, **{column: value}))
            halves.append(half)
        return halves

    written = len(made.files)
    plain = [row(c, d, a) for (c, d), a in amounts.items()]
    if form in ("device", "plain and device", "device in two files"):
        halves = parts("Device", ("Mobile", "Desktop"))
        if form == "device in two files":
            for suffix, half in zip((" a", " b"), halves, strict=True):
                made.put(place(suffix), text(half))
        else:
            made.put(place(" device"), text(halves[0] + halves[1]))
    elif form == "region":
        halves = parts("Region", ("North", "South"))
        made.put(place(), text(halves[0] + halves[1]))
    elif form in ("ad groups", "ad groups and campaigns"):
        halves = parts("Ad group", ("One", "Two"))
        made.put(place(" groups"), text(halves[0] + halves[1]))
    elif form == "split by campaign":
        for c in sorted({c for c, _ in amounts}):
            made.put(place(f" c{c}"), text([row(c2, d, a) for (c2, d), a in amounts.items() if c2 == c]))
    if form in ("plain and device", "ad groups and campaigns") or len(made.files) == written:
        made.put(place(), text(plain), packed=form == "gzip")


def _own(rng: np.random.Generator, made: Sequence) -> None:
    told: dict[tuple[str, date], Decimal] = {}
    before: list[tuple[str, dict[tuple[str, date], Decimal]]] = []
    for number in range(_number(rng, 2, 5)):
        told_on = FIRST_DAY + timedelta(14 + 2 * number)
        form = _pick(rng, OWN_FORMS)
        made.kinds.append(f"own {form}")
        if form == "back to the bytes before" and len(before) > 1:
            text, amounts = before[-2]
        else:
            first = FIRST_DAY + timedelta(_number(rng, 0, 6))
            amounts = {(ch, first + timedelta(d)): _amount(rng) for ch in ("tv", "радио") for d in range(4)}
            text = _own_text(form, amounts)
        before.append((text, amounts))
        told |= amounts
        made.put(f"channel_spend/list {told_on}{_pick(rng, COPIES)}.csv", text, packed=form == "gzip")
    for (_, day), amount in told.items():
        made.own[day] = made.own.get(day, Decimal(0)) + amount


def _own_text(form: str, amounts: dict[tuple[str, date], Decimal]) -> str:
    if form == "campaign column":
        lines = [f"{d},{ch},{name},{half}" for (ch, d), a in amounts.items() for name, half in (("x", a - 1), ("y", 1))]
        return "\n".join(["day,channel,campaign,spend", *lines, ""])
    if form == "currency column":
        return "\n".join(["day,channel,spend,currency", *(f"{d},{ch},{a},EUR" for (ch, d), a in amounts.items()), ""])
    upper = form == "upper case"
    return "\n".join(
        ["day,channel,spend", *(f"{d},{ch.upper() if upper else ch},{a}" for (ch, d), a in amounts.items()), ""]
    )


def _revenue(rng: np.random.Generator, made: Sequence) -> None:
    for number in range(_number(rng, 1, 3)):
        told_on = FIRST_DAY + timedelta(14 + 2 * number)
        form = _pick(rng, ("plain", "currency", "geo"))
        made.kinds.append(f"revenue {form}")
        first = FIRST_DAY + timedelta(_number(rng, 0, 4))
        amounts = {first + timedelta(d): _amount(rng) for d in range(5)}
        made.revenue |= amounts
        if form == "geo":
            lines = [f"{d},{geo},{part}" for d, a in amounts.items() for geo, part in (("N", a - 1), ("S", 1))]
            text = "\n".join(["day,geo,revenue", *lines, ""])
        elif form == "currency":
            text = "\n".join(["day,revenue,currency", *(f"{d},{a},EUR" for d, a in amounts.items()), ""])
        else:
            text = "\n".join(["day,revenue", *(f"{d},{a}" for d, a in amounts.items()), ""])
        made.put(f"revenue/sales {told_on}{_pick(rng, COPIES)}.csv", text)
