"""Tokens: one brand each, stored as hashes, ended by date or by hand while servers run."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made_cards import NOW
from served_feed import TOKEN, Clock, Listen

from feedback.memory import MemoryDamaged
from feedback.serve import app
from feedback.serve.access import Access, Grant, Refusal
from feedback.serve.listening import application
from feedback.serve.tokens import TokenRefused, TokenStore, new, revoke

TODAY = datetime.now(UTC)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_a_token_opens_its_brand_only_and_ends_while_the_server_runs(memory: Path, listen: Listen) -> None:
    client = listen(app(memory, clock=Clock()))
    assert client.get("/v1/patterns?brand=acme").status_code == 200
    secret, made = new(memory, "acme", TODAY)
    assert client.get("/v1/patterns?brand=acme").status_code == 401
    assert client.get("/v1/patterns", headers=bearer(secret)).json()["brand"] == "acme"
    foreign, unknown = (client.get(f"/v1/patterns?brand={b}", headers=bearer(secret)) for b in ("bolt", "nobody"))
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    told = client.get("/v1/health", headers=bearer(secret)).json()["feeds"]
    assert [feed["brand"] for feed in told] == ["acme"]
    revoke(memory, made.token_id, TODAY)
    assert client.get("/v1/patterns", headers=bearer(secret)).status_code == 401
    with pytest.raises(TokenRefused, match="already revoked"):
        revoke(memory, made.token_id, TODAY)


def test_only_the_hash_is_kept_and_only_its_owner_may_read_it(memory: Path) -> None:
    secret, made = new(memory, "acme", TODAY, note="copy desk")
    stored = (memory / "tokens.json").read_text()
    assert secret not in stored
    assert secret.rpartition("_")[2] not in stored
    assert made.sha256 in stored
    assert TokenStore(memory).last_used(made.token_id) is None
    assert Access(memory, None).check(f"Bearer {secret}") == Grant("acme")
    used = TokenStore(memory).last_used(made.token_id)
    assert used is not None
    assert abs(used - datetime.now(UTC)) < timedelta(minutes=1)
    files = [memory / "tokens.json", memory / ".token-use" / made.token_id]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (memory / ".token-use").stat().st_mode & 0o777 == 0o700


def test_a_token_expires_and_a_replaced_one_lives_for_its_grace(memory: Path) -> None:
    store = TokenStore(memory)
    secret, made = new(memory, "acme", TODAY, lifetime=timedelta(days=30))
    assert store.brand_of(secret, TODAY + timedelta(days=29)) == "acme"
    assert store.brand_of(secret, TODAY + timedelta(days=31)) is None
    revoke(memory, made.token_id, TODAY, grace=timedelta(days=1))
    assert store.brand_of(secret, TODAY + timedelta(hours=23)) == "acme"
    assert store.brand_of(secret, TODAY + timedelta(hours=25)) is None
    with pytest.raises(TokenRefused, match="no token 'ffffffffffff'"):
        revoke(memory, "ffffffffffff", TODAY)


@pytest.mark.parametrize("wrong", ["", "plf_", "other", "plf_{id}_" + "A" * 43, "{secret}x", "{secret} "])
def test_what_is_not_the_token_opens_nothing(memory: Path, wrong: str) -> None:
    secret, made = new(memory, "acme", TODAY)
    given = wrong.format(id=made.token_id, secret=secret)
    assert isinstance(Access(memory, None).check(f"Bearer {given}"), Refusal)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"tokens":[{}]}', b'{"tokens":5}', b"[" * 90_000])
def test_a_damaged_token_file_lets_nobody_in(memory: Path, listen: Listen, content: bytes) -> None:
    secret, _ = new(memory, "acme", TODAY)
    (memory / "tokens.json").write_bytes(content)
    answer = listen(app(memory, clock=Clock())).get("/v1/patterns?brand=acme", headers=bearer(secret))
    assert answer.status_code == 503
    assert "no token can be checked" in answer.json()["error"]
    with pytest.raises(MemoryDamaged):
        new(memory, "acme", TODAY)


def test_deleting_the_tokens_of_a_guarded_server_does_not_open_it(memory: Path, listen: Listen) -> None:
    secret, _ = new(memory, "acme", TODAY)
    served = application(memory, brand="acme", host="0.0.0.0", token=None, clock=Clock())
    client = listen(served)
    assert client.get("/v1/patterns", headers=bearer(secret)).status_code == 200
    os.unlink(memory / "tokens.json")
    assert client.get("/v1/patterns").status_code == 401


def test_the_token_of_the_environment_still_opens_every_brand(memory: Path) -> None:
    new(memory, "acme", TODAY)
    assert Access(memory, TOKEN).check(f"Bearer {TOKEN}") == Grant(None)
    assert NOW < TODAY
    assert len(json.loads((memory / "tokens.json").read_text())["tokens"]) == 1
