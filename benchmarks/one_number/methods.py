"""One number per channel by each method: ours, and every single source taken at its word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from benchmarks.one_number.fits import FitDraws, Prior, newest_tests
from models.channel_classes import CLASSES
from models.normal_quantile import half_width
from models.triangulation import Triangulation
from models.triangulation.readings import FEWEST_CONVERSIONS
from models.worlds.measured_company import MeasuredCompany

Z = half_width(0.9)


class Figure(NamedTuple):
    """A number with its 90 % range; a method that states no range has none."""

    point: float
    low: float | None = None
    high: float | None = None


OURS = "one number"
OURS_MIDDLE = "one number, middle value"
MMM_MIDDLE = "MMM alone, middle value"
MMM = "MMM alone"
WITH_CLASSES = "MMM alone, class priors"
RIVALS = (
    MMM,
    "newest test, else MMM",
    "platform claim, else MMM",
    "claim / class factor, else MMM",
    "tests as priors of the MMM",
    "winner takes all",
    "simple average",
)  # single methods, of which the best is chosen with hindsight; `WITH_CLASSES` is a part of ours
METHODS = (OURS, OURS_MIDDLE, *RIVALS[:1], MMM_MIDDLE, WITH_CLASSES, *RIVALS[1:])


def figures(
    company: MeasuredCompany, fits: Mapping[Prior, FitDraws], ours: Triangulation
) -> dict[str, dict[str, Figure]]:
    """Method to channel to figure. A source that is silent on a channel leaves it to the MMM alone, whose prior is the
    same for every class."""
    mmm = _means(fits["generic"])
    tests = {t["channel"]: _test(t) for t in newest_tests(company).iter_rows(named=True)}
    claims = _main_claims(company)
    scaled = {channel: _divided(company.classes[channel], *claim) for channel, claim in claims.items()}
    raw = {channel: Figure(claim[1]) for channel, claim in claims.items()}
    narrower = {c: min(tests[c], mmm[c], key=_width) if c in tests else mmm[c] for c in company.channels}
    average = {c: _average([mmm[c], *(s[c] for s in (tests, raw) if c in s)]) for c in company.channels}
    estimates = ours.estimates.to_dicts()
    return {
        OURS: {e["channel"]: Figure(e["mean"], e["q05"], e["q95"]) for e in estimates},
        OURS_MIDDLE: {e["channel"]: Figure(e["q50"], e["q05"], e["q95"]) for e in estimates},
        MMM: mmm,
        MMM_MIDDLE: _middles(fits["generic"]),
        WITH_CLASSES: _means(fits["class"]),
        "newest test, else MMM": mmm | tests,
        "platform claim, else MMM": mmm | raw,
        "claim / class factor, else MMM": mmm | scaled,
        "tests as priors of the MMM": _means(fits["calibrated"]) if "calibrated" in fits else mmm,
        "winner takes all": narrower,
        "simple average": average,
    }


def _means(fit: FitDraws) -> dict[str, Figure]:
    low, high = np.quantile(fit.returns, [0.05, 0.95], axis=0)
    return {c: Figure(*v) for c, *v in zip(fit.channels, fit.returns.mean(axis=0), low, high, strict=True)}


def _middles(fit: FitDraws) -> dict[str, Figure]:
    low, middle, high = np.quantile(fit.returns, [0.05, 0.5, 0.95], axis=0)
    return {c: Figure(*v) for c, *v in zip(fit.channels, middle, low, high, strict=True)}


def _test(row: Mapping[str, float]) -> Figure:
    return Figure(row["iroas"], row["iroas"] - Z * row["se"], row["iroas"] + Z * row["se"])


def _main_claims(company: MeasuredCompany) -> dict[str, tuple[str, float]]:
    """Claim type and value of each channel's platform claim."""
    return {
        c["channel"]: (c["claim_type"], c["iroas"])
        for c in company.claims.iter_rows(named=True)
        if c["claim_type"] in ("click", "view") and c["conversions"] >= FEWEST_CONVERSIONS
    }


def _divided(name: str, claim_type: str, claim: float) -> Figure:
    """The claim over the published factor of its class and type; the claim itself where none is published."""
    bias = CLASSES[name].claims.get(claim_type)
    if bias is None:
        return Figure(claim)
    middle = np.log(claim) - bias.mean
    return Figure(*(float(np.exp(middle + k * bias.sd)) for k in (0, -Z, Z)))


def _width(figure: Figure) -> float:
    assert figure.low is not None
    assert figure.high is not None
    return figure.high - figure.low


def _average(sources: list[Figure]) -> Figure:
    return Figure(float(np.mean([s.point for s in sources])))
