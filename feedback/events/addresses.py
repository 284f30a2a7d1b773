"""Which machine a webhook's address leads to, and whether the relay may call it: only hosts of the public internet."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable

from models.error import PlumblineError

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]
# Ranges that carry another address inside, which may be private: IPv4 in IPv6 (mapped, compatible, translated), 6to4,
# Teredo; and site-local addresses, which Python counts as global.
WRAPPERS = tuple(
    ipaddress.ip_network(net)
    for net in (
        "::/96",
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "fec0::/10",
    )
)


class AddressRefused(PlumblineError, ValueError):
    """The address leads to where an outsider must not be able to send us."""


def resolved(host: str, port: int) -> list[str]:
    """Every IP address of a host, as the system resolves it. Raises OSError where it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def reachable(
    host: str, port: int, allow_hosts: Iterable[str], *, name: str, resolve: Resolver = resolved
) -> tuple[str, ...]:
    """The addresses that may be connected to, to be used as they are: a second resolution could give others.

    Raises AddressRefused when any of them is private, of this machine, link-local, multicast or reserved, unless
    `allow_hosts` lists the host by its name; OSError where it cannot be resolved.
    """
    addresses = resolve(host, port)
    if host.lower().rstrip(".") not in {allowed.rstrip(".") for allowed in allow_hosts}:
        for address in addresses:
            if not is_public(address):
                raise AddressRefused(
                    f"{host} leads to {address}, which is not on the public internet",
                    file="plumbline.yaml",
                    key=f"events.webhooks.{name}.url",
                    value=host,
                    fix="list the host under events.allow_hosts if it is meant",
                )
    return tuple(addresses)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, whatever form it is written in."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and any(ip in net for net in WRAPPERS):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not ip.is_unspecified
