"""The companies of the benchmark: reproducible, true by their own counterfactual, with independent circumstances."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.worlds.company_kinds import KINDS, TRUE_RETURNS
from models.worlds.measured_company import MeasuredCompany, measured_company


@pytest.fixture(scope="module")
def companies() -> list[MeasuredCompany]:
    return [measured_company(kind, seed) for kind in KINDS for seed in range(40)]


def test_the_same_kind_and_seed_give_the_same_company():
    first, second = measured_company("ecommerce", 4), measured_company("ecommerce", 4)
    for frame in ("weekly", "claims", "tests", "truth"):
        assert getattr(first, frame).equals(getattr(second, frame))
    assert not first.weekly.equals(measured_company("ecommerce", 5).weekly)


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="ecommerce"):
        measured_company("bakery", 1)


def test_truth_is_what_media_added_to_the_revenue_per_unit_of_observed_spend(companies):
    for company in companies:
        spent = company.weekly.select(pl.col(f"spend_{c}").sum() for c in company.channels).row(0)
        assert np.allclose(company.truth["spend"], spent)
        assert np.allclose(company.truth["iroas"] * company.truth["spend"], company.truth["incremental"])
        assert company.truth["incremental"].sum() < 0.9 * company.weekly["revenue"].sum()
        assert (company.weekly["revenue"] > 0).all()


def test_many_channels_do_not_pay_and_some_do_nothing(companies):
    returns = np.concatenate([c.truth["iroas"].to_numpy() * c.margin for c in companies])
    assert (returns < 0.1).mean() >= 0.10
    assert (returns < 1).mean() >= 0.40
    assert (returns < -0.02).any()


def test_most_channels_are_never_tested_and_most_tests_are_sound(companies):
    tested = np.mean([c.tests["channel"].n_unique() / len(c.channels) for c in companies])
    faults = [fault for c in companies for fault in c.faults.values()]
    assert tested < 0.5
    assert 0.5 < np.mean([fault == "none" for fault in faults]) < 0.75


def test_the_number_of_tests_does_not_run_with_hidden_demand(companies):
    tests = [c.circumstances.tests for c in companies]
    demand = [c.circumstances.hidden_demand for c in companies]
    # 200 independent pairs: a correlation has a standard error of .07
    assert abs(np.corrcoef(tests, demand)[0, 1]) < 0.2


def test_a_sound_test_of_a_channel_without_long_carryover_reads_the_truth_within_its_error(companies):
    z = []
    for company in companies:
        truth = dict(company.truth.select("channel", "iroas").iter_rows())
        for test in company.tests.iter_rows(named=True):
            if company.circumstances.curve != "as assumed":
                continue
            short = TRUE_RETURNS[company.classes[test["channel"]]].half_life_weeks <= 0.3
            if short and company.faults[test["test"]] == "none" and test["factor"] == 0:
                z.append((test["iroas"] - truth[test["channel"]]) / test["se"])
    # about 25 tests, whose median has a standard error of .3; the design's own error widens them beyond 1
    assert len(z) >= 15
    assert abs(np.median(z)) < 0.6
    assert 0.6 < np.median(np.abs(z)) / 0.6745 < 2.0


def test_claims_exceed_what_media_added_in_an_online_shop():
    factors = []
    for seed in range(100):
        company = measured_company("ecommerce", seed)
        claims = company.claims.filter(pl.col("claim_type").is_in(["click", "view"])).join(company.truth, on="channel")
        factors.append(float((claims["iroas"] * claims["spend"]).sum()) / float(company.truth["incremental"].sum()))
    # agencies report 1.2 to 2.5 times the sales that media made
    assert 1.2 < np.median(factors) < 3
