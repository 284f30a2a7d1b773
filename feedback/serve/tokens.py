"""Bearer tokens of single brands: shown once when made, kept as hashes, ended by date or by hand.

`<memory>/tokens.json` holds id, brand, hash and dates; `<memory>/.token-use/<id>` has the time of the last use as its
modification time. Both are readable by their owner only.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock

from feedback.memory.cached_file import CachedFile
from feedback.memory.pointer import MemoryDamaged, is_sha256, json_object
from feedback.memory.reader import folder_of
from feedback.patterns.contract import instant
from feedback.storage.atomic_files import replacing
from models.error import PlumblineError

TOKENS, USES = "tokens.json", ".token-use"
DAMAGED = "memory/tokens.json is damaged, so no token can be checked"
LARGEST = 4 * 1024 * 1024
USE_RESOLUTION_SECONDS = 60
SECRET = re.compile(r"plf_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
TOKEN_ID = re.compile(r"[0-9a-f]{12}")


class TokenRefused(PlumblineError, ValueError):
    """A token that cannot be made or revoked as asked."""


@dataclass(frozen=True)
class FeedToken:
    """What is known of a token; times are UTC as on cards, None where they do not apply."""

    token_id: str
    brand: str
    sha256: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    note: str

    def ended(self, now: datetime) -> str | None:
        """Why the token is no longer accepted; None while it is."""
        if self.revoked_at is not None and instant(self.revoked_at) <= now:
            return "revoked"
        if self.expires_at is not None and instant(self.expires_at) <= now:
            return "expired"
        return None


def tokens_of(content: bytes) -> dict[str, FeedToken]:
    """The tokens in the bytes of tokens.json, by id. Raises MemoryDamaged for anything not written here."""
    document = json_object(content, DAMAGED)
    try:
        tokens = [FeedToken(**entry) for entry in document["tokens"]]
        for token in tokens:
            folder_of(Path(), token.brand)
            for moment in (token.created_at, token.expires_at, token.revoked_at):
                if moment is not None:
                    instant(moment)
            if not is_sha256(token.sha256) or not TOKEN_ID.fullmatch(token.token_id):
                raise ValueError(token.token_id)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MemoryDamaged(DAMAGED) from error
    return {token.token_id: token for token in tokens}


class TokenStore:
    """The tokens of one memory folder, read again when the file changes: a revoked token ends without a restart."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._file = CachedFile(memory / TOKENS, tokens_of, most_bytes=LARGEST)

    def tokens(self) -> dict[str, FeedToken] | None:
        """Every token ever made, by id; None where none was. Raises MemoryDamaged for a file that is not whole."""
        try:
            return self._file.value()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MemoryDamaged(DAMAGED) from error

    def brand_of(self, secret: str, now: datetime) -> str | None:
        """The brand that a bearer's secret opens; None for a secret that is unknown, expired or revoked.

        Remembers the use, to the minute. Raises MemoryDamaged as `tokens` does.
        """
        match = SECRET.fullmatch(secret)
        token = (self.tokens() or {}).get(match[1]) if match else None
        digest = hashlib.sha256(secret.encode()).hexdigest()
        if token is None or not hmac.compare_digest(digest, token.sha256) or token.ended(now) is not None:
            return None
        self._used(token.token_id)
        return token.brand

    def last_used(self, token_id: str) -> datetime | None:
        """When a server last accepted the token, to the minute; None if never."""
        try:
            seconds = (self._memory / USES / token_id).stat().st_mtime
        except OSError:
            return None
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=0)

    def _used(self, token_id: str) -> None:
        path = self._memory / USES / token_id
        # A read-only disk must not keep a reader from its feed; `last used` then stays what it was.
        with contextlib.suppress(OSError):
            try:
                if time.time() - path.stat().st_mtime < USE_RESOLUTION_SECONDS:
                    return
            except FileNotFoundError:
                path.parent.mkdir(mode=0o700, exist_ok=True)
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
            os.utime(path)


def new(
    memory: Path, brand: str, now: datetime, *, lifetime: timedelta | None = None, note: str = ""
) -> tuple[str, FeedToken]:
    """Make a token for one brand; returns the secret, which is stored nowhere, and what is kept of it.

    From the first token on, every server of this memory asks for one. Raises TokenRefused for a lifetime that is not
    positive, ValueError for a brand that is no plain id, MemoryDamaged for a damaged tokens.json.
    """
    folder_of(memory, brand)
    if lifetime is not None and lifetime <= timedelta():
        raise TokenRefused("a token must be valid for at least a day", key="--days")
    token_id = secrets.token_hex(6)
    secret = f"plf_{token_id}_{secrets.token_urlsafe(32)}"
    token = FeedToken(
        token_id,
        brand,
        hashlib.sha256(secret.encode()).hexdigest(),
        _z(now),
        _z(now + lifetime) if lifetime else None,
        None,
        note[:200],
    )
    with _locked(memory):
        _write(memory, [*(TokenStore(memory).tokens() or {}).values(), token])
    return secret, token


def revoke(memory: Path, token_id: str, now: datetime, *, grace: timedelta = timedelta()) -> FeedToken:
    """End a token now, or after `grace`, in which its reader can be given another one.

    Raises TokenRefused for an id that does not exist or has ended, MemoryDamaged for a damaged tokens.json.
    """
    with _locked(memory):
        tokens = TokenStore(memory).tokens() or {}
        token = tokens.get(token_id)
        if token is None:
            known = ", ".join(tokens) or "none"
            raise TokenRefused(
                f"there is no token {token_id[:40]!r}; known ids: {known}", fix="`feed token list` shows them"
            )
        if token.ended(now) is not None:
            raise TokenRefused(f"token {token_id} has already {token.ended(now)}")
        ended = FeedToken(**{**asdict(token), "revoked_at": _z(now + grace)})
        _write(memory, [ended if t.token_id == token_id else t for t in tokens.values()])
    return ended


def _locked(memory: Path) -> FileLock:
    memory.mkdir(parents=True, exist_ok=True)
    return FileLock(memory / ".tokens.lock", timeout=10, mode=0o600)


def _write(memory: Path, tokens: Sequence[FeedToken]) -> None:
    content = json.dumps({"tokens": [asdict(token) for token in tokens]}, indent=1).encode()
    path = memory / TOKENS
    with replacing(path) as part, os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _z(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
