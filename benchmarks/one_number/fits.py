"""The media mix models of one simulated company, and their draws kept on disk by content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from models.channel_classes import CLASSES, iroas_prior
from models.worlds.measured_company import MeasuredCompany

if TYPE_CHECKING:
    from models.mmm import ChannelSpec, Experiment, MMMData, MMMSpec

Prior = Literal["class", "generic", "calibrated", "permuted"]
PRIORS: tuple[Prior, ...] = ("class", "generic", "calibrated")
FORMAT = 1  # of a kept file
CLEAR = 2.0  # standard errors above zero from which a test becomes a positive prior


@dataclass(frozen=True, eq=False)
class FitDraws:
    """What is kept of one fit: joint draws `returns` (D, C) of window iROAS, `captured` per test (D,) with the same
    draws (what the test would read over the window's iROAS), half-lives, and the Normal prior of log iROAS (C,) that
    the fit ended with (NaN where the effect was allowed to be negative)."""

    channels: tuple[str, ...]
    returns: np.ndarray
    captured: Mapping[str, np.ndarray]
    half_life_weeks: np.ndarray
    prior_log_mean: np.ndarray
    prior_log_sd: np.ndarray
    converged: bool


def fit_draws(company: MeasuredCompany, prior: Prior, folder: Path | None) -> FitDraws:
    """The fit of the company's weekly frame under one of the priors, from `folder` where it was made before."""
    spec = specification(company, prior)
    file = folder / f"{_key(company, spec)}.npz" if folder is not None else None
    if file is not None and file.exists():
        return _load(file)
    kept = _fitted(company, spec)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        _save(file, kept)
    return kept


def is_kept(company: MeasuredCompany, prior: Prior, folder: Path) -> bool:
    """Whether the fit stands in the folder."""
    return (folder / f"{_key(company, specification(company, prior))}.npz").exists()


def specification(company: MeasuredCompany, prior: Prior) -> MMMSpec:
    """The product's spec: `class` has a prior of return and half-life per channel class, `generic` none, `permuted`
    those of another class of the company; `calibrated` is generic with the newest test of a channel as its prior.
    One short attempt at sampling: what it costs in Monte Carlo error is far below the errors that are measured here."""
    from models.mmm import ChannelSpec, LogNormal, MMMSpec, Sampling

    sampling = Sampling(chains=2, tune=250, draws=800, attempts=1)
    channels: dict[str, ChannelSpec] = {}
    if prior in ("class", "permuted"):
        classes = permuted(company) if prior == "permuted" else company.classes
        for channel, name in classes.items():
            about = CLASSES[name]
            median, log_sd = iroas_prior(about, company.margin)
            channels[channel] = ChannelSpec(
                iroas=LogNormal.with_median(median, log_sd),
                half_life=LogNormal.with_median(about.half_life_weeks, about.half_life_log_sd),
                from_class=True,
            )
    elif prior == "calibrated":
        for test in newest_tests(company).iter_rows(named=True):
            channels[test["channel"]] = _calibrated_prior(test["iroas"], test["se"])
    return MMMSpec(break_even_iroas=1 / company.margin, channels=channels, sampling=sampling)


def _calibrated_prior(iroas: float, se: float) -> ChannelSpec:
    """A test as a prior: log-normal with its mean and error, or Normal where it is not clearly above zero."""
    from models.mmm import ChannelSpec, LogNormal, Normal

    if iroas < CLEAR * se:
        return ChannelSpec(signed_iroas=Normal(mu=iroas, sigma=se))
    variance = float(np.log1p((se / iroas) ** 2))
    return ChannelSpec(iroas=LogNormal(mu=float(np.log(iroas)) - variance / 2, sigma=variance**0.5))


def permuted(company: MeasuredCompany) -> dict[str, str]:
    """Every channel with the class of another one of its company, where it has several classes."""
    channels = list(company.channels)
    order = np.random.default_rng([company.seed, 99]).permutation(len(channels))
    return {channels[i]: company.classes[channels[j]] for i, j in zip(order, np.roll(order, 1), strict=True)}


def newest_tests(company: MeasuredCompany) -> pl.DataFrame:
    """The youngest test of every tested channel."""
    return company.tests.sort("age_days").unique("channel", keep="first", maintain_order=True)


def panel(company: MeasuredCompany) -> MMMData:
    """The weekly frame as the model takes it."""
    from models.mmm import MMMData

    return MMMData.from_frame(
        company.weekly,
        date="week",
        kpi="revenue",
        spend={c: f"spend_{c}" for c in company.channels},
        controls=company.controls,  # type: ignore[arg-type]  # the simulator writes the roles of the panel
    )


def experiments(company: MeasuredCompany) -> list[Experiment]:
    """Each test as a change of the whole market's spend: the tested regions have the market's curve per head."""
    from models.mmm import Experiment

    return [
        Experiment(
            name=t["test"],
            channels=(t["channel"],),
            start=t["start"],
            end=t["end"],
            cooldown_days=t["cooldown_days"],
            value=t["iroas"],
            se=t["se"],
            estimand="iroas",
            control_share=t["factor"],
        )
        for t in company.tests.iter_rows(named=True)
    ]


def _fitted(company: MeasuredCompany, spec: MMMSpec) -> FitDraws:
    from models.mmm import captured_return, fit
    from models.mmm.result.fit import REPORT_DRAWS

    fitted = fit(panel(company), spec, seed=company.seed)
    column = {name: c for c, name in enumerate(fitted.data.channels)}
    prior = fitted.log_returns()
    at = [column[name] for name in prior.channels]
    mean, sd = np.full(len(column), np.nan), np.full(len(column), np.nan)
    mean[at], sd[at] = prior.prior_mean, np.sqrt(np.diag(prior.prior_covariance))
    return FitDraws(
        channels=fitted.data.channels,
        returns=fitted.roas_draws(),
        captured={test.name: captured_return(fitted, test) for test in experiments(company)},
        half_life_weeks=fitted.draws.thin(REPORT_DRAWS).half_life,
        prior_log_mean=mean,
        prior_log_sd=sd,
        converged=fitted.converged,
    )


def _key(company: MeasuredCompany, spec: MMMSpec) -> str:
    """Digest of the data, the tests' windows and the spec: what a fit's draws depend on."""
    digest = hashlib.sha256(f"{FORMAT} {company.seed} ".encode())
    digest.update(company.weekly.write_csv().encode())
    digest.update(company.tests.drop("iroas", "se", "age_days").write_csv().encode())
    digest.update(json.dumps(spec.model_dump(mode="json"), sort_keys=True).encode())
    return digest.hexdigest()[:24]


def _save(file: Path, kept: FitDraws) -> None:
    part = file.with_suffix(f".{id(kept)}.part.npz")
    np.savez_compressed(
        part,
        channels=np.array(kept.channels),
        returns=kept.returns.astype(np.float32),
        tests=np.array(list(kept.captured), dtype=str),
        captured=np.array([*kept.captured.values()], dtype=np.float32).reshape(len(kept.captured), len(kept.returns)),
        half_life_weeks=kept.half_life_weeks.astype(np.float32),
        prior_log_mean=kept.prior_log_mean,
        prior_log_sd=kept.prior_log_sd,
        converged=np.array(kept.converged),
    )
    part.replace(file)


def _load(file: Path) -> FitDraws:
    with np.load(file) as kept:
        captured = kept["captured"].astype(float)
        return FitDraws(
            channels=tuple(str(c) for c in kept["channels"]),
            returns=kept["returns"].astype(float),
            captured={str(name): captured[i] for i, name in enumerate(kept["tests"])},
            half_life_weeks=kept["half_life_weeks"].astype(float),
            prior_log_mean=kept["prior_log_mean"],
            prior_log_sd=kept["prior_log_sd"],
            converged=bool(kept["converged"]),
        )
