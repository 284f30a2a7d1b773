"""From a company's fits, tests and claims to the product's combined number, whole or with one part taken away."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np

from benchmarks.one_number.fits import FitDraws, Prior, permuted
from models.triangulation import EvidencePriors, MMMDraws, Triangulation, combine, counting_error, evidence_frame
from models.triangulation.readings import FEWEST_CONVERSIONS
from models.worlds.measured_company import MeasuredCompany

Ablation = Literal[
    "whole",
    "no claims",
    "no tests",
    "permuted classes",
    "log claims",
    "plain log claims",
    "additive claims",
    "no error in money",
    "generic priors",
]
ABLATIONS: tuple[Ablation, ...] = get_args(Ablation)
# What an ablation changes in the model; the others change the evidence or the fit.
CHANGES: Mapping[str, Mapping[str, float]] = {
    "log claims": {"additive_claim": 0.0},
    "plain log claims": {"additive_claim": 0.0, "silent_claim": 1e-6},
    "additive claims": {"additive_claim": 1.0},
    "no error in money": {"mmm_money_error": 0.0, "demand_money_error": 0.0, "demand_money_mean": 0.0},
}
KINDS_OF_CLAIM = {
    "click": "platform",
    "view": "platform",
    "last_click": "attribution",
    "self_reported": "self_reported",
}


def prior_of(ablation: Ablation) -> Prior:
    """The prior of the fit that an ablation stands on."""
    if ablation == "permuted classes":
        return "permuted"
    return "generic" if ablation == "generic priors" else "class"


def combined(
    company: MeasuredCompany,
    fit: FitDraws,
    *,
    ablation: Ablation = "whole",
    settings: Mapping[str, float] = MappingProxyType({}),
) -> Triangulation:
    """What a run would print for the company: `fit` is made with the prior of `prior_of`, `settings` override fields of
    `EvidencePriors`."""
    classes = permuted(company) if ablation == "permuted classes" else company.classes
    rows = [] if ablation == "no tests" else test_rows(company, fit)
    if ablation != "no claims":
        rows += claim_rows(company)
    priors = EvidencePriors.model_validate({**CHANGES.get(ablation, {}), **settings})
    mmm = MMMDraws(
        channels=fit.channels,
        returns=fit.returns,
        captured={} if ablation == "no tests" else fit.captured,
        uses_experiments=False,
        prior=_priors_of_fit(fit),
        booked_per_spend=_booked_per_spend(company, fit.channels),
    )
    return combine(
        evidence_frame(rows, classes),
        seed=company.seed,
        mmm=mmm,
        channels=company.channels,
        classes=classes,
        priors=priors,
        margin=company.margin,
    )


def test_rows(company: MeasuredCompany, fit: FitDraws) -> list[dict[str, object]]:
    """The tests as readings; `share_captured`, the middle of the joint draws, is for use without them."""
    return [
        {
            "channel": t["channel"],
            "method": t["test"],
            "kind": "experiment",
            "iroas": t["iroas"],
            "se": t["se"],
            "age_days": t["age_days"],
            "share_captured": float(np.clip(np.median(fit.captured[t["test"]]), 0.05, 2.0)),
            "design": t["design"],
        }
        for t in company.tests.iter_rows(named=True)
    ]


def claim_rows(company: MeasuredCompany) -> list[dict[str, object]]:
    """The claims that rest on at least 30 conversions."""
    return [
        {
            "channel": c["channel"],
            "method": c["platform"] if c["claim_type"] in ("click", "view") else c["claim_type"],
            "kind": KINDS_OF_CLAIM[c["claim_type"]],
            "iroas": c["iroas"],
            "se": counting_error(c["iroas"], c["conversions"]),
            "claim_type": c["claim_type"],
            "platform": c["platform"],
            "tracking": "ga4" if c["claim_type"] == "last_click" else None,
        }
        for c in company.claims.iter_rows(named=True)
        if c["conversions"] >= FEWEST_CONVERSIONS
    ]


def _priors_of_fit(fit: FitDraws) -> dict[str, tuple[float, float]]:
    """Median and log sd of the iROAS prior of each channel whose effect had to be positive."""
    rows = zip(fit.channels, fit.prior_log_mean, fit.prior_log_sd, strict=True)
    return {c: (float(np.exp(mean)), float(sd)) for c, mean, sd in rows if np.isfinite(sd)}


def _booked_per_spend(company: MeasuredCompany, channels: tuple[str, ...]) -> dict[str, float]:
    """Booked revenue of the whole frame per unit of each channel's spend."""
    booked = float(company.weekly["revenue"].sum())
    return {c: booked / float(company.weekly[f"spend_{c}"].sum()) for c in channels}
