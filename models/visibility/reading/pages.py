"""Cited pages: one address per page whatever was appended to it, and the registered domain that owns it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

# Parameters that say how a visitor came, not which page it is; those of campaigns begin with utm_.
TRACKING = frozenset(
    {
        *("gclid", "gbraid", "wbraid", "dclid", "fbclid", "msclkid", "twclid", "ttclid", "li_fat_id", "igshid"),
        *("mc_cid", "mc_eid", "srsltid", "gad_source", "_gl", "ref_src"),
    }
)
REDIRECTS = frozenset({"vertexaisearch.cloud.google.com"})
LONGEST = 2048
_PATH = "/%:@!$&()*+,;=~"  # of a path; quotation marks and brackets are encoded, so that no address carries markup


@dataclass(frozen=True)
class Page:
    """A page of an answer: canonical address, host without `www.`, registered domain, role, place in the list."""

    url: str
    host: str
    domain: str
    role: Literal["cited", "retrieved"]
    rank: int


def canonical_url(url: str) -> str | None:
    """The address without scheme, `www.`, fragment, tracking parameters and closing slash; None if not on the web.

    Host in lower case, default port removed; other parameters keep their order, because they may select the page.
    """
    parts = _split(url)
    if parts is None:
        return None
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(k, v) for k, v in pairs if not (k.lower().startswith("utm_") or k.lower() in TRACKING)]
    query = f"?{urlencode(kept)}" if kept else ""
    return f"{_host(parts)}{_port(parts)}{quote(parts.path.rstrip('/'), safe=_PATH)}{query}"


def cited_page(url: str, title: str | None, role: str, rank: int) -> Page | None:
    """The page behind a source; None for anything but a web address.

    Where an engine hides the page behind its own redirect and gives the site as the title, the site is what counts.
    """
    parts, canonical = _split(url), canonical_url(url)
    if parts is None or canonical is None:
        return None
    host = _host(parts)
    if host in REDIRECTS:
        site = _split((title or "").strip())
        if site is None or " " in (title or "").strip():
            return None
        host = canonical = _host(site)
    return Page(canonical, host, registered_domain(host), "retrieved" if role == "retrieved" else "cited", rank)


@cache
def registered_domain(host: str) -> str:
    """The part of a host that somebody registered: b.co.uk of `a.b.co.uk`, `acme.github.io` as it is."""
    return str(_suffixes().privatesuffix(host) or host)


@cache
def _suffixes():  # type: ignore[no-untyped-def]  # the library has no types
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def _split(url: str) -> SplitResult | None:
    url = url.strip()
    if not url or len(url) > LONGEST or " " in url or not url.isprintable():
        return None
    try:
        parts = urlsplit(url if "//" in url.split("?")[0] else f"//{url}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("", "http", "https") or not host or "." not in _host(parts).strip("."):
        return None
    return parts


def _host(parts: SplitResult) -> str:
    """The host as the name system writes it: letters, digits, dots and hyphens only; "" if it is no such name."""
    host = (parts.hostname or "").rstrip(".").removeprefix("www.")
    try:
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return ""
    return host if all(c.isalnum() or c in ".-" for c in host) else ""


def _port(parts: SplitResult) -> str:
    return "" if parts.port in (None, 80, 443) else f":{parts.port}"
