"""The edit ratio on texts whose distance a reader can count."""

from __future__ import annotations

import pytest

from models.operations.edit_distance import edit_of

SENTENCES = (
    "The board wants one number per channel.",
    "Our tests say what each channel brings.",
    "Everything else is a guess with a chart.",
)
TEXT = " ".join(SENTENCES)
WORDS = "a b c d e f g h"


@pytest.mark.parametrize(
    ("draft", "final", "ratio", "reorder"),
    [
        pytest.param(TEXT, TEXT, 0.0, 0.0, id="the same"),
        pytest.param("", "", 0.0, 0.0, id="both empty"),
        pytest.param(TEXT, "", 1.0, 0.0, id="all deleted"),
        pytest.param(WORDS + ". " + WORDS + ".", WORDS + ".", 1 / 3, 0.0, id="halved"),
        pytest.param(WORDS + ". " + WORDS + ".", (WORDS + ". ") * 3, 0.2, 0.0, id="half again appended"),
        pytest.param("x y. u v.", "u v. x y.", 0.0, 1.0, id="halves swapped"),
        pytest.param(TEXT, " ".join((SENTENCES[2], *SENTENCES[:2])), 0.0, 2 / 3, id="a sentence moved"),
        pytest.param(TEXT.upper(), TEXT, 0.0, 0.0, id="only the case differs"),
        pytest.param("a b c d", "a b x d", 0.25, 0.0, id="one word of four replaced"),
        pytest.param(
            "\u5e73\u548c\u3002\u4e16\u754c\u3002",
            "\u5e73\u548c\u3002\u4e16\u4eba\u3002",
            1 / 6,
            0.0,
            id="characters without spaces",
        ),
    ],
)
def test_the_share_of_tokens_that_changed(draft, final, ratio, reorder):
    edit = edit_of(draft, final)
    assert edit.ratio == pytest.approx(ratio, abs=1e-9)
    assert edit.reorder == pytest.approx(reorder, abs=1e-9)
    assert edit_of(final, draft).ratio == pytest.approx(ratio, abs=1e-9)


def test_a_share_of_replaced_words_is_about_the_ratio():
    words = [f"w{i}" for i in range(100)]
    for replaced in (25, 45):
        final = [f"x{i}" if i < replaced else word for i, word in enumerate(words)]
        assert edit_of(" ".join(words), " ".join(final)).ratio == pytest.approx(replaced / 100)
