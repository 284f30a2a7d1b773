"""Pattern cards: what content agents receive, in a closed form that cannot carry an instruction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback.patterns.cards import (
    Approval,
    Card,
    CardRun,
    block,
    claim,
    newest,
    next_versions,
    ranked,
    retract,
    usable,
    useful,
)
from feedback.patterns.contract import CardRefused, accept, problems, schema
from feedback.patterns.vocabulary import VOCABULARY, FeatureDefinition, declared, extract_headlines, headline_features

if TYPE_CHECKING:
    from feedback.patterns.exposure import EpochKey, Offer, is_sealed, offer

__all__ = [
    "VOCABULARY",
    "Approval",
    "Card",
    "CardRefused",
    "CardRun",
    "EpochKey",
    "FeatureDefinition",
    "Offer",
    "accept",
    "block",
    "claim",
    "declared",
    "extract_headlines",
    "headline_features",
    "is_sealed",
    "newest",
    "next_versions",
    "offer",
    "problems",
    "ranked",
    "retract",
    "schema",
    "usable",
    "useful",
]


def __getattr__(name: str) -> object:
    """The names of the draw, loaded on first use: a server that only reads cards must not load the statistics."""
    if name in ("EpochKey", "Offer", "is_sealed", "offer"):
        from feedback.patterns import exposure

        return getattr(exposure, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
