"""Answers that decline to answer: they say nothing about any brand."""

from __future__ import annotations

import re

LONGEST = 600  # a long text that begins with an apology usually answers after all
_DECLINES = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|unable|not able)|as an ai(?: language)? model, i"
    r"|i (?:can(?:'|no)t|won't) (?:help|assist|answer|recommend|provide)"
    r"|es tut mir leid|leider kann ich|ich kann (?:dir |ihnen )?(?:dabei |damit )?(?:leider )?nicht"
    r"|je (?:ne peux pas|suis desole)|no puedo (?:ayudar|responder)|lo siento)"
)


def is_refusal(text: str, *, sources: int, brands: int) -> bool:
    """Whether a short answer without sources and brands declines in English, German, French or Spanish."""
    if sources or brands or len(text) > LONGEST:
        return False
    from models.visibility.reading.folding import folded

    return bool(_DECLINES.search(folded(text).text.replace("’", "'")))
