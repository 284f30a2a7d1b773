"""What a request asks for, checked: an unknown parameter or value is refused, with the allowed ones named."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from feedback.memory.pointer import LARGEST_SEQ
from feedback.memory.stored_snapshot import KINDS, SERVED, StoredCard
from feedback.patterns.statement import CHANNEL
from models.error import PlumblineError

DEFAULT_LIMIT, LARGEST_LIMIT = 50, 200
EVERY_KIND = "all"
ACTIONABLE = ("do", "avoid")
CURSOR = re.compile(r"([0-9]{1,16})\.([0-9]{1,9})")


class QueryRefused(PlumblineError, ValueError):
    """A parameter that the feed does not know, or a value that it does not allow."""


@dataclass(frozen=True)
class PatternQuery:
    """Which cards of the feed, and which page of them.

    `kinds` leaves neutral cards out unless they are asked for: they settle a debate and tell nobody what to do.
    `after` is None for the first page, else the feed's number and the position in it after which to go on.
    """

    channel: str | None = None
    state: str | None = None
    kinds: tuple[str, ...] = ACTIONABLE
    limit: int = DEFAULT_LIMIT
    after: tuple[int, int] | None = None

    def matches(self, card: StoredCard) -> bool:
        """Whether the card is one of those that were asked for."""
        return (
            card.kind in self.kinds
            and (self.state is None or card.state == self.state)
            and (self.channel is None or self.channel in card.channels)
        )


def pattern_query(parameters: Mapping[str, str]) -> PatternQuery:
    """The query in `channel`, `state`, `kind`, `limit` and `after`. Raises QueryRefused, naming what is allowed."""
    channel, kind, after = parameters.get("channel"), parameters.get("kind"), parameters.get("after")
    if channel is not None and not CHANNEL.fullmatch(channel):
        raise QueryRefused(
            f"channel={channel[:40]!r} is not the id of a channel",
            fix="use an id as on the cards, like linkedin_ads",
        )
    if "state" in parameters:
        one_of("state", parameters["state"], SERVED)
    kinds: tuple[str, ...] = ACTIONABLE
    if kind is not None:
        one_of("kind", kind, (*KINDS, EVERY_KIND))
        kinds = KINDS if kind == EVERY_KIND else (kind,)
    position = None
    if after is not None:
        match = CURSOR.fullmatch(after)
        if match is None:
            raise QueryRefused(f"after={after[:40]!r} is not a `next` of this feed", fix="copy it from the last page")
        position = (int(match[1]), int(match[2]))
    limit = whole_number("limit", parameters.get("limit", str(DEFAULT_LIMIT)), 1, LARGEST_LIMIT)
    return PatternQuery(channel, parameters.get("state"), kinds, limit, position)


def feed_number(parameters: Mapping[str, str]) -> int:
    """`after` of /v1/changes: the newest feed_seq that the reader has applied; 0 where it has none."""
    return whole_number("after", parameters.get("after", "0"), 0, LARGEST_SEQ, what="feed_seq")


def only_once(pairs: Sequence[tuple[str, str]], allowed: Sequence[str]) -> dict[str, str]:
    """The parameters of a request. Raises QueryRefused for one that is unknown, repeated or empty."""
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name not in allowed:
            raise QueryRefused(f"unknown parameter {name[:40]}; use one of {', '.join(allowed)}")
        if name in parameters:
            raise QueryRefused(f"parameter {name} is given twice", fix="ask once for each value")
        if not value:
            raise QueryRefused(f"parameter {name} is empty", fix="leave it out or give it a value")
        parameters[name] = value
    return parameters


def one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    """Raises QueryRefused unless `value` is allowed."""
    if value not in allowed:
        raise QueryRefused(f"{name}={value[:40]!r} is not known; use one of {', '.join(allowed)}")


def whole_number(name: str, text: str, low: int, high: int, *, what: str = "whole number") -> int:
    """The number in `text`. Raises QueryRefused unless it is one from `low` to `high`."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 16 and low <= int(text) <= high):
        raise QueryRefused(f"{name}={text[:20]!r} is not a {what} from {low} to {high}")
    return int(text)
