"""What two runs over the same data may differ in: names and times of the run, versions of code, hashes of both.

Everything else is compared exactly. The list is short on purpose, and `python -m benchmarks.run.compare` prints it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

IGNORED_COLUMNS = {
    "run_id": "named after the inputs and the code",
    "previous_run_id": "named after the inputs and the code",
    "base_key": "key of the fit before, which holds a digest of the code",
    "measurement.run.started_at": "when the run began",
    "measurement.run.code_version": "digest of the code",
    "measurement.run.packages_sha256": "digest of the installed packages",
    "measurement.mmm_fit.seconds": "how long the fit took",
    "measurement.mmm_fit.fit_key": "holds a digest of the code",
    "measurement.mmm_fit.file": "named after fit_key",
    "ops.run.started_at": "when the run began",
    "ops.run.finished_at": "when the run ended",
    "ops.run.fingerprint": "holds the code version and the packages",
    "feedback.pattern_card.content_sha256": "holds the run id and the code version",
    "feedback.feed.sha256": "holds content_sha256 of the cards",
    "feedback.report.sha256": "the page prints the run id and the code version",
}
IGNORED_FIGURES = {
    "run.id": "named after the inputs and the code",
    "run.code_version": "digest of the code",
    "run.packages_sha256": "digest of the installed packages",
    "store.sha256": "hash over the facts above",
    "*.sql_sha256": "hash of the text of a query, which is code",
}
# Inside texts and JSON: each pattern is replaced by its stand-in before two values are compared.
REPLACED_IN_TEXTS = {
    r"run_\d{8}_[0-9a-f]{10}": "run_*",
    r"\d+\.\d+\.\d+\+src\.[0-9a-f]{12}": "code_*",
    r'"content_sha256": ?"[0-9a-f]{64}"': '"content_sha256":"*"',
}
# Wording may be improved without a figure changing; --ignore-wording leaves these out of the verdict.
WORDING_COLUMNS = ("message", "action", "reason", "reasons", "needs", "notices")
WORDING_FIELDS = ("source", "basis")


def ignored(schema: str, table: str, column: str) -> bool:
    """Is this column one that two equal runs may differ in?"""
    return column in IGNORED_COLUMNS or f"{schema}.{table}.{column}" in IGNORED_COLUMNS


def without_run(text: str) -> str:
    """The text with run ids, code versions and hashes over them replaced by stand-ins."""
    for pattern, stand_in in REPLACED_IN_TEXTS.items():
        text = re.sub(pattern, stand_in, text)
    return text


def listed() -> Iterator[str]:
    """The lists above, one line per entry."""
    for name, reason in (IGNORED_COLUMNS | IGNORED_FIGURES).items():
        yield f"  {name:<40} {reason}"
    for pattern, stand_in in REPLACED_IN_TEXTS.items():
        yield f"  {pattern:<40} read as {stand_in} inside texts"
