"""The published tables of precision and smallest detectable change, cell by cell."""

from __future__ import annotations

import pytest

from models.visibility.sampling_design import Design, category_half_width, panel_half_width, smallest_detectable_change

RUNS = (1, 3, 5, 7, 10)


@pytest.mark.parametrize(
    ("engines", "base_weeks", "points"),
    [
        pytest.param(1, 1, (21.7, 12.5, 9.7, 8.2, 6.9), id="one engine, week against week"),
        pytest.param(1, 4, (17.1, 9.9, 7.7, 6.5, 5.4), id="one engine, week against four weeks"),
        pytest.param(4, 1, (10.8, 6.3, 4.8, 4.1, 3.4), id="four engines, week against week"),
        pytest.param(4, 4, (8.6, 4.9, 3.8, 3.2, 2.7), id="four engines, week against four weeks"),
    ],
)
def test_the_smallest_detectable_change_of_fifty_prompts(engines, base_weeks, points):
    found = [100 * smallest_detectable_change(Design(50, r, 4), engines=engines, base_weeks=base_weeks) for r in RUNS]
    assert found == pytest.approx(points, abs=0.05 + 1e-9)  # the table is rounded to a tenth of a point


def test_the_range_of_fifty_prompts_on_the_measured_variances():
    runs = (1, 2, 3, 5, 7, 10)
    for variance, points in ((0.175, (11.6, 8.2, 6.7, 5.2, 4.4, 3.7)), (0.124, (9.8, 6.9, 5.6, 4.4, 3.7, 3.1))):
        found = [100 * panel_half_width(Design(50, r, 1), level=0.95, within_variance=variance) for r in runs]
        assert found == pytest.approx(points, abs=0.05 + 1e-9)


def test_breadth_buys_the_claim_about_the_category():
    # Published for 150 calls: 50 prompts asked three times 10.3 points, 150 prompts asked once 7.5.
    repeated = 100 * category_half_width(Design(50, 3, 1), level=0.95)
    broad = 100 * category_half_width(Design(150, 1, 1), level=0.95)
    assert (repeated, broad) == pytest.approx((10.3, 7.5), abs=0.1)


@pytest.mark.parametrize("wrong", [{"prompts": 0}, {"runs": 0}, {"engines": 0}])
def test_a_design_without_answers_is_refused(wrong):
    with pytest.raises(ValueError, match="at least 1"):
        Design(**({"prompts": 50, "runs": 5, "engines": 4} | wrong))
