"""Correction of label errors: known by hand, covering its truth, and refusing labels that say nothing."""

from __future__ import annotations

import numpy as np
import pytest

from models.visibility.label_errors import GoldenCounts, LabelError, corrected_rate, rate_with_golden_sample


def test_a_perfect_labeller_is_not_corrected() -> None:
    rate = corrected_rate(0.3, 100, GoldenCounts(50, 50, 50, 50))
    assert rate.value == pytest.approx(0.3)
    assert rate.correction == pytest.approx(0.0)


def test_the_corrected_rate_is_the_one_that_produces_the_observed() -> None:
    """True rate .4, sensitivity .9, specificity .8: .4 * .9 + .6 * .2 = .48 is observed."""
    assert corrected_rate(0.48, 1e9, GoldenCounts(100, 90, 100, 80)).value == pytest.approx(0.4)


def test_both_corrections_cover_the_truth() -> None:
    """1,000 weeks of 400 answers, golden set of 200 + 200 or 100 sampled; 90 % ranges, four standard errors."""
    rng, truth, se, sp, draws = np.random.default_rng(3), 0.35, 0.92, 0.85, 1000
    apart = sampled = 0
    for _ in range(draws):
        y = rng.random(400) < truth
        label = np.where(y, rng.random(400) < se, rng.random(400) > sp)
        golden = GoldenCounts(200, int(rng.binomial(200, se)), 200, int(rng.binomial(200, sp)))
        found = corrected_rate(float(label.mean()), 400, golden)
        apart += found.low <= truth <= found.high
        one = rate_with_golden_sample(label, label[:100], y[:100])
        sampled += one.low <= truth <= one.high
    assert apart / draws == pytest.approx(0.90, abs=0.04)
    assert sampled / draws == pytest.approx(0.90, abs=0.04)


@pytest.mark.parametrize(
    ("golden", "complaint"),
    [
        pytest.param((100, 70, 100, 70), "say too little", id="hardly better than chance"),
        pytest.param((0, 0, 100, 70), "at least one true", id="no true item"),
        pytest.param((10, 11, 100, 70), "cannot exceed", id="more found than there are"),
    ],
)
def test_labels_that_say_nothing_are_refused(golden: tuple[int, int, int, int], complaint: str) -> None:
    with pytest.raises(LabelError, match=complaint):
        corrected_rate(0.5, 100, GoldenCounts(*golden))
