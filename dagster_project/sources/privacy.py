"""Personal data stops here: what the warehouse may hold of an e-mail, a name, a free text or a URL.

The pepper is an argument; where it comes from is the caller's business.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import unicodedata
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

Pepper = bytes

EMAIL = re.compile(r"[A-Za-z0-9._%+'\-]+(?:@|%40)[A-Za-z0-9.\-]+\.[A-Za-z]{2,}", re.IGNORECASE)
PHONE = re.compile(r"(?<![\w.])(?:\+|00)\d[\d ()/.\-]{6,}\d")
CLICK_IDS = (
    "gclid",
    "gbraid",
    "wbraid",
    "msclkid",
    "ttclid",
    "li_fat_id",
    "dclid",
    "fbclid",
    "srsltid",
)
_KEPT_IN_URL = (*CLICK_IDS, "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "utm_id")
_PERSONAL_KEY = re.compile(
    r"e[-_ ]?mail|(first|last|full|sur|contact|person|customer|client|user|buyer|lead|kunden)[-_ ]?name"
    r"|phone|mobile|telefon"
    r"|vorname|nachname|address|adresse|street|birth|\bip\b|user[-_ ]?agent|owner|password|token|^name$|salutation",
    re.IGNORECASE,
)


def normalised_email(address: str) -> str:
    """The address as its spellings share it: trimmed, lower case, without `+tag`, dots of Gmail removed."""
    local, _, domain = unicodedata.normalize("NFKC", address).strip().casefold().rpartition("@")
    local = local.split("+", 1)[0]
    if domain in ("gmail.com", "googlemail.com"):
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def keyed_hash(text: str, pepper: Pepper) -> str:
    """HMAC-SHA256 in hex: equal texts give equal keys, and addresses cannot be tried out without the pepper.

    Raises ValueError for an empty pepper: a hash without a key is a list of guesses away from the address.
    """
    if not pepper:
        raise ValueError("the pepper is empty: set PLUMBLINE_PEPPER to at least 16 random characters")
    return hmac.new(pepper, text.encode("utf-8"), hashlib.sha256).hexdigest()


def email_hash(address: str, pepper: Pepper) -> str:
    return keyed_hash(normalised_email(address), pepper)


_OPAQUE = re.compile(r"[0-9a-fA-F\-]{1,64}")
_HASHED = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")


def address_key(text: str, pepper: Pepper) -> str | None:
    """`email_hash` of an address; a hash that a connector already made of one is keyed once more. None for other
    text."""
    if EMAIL.fullmatch(text.strip()):
        return email_hash(text, pepper)
    return keyed_hash(text, pepper) if _HASHED.fullmatch(text) else None


def person_key(text: str, pepper: Pepper) -> str:
    """An id of a person: the key of an address, a number or UUID as it is (it joins to the CRM's id), the key of
    any other text."""
    if "@" in text:
        return email_hash(text, pepper)
    return text if _OPAQUE.fullmatch(text) else keyed_hash(text.strip().casefold(), pepper)


def actor_key(text: str, pepper: Pepper) -> str:
    """Who acted: the name of an agent or a role as it is, a person's address or full name as its key."""
    if "@" in text:
        return email_hash(text, pepper)
    return name_key(text, pepper) if " " in text.strip() else text.strip()


def email_domain(text: str) -> str | None:
    return text.strip().rpartition("@")[2].casefold() if EMAIL.fullmatch(text.strip()) else None


def name_key(name: str, pepper: Pepper) -> str:
    """Key of a company's or deal's name, equal for the same name in another case or spacing."""
    return keyed_hash(" ".join(unicodedata.normalize("NFKC", name).casefold().split()), pepper)


def stripped(text: str) -> str:
    """Free text without the e-mails and international phone numbers that people type into it."""
    if not any(mark in text for mark in ("@", "%40", "+", "00")):
        return text
    return PHONE.sub("[phone removed]", EMAIL.sub("[e-mail removed]", text))


def masked(value: str) -> str:
    """A personal value as it may be shown: enough to find the row, not enough to know the person."""
    return f"{value[:1]}…({len(value)} characters, hidden)" if value else value


def is_personal(header: str) -> bool:
    """Whether a column with this name holds personal data, so that it is never kept as an unknown column."""
    return bool(_PERSONAL_KEY.search(header))


def reduced_url(url: str) -> str:
    """The page's address with only utm parameters and click ids left of its query."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    parameters = [(k, stripped(v)) for k, v in parse_qsl(parts.query) if k.lower() in _KEPT_IN_URL]
    host = parts.netloc.rpartition("@")[2]
    return stripped(urlunsplit((parts.scheme, host, parts.path, urlencode(parameters), "")))


def scrubbed(thing: Any) -> Any:
    """JSON without personal keys, and without e-mails inside its texts."""
    if isinstance(thing, dict):
        return {stripped(str(k)): scrubbed(v) for k, v in thing.items() if not is_personal(str(k)) or _is_count(k, v)}
    if isinstance(thing, list):
        return [scrubbed(item) for item in thing]
    return stripped(thing) if isinstance(thing, str) else thing


def _is_count(key: Any, value: Any) -> bool:
    """`tokens` with a number says what a language model used; a text under this name may be a secret."""
    return key == "tokens" and isinstance(value, int | float)


def scrubbed_json(text: str) -> str:
    """`scrubbed` on JSON text; raises ValueError where it is not JSON."""
    return json.dumps(scrubbed(json.loads(text)), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
