"""One byte form for one JSON value (RFC 8785), so that a hash names a content and not a way of writing it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

LARGEST_EXACT = 2**53


def canonical(value: Any) -> bytes:
    """The canonical JSON of a value of dicts, lists, strings, numbers, booleans and None.

    Raises ValueError for NaN, infinities, whole numbers that a double cannot hold and lone surrogates; TypeError for
    any other type. Source: RFC 8785, numbers as ECMAScript prints them.
    """
    return _text(value).encode("utf-8")


def sha256(value: Any) -> str:
    """Hex SHA-256 of the canonical form."""
    return hashlib.sha256(canonical(value)).hexdigest()


def six_digits(value: Any) -> Any:
    """The value with every float rounded to six significant digits: more would be noise that changes hashes."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else value
    if isinstance(value, Mapping):
        return {k: six_digits(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [six_digits(v) for v in value]
    return value


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        if abs(value) > LARGEST_EXACT:
            raise ValueError(f"{value} is larger than a JSON number holds exactly; write it as text")
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        # Sorted by UTF-16 code units, which differs from Python's order beyond the basic plane.
        keys = sorted(value, key=lambda k: k.encode("utf-16-be"))
        return "{" + ",".join(f"{_text(k)}:{_text(value[k])}" for k in keys) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_text(v) for v in value) + "]"
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} has no JSON form")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    point = len(whole) + int(exponent or 0)
    raw = whole + fraction
    digits = raw.lstrip("0")
    point -= len(raw) - len(digits)
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"
