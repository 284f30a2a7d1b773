"""One test on one static page: verdict, effect, pictures, plan, checks. No script, no network, everything escaped."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

from feedback.reports.page.html import rendered

STANDING = {
    "valid": "The test answers its question",
    "inconclusive": "The test is sound and too noisy to tell",
    "invalid": "The test is invalid: its number must not be used",
}
TITLES = {
    "path": "What happened, and what would have happened",
    "placebos": "The tested regions among controls read the same way",
    "power": "What the frozen plan could find",
}


def experiment_page(found: Mapping[str, Any], words: Sequence[str], pictures: Mapping[str, bytes]) -> str:
    """HTML of one read test.

    `found` is its row of `measurement.experiment` with `checks`, `warnings`, `departures` and `beside` as lists,
    `words` say effect, return and profit, `pictures` are PNGs by name (path, placebos, power). Every figure comes from
    a row.
    """
    channels, regions = ", ".join(found["channels"]), ", ".join(found["geos"] or ())
    return rendered(
        "experiment.html.j2",
        test=found,
        where=f"{channels} in {regions}" if regions else channels,
        standing=f"{STANDING[found['verdict']]} (grade {found['grade']}).",
        words=words,
        pictures=[{"title": TITLES[name], "data": base64.b64encode(png).decode()} for name, png in pictures.items()],
        departures=found["departures"],
        checks=[c | {"seen": _short(c["value"]), "limit": _short(c["threshold"])} for c in found["checks"]],
        warnings=[w for w in found["warnings"] if w["severity"] != "info"],
        beside=found["beside"],
    )


def _short(number: float | None) -> str:
    return "–" if number is None or not math.isfinite(number) else f"{number:.3g}"
