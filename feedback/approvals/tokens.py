"""Tokens of people: what tells the page, and the command line, that it is really they; kept as hashes only."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from filelock import FileLock

from feedback.storage.atomic_files import replacing
from feedback.storage.canonical_json import canonical
from models.error import PlumblineError

VARIABLE = "PLUMBLINE_PERSON_TOKEN"
FILE = "tokens.json"


class TokenRefused(PlumblineError, ValueError):
    """The token is missing where one is due, or is not this person's."""


class PeopleTokens:
    """One token per person in a file of hashes, readable by its owner only. A new token ends the old one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def new(self, person: str) -> str:
        """Makes a token for a person and returns it; only its hash is kept, so it is shown once."""
        token = secrets.token_urlsafe(32)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._path}.lock", timeout=30):
            self._write({**self._hashes(), person: _hash(token)})
        return token

    def revoke(self, person: str) -> bool:
        """Ends a person's token; False where there was none."""
        if not self._path.exists():
            return False
        with FileLock(f"{self._path}.lock", timeout=30):
            hashes = self._hashes()
            had = hashes.pop(person, None) is not None
            self._write(hashes)
        return had

    def holds(self, person: str) -> bool:
        """Whether the person has a token, and so decides only with it."""
        return person in self._hashes()

    def mark(self, person: str) -> str | None:
        """A mark of the person's present token that does not reveal it; another token has another mark."""
        kept = self._hashes().get(person)
        return None if kept is None else _mark(kept)

    def owner(self, token: str) -> str | None:
        """Whose token it is; None for nobody's. Every stored hash is compared, each in constant time."""
        given, owner = _hash(token), None
        for person, kept in self._hashes().items():
            if hmac.compare_digest(given.encode(), kept.encode()):
                owner = person
        return owner

    def _hashes(self) -> dict[str, str]:
        try:
            content = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError:
            content = None
        if not isinstance(content, dict) or not all(isinstance(v, str) for v in content.values()):
            raise TokenRefused(
                "is damaged, so nobody can be recognised", file=self._path.name, fix="restore it or give new tokens"
            )
        return content

    def _write(self, hashes: dict[str, str]) -> None:
        with replacing(self._path) as part:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(canonical(hashes) + b"\n")


def identified(tokens: PeopleTokens, person: str, given: str | None, *, required: bool) -> str:
    """How a person was identified: `token`, or `stated` where the name is only what the caller said.

    A person who has a token decides only with it. Raises TokenRefused for a wrong token, for none where one is due, and
    where `required` and the person has none.
    """
    if given:
        owner = tokens.owner(given)
        if owner != person:
            raise TokenRefused(f"the token is not one of {person}", key=VARIABLE, fix="use the token of that person")
        return "token"
    if tokens.holds(person):
        raise TokenRefused(f"{person} decides with a token", key=VARIABLE, fix="set the variable to the token")
    if required:
        raise TokenRefused(
            f"approvals.require_token is set and {person} has no token",
            file="plumbline.yaml",
            fix=f"make one with `plumbline pending WS --new-token {person}`",
        )
    return "stated"


def mark_of(token: str) -> str:
    """The mark (`PeopleTokens.mark`) of a token."""
    return _mark(_hash(token))


def _mark(kept: str) -> str:
    return _hash(kept)[:16]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
