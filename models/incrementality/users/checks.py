"""Falsification checks of a user test: lost users, peeking, few users or buyers, skew, arms that differed before."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt

from models.incrementality.result import Check
from models.incrementality.users.looks import OneLook, Plan
from models.incrementality.users.moments import MISMATCH, ArmsError, Moments, mismatch_p_value
from models.incrementality.users.skewness import EXCESS, Skewness

FEW_USERS = 100
FEW_BUYERS = 30  # expected in the smaller arm: below it both tests are a little off on one side
TOO_FEW_BUYERS = 10  # below it the two-part test finds lifts in 9 % instead of 5 %
EARLIER_DIFFERENCE = 0.001  # p-value below which arms already differed before the test


def arrivals(totals: dict[str, int], split: dict[str, float] | None) -> Check:
    shares = split or {arm: 1 / len(totals) for arm in totals}
    if set(shares) != set(totals):
        raise ArmsError(f"the split names {', '.join(sorted(shares))}, the arms are {', '.join(totals)}")
    p_value = mismatch_p_value(list(totals.values()), [shares[arm] for arm in totals])
    seen = ", ".join(f"{arm} {count:,}" for arm, count in totals.items())
    return Check(
        "sample_ratio",
        p_value >= MISMATCH,
        True,
        p_value,
        MISMATCH,
        f"arms did not receive users as configured ({seen}; p = {p_value:.2g}): some users of one arm"
        " were lost or doubled",
        "Do not use the result; find where assignment and log part ways (redirects, bots, caching, late exposure).",
    )


def assignment(randomised: bool) -> Check:
    return Check(
        "randomised",
        randomised,
        True,
        float(randomised),
        1.0,
        "users were not assigned at random, so the arms may differ in more than the treatment",
        "Show it as a comparison, not as an effect; run a randomised test.",
    )


def looks(plan: Plan | None, taken: int) -> Check:
    allowed = 1.0 if plan is None or isinstance(plan, OneLook) else inf
    return Check(
        "looks",
        taken <= allowed,
        True,
        float(taken),
        allowed,
        f"the test was looked at {taken} times under a rule for one look, which finds effects that are not there",
        "Run it again with an always-valid range or with declared looks.",
    )


def enough_users(pairs: Sequence[tuple[Moments, Moments]], treatment: str) -> Check:
    fewest = min(sum(control.n for control, _ in pairs), sum(arm.n for _, arm in pairs))
    return Check(
        "users",
        fewest >= FEW_USERS,
        False,
        float(fewest),
        float(FEW_USERS),
        f"an arm of the test of {treatment!r} has only {fewest} users: the range relies on large numbers",
        "Run longer.",
    )


def earlier_balance(pairs: Sequence[tuple[Moments, Moments]]) -> list[Check]:
    """Whether the arms differed in the covariate: then it was not measured before a random assignment."""
    if not pairs[0][0].covariate:
        return []
    from scipy import stats

    control, treatment = pairs[0]
    for other_control, other_treatment in pairs[1:]:
        control, treatment = control.merged(other_control), treatment.merged(other_treatment)
    spread = sqrt(control.variances()[1] / control.n + treatment.variances()[1] / treatment.n)
    apart = treatment.covariate_value - control.covariate_value
    p_value = float(2 * stats.norm.sf(abs(apart) / spread)) if spread > 0 else 1.0
    return [
        Check(
            "earlier_balance",
            p_value >= EARLIER_DIFFERENCE,
            True,
            p_value,
            EARLIER_DIFFERENCE,
            f"the arms differ in what was measured before the test (p = {p_value:.2g}): it was"
            " affected by the treatment, or"
            " the assignment was not random",
            "Use a covariate that ends before assignment; if it does, look for a broken assignment.",
        )
    ]


def enough_buyers(expected: float) -> list[Check]:
    """Whether the smaller arm can be expected to hold enough users above zero; two failures make the grade C."""
    action = "Run longer, or give the smaller arm a larger share."
    return [
        Check(
            "few_buyers" if limit == FEW_BUYERS else "too_few_buyers",
            expected >= limit,
            False,
            expected,
            float(limit),
            f"the smaller arm can expect only {expected:,.1f} users with a value above zero: the range is reliable"
            f" from about {limit}",
            action,
        )
        for limit in (FEW_BUYERS, TOO_FEW_BUYERS)
    ]


def harmless_skew(skew: Skewness, bound: float, counts: tuple[int, int]) -> Check:
    """Whether the t-test keeps its size for values this skewed in arms this unequal; `counts` control, treatment."""
    from scipy import stats

    nominal = float(stats.norm.sf(bound))
    share, limit = skew.false_share(bound), nominal * (1 + EXCESS)
    arms = f"arms of {counts[0]:,} and {counts[1]:,} users"
    known = (
        f"values this skewed (skewness {skew.values:,.0f}) in {arms} would show a lift or a loss without any effect"
        f" in about {min(share, 0.5):.1%} of tests on one side instead of {nominal:.1%}"
    )
    unknown = (
        f"only sums and sums of squares were delivered, and in {arms} a few large values may decide: a test without"
        f" effect could show one in up to {min(share, 0.5):.1%} of cases on one side instead of {nominal:.1%}"
    )
    return Check(
        "skewed_values",
        share <= limit,
        True,
        share,
        limit,
        known if skew.measured else unknown,
        "Deliver buyers (users with a value above zero) and sum_cu (sum of cubes) of each arm, or the users"
        " themselves, as one row per arm and without a denominator.",
    )
