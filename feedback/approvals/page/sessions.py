"""Who is using the page: a signed cookie after sign-in, and a signed mark in each form against forged requests."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

SECONDS = 8 * 3600
SIGNATURE = 64


@dataclass(frozen=True)
class Sessions:
    """Signs cookies and form marks with a secret of this process: a restart signs everybody out.

    Moments are whole seconds since 1970. A cookie is `expiry.nonce.token.person.signature`, where `token` marks the
    token that opened the session (`PeopleTokens.mark`): a session ends with its token.
    """

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def begin(self, person: str, token: str, now: int) -> str:
        """The cookie of a new session, opened with the token of this mark."""
        body = f"{now + SECONDS}.{secrets.token_hex(8)}.{token}.{person}"
        return f"{body}.{self._signature('session', body)}"

    def person(self, cookie: str, now: int) -> tuple[str, str] | None:
        """Whose session it is and the mark of its token; None for a cookie that is forged, cut or over."""
        body, _, given = cookie.rpartition(".")
        if len(cookie) > 512 or not self._same("session", body, given):
            return None
        expiry, _, token, person = body.split(".", 3)
        return (person, token) if int(expiry) > now else None

    def mark(self, cookie: str, subject: str, now: int) -> str:
        """The hidden field of a form: for this session, this subject, shown at this second."""
        return f"{now}.{self._signature('form', f'{now}|{subject}|{cookie}')}"

    def shown_at(self, mark: str, cookie: str, subject: str, now: int) -> int | None:
        """When the form was shown; None for a mark of another session or subject, a forged or an old one."""
        moment, _, given = mark.partition(".")
        if not moment.isdecimal() or len(moment) > 12 or not self._same("form", f"{moment}|{subject}|{cookie}", given):
            return None
        shown = int(moment)
        return shown if now - SECONDS < shown <= now else None

    def _same(self, purpose: str, body: str, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._signature(purpose, body).encode())

    def _signature(self, purpose: str, body: str) -> str:
        return hmac.new(self.secret, f"{purpose}:{body}".encode(), hashlib.sha256).hexdigest()
