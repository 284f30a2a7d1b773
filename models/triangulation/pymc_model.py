"""The evidence model as a PyMC graph: the reference that states the model, and that the compiled density must equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.triangulation.evidence import Readings
from models.triangulation.priors import EvidencePriors, LogNormalPrior

if TYPE_CHECKING:
    import pymc as pm


def graph(read: Readings, priors: EvidencePriors) -> pm.Model:
    """Every sensor with its own bias and noise around one log iROAS per channel.

    eta_c ~ Normal(mu + class, tau), iROAS theta_c = exp(eta_c): channels that destroy value (theta < 0) are
    outside the model and end near 0. Tests: Student t around share x theta, variance se^2 + (share x
    theta)^2 (omega_design^2 + drift^2 age). MMM: multivariate normal on logs with full covariance, one bias
    for all channels, one extra noise. Claims: normal on logs, one bias and noise per source, plus a class
    deviation when channel classes are given.
    """
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as model:
        mu = pm.Normal("mu", np.log(priors.level_median), priors.level_sd)
        tau = pm.HalfNormal("tau", priors.spread_sd)
        drift = _spread("drift", priors.drift)
        quasi = _spread("quasi", priors.quasi_noise)
        platform_lift = _spread("platform_lift", priors.platform_lift_noise)
        b_mmm = pm.Normal("b_mmm", 0.0, priors.mmm_bias_sd)
        omega_mmm = _spread("omega_mmm", priors.mmm_noise)

        sources, classes = len(read.claims.sources), len(read.classes)
        bias = pm.Normal("bias", priors.attribution_bias_mean, priors.attribution_bias_sd, shape=sources)
        noise = _spread("noise", priors.attribution_noise, sources)
        of_class = pt.zeros(len(read.channels))
        if classes:
            alpha = pm.Normal("alpha", 0.0, priors.class_sd, shape=classes)
            of_class = pt.concatenate([alpha, pt.zeros(1)])[read.channel_class]
        eta = pm.Normal("eta", mu + of_class, tau, shape=len(read.channels))

        tests = read.tests
        if tests.y.size:
            omega = pt.stack([pt.constant(priors.randomised_noise), quasi, platform_lift])[tests.design]
            mean = tests.share * pt.exp(eta[tests.channel])
            variance = tests.se**2 + mean**2 * (omega**2 + drift**2 * tests.age)
            pm.StudentT("test", nu=priors.test_tail, mu=mean, sigma=pt.sqrt(variance), observed=tests.y)
        if read.mmm is not None:
            spread = read.mmm.cov + omega_mmm**2 * pt.eye(read.mmm_channel.size)
            pm.MvNormal("mmm", eta[read.mmm_channel] + b_mmm, cov=spread, observed=read.mmm.mean)
        claims = read.claims
        if claims.log_claim.size:
            shift = bias[claims.source]
            if classes:
                delta = pm.Normal("delta", 0.0, priors.attribution_class_sd, shape=(sources, classes))
                padded = pt.concatenate([delta, pt.zeros((sources, 1))], axis=1)
                shift = shift + padded[claims.source, read.channel_class[claims.channel]]
            variance = claims.log_se**2 + noise[claims.source] ** 2
            mean = eta[claims.channel] + shift
            pm.Normal("claim", mean, pt.sqrt(variance), observed=claims.log_claim)
    return model


def _spread(name: str, prior: LogNormalPrior, size: int | None = None) -> pm.Distribution:
    import pymc as pm

    return pm.LogNormal(name, prior.log_median, prior.log_sd, shape=size)
