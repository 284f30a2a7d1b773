"""The public replay: 988 headline tests of Upworthy, learned early and judged late. Clicks of 2013-15, not revenue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import upworthy_archive

from models.patterns import LearnSpec, PromotionPolicy, learn
from models.patterns.arms import comparable_arms
from models.patterns.contrasts import arm_noise, demean, raw_effects
from models.patterns.drift import drift_sd
from models.patterns.lifecycle import promote
from models.patterns.mixture import fit_mixture, posterior

pytestmark = pytest.mark.acceptance
CUT = upworthy_archive._monday(201440)  # learned on weeks up to 2014-39
# The reference fixes tau and checks no split; with both on, 5 of 988 tests drop out.
PLAIN = LearnSpec(srm_alpha=None, tau=0.296, placebo_draws=0)


@pytest.fixture(scope="module")
def archive(shared_data: Callable[[str], Path]) -> tuple[pl.DataFrame, pl.DataFrame]:
    return upworthy_archive.load(shared_data("patterns/upworthy_headline_tests.parquet"))


def test_the_filters_leave_exactly_the_published_cells_and_arms(archive: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    arms = comparable_arms(archive[0], LearnSpec(srm_alpha=None)).frame
    assert (arms["cell"].n_unique(), arms.height) == (988, 4340)


@pytest.mark.parametrize(
    ("feature", "b", "se", "contrasts", "shrunk"),
    [
        ("question", -0.0939, 0.0189, 430, -0.0828),
        ("watch_see", 0.1245, 0.0241, 265, 0.1037),
        ("she_her", 0.1347, 0.0312, 160, 0.1010),
        ("he_his", 0.1022, 0.0291, 167, 0.0777),
        ("number", 0.0852, 0.0211, 324, 0.0728),
        ("negation", 0.0002, 0.0163, 509, 0.0002),
    ],
)
def test_golden_effects(
    archive: tuple[pl.DataFrame, pl.DataFrame], feature: str, b: float, se: float, contrasts: int, shrunk: float
) -> None:
    """Tolerance .003 as published: the extractor's definition and the EM's stopping rule leave that much room."""
    e = learn(*archive, seed=1, spec=PLAIN).estimate(f"headline.{feature}")
    assert e is not None
    assert (e.raw, e.raw_se, e.shrunk) == pytest.approx((b, se, shrunk), abs=0.003)
    assert e.n_contrasts == contrasts


def test_golden_spread_and_number_of_findings(archive: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    found = learn(*archive, seed=1, spec=PLAIN)
    assert found.mixture.sd == pytest.approx(0.052, abs=0.003)
    sure = found.frame.filter(pl.col("lfsr") < 0.05)
    assert (sure.height, sure.filter(pl.col("shrunk") > 0).height) == (18, 14)
    assert learn(*archive, seed=1, spec=LearnSpec(srm_alpha=None, placebo_draws=0)).tau == pytest.approx(
        0.297, abs=0.003
    )


def test_shuffled_outcomes_promote_nothing(archive: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    hits = learn(*archive, seed=1, spec=LearnSpec(srm_alpha=None, tau=0.296, placebo_draws=40)).placebo_hits
    assert hits is not None
    assert hits <= 0.2


def test_most_of_what_differs_lies_between_stories(archive: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    """Published .83; asserted .80 to .86. Why a comparison across briefs mostly selects the story."""
    arms = comparable_arms(archive[0], LearnSpec(srm_alpha=None)).frame
    y, s2, cell = arms["y"].to_numpy(), arms["s2"].to_numpy(), arms["cell"].to_numpy()
    within = arm_noise(y, s2, cell) ** 2
    size = np.bincount(cell)
    means = np.bincount(cell, y) / size
    noise = np.bincount(cell, s2 + within) / size**2
    between = means.var(ddof=1) - noise.mean()
    assert np.sqrt(between) == pytest.approx(0.661, abs=0.02)
    assert 0.80 <= between / (between + within) <= 0.86


def test_shrunk_claims_hold_later_and_naive_claims_do_not(
    archive: tuple[pl.DataFrame, pl.DataFrame], shared_data: Callable[[str], Path]
) -> None:
    """Learned up to 2014-39, judged later: slope of later effects on early claims over named and token features.

    Published for this half, in brackets what random halves allow: 281 candidates; shrunk .94 [.75, 1.15], raw .49
    [< .65], naive .165 [< .25]; claim / true for lfsr < .05: .070 / .075 [.70, 1.30]; naive top 50: 5.7 [> 3].
    """
    tests, named = archive
    path = shared_data("patterns/upworthy_headline_tests.parquet")
    features = pl.concat([named, upworthy_archive.token_features(path)])
    then, now = tests.filter(pl.col("week") < CUT), tests.filter(pl.col("week") >= CUT)
    late = learn(now, features, seed=1, spec=PLAIN).frame.filter(pl.col("n_contrasts") >= 10)
    early = learn(then, features, seed=1, spec=PLAIN).frame.filter(pl.col("n_contrasts") >= 20)
    features = features.filter(pl.col("feature").is_in(early.join(late, on="feature")["feature"].to_list()))
    early = learn(then, features, seed=1, spec=PLAIN).frame
    assert early.height == 281
    both = early.join(late, on="feature", suffix="_late").join(naive_effects(then, features), on="feature")
    both = both.with_columns(w=1 / (pl.col("raw_se_late") ** 2 + 0.03**2))

    def slope(claim: str) -> float:
        x, y, w = both[claim], both["raw_late"], both["w"]
        return float((w * x * y).sum() / (w * x * x).sum())

    def claim_over_true(picked: pl.DataFrame, claim: str) -> float:
        return float(picked[claim].mean() / ((picked["w"] * picked["raw_late"]).sum() / picked["w"].sum()))

    assert 0.75 <= slope("shrunk") <= 1.15
    assert slope("raw") < 0.65
    assert slope("naive") < 0.25
    sure = both.filter((pl.col("lfsr") < 0.05) & (pl.col("shrunk") > 0))
    assert sure.height == 15
    assert 0.70 <= claim_over_true(sure, "shrunk") <= 1.30
    assert claim_over_true(both.sort("naive", descending=True).head(50), "naive") > 3
    assert drift_sd(early, late) < 0.06  # published .021 to .028 a year for named features, 0 to .036 over halves


def naive_effects(tests: pl.DataFrame, features: pl.DataFrame) -> pl.DataFrame:
    """What a dashboard would do: mean of pieces with a feature minus mean of pieces without, all stories pooled."""
    k, n = pl.col("successes") + 0.5, pl.col("trials") - pl.col("successes") + 0.5
    arms = tests.with_columns(y=(k / n).log(), w=1 / (1 / k + 1 / n))
    arms = arms.filter(pl.len().over("brief") >= 2)
    rows = []
    for feature in features["feature"].unique().sort():
        has = arms["variant"].is_in(features.filter(pl.col("feature") == feature)["variant"].to_list())
        one, other = arms.filter(has), arms.filter(~has)
        mean = [float((f["y"] * f["w"]).sum() / f["w"].sum()) for f in (one, other)]
        rows.append((feature, mean[0] - mean[1]))
    return pl.DataFrame(rows, schema={"feature": pl.String, "naive": pl.Float64}, orient="row")


def test_winners_are_cursed_and_shrinkage_lifts_the_curse(archive: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    """Arms thinned into two independent halves: winners of A, read on B. Mean of 10 seeds as published.

    Curse ratio of all winners 1.87 (1.7-2.05 asserted); claim / honest for EB winners with P > .95: 1.03 (.93-1.12).
    """
    arms = comparable_arms(archive[0], LearnSpec(srm_alpha=None)).frame
    cell = arms["cell"].to_numpy()
    trials, clicks = arms["trials"].to_numpy(), arms["successes"].to_numpy()
    curse, claim = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        n_a = trials // 2
        k_a = rng.hypergeometric(clicks, trials - clicks, n_a)
        lift_a, s_a = lift_over_siblings(k_a, n_a, cell)
        lift_b, _ = lift_over_siblings(clicks - k_a, trials - n_a, cell)
        zero = np.zeros(len(cell))
        mixture = fit_mixture(lift_a, s_a, zero, null_weight=10)
        p = posterior(lift_a, s_a, zero, mixture.scales, mixture.weights, delta=0.01, drift_now=zero, drift_next=zero)
        order = np.lexsort((-lift_a, cell))
        winners = order[np.unique(cell[order], return_index=True)[1]]
        curse.append(lift_a[winners].mean() / lift_b[winners].mean())
        sure = winners[p.p_gt_0[winners] > 0.95]
        claim.append(p.mean[sure].mean() / lift_b[sure].mean())
    assert 1.7 <= np.mean(curse) <= 2.05
    assert 0.93 <= np.mean(claim) <= 1.12


def lift_over_siblings(k: np.ndarray, n: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds of an arm minus the mean of the other arms of its cell, and the error of that difference."""
    y, s2 = np.log((k + 0.5) / (n - k + 0.5)), 1 / (k + 0.5) + 1 / (n - k + 0.5)
    size = np.bincount(cell)[cell]
    others, others_s2 = np.bincount(cell, y)[cell] - y, np.bincount(cell, s2)[cell] - s2
    return y - others / (size - 1), np.sqrt(s2 + others_s2 / (size - 1) ** 2)


def test_the_archive_makes_experiments_in_both_directions(archive: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    found = promote(learn(*archive, seed=1, spec=LearnSpec(placebo_draws=0)), PromotionPolicy())
    experiments = {(d.feature, d.kind) for d in found if d.state == "provisional"}
    assert len(experiments) == 7  # the cap of a channel; more would qualify
    assert {("headline.watch_see", "do"), ("headline.question", "avoid")} <= experiments


def test_one_pass_over_all_features_agrees_with_one_at_a_time(archive: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    tests, features = archive
    arms = comparable_arms(tests, LearnSpec(srm_alpha=None)).frame
    has = arms["variant"].is_in(features.filter(pl.col("feature") == "headline.question")["variant"].to_list())
    x = has.to_numpy().astype(float)[:, None]
    y, s2, cell = arms["y"].to_numpy(), arms["s2"].to_numpy(), arms["cell"].to_numpy()
    b, se, count = raw_effects(demean(y, s2, x, cell, 0.296))
    assert (b[0], se[0], count[0]) == pytest.approx((-0.0939, 0.0189, 430), abs=0.0005)
