"""The closed vocabulary of features and how each is read from a text; no other feature may appear on a card.

`headline.*` 1.0.0 is deterministic: patterns and counters over an English headline; the other parts of a piece are in
`dimensions`. A person admits new keys; a changed definition is a new extractor version, never an edit here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from feedback.patterns.dimensions import DIMENSIONS

if TYPE_CHECKING:
    import polars as pl

Extractor = Literal["regex", "counter", "rule", "llm_label", "vision_label", "assigned"]


@dataclass(frozen=True)
class FeatureDefinition:
    """One feature: its key, what a card calls it (`noun`), and how a headline is judged (None: not by the headline)."""

    key: str
    noun: str
    extractor: Extractor
    version: str
    present: Callable[[str], bool] | None = None

    @property
    def label(self) -> str:
        """The words by which a statement must name the feature."""
        return self.noun


def _found(pattern: str, *, original_case: bool = False) -> Callable[[str], bool]:
    compiled = re.compile(pattern)

    def present(text: str) -> bool:
        plain = text.replace("’", "'")
        return compiled.search(plain if original_case else plain.lower()) is not None

    return present


def _words(*words: str) -> Callable[[str], bool]:
    return _found(rf"\b({'|'.join(words)})\b")


def _tokens(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.replace("’", "'").lower())


def _long_words(text: str) -> bool:
    tokens = _tokens(text)
    return bool(tokens) and sum(len(t) > 7 for t in tokens) / len(tokens) > 0.20


NEGATIVE = [
    "hate",
    "worst",
    "bad",
    "wrong",
    "kill",
    "dead",
    "die",
    "died",
    "death",
    "terrible",
    "awful",
    "sad",
    "cry",
    "hurt",
    "pain",
    "fear",
    "angry",
    "war",
    "shock",
    "shocking",
    "disturbing",
    "horrible",
    "racist",
    "rape",
    "abuse",
    "violence",
]
POSITIVE = [
    "love",
    "best",
    "great",
    "amazing",
    "awesome",
    "beautiful",
    "happy",
    "good",
    "perfect",
    "wonderful",
    "brilliant",
    "inspiring",
    "incredible",
    "adorable",
    "cute",
    "hilarious",
    "funny",
]
CURIOUS = (
    "guess",
    "wait",
    "secret",
    "happens next",
    "you won't",
    "until",
    "turns out",
    "actually",
    "the reason",
    "reason",
    "what happened",
    "find out",
    "mind",
)

# name: (how a card names it, how it is judged)
_HEADLINE: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "question": ("a question", _found(r"\?")),
    "number": ("a number", _found(r"\d")),
    "starts_number": ("a number at the start", _found(r"^\W*\d")),
    "exclaim": ("an exclamation mark", _found("!")),
    "quote": ("a quotation", _found(r"[\"“”]|(^|\s)'", original_case=True)),
    "colon": ("a colon", _found(":")),
    "ellipsis": ("an ellipsis", _found(r"\.\.\.|…")),
    "paren": ("a parenthesis", _found(r"\(")),
    "dash": ("a dash", _found(r" -|—|–")),
    "two_sentences": ("two sentences", _found(r"[.!?]\s+[A-Z]", original_case=True)),
    "caps_word": ("a word in capitals", _found(r"\b[A-Z]{3,}\b", original_case=True)),
    "short": ("nine words or fewer", lambda text: len(_tokens(text)) <= 9),
    "long": ("eighteen words or more", lambda text: len(_tokens(text)) >= 18),
    "long_word": ("many long words", _long_words),
    "you": ("an address to the reader (you)", _found(r"\byou(r|'re|'ve|'ll)?\b")),
    "i_my": ("a first-person voice (I, my)", _words("i", "my", "me", "i'm", "i've")),
    "we_our": ("a shared voice (we, our)", _words("we", "our", "us", "we're")),
    "he_his": ("a man as subject (he, his)", _words("he", "his", "him", "he's")),
    "she_her": ("a woman as subject (she, her)", _words("she", "her", "she's")),
    "they": ("a group as subject (they, their)", _words("they", "their", "them", "they're")),
    "this_these": ("a pointing word (this, these)", _words("this", "these")),
    "here": ("the word here", _found(r"\bhere'?s?\b")),
    "why": ("the word why", _words("why")),
    "how": ("the word how", _words("how")),
    "what": ("the word what", _words("what")),
    "who": ("the word who", _words("who")),
    "when": ("the word when", _words("when")),
    "if": ("the word if", _words("if")),
    "just": ("the word just", _words("just")),
    "one": ("the word one", _words("one")),
    "but_then": ("a turn (but, then, so)", _words("but", "then", "and then", "so")),
    "watch_see": ("an invitation to watch or look", _words("watch", "see", "look", "video")),
    "negation": (
        "a negation",
        _words("not", "no", "never", "don't", "doesn't", "isn't", "can't", "won't", "didn't"),
    ),
    "superlative": ("a superlative", _words("most", "best", "worst", "ever", "never", "always", "every", "all")),
    "neg_word": ("a negative emotional word", _found(rf"\b({'|'.join(NEGATIVE)})\w*\b")),
    "pos_word": ("a positive emotional word", _found(rf"\b({'|'.join(POSITIVE)})\w*\b")),
    "curiosity": ("a curiosity phrase", _words(*CURIOUS)),
    "people_kids": (
        "people or children",
        _words(
            *[
                "kid",
                "kids",
                "child",
                "children",
                "girl",
                "boy",
                "mom",
                "dad",
                "woman",
                "man",
                "guy",
                "people",
                "baby",
                "teen",
                "family",
            ]
        ),
    ),
    "science_data": (
        "a reference to science or data",
        _words("science", "study", "data", "facts?", "map", "chart", "percent", "%"),
    ),
    "celebrity": (
        "a public figure",
        _words("obama", "fox", "stewart", "colbert", "oprah", "bill", "president", "congress"),
    ),
    "money": ("money", _found(r"\$|\b(money|rich|poor|pay|cost|dollars?|wage)\b")),
    "sexy": ("a sexual word", _words("sex", "sexy", "naked", "porn", "hot")),
    "hyper": (
        "a hyperbolic word",
        _words("literally", "totally", "seriously", "pretty much", "kinda", "freaking", "epic", "insane", "crazy"),
    ),
}

HEADLINE_VERSION = "1.0.0"
_COUNTERS = {"short", "long", "long_word"}
HEADLINE: Mapping[str, FeatureDefinition] = {
    f"headline.{name}": FeatureDefinition(
        f"headline.{name}", noun, "counter" if name in _COUNTERS else "regex", HEADLINE_VERSION, present
    )
    for name, (noun, present) in _HEADLINE.items()
}
VOCABULARY: Mapping[str, FeatureDefinition] = {
    **HEADLINE,
    **{
        f"{dimension.name}.{value}": FeatureDefinition(
            f"{dimension.name}.{value}", noun, cast(Extractor, dimension.extractor), dimension.version
        )
        for dimension in DIMENSIONS.values()
        for value, noun in dimension.nouns.items()
    },
}


def declared(nouns: Mapping[str, str], version: str = "1.0.0") -> Mapping[str, FeatureDefinition]:
    """The vocabulary with a company's own keys added; `nouns` maps a key to its name on a card, e.g. `offer.points`
    to "loyalty points".

    Such features come with the content ("assigned"); they are not read from a text. Raises ValueError for a key that
    is built in or has no namespace, and for a name that may not appear on a card.
    """
    added = dict(VOCABULARY)
    for key, noun in nouns.items():
        if key in VOCABULARY or not re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+", key):
            raise ValueError(f"feature key {key!r}: need a new key with a namespace, like offer.loyalty_points")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ,'()-]{0,79}", noun):
            raise ValueError(f"feature {key}: {noun!r} cannot appear on a card; use plain words, at most 80 characters")
        added[key] = FeatureDefinition(key, noun, "assigned", version)
    return added


def headline_features(headline: str) -> list[str]:
    """Keys of the `headline.*` features that a headline has, in the vocabulary's order."""
    return [
        key for key, definition in HEADLINE.items() if definition.present is not None and definition.present(headline)
    ]


def extract_headlines(headlines: pl.DataFrame) -> pl.DataFrame:
    """`variant, headline` in, `variant, feature` out: one row per feature present, as `models.patterns.learn` reads it.

    Raises ValueError naming the variant whose headline is blank.
    """
    import polars as pl

    blank = headlines.filter(pl.col("headline").is_null() | (pl.col("headline").str.strip_chars() == ""))
    if blank.height:
        raise ValueError(f"variant {blank['variant'][0]!r} has no headline; a feature cannot be read from nothing")
    rows = [
        (variant, key)
        for variant, headline in headlines.select("variant", "headline").unique(maintain_order=True).iter_rows()
        for key in headline_features(headline)
    ]
    return pl.DataFrame(rows, schema={"variant": pl.String, "feature": pl.String}, orient="row")
