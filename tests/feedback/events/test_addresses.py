"""Where a webhook may not lead: every way to a machine that only we can reach."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from feedback.events.addresses import AddressRefused, is_public, reachable
from feedback.events.settings import EventSettings

PRIVATE = (
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "10.0.0.5",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:1::1",
    "2001:db8::1",
    "no address",
)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_outside_the_public_internet_is_refused_by_name(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(AddressRefused, match=r"events\.webhooks\.cms\.url") as refused:
        reachable("hooks.example", 443, (), name="cms", resolve=lambda *_: ["93.184.215.14", address])
    assert address in str(refused.value)
    assert "allow_hosts" in str(refused.value)


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111"])
def test_public_addresses_are_used_as_they_were_checked(address: str) -> None:
    assert reachable("hooks.example", 443, (), name="cms", resolve=lambda *_: [address]) == (address,)


def test_a_host_is_allowed_by_its_exact_name_only() -> None:
    def resolve(host: str, port: int) -> list[str]:
        return ["10.0.0.5"]

    assert reachable("CMS.internal.", 80, ("cms.internal",), name="cms", resolve=resolve) == ("10.0.0.5",)
    for other in ("evil.cms.internal", "cms.internal.evil.example", "internal", "10.0.0.5"):
        with pytest.raises(AddressRefused):
            reachable(other, 80, ("cms.internal",), name="cms", resolve=resolve)


@pytest.mark.parametrize("number", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1"])
def test_other_spellings_of_this_machine_are_resolved_before_they_are_judged(number: str) -> None:
    with pytest.raises((AddressRefused, OSError)):
        reachable(number, 80, (), name="cms")


def settings(**webhook: object) -> EventSettings:
    given = {"name": "cms", "url": "https://hooks.example/in", "secret": "PLUMBLINE_HOOK"} | webhook
    return EventSettings.model_validate({"webhooks": [given]})


@pytest.mark.parametrize(
    ("webhook", "complaint"),
    [
        ({"url": "ftp://hooks.example/"}, "begin it with https"),
        ({"url": "file:///etc/passwd"}, "begin it with https"),
        ({"url": "gopher://hooks.example/"}, "begin it with https"),
        ({"url": "http://hooks.example/"}, "without TLS"),
        ({"url": "https://user:pass@hooks.example/"}, "user or password"),
        ({"url": "https://hooks.example@10.0.0.1/"}, "user or password"),
        ({"url": "https://hooks.example\\@10.0.0.1/"}, "user or password|backslash"),
        ({"url": "https://hооks.example/"}, "plain ASCII"),
        ({"url": "https://hooks.example/\r\nX-Evil: 1"}, "plain ASCII"),
        ({"url": "https://hooks.example/ in"}, "plain ASCII"),
        ({"url": "https://hooks.example:0/"}, "names no host"),
        ({"url": "https://hooks.example:99999/"}, "not an address"),
        ({"url": "https:///path"}, "names no host"),
        ({"url": "https://%31%32%37.0.0.1/"}, "names no host"),
        ({"url": "https://[::1/"}, "not an address"),
        ({"url": "https://hooks.example/#x"}, "after #"),
        ({"secret": "whsec_abc"}, "match pattern"),
        ({"name": "../cms"}, "match pattern"),
        ({"name": "cms\n"}, "match pattern"),
        ({"name": "redis"}, "name of the Redis stream"),
        ({"types": ["pattern.promoted", "pattern.promotеd"]}, "not a type of event"),
        ({"headers": {"Authorization": "x"}}, "Extra inputs"),
    ],
)
def test_a_webhook_that_could_mislead_is_refused_before_any_call(webhook: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        settings(**webhook)


@pytest.mark.parametrize("host", ["*", "*.internal", "http://cms.internal", "cms.internal:80", ""])
def test_hosts_are_allowed_one_by_one(host: str) -> None:
    with pytest.raises(ValidationError, match="one host"):
        EventSettings(allow_hosts=(host,))
