"""Read a user test: arms in, one LiftResult out. Nothing about a single user passes through here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from math import inf, sqrt

import polars as pl

from models.incrementality.inversion import exact_alpha, normal_quantile
from models.incrementality.ratio_interval import ratio_interval
from models.incrementality.result import Check, LiftResult
from models.incrementality.users.estimate import Difference, difference, post_stratified
from models.incrementality.users.looks import OneLook, Plan
from models.incrementality.users.moments import MISMATCH, ArmsError, Moments, arms_from_frame, mismatch_p_value
from models.incrementality.verdict import USUAL_RELEVANT_LIFT, judge

FEW_USERS = 100
EARLIER_DIFFERENCE = 0.001  # p-value below which arms already differed before the test


def read_ab(
    arms: pl.DataFrame | pl.LazyFrame,
    *,
    control: str,
    treatment: str | None = None,
    split: dict[str, float] | None = None,
    level: float = 0.9,
    plan: Plan | None = None,
    looks_taken: int = 1,
    randomised: bool = True,
    spend: float | None = None,
    margin: float | None = None,
    relevant_lift: float | None = None,
    seed: int = 0,
) -> LiftResult:
    """Incremental KPI of one arm over the control arm, from sufficient statistics.

    `arms` has a row per arm (and `stratum`, then post-stratified): arm, n, sum, sum_sq, optionally the columns of a
    covariate from before the assignment (CUPED) and of a denominator (ratio metric), see `arms_from_frame`.
    `effect` is the difference times the treated users (for ratios: times their denominator), `att` the difference
    itself, `relative` the log-ratio lift. `split` is the configured share per arm (unset: equal); arrivals that do
    not fit it make the test invalid. `plan` says how often it may be looked at; more `looks_taken` than the plan
    allows, or an assignment that was not `randomised`, also make it invalid. `spend` is the extra cost of the
    treatment arm. `seed` is only recorded: nothing here is drawn. Raises ArmsError naming arm and column.
    """
    exact_alpha(level)  # refuses an impossible level before anything is computed
    arms = arms.collect() if isinstance(arms, pl.LazyFrame) else arms
    cells = arms_from_frame(arms)
    strata = arms["stratum"].cast(pl.String).to_list() if "stratum" in arms.columns else [""] * len(cells)
    treatment = _other_arm(cells, control, treatment)
    pairs = _pairs(cells, strata, control, treatment)
    contrast = difference(*pairs[0]) if len(pairs) == 1 else post_stratified(pairs)
    if contrast.standard_error == 0:
        raise ArmsError(f"arms {control!r} and {treatment!r}: the KPI is the same for every user, so there is no range")
    reading = (plan or OneLook()).read(contrast, level)
    exposed = sum(arm.n * arm.mean[1] for _, arm in pairs)  # users, or units of the ratio's denominator
    effect, low, high = (exposed * (contrast.point + side * reading.reach) for side in (0, -1, 1))
    actual = sum(arm.n * arm.mean[0] for _, arm in pairs)
    relative, relative_low, relative_high = contrast.relative(level)
    totals = _totals(cells)
    checks = [
        _arrivals(totals, split),
        _assignment(randomised),
        _looks(plan, looks_taken),
        _enough_users(pairs, treatment),
        *_earlier_balance(pairs),
    ]
    relevant, why = _relevant(actual - effect, spend, margin, relevant_lift)
    judgement = judge(
        treatment,
        checks,
        effect=effect,
        low=low,
        high=high,
        p_value=reading.p_value,
        level=level,
        relevant=relevant,
        relevant_reason=why,
    )
    ratio = ratio_interval(effect, (low, high), spend) if spend else None
    z = normal_quantile(level)
    profit = margin * effect - (spend or 0.0) if margin is not None else None
    return LiftResult(
        effect=effect,
        low=low,
        high=high,
        level=level,
        relative=relative,
        relative_low=relative_low,
        relative_high=relative_high,
        att=contrast.point,
        p_value=reading.p_value,
        iroas=ratio.point if ratio else None,
        iroas_low=ratio.low if ratio else None,
        iroas_high=ratio.high if ratio else None,
        verdict=judgement.verdict,
        warnings=judgement.warnings,
        method=_method(pairs),
        reasons=judgement.reasons,
        grade=judgement.grade,
        se=(high - low) / 2 / z,
        design="ab",
        inference=reading.rule,
        actual=actual,
        counterfactual=actual - effect,
        seed=seed,
        data_sha256=hashlib.sha256(arms.write_csv().encode()).hexdigest(),
        spend=spend,
        profit=profit,
        profit_low=margin * low - (spend or 0.0) if margin is not None else None,
        profit_high=margin * high - (spend or 0.0) if margin is not None else None,
        profit_chance=_chance(profit, margin, (high - low) / 2 / z) if profit is not None and margin else None,
        treated=(treatment,),
        grain="user",
        checks=judgement.checks,
        weights=pl.DataFrame({"arm": list(totals), "users": list(totals.values())}),
        other_form={"theta": contrast.theta} if contrast.theta is not None else {},
    )


def proportion_arms(frame: pl.DataFrame) -> pl.DataFrame:
    """Arms of a yes/no metric from arm, trials, successes[, stratum]: clicks of content variants, sign-ups, orders."""
    wrong = frame.filter((pl.col("successes") > pl.col("trials")) | (pl.col("successes") < 0))
    if wrong.height:
        row = wrong.row(0, named=True)
        raise ArmsError(f"arm {row['arm']!r}: {row['successes']} successes in {row['trials']} trials cannot be")
    columns = ["arm", *(["stratum"] if "stratum" in frame.columns else [])]
    return frame.select(
        *columns, pl.col("trials").alias("n"), pl.col("successes").alias("sum"), pl.col("successes").alias("sum_sq")
    )


def _other_arm(cells: Sequence[Moments], control: str, treatment: str | None) -> str:
    names = sorted({cell.arm for cell in cells})
    if control not in names:
        raise ArmsError(f"control arm {control!r} is not among the arms ({', '.join(names)})")
    others = [name for name in names if name != control]
    if treatment is None:
        if len(others) != 1:
            raise ArmsError(f"arms beside {control!r}: {', '.join(others) or 'none'}; name the treatment to read")
        return others[0]
    if treatment not in others:
        raise ArmsError(f"treatment arm {treatment!r} is not among the arms ({', '.join(others)})")
    return treatment


def _pairs(
    cells: Sequence[Moments], strata: Sequence[str], control: str, treatment: str
) -> list[tuple[Moments, Moments]]:
    moments: dict[tuple[str, str], Moments] = {}
    for cell, stratum in zip(cells, strata, strict=True):
        if (stratum, cell.arm) in moments:
            place = f" in stratum {stratum!r}" if stratum else ""
            raise ArmsError(f"arm {cell.arm!r} has two rows{place}: add them up or name the strata")
        moments[stratum, cell.arm] = cell
    for stratum in sorted(set(strata)):
        for arm in (control, treatment):
            if (stratum, arm) not in moments:
                raise ArmsError(f"stratum {stratum!r} has no users of arm {arm!r}: merge it with another stratum")
    return [(moments[stratum, control], moments[stratum, treatment]) for stratum in sorted(set(strata))]


def _totals(cells: Sequence[Moments]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for cell in cells:
        totals[cell.arm] = totals.get(cell.arm, 0) + cell.n
    return dict(sorted(totals.items()))


def _arrivals(totals: dict[str, int], split: dict[str, float] | None) -> Check:
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


def _assignment(randomised: bool) -> Check:
    return Check(
        "randomised",
        randomised,
        True,
        float(randomised),
        1.0,
        "users were not assigned at random, so the arms may differ in more than the treatment",
        "Show it as a comparison, not as an effect; run a randomised test.",
    )


def _looks(plan: Plan | None, taken: int) -> Check:
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


def _enough_users(pairs: Sequence[tuple[Moments, Moments]], treatment: str) -> Check:
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


def _earlier_balance(pairs: Sequence[tuple[Moments, Moments]]) -> list[Check]:
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


def _relevant(
    counterfactual: float, spend: float | None, margin: float | None, lift: float | None
) -> tuple[float, str]:
    if lift is not None:
        return abs(lift * counterfactual), f"{lift:.1%} of the KPI, the smallest lift of interest"
    if spend and margin:
        return spend / margin, "what pays back the spend"
    return abs(USUAL_RELEVANT_LIFT * counterfactual), f"{USUAL_RELEVANT_LIFT:.0%} of the KPI"


def _method(pairs: Sequence[tuple[Moments, Moments]]) -> str:
    parts = ["ratio" if pairs[0][0].ratio else "mean"]
    if pairs[0][0].covariate:
        parts.append("cuped")
    if len(pairs) > 1:
        parts.append("post_stratified")
    return "_".join(parts)


def _chance(profit: float, margin: float, standard_error: float) -> float:
    from scipy import stats

    return float(stats.norm.cdf(profit / (margin * standard_error)))


__all__ = ["Difference", "proportion_arms", "read_ab"]
