"""Signatures of webhooks as the Standard Webhooks specification has them: made by the relay, checked by receivers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from models.error import PlumblineError

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
TOLERANCE = timedelta(minutes=5)
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


class SecretUnusable(PlumblineError, ValueError):
    """The secret of a webhook is missing, damaged or short enough to be guessed; the text never repeats it."""


class SignatureRefused(PlumblineError, ValueError):
    """A delivery that did not come from this sender, not unchanged, or not now."""


def key_of(secret: str | None, variable: str) -> bytes:
    """The key in a secret of the form `whsec_<base64>` with 24 to 64 bytes. Raises SecretUnusable, naming the variable.

    `python -c "import base64,os;print('whsec_'+base64.b64encode(os.urandom(32)).decode())"` makes one.
    """
    if not secret:
        raise SecretUnusable("the secret of the webhook is not set", key=variable, fix="set it in the environment")
    if not secret.startswith(PREFIX):
        raise SecretUnusable("the secret does not begin with whsec_", key=variable, fix="write whsec_ and base64")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise SecretUnusable("what follows whsec_ is not base64", key=variable) from None
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise SecretUnusable(f"the secret has {len(key)} bytes; use {LEAST_BYTES} to {MOST_BYTES}", key=variable)
    return key


def sign(key: bytes, event_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a delivery made at `at`: id, time in Unix seconds, and `v1,` with the HMAC-SHA256 in base64.

    Source: Standard Webhooks 1.0: the signature is over `<id>.<timestamp>.<body>`.
    """
    timestamp = str(int(at.timestamp()))
    return {ID: event_id, TIMESTAMP: timestamp, SIGNATURE: f"v1,{_digest(key, event_id, timestamp, body)}"}


def verify(key: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The event's id, after the signature and the time were checked; for receivers.

    Compared in constant time. Several signatures, as during a change of secrets, are allowed. Raises SignatureRefused
    for a header that is missing, a time more than five minutes away, or a signature that does not fit. Whoever accepts
    deliveries still has to pass over an id that was seen before.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        event_id, timestamp, signatures = given[ID], given[TIMESTAMP], given[SIGNATURE]
    except KeyError as missing:
        raise SignatureRefused(f"the header {missing.args[0]} is missing") from None
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise SignatureRefused("the time of the delivery is not a number of seconds")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise SignatureRefused("the delivery is older or newer than five minutes: repeated, or a clock is wrong")
    expected = _digest(key, event_id, timestamp, body).encode()
    matches = False
    for signature in signatures.split(" ")[:16]:
        version, _, value = signature.partition(",")
        fits = hmac.compare_digest(value.encode("utf-8", "surrogateescape"), expected)
        matches |= version == "v1" and fits
    if not matches:
        raise SignatureRefused("no signature fits: another secret, or the delivery was changed")
    return event_id


def _digest(key: bytes, event_id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((event_id.encode("utf-8", "surrogateescape"), timestamp.encode(), body))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
