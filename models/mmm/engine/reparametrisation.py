"""Partial non-centring: coordinates whose spread depends on another one are sampled as a product with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.mmm.engine.laplace import Peak
from models.mmm.engine.parameters import names
from models.mmm.model.design import Design


@dataclass(frozen=True, eq=False)
class PartialNonCentring:
    """Which coordinate i is sampled as theta_i * exp(power_i * theta_driver): driver (n,), -1 for none, power (n,).

    A coordinate whose spread shrinks as its driver grows forms a funnel, in which the narrowest place determines the
    step size of NUTS. The sampled coordinates have no funnel. No driver depends on another coordinate.
    """

    driver: np.ndarray
    power: np.ndarray

    @property
    def dependent(self) -> np.ndarray:
        """Indices of the coordinates that depend on a driver."""
        return np.flatnonzero(self.driver >= 0)

    def to_sampled(self, theta: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """Draws (D, n) of theta in the sampled coordinates; both agree where the drivers are at `centre` (n,)."""
        return self._scaled(theta, centre, 1.0)

    def to_model(self, sampled: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """Draws (D, n) of theta from the sampled coordinates: the inverse of `to_sampled`."""
        return self._scaled(sampled, centre, -1.0)

    def log_volume(self, theta: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """Log volume (D,) of theta per volume of the sampled coordinates."""
        at = self.dependent
        return -((theta - centre)[:, self.driver[at]] @ self.power[at])

    def factor(self, peak: Peak) -> np.ndarray:
        """Lower factor of the peak's covariance in the sampled coordinates.

        Where the driver was held fixed, theta and the sampled coordinates have the same covariance.
        """
        at = self.dependent[self.driver[self.dependent] != peak.held] if peak.held is not None else self.dependent
        turned = peak.factor.copy()
        turned[at] += (self.power[at] * peak.mode[at])[:, None] * peak.factor[self.driver[at]]
        upper = np.asarray(np.linalg.qr(turned.T, mode="r"))
        return np.asarray(upper.T * np.sign(np.diag(upper)))

    def _scaled(self, theta: np.ndarray, centre: np.ndarray, sign: float) -> np.ndarray:
        at = self.dependent
        if not at.size:
            return theta
        out = theta.copy()
        out[:, at] *= np.exp(sign * self.power[at] * (theta - centre)[:, self.driver[at]])
        return out


def partial_non_centring(peak: Peak, design: Design) -> PartialNonCentring:
    """The dependent coordinates: a region's effect (on the regional spread), half-saturation (on a free slope).

    The power is the share of a coordinate's prior variance that the data removed. What the data determine is a product
    (effect times spread; slope times log half-saturation, which fixes the response at the usual spend); what they do
    not determine keeps its prior, in which the two are independent.
    """
    at_name = {name: i for i, name in enumerate(names(design))}
    driver, power = np.full(len(at_name), -1), np.zeros(len(at_name))
    variance = (peak.factor**2).sum(axis=1)
    for c, channel in enumerate(design.data.media_names):
        slope = at_name.get(f"log_slope[{channel}]")
        if slope is not None:
            at = at_name[f"log_half_saturation[{channel}]"]
            driver[at], power[at] = slope, 1 - variance[at] / design.half_saturation[c, 1] ** 2
    if design.geo_effects:
        first = at_name["log_eta"] + 1
        driver[first:], power[first:] = at_name["log_eta"], 1 - variance[first:]
    return PartialNonCentring(driver, np.where(driver >= 0, np.clip(power, 0.0, 1.0), 0.0))


def with_map(
    block: np.ndarray, centre: np.ndarray, factor: np.ndarray, non_centring: PartialNonCentring | None = None
) -> np.ndarray:
    """The same block with the map theta = to_model(centre + factor z) from the sampler's z; factor lower triangular.

    Without `non_centring` the map is affine.
    """
    from models.mmm.engine import log_density as k

    out, at, n = block.copy(), int(block[k.MAP_AT]), centre.size
    out[at : at + n] = centre
    out[at + n : at + n + n * n] = np.tril(factor).ravel()
    if non_centring is not None and non_centring.dependent.size:
        out[k.LEAN] = 1.0
        out[-2 * n : -n], out[-n:] = non_centring.driver, non_centring.power
    out.flags.writeable = False
    return out
