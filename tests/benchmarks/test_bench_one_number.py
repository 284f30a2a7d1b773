"""The benchmark of the one number: its own arithmetic, and a small version of it as a gate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.one_number import page
from benchmarks.one_number.fits import experiments, permuted, specification
from benchmarks.one_number.methods import METHODS, MMM, MMM_MIDDLE, OURS, OURS_MIDDLE, RIVALS, figures
from benchmarks.one_number.ours import ABLATIONS, claim_rows, combined, prior_of
from benchmarks.one_number.runs import jobs, run
from benchmarks.one_number.scores import best, ratio_interval, score, with_errors
from models.worlds.measured_company import measured_company


def rows(method: str, points: list[float], *, company: str = "a", truth: tuple[float, ...] = (2.0, 0.0)) -> list[dict]:
    return [
        {
            "company": company,
            "method": method,
            "channel": f"c{i}",
            "margin": 0.5,
            "spend_share": 0.5,
            "truth": true,
            "point": point,
            "low": point / 2,
            "high": point * 2,
        }
        for i, (point, true) in enumerate(zip(points, truth, strict=True))
    ]


def test_scores_of_a_hand_made_company():
    # break-even is an iROAS of 2; the second channel is useless and is bought at 4: half the money loses all of itself
    table = with_errors(pl.DataFrame(rows("m", [2.0 * np.e, 4.0])))
    found = score(table)
    assert found.rmse == pytest.approx(np.sqrt((1 + np.log(4 / 0.1) ** 2) / 2))
    assert found.cover == 0.0
    assert found.width == pytest.approx(np.log(4))
    # the first channel is bought at exactly break-even, where either side costs nothing
    assert found.lost == pytest.approx(50.0)
    assert found.right_side == 0.0


def test_a_truth_below_zero_is_inside_a_range_that_reaches_below_it():
    table = pl.DataFrame([r | {"low": -0.5, "high": 0.3} for r in rows("m", [0.1], truth=(-0.2,))])
    found = score(with_errors(table))
    assert found.cover == 1.0
    assert found.rmse == 0.0


def test_a_method_without_ranges_has_no_cover():
    silent = [r | {"low": None, "high": None} for r in rows("m", [1.0, 1.0])]
    table = pl.DataFrame(silent, schema_overrides={"low": pl.Float64, "high": pl.Float64})
    assert score(with_errors(table)).cover is None


def test_the_ratio_of_a_method_to_itself_is_one_and_halved_errors_give_a_half():
    table = [
        row
        for n in range(20)
        for method, off in (("ours", 0.5), ("other", 1.0))
        for row in rows(method, [2.0 * np.exp(off)], company=str(n), truth=(2.0,))
    ]
    errors = with_errors(pl.DataFrame(table))
    assert ratio_interval(errors, "ours", "other", seed=1) == pytest.approx((0.5, 0.5, 0.5))
    assert best(errors, ("ours", "other")) == "ours"


def test_permuted_classes_move_every_channel_and_keep_the_set():
    company = measured_company("ecommerce", 3)
    other = permuted(company)
    assert sorted(other.values()) == sorted(company.classes.values())
    assert sum(other[c] != company.classes[c] for c in company.channels) >= len(company.channels) - 1


def test_the_class_prior_is_in_the_spec_in_units_of_iroas():
    company = measured_company("ecommerce", 3)
    spec = specification(company, "class")
    assert set(spec.channels) == set(company.channels)
    assert not specification(company, "generic").channels
    brand = [c for c, name in company.classes.items() if name == "brand_search"]
    for channel in brand:
        prior = spec.channels[channel].iroas
        assert prior is not None
        assert np.exp(prior.mu) * company.margin == pytest.approx(0.45, rel=0.3)


def test_a_test_becomes_a_change_of_the_whole_markets_spend():
    company = next(c for c in (measured_company("ecommerce", s) for s in range(20)) if c.tests.height)
    test = experiments(company)[0]
    first = company.tests.row(0, named=True)
    assert (test.name, test.control_share, test.estimand) == (first["test"], first["factor"], "iroas")


def test_claims_on_few_conversions_are_left_out():
    company = measured_company("b2b_software", 2)
    few = company.claims.filter(pl.col("conversions") < 30).height
    assert len(claim_rows(company)) == company.claims.height - few


def test_every_method_has_a_figure_for_every_channel(tmp_path: Path):
    """With made draws, so that the arithmetic is tested without a fit."""
    from benchmarks.one_number.fits import FitDraws

    company = next(c for c in (measured_company("ecommerce", s) for s in range(20)) if c.tests.height >= 2)
    rng = np.random.default_rng(1)
    count, size = 500, len(company.channels)
    draws = FitDraws(
        channels=company.channels,
        returns=np.exp(rng.normal(0.2, 0.5, (count, size))),
        captured={name: np.full(count, 0.9) for name in company.tests["test"]},
        half_life_weeks=np.ones((count, size)),
        prior_log_mean=np.full(size, 0.2),
        prior_log_sd=np.full(size, 0.9),
        converged=True,
    )
    for ablation in ABLATIONS:
        assert prior_of(ablation) in ("class", "generic", "permuted")
    table = figures(company, {"class": draws, "generic": draws, "calibrated": draws}, combined(company, draws))
    assert set(table) == set(METHODS)
    assert set(RIVALS) < set(METHODS)
    assert all(set(of_channel) == set(company.channels) for of_channel in table.values())
    assert table["newest test, else MMM"] != table[MMM]


@pytest.mark.slow
def test_the_one_number_does_not_fall_behind_on_six_companies(tmp_path: Path):
    """The first six companies of the published benchmark, from their weekly frames: no ratio may rise.

    Here the mean stands at .79 of the MMM's and the middle value at .75 of the MMM's middle value; other machines' fits
    move both by about .01. Lower the bounds when the model gets better, never raise them.
    """
    results = run(jobs(6, seed=1, folder=tmp_path), processes=2)
    scores = page.tables(pl.concat([r.rows for r in results if r is not None]), seed=1).scores[page.ALL]
    assert scores[OURS].rmse <= 0.82 * scores[MMM].rmse
    assert scores[OURS_MIDDLE].rmse <= 0.78 * scores[MMM_MIDDLE].rmse
