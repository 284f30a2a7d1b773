"""Read a user test: arms in, one LiftResult out. Nothing about a single user passes through here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import polars as pl

from models.incrementality.inversion import exact_alpha, normal_quantile
from models.incrementality.ratio_interval import ratio_interval
from models.incrementality.result import LiftResult
from models.incrementality.users import checks as checks_of
from models.incrementality.users.looks import OneLook, Plan
from models.incrementality.users.moments import ArmsError, Moments, arms_from_frame
from models.incrementality.users.reading import reading_of
from models.incrementality.verdict import USUAL_RELEVANT_LIFT, judge


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
    covariate from before the assignment (CUPED) and of a denominator (ratio metric), see `arms_from_frame`. With
    `buyers` or `sum_cu` a skewed metric is read by a test that keeps its size (see `reading_of`); without them, arms
    whose sizes let a skewed metric deceive make the result invalid.
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
    reading = reading_of(pairs, plan or OneLook(), level)
    effect, low, high = reading.effect, reading.low, reading.high
    actual = sum(arm.n * arm.mean[0] for _, arm in pairs)
    totals = _totals(cells)
    checks = [
        checks_of.arrivals(totals, split),
        checks_of.assignment(randomised),
        checks_of.looks(plan, looks_taken),
        checks_of.enough_users(pairs, treatment),
        *checks_of.earlier_balance(pairs),
        *reading.checks,
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
        relative=reading.relative,
        relative_low=reading.relative_low,
        relative_high=reading.relative_high,
        att=reading.per_user,
        p_value=reading.p_value,
        iroas=ratio.point if ratio else None,
        iroas_low=ratio.low if ratio else None,
        iroas_high=ratio.high if ratio else None,
        verdict=judgement.verdict,
        warnings=judgement.warnings,
        method=reading.method,
        reasons=(*judgement.reasons, *reading.remarks),
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
        other_form=dict(reading.other_form),
    )


def proportion_arms(frame: pl.DataFrame) -> pl.DataFrame:
    """Arms of a yes/no metric from arm, trials, successes[, stratum]: clicks of content variants, sign-ups, orders."""
    wrong = frame.filter((pl.col("successes") > pl.col("trials")) | (pl.col("successes") < 0))
    if wrong.height:
        row = wrong.row(0, named=True)
        raise ArmsError(f"arm {row['arm']!r}: {row['successes']} successes in {row['trials']} trials cannot be")
    columns = ["arm", *(["stratum"] if "stratum" in frame.columns else [])]
    sums = [pl.col("successes").alias(name) for name in ("sum", "sum_sq", "sum_cu", "buyers")]
    return frame.select(*columns, pl.col("trials").alias("n"), *sums)


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


def _relevant(
    counterfactual: float, spend: float | None, margin: float | None, lift: float | None
) -> tuple[float, str]:
    if lift is not None:
        return abs(lift * counterfactual), f"{lift:.1%} of the KPI, the smallest lift of interest"
    if spend and margin:
        return spend / margin, "what pays back the spend"
    return abs(USUAL_RELEVANT_LIFT * counterfactual), f"{USUAL_RELEVANT_LIFT:.0%} of the KPI"


def _chance(profit: float, margin: float, standard_error: float) -> float:
    from scipy import stats

    return float(stats.norm.cdf(profit / (margin * standard_error)))


__all__ = ["proportion_arms", "read_ab"]
