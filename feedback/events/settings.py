"""`events` in plumbline.yaml: where versions and events are kept, and who is told of them. Secrets are never here."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from feedback.memory.cloud_events import TYPES

TargetName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,40}$")]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,80}$")]
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
REDIS_VARIABLE = "PLUMBLINE_REDIS_URL"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _types(types: tuple[str, ...]) -> tuple[str, ...]:
    for name in types:
        if name not in TYPES:
            raise ValueError(f"{name} is not a type of event; write some of {', '.join(TYPES)}")
    return types


class Webhook(_Part):
    """One receiver: its address, the variable that holds its secret, and the types it wants (none named: all)."""

    name: TargetName
    url: str
    secret: Variable
    types: tuple[str, ...] = ()

    _known = field_validator("types")(_types)

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        # The characters of RFC 3986 and no others: letters of another alphabet that look the same are another host.
        if not re.fullmatch(r"[!-~]{1,2000}", url):
            raise ValueError("an address holds plain ASCII characters only; write another alphabet's host as xn--…")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ValueError(f"not an address: {error}") from None
        if parts.scheme not in ("https", "http"):
            raise ValueError("begin it with https://")
        if parts.username is not None or parts.password is not None or "@" in parts.netloc:
            raise ValueError("it may not hold a user or password: the receiver checks the signature instead")
        if "\\" in url or parts.fragment:
            raise ValueError("it may hold neither a backslash nor a part after #")
        if not parts.hostname or port == 0 or not (HOST.fullmatch(parts.hostname) or ":" in parts.hostname):
            raise ValueError("it names no host")
        return url

    @property
    def host(self) -> str:
        """The host that the address names, in lower case."""
        return (urlsplit(self.url).hostname or "").lower()


class RedisStream(_Part):
    """A Redis stream; the server's address, which may hold a password, stands in PLUMBLINE_REDIS_URL."""

    stream: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,120}$")]
    types: tuple[str, ...] = ()

    _known = field_validator("types")(_types)


class EventSettings(_Part):
    """The store, the targets, and how patient the relay is.

    `store`: embedded (a file under memory/) or postgres (the address is in PLUMBLINE_POSTGRES_DSN). `allow_hosts`:
    hosts of webhooks that may lie in a private network or be called without TLS, each by its name. `max_attempts`:
    after so many failures an event is written to the target's dead letters and the next one is tried.
    """

    store: Literal["embedded", "postgres"] = "embedded"
    redis: RedisStream | None = None
    webhooks: tuple[Webhook, ...] = ()
    allow_hosts: tuple[str, ...] = ()
    max_attempts: int = Field(default=10, ge=1, le=20)
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)

    @field_validator("allow_hosts")
    @classmethod
    def _names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not (HOST.fullmatch(host) or re.fullmatch(r"[0-9a-fA-F:.]+", host)):
                raise ValueError(f"{host} is not the name of one host; write it without scheme, port and *")
        return tuple(host.lower() for host in hosts)

    @model_validator(mode="after")
    def _targets(self) -> EventSettings:
        names = [webhook.name for webhook in self.webhooks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"webhook {twice[0]} is listed twice; keep one entry")
        if "redis" in names:
            raise ValueError("redis is the name of the Redis stream; give the webhook another name")
        for webhook in self.webhooks:
            if webhook.url.lower().startswith("http:") and webhook.host not in self.allow_hosts:
                raise ValueError(
                    f"webhook {webhook.name}: {webhook.host} is called without TLS; write https://, or list the host"
                    " under events.allow_hosts"
                )
        return self
