"""Limits of a plan as users write them: a YAML file, or --limit channel=least:most on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from pydantic import ValidationError

from models.error import PlumblineError
from models.planning import Constraints, Delivery

KEYS = (*Constraints.model_fields, "delivery")


class LimitsRefused(PlumblineError, ValueError):
    """A limit cannot be used; the message names file or option, key, value and the fix."""


def read_limits(path: Path) -> tuple[Constraints, dict[str, Delivery]]:
    """The constraints and delivery rules of a YAML file. Raises LimitsRefused for any unknown key or wrong value."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise LimitsRefused(f"cannot be read ({getattr(error, 'strerror', None) or error})", file=str(path)) from None
    except yaml.YAMLError as error:
        raise LimitsRefused(f"is not YAML: {str(error).splitlines()[0]}", file=str(path)) from None
    if not isinstance(content, dict):
        raise LimitsRefused(
            f"holds {type(content).__name__}", file=str(path), fix="write keys such as bounds: {tv: [0, 50000]}"
        )
    unknown = sorted(set(map(str, content)) - set(KEYS))
    if unknown:
        raise LimitsRefused(f"{unknown[0]} is unknown: one of {', '.join(KEYS)}", file=str(path))
    rules = content.pop("delivery", None) or {}
    try:
        return Constraints.model_validate(content), {str(c): Delivery.model_validate(r) for c, r in rules.items()}
    except ValidationError as error:
        raise LimitsRefused("\n".join(f"{path}: {line}" for line in _sentences(error))) from None
    except AttributeError:
        raise LimitsRefused(
            f"delivery is {rules!r}", file=str(path), value=rules, fix="write delivery: {tv: {exponent: 0.8}}"
        ) from None


def with_limits(constraints: Constraints, options: Sequence[str], current: Mapping[str, float]) -> Constraints:
    """`constraints` with each `channel=least:most` added; `80%:120%` is relative to the channel's current money."""
    bounds = dict(constraints.bounds)
    for text in options:
        channel, equals, ends = text.partition("=")
        least, colon, most = ends.partition(":")
        if not equals or not colon or not channel:
            raise LimitsRefused(
                f"--limit {text}: write channel=least:most, for example tv=10000:50000, tv=80%:120%, tv=:0"
            )
        if channel not in current:
            raise LimitsRefused(f"--limit {text}: {channel} is unknown; the plan has {', '.join(current)}")
        bounds[channel] = (
            _amount(text, least, current[channel], 0.0),
            _amount(text, most, current[channel], float("inf")),
        )
        if bounds[channel][0] > bounds[channel][1]:
            raise LimitsRefused(f"--limit {text}: the minimum is above the maximum")
    return constraints.model_copy(update={"bounds": bounds})


def _amount(option: str, text: str, current: float, absent: float) -> float:
    if not text.strip():
        return absent
    try:
        value = float(text.strip().removesuffix("%"))
    except ValueError:
        raise LimitsRefused(f"--limit {option}: {text!r} is not an amount; write 12000 or 80%") from None
    if value < 0:
        raise LimitsRefused(f"--limit {option}: {text} is below zero")
    return value / 100 * current if text.strip().endswith("%") else value


def _sentences(error: ValidationError) -> list[str]:
    sentences = []
    for fault in error.errors():
        where = ".".join(str(part) for part in fault["loc"]) or "the file"
        sentences.append(f"{where} is {fault['input']!r}: {fault['msg'].removeprefix('Value error, ')}")
    return sentences
