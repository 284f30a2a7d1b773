"""One byte form: against the published hash and the number rules of RFC 8785."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_cards import cards

from feedback.patterns.contract import schema
from feedback.patterns.identity import content_sha256
from feedback.storage.canonical_json import canonical, six_digits


def test_the_published_example_has_the_published_hash() -> None:
    example = schema()["examples"][0]
    assert content_sha256(example) == "6516a8c75c551a6d9427e60f0a85de3fae4510f0f68879c55d02a23ce8a27a62"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        # Appendix B of RFC 8785, and the two forms in which sorted json.dumps differs.
        (540.0, "540"),
        (1e-05, "0.00001"),
        (0.0, "0"),
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (1e21, "1e+21"),
        (1e-7, "1e-7"),
        (0.000001, "0.000001"),
        (333333333.33333329, "333333333.3333333"),
        (-1.5, "-1.5"),
        (123.456, "123.456"),
    ],
)
def test_numbers_are_written_as_ecmascript_writes_them(number: float, text: str) -> None:
    assert canonical(number).decode() == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_comes_back_as_itself(number: float) -> None:
    assert float(json.loads(canonical(number))) == number


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(-100, 100)))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    assert canonical(value) == canonical(dict(reversed(value.items())))
    assert json.loads(canonical(value)) == value


def test_keys_sort_by_utf16_units_and_controls_are_escaped() -> None:
    # A clef (U+1D11E) is above U+FB33 as a character and below it in UTF-16.
    assert canonical({"\ufb33": 1, "\U0001d11e": 2, "a\n": 3}) == '{"a\\n":3,"\U0001d11e":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), 2**60, -(2**53), "\ud800", {1: 2}, {"a"}, b"a"])
def test_a_value_without_an_exact_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        canonical({"x": value})


def test_the_largest_whole_number_that_a_double_holds_alone_is_written() -> None:
    assert canonical(2**53 - 1) == b"9007199254740991"


def test_a_card_written_before_keeps_its_hash_and_its_id() -> None:
    (card,) = cards()
    assert card["content_sha256"] == "900349989fb3556d6309f97a657d22a94ad798e5547742980c8929c010a1013f"
    assert card["pattern_id"] == "pat_vtgq155d7fbp56ynv4872afgwa"


def test_floats_are_kept_to_six_digits() -> None:
    assert six_digits({"a": [0.123456789, 123456789.0], "b": "x"}) == {"a": [0.123457, 123457000.0], "b": "x"}
