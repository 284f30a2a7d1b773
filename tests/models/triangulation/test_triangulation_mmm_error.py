"""An MMM misplaces a share of the booked KPI: the less a channel spends, the less its reading says."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.triangulation import EvidencePriors, MMMDraws, combine
from models.triangulation.mmm_error import MoneyError, reading_of_draws, returns_given_error
from models.triangulation.mmm_evidence import MMMEvidenceError
from models.triangulation.vocabulary import COLUMNS

PRIOR = (1.2, 0.8)  # median and log sd of a class


def lognormal(median: float, log_sd: float) -> np.ndarray:
    return median * np.exp(log_sd * np.random.default_rng(5).standard_normal(2000))


def possible(draws: np.ndarray, error: MoneyError) -> np.ndarray:
    return returns_given_error(draws, PRIOR, reading_of_draws(draws, *PRIOR), error)


def test_without_an_error_the_draws_are_as_they_were():
    draws = lognormal(2.0, 0.2)
    assert np.array_equal(possible(draws, MoneyError(0.0, 0.0)), np.sort(draws))


def test_a_large_error_leaves_the_prior():
    """Quantiles under an almost flat likelihood, against those of the prior; 2 % is the error of 2,000 quantiles."""
    result = np.quantile(possible(lognormal(3.0, 0.1), MoneyError(0.0, 1000.0)), [0.1, 0.5, 0.9])
    assert result == pytest.approx(PRIOR[0] * np.exp(PRIOR[1] * np.array([-1.2816, 0.0, 1.2816])), rel=0.02)


def test_a_known_error_is_that_of_a_regression_with_more_noise():
    """The reading 2.0 with standard error .2 and an error of .5 is a reading of 2.0 with .539: weights on a grid."""
    z = np.linspace(-6, 6, 20001)
    value = PRIOR[0] * np.exp(PRIOR[1] * z)

    def posterior(se: float) -> tuple[np.ndarray, np.ndarray]:
        weight = np.exp(-0.5 * z**2 - 0.5 * ((value - 2.0) / se) ** 2)
        return value, weight / weight.sum()

    value, weight = posterior(0.2)
    draws = np.random.default_rng(3).choice(value, 4000, p=weight)
    value, expected = posterior(float(np.hypot(0.2, 0.5)))
    result = possible(draws, MoneyError(0.0, 0.5))
    # Monte Carlo error of 4,000 draws in the recovered reading; the approximation itself is below that.
    assert result.mean() == pytest.approx(float(expected @ value), rel=0.02)
    assert result.std() == pytest.approx(float(np.sqrt(expected @ value**2 - (expected @ value) ** 2)), rel=0.05)


def test_draws_of_a_signed_prior_keep_their_mean_and_spread_out():
    draws = np.random.default_rng(1).normal(-0.4, 0.1, 2000)
    result = possible(draws, MoneyError(0.3, 0.2))
    assert result.mean() == pytest.approx(draws.mean())
    assert result.std() == pytest.approx(np.hypot(draws.std(), 0.2))
    still = possible(np.full(2000, -0.4), MoneyError(0.0, 0.2))
    assert (still.mean(), still.std()) == (pytest.approx(-0.4), pytest.approx(0.2, rel=0.01))


def number(channel: str, booked_per_spend: float) -> dict[str, float]:
    mmm = MMMDraws((channel,), lognormal(6.0, 0.15)[:, None], booked_per_spend={channel: booked_per_spend})
    combined = combine(pl.DataFrame(schema=COLUMNS), mmm=mmm, margin=0.6, seed=1)
    return combined.estimates.row(0, named=True) | combined.weights.select("prior").row(0, named=True)


def test_a_channel_of_small_spend_is_read_less_exactly():
    large, small = number("tv", 5.0), number("tv", 500.0)
    assert large["q50"] == pytest.approx(6.0, rel=0.15)
    assert small["q50"] < 0.6 * large["q50"]
    assert small["q95"] / small["q50"] > large["q95"] / large["q50"]
    assert small["prior"] > large["prior"] + 0.2
    assert not small["measured"]


def test_hidden_demand_is_taken_off_a_channel_that_follows_it():
    """2 % of the booked KPI at 100 booked per unit of spend is 2.0 in iROAS: 6.0 is read, about 4 or less remains."""
    assert number("retargeting", 100.0)["q50"] < 4.5 < number("tv", 100.0)["q50"]


@pytest.mark.parametrize("ratio", [0.0, -1.0, np.nan, np.inf])
def test_a_ratio_that_cannot_be_is_refused(ratio):
    with pytest.raises(MMMEvidenceError, match=r"booked_per_spend\['tv'\]"):
        MMMDraws(("tv",), np.ones((10, 1)), booked_per_spend={"tv": ratio})


@pytest.mark.parametrize("name", ["useless_odds_least", "demand_useless_odds_least"])
def test_the_bounds_on_no_effect_are_in_order(name):
    with pytest.raises(ValueError, match=rf"{name}=4.0 is above useless_odds_most=3.0"):
        EvidencePriors.model_validate({name: 4.0})
