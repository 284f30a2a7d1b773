"""Which test reads the difference of two arms, and what it says: chosen by what was delivered, never by the effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, nan

from models.incrementality.result import Check
from models.incrementality.users import checks as checks_of
from models.incrementality.users import skewed
from models.incrementality.users.checks import TOO_FEW_BUYERS
from models.incrementality.users.estimate import difference, post_stratified
from models.incrementality.users.looks import Plan
from models.incrementality.users.moments import ArmsError, Moments
from models.incrementality.users.skewness import measured_skewness, skewness

Pairs = Sequence[tuple[Moments, Moments]]  # control and treatment, per stratum


@dataclass(frozen=True)
class Reading:
    """Total effect over the treated users, its range and p-value; the same per user and relative to no treatment.

    `checks` say whether the test keeps its error rate on these values; `remarks` are sentences for the reader.
    """

    effect: float
    low: float
    high: float
    per_user: float
    relative: float
    relative_low: float
    relative_high: float
    p_value: float
    method: str
    rule: str
    checks: tuple[Check, ...]
    remarks: tuple[str, ...] = ()
    other_form: Mapping[str, float | str] = field(default_factory=dict)


def reading_of(pairs: Pairs, plan: Plan, level: float) -> Reading:
    """The difference of the arms by the best test that the delivered sums allow.

    1. `two_part`: a plain mean with `buyers`, at least ten of them expected in the smaller arm.
    2. `third_moment`: a plain mean with sums of cubes.
    3. Otherwise Welch's t-test, with CUPED, delta method or strata as delivered; its check `skewed_values` fails
       where unequal arms and skewed values would spoil it.

    A covariate comes before 1 and 2 where skew is harmless, and is dropped where it is not. Raises ArmsError when the
    metric is the same for every user.
    """
    control, treatment = pairs[0]
    welch = _welch(pairs, plan, level)
    if len(pairs) > 1 or control.ratio or (control.covariate and welch.checks[0].passed):
        return welch
    users = control.n + treatment.n
    if control.buyers is not None and treatment.buyers is not None:
        buyers = control.buyers + treatment.buyers
        expected = buyers / users * min(control.n, treatment.n)
        checks = tuple(checks_of.enough_buyers(expected))
        some = min(control.buyers, treatment.buyers) > 0 and min(control.total, treatment.total) > 0
        if expected >= TOO_FEW_BUYERS and some:
            return _inverted("two_part", pairs[0], plan, level, checks)
    else:
        checks = ()
    if measured_skewness(control.merged(treatment)) is not None and treatment.total > 0 and control.total >= 0:
        return _inverted("third_moment", pairs[0], plan, level, checks)
    return welch


def _welch(pairs: Pairs, plan: Plan, level: float) -> Reading:
    contrast = difference(*pairs[0]) if len(pairs) == 1 else post_stratified(pairs)
    if contrast.standard_error == 0:
        names = f"arms {pairs[0][0].arm!r} and {pairs[0][1].arm!r}"
        raise ArmsError(f"{names}: the KPI is the same for every user, so there is no range")
    found = plan.read(contrast, level)
    exposed = float(sum(arm.n * arm.mean[1] for _, arm in pairs))  # users, or units of the ratio's denominator
    counts = (sum(control.n for control, _ in pairs), sum(treatment.n for _, treatment in pairs))
    skew = skewness(pairs, variance=contrast.standard_error**2)
    relative, relative_low, relative_high = contrast.relative(level)
    return Reading(
        effect=exposed * contrast.point,
        low=exposed * (contrast.point - found.reach),
        high=exposed * (contrast.point + found.reach),
        per_user=contrast.point,
        relative=relative,
        relative_low=relative_low,
        relative_high=relative_high,
        p_value=found.p_value,
        method=_method(pairs),
        rule=found.rule,
        checks=(checks_of.harmless_skew(skew, plan.bound(sum(counts), level), counts),),
        other_form={"theta": contrast.theta} if contrast.theta is not None else {},
    )


def _inverted(
    method: str, pair: tuple[Moments, Moments], plan: Plan, level: float, checks: tuple[Check, ...]
) -> Reading:
    control, treatment = (arm.without_covariate() for arm in pair)
    score = (skewed.two_part_score if method == "two_part" else skewed.third_moment_score)(control, treatment)
    users = control.n + treatment.n
    found = skewed.lift_range(score, control, treatment, plan.bound(users, level))

    def total(lift: float) -> float:
        """Of the treated arm's sum, what this lift of every value (or share of buyers) added."""
        return -inf if lift <= -1 else treatment.total * (1 - 1 / (1 + lift))

    effect = treatment.total - treatment.n * float(control.mean[0])
    words = {"two_part": "two-part test of buyers and values", "third_moment": "third-moment permutation law"}
    remarks, buyers = _buyers(control, treatment)
    if pair[0].covariate:
        remarks = (
            "The metric from before was not used: the values are too skewed for it in arms this unequal.",
            *remarks,
        )
    return Reading(
        effect=effect,
        low=total(found.low),
        high=total(found.high),
        per_user=effect / treatment.n,
        relative=found.lift if isfinite(found.lift) else nan,
        relative_low=found.low,
        relative_high=found.high,
        p_value=plan.p_value(found.score, users, level),
        method=method,
        rule=f"{words[method]}, {plan.rule}",
        checks=checks,
        remarks=remarks,
        other_form=buyers,
    )


def _buyers(control: Moments, treatment: Moments) -> tuple[tuple[str, ...], dict[str, float | str]]:
    """The share of buyers beside the metric: often clearer than the metric, but another question."""
    from scipy import stats

    if control.buyers is None or treatment.buyers is None or control.buyers + treatment.buyers == 0:
        return (), {}
    before, after = control.buyers / control.n, treatment.buyers / treatment.n
    if control.total == control.buyers and treatment.total == treatment.buyers:
        return (), {}  # a yes/no metric is its own share of buyers
    p_value = float(2 * stats.norm.sf(abs(skewed.buyers_score(control, treatment))))
    shares = f"{after:.2%} of treated and {before:.2%} of control users"
    sentence = (
        f"Beside it, {shares} had a value above zero (p = {p_value:.3f}); decide by the one named before the test."
    )
    shown: dict[str, float | str] = {
        "buyers_control": before,
        "buyers_treated": after,
        "buyers_p_value": p_value,
    }
    return (sentence,), shown


def _method(pairs: Pairs) -> str:
    parts = ["ratio" if pairs[0][0].ratio else "mean"]
    if pairs[0][0].covariate:
        parts.append("cuped")
    if len(pairs) > 1:
        parts.append("post_stratified")
    return "_".join(parts)
