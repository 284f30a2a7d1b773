"""Comparisons without randomisation: adjusted in three ways, shown as a sensitivity analysis, never as an effect."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.incrementality.inversion import normal_quantile
from models.incrementality.result import Check, LiftResult
from models.incrementality.verdict import judge


@dataclass(frozen=True)
class Adjusted:
    """One estimate of the mean effect on the treated with its standard errors (classical or Welch, and HC2)."""

    name: str
    estimate: float
    standard_error: float
    robust_error: float


def difference_in_means(outcome: np.ndarray, treated: np.ndarray) -> Adjusted:
    """Unadjusted difference; the error is Welch's."""
    one, other = outcome[treated], outcome[~treated]
    error = float(np.sqrt(one.var(ddof=1) / one.size + other.var(ddof=1) / other.size))
    return Adjusted("difference_in_means", float(one.mean() - other.mean()), error, error)


def regression_adjusted(outcome: np.ndarray, treated: np.ndarray, covariates: np.ndarray) -> Adjusted:
    """Coefficient of the treatment in an OLS with the covariates (n, K)."""
    design = np.column_stack([np.ones(outcome.size), treated, covariates])
    bread = np.linalg.inv(design.T @ design)
    coefficients = bread @ design.T @ outcome
    residuals = outcome - design @ coefficients
    leverage = np.einsum("ij,jk,ik->i", design, bread, design)
    meat = design.T @ (design * (residuals**2 / (1 - leverage))[:, None])
    variance = float(residuals @ residuals) / (outcome.size - design.shape[1])
    return Adjusted(
        "regression",
        float(coefficients[1]),
        float(np.sqrt(variance * bread[1, 1])),
        float(np.sqrt((bread @ meat @ bread)[1, 1])),
    )


def propensity(treated: np.ndarray, covariates: np.ndarray) -> np.ndarray:
    """Chance of treatment (n,) from a logistic regression by Newton's method; raises ValueError when it diverges."""
    spread = covariates.std(axis=0)
    if (spread == 0).any():
        raise ValueError(f"covariate number {int((spread == 0).argmax())} is the same for everybody: leave it out")
    design = np.column_stack([np.ones(treated.size), (covariates - covariates.mean(axis=0)) / spread])
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        step = np.linalg.solve(
            design.T @ (design * (chance * (1 - chance))[:, None]) + 1e-12 * np.eye(design.shape[1]),
            design.T @ (treated - chance),
        )
        weights = weights + step
        if np.abs(step).max() < 1e-10:
            return 1 / (1 + np.exp(-(design @ weights)))
    raise ValueError("the covariates separate treated and untreated perfectly: there are no comparable units")


def weighted_on_treated(outcome: np.ndarray, treated: np.ndarray, covariates: np.ndarray) -> tuple[Adjusted, float]:
    """Mean of the treated minus the controls weighted to look like them, and the controls' effective number."""
    chance = propensity(treated, covariates)[~treated]
    weights = chance / (1 - chance)
    weights = weights / weights.sum()
    other = outcome[~treated]
    mean = float(weights @ other)
    error = float(np.sqrt(outcome[treated].var(ddof=1) / treated.sum() + (weights**2 * (other - mean) ** 2).sum()))
    adjusted = Adjusted("propensity_weights", float(outcome[treated].mean()) - mean, error, error)
    return adjusted, float(1 / (weights**2).sum())


def standardised_differences(treated: np.ndarray, covariates: np.ndarray) -> np.ndarray:
    """Difference of covariate means (K,) in standard deviations of the treated."""
    return (covariates[treated].mean(axis=0) - covariates[~treated].mean(axis=0)) / covariates[treated].std(
        axis=0, ddof=1
    )


def read_observational(
    people: pl.DataFrame,
    *,
    outcome: str,
    treated: str,
    covariates: Sequence[str],
    level: float = 0.9,
    relevant_lift: float = 0.05,
    seed: int = 0,
) -> LiftResult:
    """A comparison of people who chose, or were chosen for, the treatment: always invalid as an experiment.

    The number shown is the regression-adjusted one; the frame `selection` holds all estimates, their distance being
    the appropriate message. Raises ValueError for missing columns or values, or an empty group.
    """
    columns = [outcome, treated, *covariates]
    if lacking := [name for name in columns if name not in people.columns]:
        raise ValueError(f"no column {', '.join(lacking)} (there are {', '.join(people.columns)})")
    for name in columns:
        if people[name].null_count():
            raise ValueError(f"column {name} is empty in {people[name].null_count()} rows: fill or drop them first")
    took = people[treated].cast(pl.Float64).to_numpy() > 0
    if took.sum() < 2 or (~took).sum() < 2:
        raise ValueError(f"{int(took.sum())} treated and {int((~took).sum())} untreated: two of each are needed")
    values = people[outcome].cast(pl.Float64).to_numpy()
    matrix = people.select(pl.col(name).cast(pl.Float64) for name in covariates).to_numpy()
    weighted, effective = weighted_on_treated(values, took, matrix)
    rows = [difference_in_means(values, took), regression_adjusted(values, took, matrix), weighted]
    shown = rows[1]
    z = normal_quantile(level)
    users = int(took.sum())
    effect, reach = shown.estimate * users, z * shown.robust_error * users
    distance = standardised_differences(took, matrix)
    worst = int(np.abs(distance).argmax())
    from scipy import stats

    p_value = float(2 * stats.norm.sf(abs(shown.estimate) / shown.robust_error))
    checks = [
        Check(
            "randomised",
            False,
            True,
            0.0,
            1.0,
            "treatment was not assigned at random: the treated differ from the others in ways the data may not show",
            "Show it as a comparison; run a randomised test before money moves.",
        ),
        Check(
            "balance",
            bool(abs(distance[worst]) < 0.25),
            False,
            float(abs(distance[worst])),
            0.25,
            f"treated and untreated differ by {abs(distance[worst]):.1f} standard deviations in {covariates[worst]}",
            "Do not rely on adjustment to repair a difference of this size.",
        ),
    ]
    actual = float(values[took].sum())
    judgement = judge(
        treated,
        checks,
        effect=effect,
        low=effect - reach,
        high=effect + reach,
        p_value=p_value,
        level=level,
        relevant=abs(relevant_lift * (actual - effect)),
        relevant_reason=f"{relevant_lift:.0%} of the KPI",
    )

    def share(amount: float) -> float:
        return amount / (actual - amount) if actual != amount else float("nan")

    return LiftResult(
        effect=effect,
        low=effect - reach,
        high=effect + reach,
        level=level,
        relative=share(effect),
        relative_low=share(effect - reach),
        relative_high=share(effect + reach),
        att=shown.estimate,
        p_value=p_value,
        iroas=None,
        iroas_low=None,
        iroas_high=None,
        verdict=judgement.verdict,
        warnings=judgement.warnings,
        method="regression",
        reasons=judgement.reasons,
        grade=judgement.grade,
        se=reach / z,
        design="ab",
        inference="HC2 normal range of an observational comparison",
        actual=actual,
        counterfactual=actual - effect,
        seed=seed,
        data_sha256=hashlib.sha256(people.select(columns).write_csv().encode()).hexdigest(),
        grain="user",
        treated=(treated,),
        checks=judgement.checks,
        selection=pl.DataFrame([vars(row) for row in rows]),
        weights=pl.DataFrame({"covariate": list(covariates), "standardised_difference": distance}),
        other_form={"effective_controls": effective},
    )
