"""The parts of a piece beside its headline (hook, proof, call to action …), each with a closed list of values.

A dimension has exactly one value per piece. Where a rule can read it, the rule is a pure function of the text in a
language that it knows; everything else must be declared in the content log. A changed rule or list is a new version.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from feedback.patterns.text_rules import CTA, HOOK, OFFER, PROOF, TONE, by_rules

SHORT_WORDS, LONG_WORDS = 30, 90
WITHOUT_SPACES = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True)
class Dimension:
    """One namespace of the vocabulary whose values exclude each other.

    `nouns`: value to its name on a card. `usual` is the value against which the others are learned; it has no card of
    its own. `read` maps (text, language) to a value, None where it cannot tell; `read` itself is None where only a
    declared value counts.
    """

    name: str
    nouns: Mapping[str, str]
    usual: str
    version: str
    extractor: str
    read: Callable[[str, str], str | None] | None = None

    @property
    def values(self) -> tuple[str, ...]:
        """Every value that may be declared."""
        return (*self.nouns, self.usual)


def _length(text: str, language: str) -> str | None:
    if WITHOUT_SPACES.search(text):
        return None
    words = len(text.split())
    return "short" if words <= SHORT_WORDS else "long" if words >= LONG_WORDS else "medium"


_ALL = (
    Dimension(
        "hook",
        {
            "question": "a question as the opening",
            "how_to": "a promise to show how as the opening",
            "number": "a number in the opening",
            "problem": "a problem as the opening",
            "story": "a story as the opening",
            "news": "news as the opening",
        },
        "statement",
        "1.0.0",
        "rule",
        by_rules(HOOK, "statement", opening=True),
    ),
    Dimension(
        "proof",
        {
            "statistic": "a figure as proof",
            "customer": "a customer as proof",
            "source": "a study or source as proof",
            "guarantee": "a guarantee as proof",
        },
        "none",
        "1.0.0",
        "rule",
        by_rules(PROOF, "none"),
    ),
    Dimension(
        "cta",
        {
            "trial": "an invitation to try for free",
            "demo": "an invitation to a demo",
            "download": "an invitation to download",
            "buy": "an invitation to buy",
            "contact": "an invitation to get in touch",
            "sign_up": "an invitation to sign up",
            "learn_more": "an invitation to read on",
        },
        "none",
        "1.0.0",
        "rule",
        by_rules(CTA, "none"),
    ),
    Dimension(
        "offer",
        {
            "discount": "a discount as the offer",
            "free_trial": "a free trial as the offer",
            "free": "something free as the offer",
            "deadline": "a deadline on the offer",
        },
        "none",
        "1.0.0",
        "rule",
        by_rules(OFFER, "none"),
    ),
    Dimension(
        "tone",
        {"urgent": "an urgent tone", "casual": "a casual tone", "formal": "a formal tone"},
        "plain",
        "1.0.0",
        "rule",
        by_rules(TONE, "plain"),
    ),
    Dimension(
        "length",
        {"short": "thirty words or fewer", "long": "ninety words or more"},
        "medium",
        "1.0.0",
        "counter",
        _length,
    ),
    Dimension(
        "topic",
        {
            "product": "the product as topic",
            "customer_story": "a customer's story as topic",
            "how_to": "instructions as topic",
            "research": "research as topic",
            "comparison": "a comparison as topic",
            "company": "the company itself as topic",
            "event": "an event as topic",
            "opinion": "an opinion as topic",
        },
        "other",
        "1.0.0",
        "assigned",
    ),
    Dimension(
        "visual",
        {
            "person": "a person as the picture",
            "product": "the product as the picture",
            "chart": "a chart as the picture",
            "screenshot": "a screenshot as the picture",
            "illustration": "an illustration as the picture",
            "video": "a video as the picture",
        },
        "none",
        "1.0.0",
        "assigned",
    ),
    Dimension(
        "format",
        {
            "single_image": "a single image as format",
            "carousel": "a carousel as format",
            "video": "a video as format",
            "document": "a document as format",
            "poll": "a poll as format",
            "article": "an article as format",
            "story": "a story format",
            "email": "an e-mail as format",
            "page": "a page as format",
        },
        "post",
        "1.0.0",
        "assigned",
    ),
)
DIMENSIONS: Mapping[str, Dimension] = {dimension.name: dimension for dimension in _ALL}
# Not features of a piece but who sees it and where: results are compared within one of them, never between two.
SCOPES = ("audience", "channel")
