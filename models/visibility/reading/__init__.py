"""What the text and the sources of one answer say, by rules: brands named, pages cited, claims, refusals.

The text is data. Nothing in it is followed, and nothing of it is returned but names of the roster, numbers and places.
"""

from __future__ import annotations

from models.visibility.reading.fact_checks import Claim, Fact, claims
from models.visibility.reading.names import Brand, Mention, NameMatcher
from models.visibility.reading.pages import Page, canonical_url, cited_page, registered_domain
from models.visibility.reading.refusals import is_refusal

__all__ = [
    "Brand",
    "Claim",
    "Fact",
    "Mention",
    "NameMatcher",
    "Page",
    "canonical_url",
    "cited_page",
    "claims",
    "is_refusal",
    "registered_domain",
]
