"""Priors of the channels' effects in the model's coordinates: by iROAS, share, marginal return or coefficient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log

import numpy as np

from models.mmm.panel.error import MMMError
from models.mmm.panel.panel import MMMData
from models.mmm.spec import ChannelSpec, LogNormal, MMMSpec
from models.warning import Warning

LOG_LINK, IDENTITY_LINK = 0, 2
STEP = 0.01  # the next unit is the next 1 % of spend
NOT_WIDENED: Mapping[str, float] = {}
ONE_CURRENCY = (0.005, 2.0)  # shares of the KPI that media spend may have if the two are in one currency


@dataclass(frozen=True, eq=False)
class EffectPrior:
    """Prior of each channel's effect in the sampled coordinate; `money` says what one unit of it is worth.

    `kind` LOG_LINK: log of the mean scaled contribution ~ Normal(mu, sd); IDENTITY_LINK: the contribution itself.
    `scale_to_iroas` turns exp(coordinate) (or the coordinate) into iROAS; NaN for organic channels. Where `basis` is
    mroas or coefficient, mu and sd are what that prior implies for the contribution, and `own_mu`, `own_sd` the prior
    itself: log of the scaled contribution of the next 1 %, or log of the coefficient. `widening` is the factor on the
    sd of an iROAS prior that nobody stated, by channel; 1 where it names none.
    """

    kind: np.ndarray
    mu: np.ndarray
    sd: np.ndarray
    scale_to_iroas: np.ndarray
    basis: tuple[str, ...]
    own_mu: np.ndarray | None = None
    own_sd: np.ndarray | None = None
    widening: Mapping[str, float] = field(default_factory=dict)


def returns_in_money(data: MMMData) -> bool:
    """Whether a prior of iROAS means anything here: the KPI has a value, in what looks like the currency of spend."""
    if data.kpi_unit == "count" and data.value_per_kpi is None:
        return False
    total = float(np.abs(data.kpi).sum()) * data.money_per_kpi
    return bool(ONE_CURRENCY[0] * total <= data.spend.sum() <= ONE_CURRENCY[1] * total)


def effect_prior(
    data: MMMData, spec: MMMSpec, unit: float, widening: Mapping[str, float] = NOT_WIDENED
) -> tuple[EffectPrior, list[Warning]]:
    """The prior of each series' effect in the model's coordinates, and warnings about how it was chosen.

    `unit` is the KPI behind a mean scaled contribution of 1; `widening` multiplies, by channel, the sd of an iROAS
    prior that nobody stated (the default's and those of channel classes). Raises ValueError for a prior in money of a
    channel without spend.
    """
    money = data.money_per_kpi
    total = float(np.abs(data.kpi).sum()) * money
    spend = data.spend.sum(axis=(0, 1))
    basis = spec.effect
    notes: list[Warning] = []
    if basis == "auto":
        basis = "iroas"
        if data.kpi_unit == "count" and data.value_per_kpi is None:
            basis = "share"
            notes.append(
                Warning(
                    "kpi_without_value",
                    "low",
                    data.kpi_name,
                    f"{data.kpi_name} has no value in money, so the priors are about shares of {data.kpi_name}, and"
                    " 'iROAS' means KPI units per money spent.",
                    "Give the value of one unit if returns in money are wanted.",
                )
            )
        elif not returns_in_money(data):
            basis = "share"
            notes.append(
                Warning(
                    "currency_mismatch",
                    "medium",
                    data.kpi_name,
                    f"Media spend is {spend.sum() / total:.3%} of {data.kpi_name}: the two do not seem to be in one"
                    " currency, so the default prior of returns was replaced by one of media's share of sales.",
                    "Check units and currency of spend and KPI; if both are right, set a prior per channel.",
                )
            )
    kinds, mus, sds, to_iroas, names = [], [], [], [], []
    portion = spend / spend.sum()
    for c, name in enumerate(data.media_names):
        own = spec.channels.get(name, ChannelSpec())
        paid = c < len(data.channels)
        if not paid and (own.iroas or own.signed_iroas or own.mroas):
            raise MMMError(f"channel {name!r} is organic: it has no spend, so give it a share prior, not an iroas")
        scale = money * unit / spend[c] if paid else float("nan")
        kind, label = LOG_LINK, "iroas"
        if own.signed_iroas is not None:
            kind, mu, sd, label = IDENTITY_LINK, own.signed_iroas.mu / scale, own.signed_iroas.sigma / scale, "signed"
        elif own.mroas is not None:
            label, mu, sd = "mroas", own.mroas.mu + log(STEP) - log(scale), own.mroas.sigma
        elif own.coefficient is not None:
            label, mu, sd = "coefficient", own.coefficient.mu, own.coefficient.sigma
        elif own.share is not None or (own.iroas is None and (basis == "share" or not paid)):
            label = "share"
            if own.share is not None:
                law = own.share
            else:
                part = 0.5 * portion[c] + 0.5 / len(data.channels) if paid else 0.1 / max(len(data.organic), 1)
                law = LogNormal(mu=log(spec.media_share * part) - 0.5 * spec.share_spread**2, sigma=spec.share_spread)
            mu, sd = law.mu + log(total / (money * unit)), law.sigma
        else:
            law = own.iroas or spec.iroas
            factor = 1.0 if spec.stated(name) and own.iroas else widening.get(name, 1.0)
            mu, sd = law.mu - log(scale), law.sigma * factor
        kinds.append(kind)
        mus.append(mu)
        sds.append(sd)
        to_iroas.append(scale)
        names.append(label)
    prior = EffectPrior(
        np.array(kinds), np.array(mus), np.array(sds), np.array(to_iroas), tuple(names), widening=dict(widening)
    )
    return prior, notes
