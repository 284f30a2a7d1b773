"""The register of poisoning attempts names tests that exist."""

from __future__ import annotations

from pathlib import Path

from poisoning import LISTED

TESTS = Path(__file__).parent


def test_every_listed_attempt_is_made() -> None:
    gone = [f"{file}: {test}" for file, test in LISTED if f"def {test}(" not in (TESTS / file).read_text("utf-8")]
    assert not gone, "tests/poisoning.py lists tests that are not there: " + ", ".join(sorted(gone))
