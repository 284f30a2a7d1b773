"""Times to publication with open and killed pieces, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.operations.competing_risks import KILLED, OPEN, PUBLISHED, incidence, kaplan_meier_median


def test_shares_of_four_pieces_by_hand():
    curve = incidence(np.array([1.0, 2.0, 3.0, 4.0]), np.array([PUBLISHED, KILLED, OPEN, PUBLISHED]))
    assert curve.published[0] == pytest.approx([0.25, 0.25, 0.25, 0.75])
    assert curve.killed[0] == pytest.approx([0, 0.25, 0.25, 0.25])
    assert curve.open[0] == pytest.approx([0.75, 0.5, 0.5, 0.0])
    assert curve.killed_in_the_end[0] == pytest.approx(0.25)
    assert curve.quantile(0.5)[0] == 4.0


def test_without_open_pieces_and_kills_the_median_is_the_plain_one():
    rng = np.random.default_rng(3)
    for n in (4, 5, 50, 51):
        days = rng.gamma(2, 3, n)
        curve = incidence(days, np.full(n, PUBLISHED))
        assert curve.quantile(0.5)[0] == pytest.approx(np.median(days))
        assert curve.still_open[0] == pytest.approx(0, abs=1e-12)


def test_a_weight_of_two_is_the_piece_twice():
    rng = np.random.default_rng(4)
    days, ending = rng.gamma(2, 3, 40), rng.integers(0, 3, 40)
    counts = rng.integers(0, 3, 40)
    weighted = incidence(days, ending, counts)
    repeated = incidence(np.repeat(days, counts), np.repeat(ending, counts))
    assert weighted.quantile(0.5)[0] == pytest.approx(repeated.quantile(0.5)[0])
    assert weighted.killed_in_the_end[0] == pytest.approx(repeated.killed_in_the_end[0])


def test_with_kills_as_censored_the_process_is_slower():
    days = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    ending = np.array([PUBLISHED, KILLED, KILLED, PUBLISHED, PUBLISHED])
    assert kaplan_meier_median(days, ending) == 4.0
    assert np.isnan(kaplan_meier_median(days, np.full(5, KILLED)))


@pytest.mark.parametrize(
    ("days", "ending", "complaint"),
    [
        pytest.param([-1.0], [OPEN], "negative or unknown", id="ended before the brief"),
        pytest.param([np.nan], [OPEN], "negative or unknown", id="no time"),
        pytest.param([1.0], [7], "ending 7", id="unknown ending"),
        pytest.param([1.0, 2.0], [OPEN], "2 durations and 1 endings", id="unequal lengths"),
    ],
)
def test_impossible_lives_are_refused(days, ending, complaint):
    with pytest.raises(ValueError, match=complaint):
        incidence(np.array(days), np.array(ending))


def test_no_piece_at_all_is_no_number():
    curve = incidence(np.zeros(0), np.zeros(0, int))
    assert np.isnan(curve.quantile(0.5)[0])
    assert np.isnan(curve.killed_in_the_end[0])
