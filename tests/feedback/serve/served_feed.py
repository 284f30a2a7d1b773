"""What tests of the served feed share: a clock to turn, a token, and the type of what starts a server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import httpx
from made_cards import NOW
from starlette.types import ASGIApp

TOKEN = "0123456789abcdef-feed"
Listen = Callable[[ASGIApp], httpx.Client]


class Clock:
    """A clock the test can turn."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now
