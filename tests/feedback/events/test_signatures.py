"""Signed webhooks: what a receiver must accept, and what it must not."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from feedback.events.signatures import SecretUnusable, SignatureRefused, key_of, sign, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = key_of(SECRET, "HOOK")
AT = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
GOOD = sign(KEY, ID, AT, BODY)


def test_the_published_example_of_the_specification() -> None:
    assert GOOD["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert verify(KEY, GOOD, BODY, AT) == ID


def test_one_of_several_signatures_is_enough_and_names_of_headers_have_no_case() -> None:
    several = {name.title(): value for name, value in GOOD.items()}
    several["Webhook-Signature"] = f"v1,AAAA v1a,xyz {GOOD['webhook-signature']}"
    assert verify(KEY, several, BODY, AT + timedelta(minutes=4)) == ID


FORGERIES: dict[str, Callable[[], tuple[bytes, dict[str, str], bytes, datetime]]] = {
    "another body": lambda: (KEY, GOOD, BODY + b" ", AT),
    "another id": lambda: (KEY, GOOD | {"webhook-id": "msg_other"}, BODY, AT),
    "another time": lambda: (KEY, GOOD | {"webhook-timestamp": "1614265331"}, BODY, AT),
    "another secret": lambda: (b"x" * 32, GOOD, BODY, AT),
    "repeated after six minutes": lambda: (KEY, GOOD, BODY, AT + timedelta(minutes=6)),
    "from the future": lambda: (KEY, GOOD, BODY, AT - timedelta(minutes=6)),
    "no signature": lambda: (KEY, {k: v for k, v in GOOD.items() if k != "webhook-signature"}, BODY, AT),
    "no id": lambda: (KEY, {k: v for k, v in GOOD.items() if k != "webhook-id"}, BODY, AT),
    "an empty signature": lambda: (KEY, GOOD | {"webhook-signature": "v1,"}, BODY, AT),
    "a signature of another version": lambda: (
        KEY,
        GOOD | {"webhook-signature": GOOD["webhook-signature"].replace("v1", "v2")},
        BODY,
        AT,
    ),
    "a time that is no number": lambda: (KEY, GOOD | {"webhook-timestamp": "1e9"}, BODY, AT),
    "a time in other digits": lambda: (KEY, GOOD | {"webhook-timestamp": "１６１４２６５３３０"}, BODY, AT),
    "a signature that is no text": lambda: (KEY, GOOD | {"webhook-signature": "v1,\udcff"}, BODY, AT),
    "the point moved from id to time": lambda: (
        KEY,
        GOOD | {"webhook-id": f"{ID}.1614265330", "webhook-timestamp": "1614265330"},
        BODY,
        AT,
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_or_repeated_delivery_is_refused(forgery: str) -> None:
    with pytest.raises(SignatureRefused):
        verify(*FORGERIES[forgery]())


@pytest.mark.parametrize(
    ("secret", "complaint"),
    [
        (None, "is not set"),
        ("", "is not set"),
        ("hunter2hunter2hunter2hunter2", "does not begin with whsec_"),
        ("whsec_not base64!", "is not base64"),
        ("whsec_" + base64.b64encode(b"short").decode(), "has 5 bytes"),
        ("whsec_" + base64.b64encode(b"x" * 65).decode(), "has 65 bytes"),
    ],
)
def test_a_secret_that_is_missing_or_weak_is_refused_by_its_variable_and_never_repeated(
    secret: str | None, complaint: str
) -> None:
    with pytest.raises(SecretUnusable, match=complaint) as refused:
        key_of(secret, "PLUMBLINE_HOOK")
    assert "PLUMBLINE_HOOK" in str(refused.value)
    assert not secret or secret.removeprefix("whsec_") not in str(refused.value)
