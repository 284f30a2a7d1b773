"""One test on one static page: verdict, effect, pictures, plan, checks. No script, no network, everything escaped."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

from feedback.reports.page.html import rendered

VERDICTS = {
    "valid": "The test answers its question",
    "inconclusive": "The test is sound but too noisy for a conclusion",
    "invalid": "The test is invalid: its number must not be used",
}
TITLES = {
    "path": "What happened, and what would have happened",
    "placebos": "The tested regions among controls analysed in the same way",
    "power": "What the frozen plan could detect",
}


def experiment_page(test: Mapping[str, Any], summary: Sequence[str], pictures: Mapping[str, bytes]) -> str:
    """HTML of one read test.

    `test` is its row of `measurement.experiment` with `checks`, `warnings`, `departures` and `beside` as lists,
    `summary` states effect, return and profit, `pictures` are PNGs by name (path, placebos, power). Every figure comes
    from a row.
    """
    channels, regions = ", ".join(test["channels"]), ", ".join(test["geos"] or ())
    return rendered(
        "experiment.html.j2",
        test=test,
        where=f"{channels} in {regions}" if regions else channels,
        verdict=f"{VERDICTS[test['verdict']]} (grade {test['grade']}).",
        summary=summary,
        pictures=[{"title": TITLES[name], "data": base64.b64encode(png).decode()} for name, png in pictures.items()],
        departures=test["departures"],
        checks=[c | {"observed": _short(c["value"]), "limit": _short(c["threshold"])} for c in test["checks"]],
        warnings=[w for w in test["warnings"] if w["severity"] != "info"],
        beside=test["beside"],
    )


def _short(number: float | None) -> str:
    return "–" if number is None or not math.isfinite(number) else f"{number:.3g}"
