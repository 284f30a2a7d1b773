"""When a feature began to be read by another version of its extractor, as the stored cards tell it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from feedback.patterns.contract import instant
from feedback.patterns.vocabulary import VOCABULARY, FeatureDefinition


def reread_weeks(
    cards: Iterable[Mapping[str, Any]],
    today: date,
    vocabulary: Mapping[str, FeatureDefinition] = VOCABULARY,
) -> dict[str, date]:
    """Feature -> Monday of the week in which its cards changed to the present extractor; today's for those about to.

    `cards`: every stored version. Features whose cards were all read by the present version are not listed.
    """
    first_present: dict[str, date] = {}
    older: set[str] = set()
    for card in cards:
        for feature in card["features"]:
            definition = vocabulary.get(feature["key"])
            if definition is None:
                continue
            if (feature["extractor"], feature["extractor_version"]) != (definition.extractor, definition.version):
                older.add(feature["key"])
                continue
            day = instant(card["recorded_at"]).date()
            first_present[feature["key"]] = min(day, first_present.get(feature["key"], day))
    return {key: _monday(first_present.get(key, today)) for key in sorted(older)}


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
