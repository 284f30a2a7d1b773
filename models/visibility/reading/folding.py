"""Text made comparable without losing its places: case, accents, invisible characters and look-alike letters."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache

# Letters of other scripts that look like a Latin one, and Latin letters that no decomposition simplifies.
LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕһԁԛԝкмтвнґαορντικυχεηβ",
    "aeopcyxijshdqwkmtbhraopvtikuxenb",
)
_LOOK_ALIKE, _LATIN = re.compile(f"[{''.join(map(chr, LOOK_ALIKES))}]"), re.compile("[a-z]")
_PLAIN = str.maketrans("ıłøđħŧ", "ilodht")
_WORD = re.compile(r"[^\W_]+")
# What a reader does not see as prose: comments, tags, commands to a terminal, addresses.
_ADDRESS = r"\b(?:https?://|www\.)[^\s<>()\[\]\"']+"
_TERMINAL = r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)"
_UNSEEN = re.compile(rf"<!--.*?(?:-->|\Z)|</?[a-zA-Z][^<>]{{0,2000}}>|{_TERMINAL}|{_ADDRESS}", re.DOTALL)
_SIGNS = ("<", "://", "www.", "\x1b")


_OTHER = re.compile(r"[^\x00-\x7f]+|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")


@dataclass(frozen=True)
class Folded:
    """`text` in comparable form; from its character `starts[i]` on it runs along the original from `origins[i]`."""

    text: str
    starts: tuple[int, ...] = (0,)
    origins: tuple[int, ...] = (0,)

    def place(self, index: int) -> int:
        """Place in the original of the folded character at `index`."""
        run = bisect_right(self.starts, index) - 1
        return self.origins[run] + index - self.starts[run]


def folded(text: str) -> Folded:
    """Lower case without accents, full-width forms and invisible characters; look-alike letters become Latin ones.

    A letter of another script becomes Latin where it stands in a word with Latin letters, or in a word made of
    look-alikes only inside a text that is mostly Latin: a Russian text keeps its words. Unicode NFKD and casefold.
    """
    seen = without_unseen(text)
    parts: list[str] = []
    starts, origins, length, done = [0], [0], 0, 0
    for other in _OTHER.finditer(seen):
        if other.start() > done:
            parts.append(seen[done : other.start()].lower())
            length += other.start() - done
        for place in range(other.start(), other.end()):
            simple = _simplified(seen[place])
            starts.append(length)
            origins.append(place)
            # Each further letter of one character (ss of a sharp s) stands where the character does.
            for _ in simple[1:]:
                length += 1
                starts.append(length)
                origins.append(place)
            length += 1 if simple else 0
            parts.append(simple)
        done = other.end()
        starts.append(length)
        origins.append(done)
    parts.append(seen[done:].lower())
    plain = "".join(parts)
    if _LOOK_ALIKE.search(plain) is None:
        return Folded(plain, tuple(starts), tuple(origins))
    mostly_latin = 2 * len(_LATIN.findall(plain)) > sum(map(str.isalpha, plain))

    def unmasked(word: re.Match[str]) -> str:
        spelled = word[0]
        if spelled.isascii():
            return spelled
        replaced = spelled.translate(LOOK_ALIKES)
        mixed = any("a" <= c <= "z" for c in spelled)
        return replaced if replaced.isascii() and (mixed or mostly_latin) else spelled

    return Folded(_WORD.sub(unmasked, plain), tuple(starts), tuple(origins))


@cache
def _simplified(character: str) -> str:
    """A character without case, accent and width; "" for one that nobody sees."""
    if unicodedata.category(character) in ("Cf", "Cc"):
        return ""
    parts = unicodedata.normalize("NFKD", character).casefold()
    return "".join(c for c in parts if not unicodedata.combining(c)).translate(_PLAIN)


def without_unseen(text: str) -> str:
    """The text with comments, tags and addresses blanked out, every other character at its place."""
    if not any(sign in text for sign in _SIGNS):
        return text
    return _UNSEEN.sub(lambda part: " " * len(part[0]), text)
