"""Text made comparable without losing its places: case, accents, invisible characters and look-alike letters."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# Letters of other scripts that look like a Latin one, and Latin letters that no decomposition simplifies.
LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕһԁԛԝкмтвнґαορντικυχεηβ",
    "aeopcyxijshdqwkmtbhraopvtikuxenb",
)
_PLAIN = str.maketrans("ıłøđħŧ", "ilodht")
_WORD = re.compile(r"[^\W_]+")
# What a reader does not see as prose: comments, tags, commands to a terminal, addresses.
_ADDRESS = r"\b(?:https?://|www\.)[^\s<>()\[\]\"']+"
_TERMINAL = r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)"
_UNSEEN = re.compile(rf"<!--.*?(?:-->|\Z)|</?[a-zA-Z][^<>]{{0,2000}}>|{_TERMINAL}|{_ADDRESS}", re.DOTALL)
_SIGNS = ("<", "://", "www.", "\x1b")


@dataclass(frozen=True)
class Folded:
    """`text` in comparable form; `places[i]` is where its character i stands in the original (None: the same place)."""

    text: str
    places: tuple[int, ...] | None

    def place(self, index: int) -> int:
        """Place in the original of the folded character at `index`."""
        return index if self.places is None else self.places[index]


def folded(text: str) -> Folded:
    """Lower case without accents, full-width forms and invisible characters; look-alike letters become Latin ones.

    A letter of another script becomes Latin where it stands in a word with Latin letters, or in a word made of
    look-alikes only inside a text that is mostly Latin: a Russian text keeps its words. Unicode NFKD and casefold.
    """
    seen = without_unseen(text)
    if seen.isascii():
        return Folded(seen.lower(), None)
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(seen):
        if unicodedata.category(character) in ("Cf", "Cc") and character not in "\n\t\r":
            continue
        for part in unicodedata.normalize("NFKD", character).casefold():
            if not unicodedata.combining(part):
                letters.append(part)
                places.append(place)
    plain = "".join(letters).translate(_PLAIN)
    latin = sum("a" <= c <= "z" for c in plain)
    mostly_latin = 2 * latin > sum(c.isalpha() for c in plain)

    def unmasked(word: re.Match[str]) -> str:
        spelled = word[0]
        replaced = spelled.translate(LOOK_ALIKES)
        mixed = any("a" <= c <= "z" for c in spelled)
        return replaced if replaced.isascii() and (mixed or mostly_latin) else spelled

    return Folded(_WORD.sub(unmasked, plain), tuple(places))


def without_unseen(text: str) -> str:
    """The text with comments, tags and addresses blanked out, every other character at its place."""
    if not any(sign in text for sign in _SIGNS):
        return text
    return _UNSEEN.sub(lambda part: " " * len(part[0]), text)
