"""Who may read which brand: nobody is asked without tokens, and nobody is let in by a token file that is damaged."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from feedback.memory.pointer import MemoryDamaged
from feedback.serve.tokens import TokenStore

SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class Grant:
    """What a reader may see: one brand, or every brand where `brand` is None."""

    brand: str | None


@dataclass(frozen=True)
class Refusal:
    """Why a reader may see nothing, with the HTTP status of it."""

    status: int
    reason: str


class Access:
    """Checks bearer tokens: the one of the environment, which opens every brand of the server, and those of single
    brands in the memory. Without any token the server is open; it then listens on this machine only. `always`: a token
    is asked for even when none is left, so that deleting the tokens of a running server does not open it.
    """

    def __init__(self, memory: Path, token: str | None, *, always: bool = False) -> None:
        self._always = always
        self._token = None if token is None else hashlib.sha256(token.encode()).digest()
        self._store = TokenStore(memory)

    def check(self, authorization: str) -> Grant | Refusal:
        """What the value of the Authorization header opens now, whatever day a workspace is set to."""
        try:
            tokens = self._store.tokens()
            if self._token is None and tokens is None and not self._always:
                return Grant(None)
            scheme, _, secret = authorization.partition(" ")
            if scheme.lower() == "bearer":
                # Hashed first, so that neither length nor content of the token shows in the time taken.
                given = hashlib.sha256(secret.encode()).digest()
                if self._token is not None and hmac.compare_digest(given, self._token):
                    return Grant(None)
                brand = self._store.brand_of(secret, datetime.now(UTC))
                if brand is not None:
                    return Grant(brand)
        except MemoryDamaged as damage:
            return Refusal(503, damage.problem)
        return Refusal(401, "a valid bearer token is required")

    @property
    def guarded(self) -> bool:
        """Whether a reader needs a token."""
        try:
            return self._token is not None or self._store.tokens() is not None
        except MemoryDamaged:
            return True
