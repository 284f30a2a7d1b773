"""Events in a Redis stream: the entry's id is the event's number, so Redis itself keeps order and refuses a repetition.

A stream is transport and not the record: what a stream has lost or trimmed is still in the store.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from feedback.events.settings import REDIS_VARIABLE, RedisStream
from feedback.events.target import DeliveryFailed
from feedback.memory.cloud_events import as_bytes
from feedback.memory.store import StoredEvent

if TYPE_CHECKING:
    import redis

NAME = "redis"


class RedisTarget:
    """Appends to one stream. Entry `<seq>-0` has the fields `id`, `type` and `event` (the CloudEvent as JSON)."""

    name = NAME

    def __init__(self, url: str, settings: RedisStream, *, timeout_seconds: float = 10.0) -> None:
        self.types = settings.types
        self.stream = settings.stream
        self._url, self._timeout = url, timeout_seconds
        self._client: redis.Redis | None = None

    def check(self) -> None:
        """Raises DeliveryFailed where the server does not answer."""
        with self._sentences():
            self._connected().ping()

    def send(self, event: StoredEvent) -> None:
        """Appends one event; one that the stream holds already is passed over.

        Raises DeliveryFailed where the server does not answer, or its stream belongs to another log of events.
        """
        fields: dict[Any, Any] = {"id": event.event_id, "type": event.type, "event": as_bytes(event)}
        with self._sentences():
            import redis

            client = self._connected()
            try:
                client.xadd(self.stream, fields, id=f"{event.seq}-0")
            except redis.ResponseError as refusal:
                if "equal or smaller" not in str(refusal):
                    raise
                there: Any = client.xrange(self.stream, f"{event.seq}-0", f"{event.seq}-0")
                if not there or there[0][1].get(b"id") != event.event_id.encode():
                    raise DeliveryFailed(
                        f"stream {self.stream} is beyond event {event.seq} without holding it: it was trimmed, or"
                        " belongs to another log; delete it or name another one under events.redis.stream"
                    ) from refusal

    def newest(self) -> int:
        """The number of the newest event that the stream was ever given, 0 for a stream that does not exist."""
        with self._sentences():
            import redis

            try:
                info: Any = self._connected().xinfo_stream(self.stream)
            except redis.ResponseError as refusal:
                if "no such key" not in str(refusal).lower():  # without rights, or no stream: not an empty one
                    raise
                return 0
        last = info["last-generated-id"]
        return int((last.decode() if isinstance(last, bytes) else str(last)).partition("-")[0])

    def _connected(self) -> redis.Redis:
        import redis

        if self._client is None:
            self._client = redis.Redis.from_url(
                self._url, socket_timeout=self._timeout, socket_connect_timeout=self._timeout
            )
        return self._client

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            import redis
        except ImportError as error:
            raise DeliveryFailed("the package redis is missing: pip install 'plumbline[redis]'") from error
        try:
            yield
        except (redis.RedisError, ValueError) as error:
            # A message of the client may repeat the address, which may hold a password.
            raise DeliveryFailed(f"Redis did not take it ({type(error).__name__}): check {REDIS_VARIABLE}") from None
