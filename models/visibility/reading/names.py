"""Which brands an answer names, where and in which order: complete words, aliases, inflected forms, other scripts."""

from __future__ import annotations

from dataclasses import dataclass

from models.visibility.reading.folding import folded

SHORT = 4  # shorter names must be written in the same case: "ODA" is not "oda"
_APOSTROPHES = "'’ʼ"
# Endings that a language adds to a name without an apostrophe; after one only a word's end may follow.
ENDINGS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("en", "de", "nl", "sv", "da", "nb", "no"), ("s",)),
    "pl": ("a", "u", "y", "owi", "em", "iem", "ie", "om", "ow", "ach", "ami"),
    **dict.fromkeys(("cs", "sk"), ("u", "a", "e", "y", "em", "ovi")),
    **dict.fromkeys(("hr", "sr", "sl", "bs"), ("a", "u", "om", "em")),
    "fi": ("n", "in", "en", "on", "a", "ia", "ssa", "issa", "sta", "ista", "lla", "illa", "lta", "lle", "ille"),
    "et": ("i", "is", "ist", "ile", "le", "l", "t"),
    "hu": ("t", "ot", "et", "nak", "nek", "ban", "ben", "bol", "ra", "re", "val", "vel", "hoz"),
    "lt": ("as", "o", "ui", "u", "e"),
    "lv": ("s", "a", "am", "u"),
}
_CYRILLIC_ENDING, _PREFIXED = 3, ("hebrew", "arabic")


@dataclass(frozen=True)
class Brand:
    """A brand of the roster, its other spellings, and phrases in which its name means something else."""

    name: str
    aliases: tuple[str, ...] = ()
    namesakes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mention:
    """A brand and where it is named: code points of the answer's text, half-open."""

    brand: str
    start: int
    end: int


class NameMatcher:
    """Finds the brands of a roster in texts; build it once per roster."""

    def __init__(self, roster: tuple[Brand, ...]) -> None:
        self._spellings = [
            (folded(spelling).text.strip(), spelling, brand.name)
            for brand in roster
            for spelling in (brand.name, *brand.aliases)
            if folded(spelling).text.strip()
        ]
        self._namesakes = [phrase for brand in roster for n in brand.namesakes if (phrase := folded(n).text.strip())]

    def mentions(self, text: str, locale: str = "") -> list[Mention]:
        """All mentions in order of place; a name inside a longer one counts as well (`Google Ads` also names Google),
        unless the longer one is listed among its namesakes.

        Complete words only; also with an apostrophe and ending (`Acme's`, `Slack'te`), and with the endings of the
        locale's language. Names of fewer than four letters must be written in the same case. Comments, tags and
        addresses are no prose and name nobody.
        """
        view = folded(text)
        body = view.text
        for phrase in self._namesakes:
            body = body.replace(phrase, " " * len(phrase))
        endings = ENDINGS.get(locale.split("-")[0].split("_")[0].lower(), ())
        spans: list[tuple[int, int, str]] = []
        for spelling, written, brand in self._spellings:
            at = body.find(spelling)
            while at >= 0:
                end = at + len(spelling)
                if _is_word(body, at, end, spelling, endings):
                    start, last = view.place(at), view.place(end - 1) + 1
                    if len(spelling) >= SHORT or text[start:last] == written:
                        spans.append((start, last, brand))
                at = body.find(spelling, at + 1)
        return [Mention(brand, start, last) for start, last, brand in sorted(spans, key=lambda s: (s[0], -s[1], s[2]))]

    def named(self, text: str, locale: str = "") -> list[str]:
        """Each brand that the text names, once, in the order of first mention."""
        return list(dict.fromkeys(mention.brand for mention in self.mentions(text, locale)))


def _script(character: str) -> str:
    code = ord(character)
    if 0x0400 <= code <= 0x052F:
        return "cyrillic"
    if 0x0590 <= code <= 0x05FF:
        return "hebrew"
    if 0x0600 <= code <= 0x06FF:
        return "arabic"
    # Scripts written without spaces: a neighbour is no part of the word.
    if 0x0E00 <= code <= 0x0EFF or 0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x9FFF or 0xAC00 <= code <= 0xD7AF:
        return "unspaced"
    return "other"


def _is_word(body: str, at: int, end: int, spelling: str, endings: tuple[str, ...]) -> bool:
    first, last = _script(spelling[0]), _script(spelling[-1])
    if first == "unspaced" or last == "unspaced":
        return True
    before = _letters(body[max(0, at - 2) : at], from_end=True)
    if before and not (first in _PREFIXED and len(before) <= 1):
        return False
    after = _letters(body[end : end + 6])
    if not after:
        return True
    if len(spelling) < SHORT:
        return False
    if last == "cyrillic":
        return len(after) <= _CYRILLIC_ENDING and all(_script(c) == "cyrillic" for c in after)
    return after in endings


def _letters(part: str, *, from_end: bool = False) -> str:
    """The letters and digits that continue a word from its edge, without those of scripts that use no spaces."""
    run = ""
    for character in reversed(part) if from_end else part:
        if not (character.isalnum() or character == "_") or _script(character) == "unspaced":
            break
        run += character
    return run
