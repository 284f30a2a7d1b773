"""From a company's fits, tests and claims to the product's combined number, whole or with one part taken away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
import polars as pl

from benchmarks.one_number.fits import FitDraws, Prior, permuted
from models import triangulation
from models.triangulation import Triangulation, combine, counting_error
from models.worlds.measured_company import MeasuredCompany

Ablation = Literal[
    "whole", "no claims", "no tests", "permuted classes", "log claims", "additive claims", "no shift", "generic priors"
]
ABLATIONS: tuple[Ablation, ...] = get_args(Ablation)
FEWEST_CONVERSIONS = 30  # behind a claim, as in a run
KINDS_OF_CLAIM = {
    "click": "platform",
    "view": "platform",
    "last_click": "attribution",
    "self_reported": "self_reported",
}


def prior_of(ablation: Ablation) -> Prior:
    """The prior of the fit that an ablation stands on."""
    return {"permuted classes": "permuted", "generic priors": "generic"}.get(ablation, "class")  # type: ignore[return-value]  # both are priors


def combined(company: MeasuredCompany, fit: FitDraws, *, ablation: Ablation = "whole") -> Triangulation:
    """What a run would print for the company: `fit` is made with the prior of `prior_of`."""
    classes = permuted(company) if ablation == "permuted classes" else company.classes
    rows = [] if ablation == "no tests" else test_rows(company, fit)
    if ablation != "no claims":
        rows += claim_rows(company)
    return _combine(_frame(rows, classes), company, fit, classes, ablation)


def test_rows(company: MeasuredCompany, fit: FitDraws) -> list[dict[str, object]]:
    """The tests as readings; `share_captured` is the middle of the joint draws, for use without draws."""
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


def _frame(rows: list[dict[str, object]], classes: Mapping[str, str]) -> pl.DataFrame:
    text, number = pl.String, pl.Float64
    schema = {
        "channel": text,
        "method": text,
        "kind": text,
        "iroas": number,
        "se": number,
        "age_days": number,
        "share_captured": number,
        "quality": number,
        "channel_class": text,
        "design": text,
        "tracking": text,
        "claim_type": text,
        "platform": text,
    }
    full = [{name: row.get(name) for name in schema} | {"channel_class": classes[str(row["channel"])]} for row in rows]
    return pl.DataFrame(full, schema=schema)


def _combine(
    evidence: pl.DataFrame, company: MeasuredCompany, fit: FitDraws, classes: Mapping[str, str], ablation: Ablation
) -> Triangulation:
    if not hasattr(triangulation, "MMMDraws"):
        return _previous(evidence, company, fit)
    raise NotImplementedError(ablation)


def _previous(evidence: pl.DataFrame, company: MeasuredCompany, fit: FitDraws) -> Triangulation:
    """The combination by log moments of the fit, its prior divided out."""
    from models.triangulation import MMMEvidence, without_prior

    usable = np.isfinite(fit.prior_log_sd) & (fit.returns > 0).all(axis=0)
    mmm = None
    if usable.any():
        logs = np.log(fit.returns[:, usable])
        mean, cov = without_prior(
            logs.mean(axis=0),
            np.atleast_2d(np.cov(logs, rowvar=False)),
            fit.prior_log_mean[usable],
            np.diag(fit.prior_log_sd[usable] ** 2),
        )
        names = tuple(np.array(fit.channels)[usable])
        mmm = MMMEvidence(channels=names, mean=mean, cov=cov, uses_experiments=False)
    return combine(evidence, seed=company.seed, mmm=mmm, channels=company.channels)
