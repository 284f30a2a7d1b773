"""One delivery by webhook: a signed POST to an address that was checked, redirects not followed."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit

from feedback.events.addresses import Resolver, reachable, resolved
from feedback.events.settings import Webhook
from feedback.events.signatures import sign
from feedback.events.target import DeliveryFailed
from feedback.memory.cloud_events import MEDIA_TYPE, as_bytes
from feedback.memory.store import StoredEvent

MOST_ANSWER = 4096


class WebhookTarget:
    """Delivers to one receiver. `key` is its secret; `clock` gives the time that is signed."""

    def __init__(
        self,
        webhook: Webhook,
        key: bytes,
        *,
        clock: Callable[[], datetime],
        allow_hosts: tuple[str, ...] = (),
        timeout_seconds: float = 10.0,
        resolve: Resolver = resolved,
    ) -> None:
        self.name, self.types = webhook.name, webhook.types
        self._url, self._host, self._key = urlsplit(webhook.url), webhook.host, key
        self._clock, self._allow, self._timeout, self._resolve = clock, allow_hosts, timeout_seconds, resolve

    def check(self) -> None:
        """Raises AddressRefused where the address leads to a private place, DeliveryFailed where it leads nowhere."""
        self._addresses()

    def send(self, event: StoredEvent) -> None:
        """Delivers one event. Raises DeliveryFailed unless the receiver answers 2xx, AddressRefused as `check`."""
        addresses = self._addresses()
        body = as_bytes(event)
        headers = sign(self._key, event.event_id, self._clock(), body)
        headers |= {"content-type": MEDIA_TYPE, "user-agent": "plumbline", "connection": "close"}
        connection = self._connection(addresses)
        raw = connection.sock  # http.client lets go of it once an answer that closes the connection begins
        deadline = threading.Timer(self._timeout, _shut, [raw])
        deadline.daemon = True
        deadline.start()  # for the whole answer: a receiver that sends byte after byte must not hold back others
        try:
            target = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
            connection.request("POST", target, body=body, headers=headers)
            answer = connection.getresponse()
            answer.read(MOST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise DeliveryFailed(f"{self._host}: {_sentence(error)}") from error
        finally:
            deadline.cancel()
            connection.close()
        if not 200 <= answer.status < 300:
            what = "a redirect, which is not followed" if 300 <= answer.status < 400 else "no success"
            raise DeliveryFailed(f"{self._host} answered {answer.status}: {what}", final=answer.status == 410)

    @property
    def _port(self) -> int:
        return self._url.port or (443 if self._url.scheme == "https" else 80)

    def _addresses(self) -> tuple[str, ...]:
        try:
            return reachable(self._host, self._port, self._allow, name=self.name, resolve=self._resolve)
        except (OSError, UnicodeError) as error:
            raise DeliveryFailed(f"{self._host} cannot be resolved: {_sentence(error)}") from error

    def _connection(self, addresses: tuple[str, ...]) -> http.client.HTTPConnection:
        """A connection to the address that was checked, under the host's own name for TLS and the Host header."""
        failure: OSError | None = None
        for address in addresses:
            try:
                raw = socket.create_connection((address, self._port), timeout=self._timeout)
            except OSError as error:
                failure = error
                continue
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
            try:
                secure = self._url.scheme == "https"
                connection.sock = (
                    ssl.create_default_context().wrap_socket(raw, server_hostname=self._host) if secure else raw
                )
            except OSError as error:
                raw.close()
                raise DeliveryFailed(f"{self._host}: TLS failed, {_sentence(error)}") from error
            return connection
        raise DeliveryFailed(f"{self._host}: {_sentence(failure)}" if failure else f"{self._host} has no address")


def _shut(raw: socket.socket) -> None:
    with suppress(OSError):
        raw.shutdown(socket.SHUT_RDWR)


def _sentence(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text)[:200]
