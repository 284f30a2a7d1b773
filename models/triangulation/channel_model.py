"""One channel's part of the evidence model: where its return may lie, and how likely its tests and claims are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np

from models.channel_classes import CLASSES, UNSET_MARGIN, ChannelClass, iroas_prior
from models.triangulation.evidence import Readings
from models.triangulation.likelihood import claim_logpdf, lift_logpdf
from models.triangulation.mmm_error import MoneyError, reading_of_draws, returns_given_error
from models.triangulation.priors import EvidencePriors
from models.triangulation.recombination import positions
from models.triangulation.useless import useless_share
from models.triangulation.vocabulary import LEAST_CAPTURED, MOST_CAPTURED, Design

Z_NODES = np.linspace(-3.2, 3.2, 21)
USELESS_NODES, USELESS_WEIGHTS = np.polynomial.hermite_e.hermegauss(7)
PRIOR_DRAWS = 2000
PLATFORM_NODES, PLATFORM_WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
TABLE_SIZE = 801
LARGEST_X = 12.0  # asinh(20,000): claims are tabulated up to an iROAS of about 20,000


@dataclass(frozen=True, eq=False)
class ChannelTest:
    """One test: its place in `Readings.tests`, and the ratio that it could see per ordered draw, or one figure."""

    place: int
    y: float
    se: float
    relative_variance: float
    captured: np.ndarray


@dataclass(frozen=True, eq=False)
class ChannelClaim:
    """One claim: its place in `Readings.claims`, its platform, and its log density (platform node, x on a grid)."""

    place: int
    platform: int
    tracked: bool
    table: np.ndarray


@dataclass(frozen=True, eq=False)
class ChannelModel:
    """A channel's returns before tests and claims, on x = asinh(iROAS / scale), and its own evidence.

    `ordered` (draws,) are the returns that the MMM's reading leaves possible, its error in money included, ascending;
    `order` are the MMM's rows in the order of its own returns and `mmm_median` is the middle of these (NaN without an
    MMM). Without one, `ordered` are quantiles of the class prior. `useless` is the probability of no effect given the
    MMM, `useless_as_read` the same with the reading taken at its word: a test that finds no effect is compared with it.
    """

    name: str
    row: ChannelClass
    ordered: np.ndarray
    order: np.ndarray
    mmm_median: float
    has_mmm: bool
    useless: float
    useless_as_read: float
    useless_sd: float
    prior: tuple[float, float]
    tests: tuple[ChannelTest, ...]
    claims: tuple[ChannelClaim, ...]
    scale: float

    @property
    def has_evidence(self) -> bool:
        return bool(self.tests or self.claims)

    def row_of(self, score: np.ndarray) -> np.ndarray:
        """Row of the MMM's draws that each normal score stands for; 0 without an MMM."""
        if not self.has_mmm:
            return np.zeros(score.shape, dtype=np.int64)
        return np.asarray(self.order[positions(score, len(self.ordered))])

    def nodes(self, score: np.ndarray, bias: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Possible values x (n, nodes) of each draw, and their log probabilities (nodes,), before tests and claims."""
        level = self.ordered[positions(score, len(self.ordered))]
        x = np.arcsinh(level / self.scale)
        if self.has_mmm:
            centre = x + np.tanh(level / self.scale) * bias
            useful = centre[:, None] + noise[:, None] * Z_NODES
            weight = np.exp(-0.5 * Z_NODES**2)
        else:
            useful, weight = x[:, None], np.ones(1)
        weight = np.log(weight / weight.sum())
        if self.useless <= 0:
            return useful, weight
        lump = np.arcsinh(self.useless_sd * USELESS_NODES / self.scale)
        lump_weight = np.log(self.useless * USELESS_WEIGHTS / USELESS_WEIGHTS.sum())
        nodes = np.concatenate([useful, np.broadcast_to(lump, (len(x), lump.size))], axis=1)
        return nodes, np.concatenate([np.log1p(-self.useless) + weight, lump_weight])

    def tests_logpdf(self, score: np.ndarray, x: np.ndarray, priors: EvidencePriors) -> list[np.ndarray]:
        """Log density of each of the channel's tests at the nodes, each (n, nodes)."""
        theta = self.scale * np.sinh(x)
        rank = positions(score, len(self.ordered))
        result = []
        for test in self.tests:
            seen = test.captured[rank][:, None] if test.captured.size > 1 else test.captured
            result.append(lift_logpdf(test.y, test.se, seen * theta, test.relative_variance, priors))
        return result

    def claims_logpdf(self, x: np.ndarray, platform_node: np.ndarray) -> np.ndarray:
        """Log density of the channel's claims at the nodes (n, nodes).

        Claims that track clicks or views see one stream: together they weigh as much as one of them (the mean of their
        log densities). Self-reports are a witness of their own.
        """
        total = np.zeros_like(x)
        for tracked in (True, False):
            group = [claim for claim in self.claims if claim.tracked is tracked]
            for claim in group:
                total += self.claim_logpdf(claim, x, platform_node) / len(group)
        return total

    def claim_logpdf(self, claim: ChannelClaim, x: np.ndarray, platform_node: np.ndarray) -> np.ndarray:
        """One claim's log density, by linear interpolation of its table; (n, nodes)."""
        place = np.clip((x + LARGEST_X) * ((TABLE_SIZE - 1) / (2 * LARGEST_X)), 0, TABLE_SIZE - 1.000001)
        left = place.astype(np.int64)
        flat = claim.table.ravel()
        start = left + (platform_node[:, claim.platform] * TABLE_SIZE)[:, None]
        low = flat[start]
        return np.asarray(low + (place - left) * (flat[start + 1] - low))


def channel_models(
    read: Readings, priors: EvidencePriors, margin: float | None
) -> tuple[tuple[ChannelModel, ...], tuple[str, ...]]:
    """The model of each channel, in the order of `read.channels`, and the platforms that share a bias."""
    platforms = tuple(sorted(set(read.claims.platform)))
    column = {int(c): i for i, c in enumerate(read.mmm_channel)}
    return tuple(
        _model(read, c, column.get(c), priors, margin, platforms) for c in range(len(read.channels))
    ), platforms


def _model(
    read: Readings, c: int, column: int | None, priors: EvidencePriors, margin: float | None, platforms: tuple[str, ...]
) -> ChannelModel:
    row = CLASSES[read.choices[c].name]
    prior = iroas_prior(row, margin)
    unit = 1.0 / (margin or UNSET_MARGIN)
    captured: Mapping[str, np.ndarray] = {}
    if read.mmm is not None and column is not None:
        returns = read.mmm.returns[:, column]
        prior = read.mmm.prior.get(read.channels[c], prior)
        reading = reading_of_draws(returns, *prior)
        error = _money_error(row, read.mmm.booked_per_spend.get(read.channels[c]), priors)
        order = np.argsort(returns, kind="stable")
        ordered = returns_given_error(returns, prior, reading, error)
        captured = read.mmm.captured
        mmm_median = float(np.median(returns))
        useless, as_read = (
            _useless_given_mmm(reading, error, row, prior, unit, priors, least=least)
            for least in (_least_odds(row, priors), 0.0)
        )
    else:
        ordered, order = prior_returns(prior), np.zeros(0, dtype=np.int64)
        useless, as_read, mmm_median = row.no_effect, row.no_effect, np.nan

    def places(of_channel: np.ndarray) -> list[int]:
        return np.flatnonzero(of_channel == c).tolist()

    return ChannelModel(
        name=read.channels[c],
        row=row,
        ordered=ordered,
        order=order,
        mmm_median=mmm_median,
        has_mmm=column is not None,
        useless=useless,
        useless_as_read=as_read,
        useless_sd=priors.useless_sd * unit,
        prior=prior,
        tests=tuple(_test(read, e, order, captured, priors) for e in places(read.tests.channel)),
        claims=tuple(
            _claim(read, n, row, platforms, margin, priors) for n in np.flatnonzero(read.claims.channel == c).tolist()
        ),
        scale=priors.scale,
    )


def prior_returns(prior: tuple[float, float]) -> np.ndarray:
    """Quantiles of a class's useful returns, ascending."""
    from scipy.special import ndtri

    median, log_sd = prior
    return np.asarray(median * np.exp(log_sd * ndtri((np.arange(PRIOR_DRAWS) + 0.5) / PRIOR_DRAWS)))


def _money_error(row: ChannelClass, booked_per_spend: float | None, priors: EvidencePriors) -> MoneyError:
    ratio = priors.usual_booked_per_spend if booked_per_spend is None else booked_per_spend
    if row.follows_demand:
        return MoneyError(priors.demand_money_mean * ratio, priors.demand_money_error * ratio)
    return MoneyError(0.0, priors.mmm_money_error * ratio)


def _least_odds(row: ChannelClass, priors: EvidencePriors) -> float:
    return priors.demand_useless_odds_least if row.follows_demand else priors.useless_odds_least


def _useless_given_mmm(
    reading: tuple[float, float],
    error: MoneyError,
    row: ChannelClass,
    prior: tuple[float, float],
    unit: float,
    priors: EvidencePriors,
    *,
    least: float,
) -> float:
    if row.no_effect == 0:
        return 0.0
    return useless_share(
        row.no_effect,
        reading,
        *prior,
        useless_sd=priors.useless_sd * unit,
        error=error,
        least=least,
        most=priors.useless_odds_most,
    )


def _test(
    read: Readings, e: int, order: np.ndarray, captured: Mapping[str, np.ndarray], priors: EvidencePriors
) -> ChannelTest:
    tests = read.tests
    share = np.array([tests.share[e]])
    by_draw = captured.get(tests.method[e])
    if by_draw is not None and order.size and np.isfinite(by_draw).all():
        share = np.asarray(by_draw)[order]
    noise = priors.test_noise(get_args(Design)[tests.design[e]])
    return ChannelTest(
        place=int(e),
        y=float(tests.y[e]),
        se=float(tests.se[e]),
        relative_variance=noise**2 + priors.drift**2 * float(tests.age[e]),
        captured=np.clip(share, LEAST_CAPTURED, MOST_CAPTURED),
    )


def _claim(
    read: Readings,
    n: int,
    row: ChannelClass,
    platforms: tuple[str, ...],
    margin: float | None,
    priors: EvidencePriors,
) -> ChannelClaim:
    claims = read.claims
    theta = priors.scale * np.sinh(np.linspace(-LARGEST_X, LARGEST_X, TABLE_SIZE))
    kind = claims.claim_type[n]
    log_claim, log_se = float(claims.log_claim[n]), float(claims.log_se[n])
    table = [
        claim_logpdf(log_claim, log_se, row, kind, theta, priors.platform_bias_sd * node, margin, priors)
        for node in PLATFORM_NODES
    ]
    return ChannelClaim(int(n), platforms.index(claims.platform[n]), kind != "self_reported", np.array(table))


def prior_variance(model: ChannelModel, priors: EvidencePriors) -> float:
    """Variance of x before any reading: class prior and useless share, through an MMM's error where there is one."""
    x = np.arcsinh(prior_returns(model.prior) / model.scale)
    useless = model.row.no_effect
    error = 0.0
    if model.has_mmm:
        noise = min(priors.mmm_noise.median * np.exp(priors.mmm_noise.log_sd**2), priors.mmm_noise_most)
        error = noise**2 + priors.mmm_bias_sd**2
    lump = np.arcsinh(model.useless_sd * USELESS_NODES / model.scale)
    at_zero = float(USELESS_WEIGHTS @ lump**2 / USELESS_WEIGHTS.sum())
    mean = (1 - useless) * float(x.mean())
    return (1 - useless) * (float((x**2).mean()) + error) + useless * at_zero - mean**2
