"""Wrong claims are counted per engine and fact; a fact that nobody states wrongly is no row."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from models.visibility import wrong_claims
from models.visibility.intervals import wilson

FIELDS = ("answer_id", "day", "engine", "surface", "brand", "fact_id", "severity", "verdict", "given")


def claim(number: int, verdict: str, given: float | None = None, fact: str = "price", engine: str = "one"):
    day = date(2026, 9, 1) + timedelta(days=number)
    return (f"a{number}", day, engine, "chat", "Own", fact, "high", verdict, given)


def test_wrong_and_outdated_claims_are_a_share_of_the_checkable_ones_with_a_range():
    rows = [claim(n, "supported", 49.0) for n in range(6)]
    rows += [claim(6, "contradicted", 79.0), claim(7, "contradicted", 79.0), claim(8, "outdated", 39.0)]
    rows += [claim(9, "supported", 5.0, fact="seats"), claim(10, "contradicted", 1.0, engine="two")]
    table = wrong_claims(pl.DataFrame(rows, schema=list(FIELDS), orient="row"))
    assert table.select("engine", "fact_id", "wrong", "outdated", "checkable").rows() == [
        ("one", "price", 2, 1, 9),
        ("two", "price", 1, 0, 1),
    ]
    first = table.row(0, named=True)
    assert (first["share"], first["low"], first["high"]) == pytest.approx((3 / 9, *wilson(3 / 9, 9, 0.90)))
    assert (first["values_given"], first["last_day"]) == ([39.0, 79.0], date(2026, 9, 9))
    assert first["evidence"] == ["a6", "a7", "a8"]


def test_no_claim_is_no_row():
    empty = pl.DataFrame([claim(0, "supported", 1.0)], schema=list(FIELDS), orient="row")
    assert wrong_claims(empty).is_empty()
