"""Rules that read a dimension's value from a text: the first pattern that fits wins, per language.

Every list of words is part of its dimension's version: whoever changes one raises that version in `dimensions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Rule = tuple[str, Mapping[str, str]]  # value, pattern per language
ANY = "*"  # a pattern that holds in every language that is read
READ_LANGUAGES = ("en", "de")


def by_rules(rules: tuple[Rule, ...], usual: str, *, opening: bool = False) -> Callable[[str, str], str | None]:
    """(text, language) -> value; `usual` where no rule fits, None in a language without rules.

    With `opening` only the first sentence is read.
    """
    compiled = [
        (value, {language: re.compile(pattern, re.I) for language, pattern in patterns.items()})
        for value, patterns in rules
    ]

    def read(text: str, language: str) -> str | None:
        if language not in READ_LANGUAGES:
            return None
        plain = text.replace("’", "'").strip()
        if opening:
            plain = re.split(r"(?<=[.!?])\s", plain, maxsplit=1)[0]
        for value, patterns in compiled:
            if any(patterns[key].search(plain) for key in (ANY, language) if key in patterns):
                return value
        return usual

    return read


TRIAL = {
    "en": r"\bfree trial\b|\b(start|try)\b[^.!?]*\bfree\b|\btry (it|us) for \d+ days\b",
    "de": r"\bkostenlos (testen|ausprobieren)\b|\bprobe(monat|version|abo)\b|\btage gratis testen\b",
}
HOOK: tuple[Rule, ...] = (
    ("question", {ANY: r"\?\s*$"}),
    ("how_to", {"en": r"^how (to|you|we)\b", "de": r"^(wie (sie|du|wir|man)|so (gelingt|geht))\b"}),
    ("number", {ANY: r"\d"}),
    (
        "problem",
        {
            "en": r"\b(struggl\w*|tired of|stop|mistakes?|problems?|wast(e|es|ing)|stuck|hidden costs?)\b",
            "de": r"\b(probleme?|fehler|verschwend\w*|schluss mit|scheiter\w*|mühsam\w*|kostenfallen?)\b",
        },
    ),
    (
        "story",
        {
            "en": r"^(when|once|last (week|month|year|spring|summer|autumn|winter))\b|\b(i|we) (was|were|had)\b",
            "de": r"^(als|einst|letzte[nrs]? (woche|monat|jahr|sommer|winter)|vor \w+ jahren)\b",
        },
    ),
    (
        "news",
        {
            "en": r"\b(new|introducing|now available|launch\w*|announc\w*)\b",
            "de": r"\b(neue?[nmrs]?|ab sofort|jetzt verfügbar|vorgestellt)\b",
        },
    ),
)
PROOF: tuple[Rule, ...] = (
    (
        "statistic",
        {
            ANY: r"\d\s?(%|percent|prozent)(?!\s?(off|discount|less|rabatt|nachlass))|\b\d+x\b",
            "en": r"\b\d+ (of|out of|in) \d+\b",
            "de": r"\b\d+ von \d+\b",
        },
    ),
    (
        "customer",
        {
            "en": r"\b(customers?|clients?|teams?) (at|like|such as|says?|reports?|told)\b",
            "de": r"\b(kunden|teams?) (bei|wie|sagen|berichten|erzählen)\b",
        },
    ),
    (
        "source",
        {
            "en": r"\b(study|survey|research|according to)\b",
            "de": r"\b(studien?|umfragen?|untersuchung(en)?|laut)\b",
        },
    ),
    (
        "guarantee",
        {
            "en": r"\b(guarantee[ds]?|money back|money-back)\b",
            "de": r"\b(garantie|garantiert|geld zurück|geld-zurück\S*)\b",
        },
    ),
)
CTA: tuple[Rule, ...] = (
    ("trial", TRIAL),
    (
        "demo",
        {
            "en": r"\b(book|get|see|request|watch) (a |the |your )?(live )?demo\b",
            "de": r"\bdemo (buchen|ansehen|vereinbaren)\b",
        },
    ),
    (
        "download",
        {
            "en": r"\bdownload\b|\bget the (guide|report|checklist|template)\b",
            "de": r"\b(herunterladen|jetzt laden|download)\b",
        },
    ),
    (
        "buy",
        {
            "en": r"\b(buy|order|shop) (now|today|here|yours|online)\b",
            "de": r"\b(jetzt|hier|online) (kaufen|bestellen)\b",
        },
    ),
    (
        "contact",
        {
            "en": r"\b(talk to|contact|call|write to) (us|our|sales|an expert)\b",
            "de": r"\b(kontaktieren|sprechen|rufen|schreiben) sie\b",
        },
    ),
    (
        "sign_up",
        {
            "en": r"\b(sign up|register|subscribe|join us)\b",
            "de": r"\b(anmelden|registrieren|abonnieren|teilnehmen)\b",
        },
    ),
    (
        "learn_more",
        {
            "en": r"\b(learn more|read (more|on|the)|find out|see how)\b",
            "de": r"\b(mehr erfahren|weiterlesen|lesen sie|erfahren sie)\b",
        },
    ),
)
OFFER: tuple[Rule, ...] = (
    (
        "discount",
        {
            ANY: r"\d\s?(%|percent|prozent)\s?(off|discount|less|rabatt|nachlass)",
            "en": r"\bdiscount(s|ed)?\b|\bsave ([$€£]\d|\d+ ?([$€£%]|percent|euros?|dollars?))",
            "de": r"\b(rabatte?|nachlass|sparen sie)\b",
        },
    ),
    (
        "free_trial",
        {
            "en": r"\bfree for \d+ (days|weeks|months)\b|\b\d+ (days|weeks|months) free\b|\bno credit card\b",
            "de": r"\b\d+ (tage|wochen|monate) (gratis|kostenlos)\b|\bohne kreditkarte\b",
        },
    ),
    (
        "free",
        {
            "en": r"\bfree (shipping|delivery|of charge|guide|template|checklist)\b|\bat no cost\b",
            "de": r"\b(gratis|kostenfrei|versandkostenfrei)\b|\bkostenlose[mnrs]? (versand|lieferung|vorlage)\b",
        },
    ),
    (
        "deadline",
        {
            "en": r"\b(until|by|ends) ((mon|tues|wednes|thurs|fri|satur|sun)day|today|tonight|midnight)\b",
            "de": r"\b(nur bis|endet (heute|morgen|am)|nur noch heute)\b",
        },
    ),
)
TONE: tuple[Rule, ...] = (
    (
        "urgent",
        {
            "en": r"\b(hurry|last chance|don't miss|act now|running out|before it's too late)\b",
            "de": r"\b(beeil\w*|letzte chance|nicht verpassen|sofort handeln|bevor es zu spät ist)\b",
        },
    ),
    (
        "casual",
        {
            ANY: r"\bhey\b|[\U0001f300-\U0001faff]",
            "en": r"\b(you|we|they|i|it|that|let|don|can|won|isn|doesn)'(re|ve|ll|s|t|m|d)\b",
            "de": r"\b(du|dir|dich|dein\w*)\b",
        },
    ),
    (
        "formal",
        {
            "en": r"\b(furthermore|moreover|therefore|hereby|we are pleased to|in order to)\b",
            "de": r"\b(ferner|des weiteren|hiermit|wir freuen uns|darüber hinaus)\b",
        },
    ),
)
