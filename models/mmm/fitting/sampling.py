"""Sampling from the compiled density until the convergence gates pass, longer each time they do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.mmm.engine import convergence, nuts, reparametrisation
from models.mmm.engine.laplace import Peak
from models.mmm.engine.parameters import names
from models.mmm.model.design import Design
from models.mmm.panel.error import MMMError
from models.mmm.spec import Sampling


@dataclass(frozen=True, eq=False)
class Sampled:
    """The last run with its convergence table, the gates it failed (empty when it converged), and every attempt."""

    run: nuts.Run
    table: pl.DataFrame
    problems: tuple[str, ...]
    attempts: tuple[str, ...]


def sample_until_converged(block: np.ndarray, peak: Peak, design: Design, settings: Sampling, *, seed: int) -> Sampled:
    """Draws from the density of `block`, started at `peak`.

    While a gate fails it samples longer, first with the covariance of the last draws, then with the sampler's own
    adaptation; `settings.attempts` at most. Raises ValueError where the sampler finds no point with a finite density.
    """
    order = names(design)
    n = len(order)
    attempts: list[str] = []
    non_centring = reparametrisation.partial_non_centring(peak, design)
    centre, factor = peak.mode, non_centring.factor(peak)
    plans = _attempts(settings)
    for number, (label, chosen) in enumerate(plans):
        try:
            mapped = reparametrisation.with_map(block, centre, factor, non_centring)
            run = nuts.sample(mapped, n, chosen, seed=seed + number)
        except RuntimeError as broken:  # nutpie finds no point with a finite density: the map is bad, not the model
            attempts.append(f"{label}: the sampler found no start ({str(broken).splitlines()[0]})")
            factor = np.diag(np.sqrt(np.diag(peak.factor @ peak.factor.T))) * 0.5
            if number + 1 == len(plans):
                raise MMMError(
                    "the sampler found no values of the unknowns under which these data are possible: look for a KPI or"
                    " spend column with values of another unit or sign, or fix the form of the response in MMMSpec"
                ) from broken
            continue
        table = convergence.convergence_table(run.theta, order)
        problems = convergence.failures(table, run)
        attempts.append(
            f"sampled {chosen.chains} x ({chosen.tune} + {chosen.draws}), {label}: "
            + ("converged" if not problems else "; ".join(problems))
        )
        if not problems:
            break
        flat = run.theta.reshape(-1, n)
        flat = non_centring.to_sampled(flat, flat.mean(axis=0))
        centre = flat.mean(axis=0)
        spread = np.cov(flat.T) + 1e-8 * np.eye(n)
        factor = np.linalg.cholesky(spread) if number == 0 else np.diag(np.sqrt(np.diag(spread)))
    return Sampled(run, table, tuple(problems), tuple(attempts))


def _attempts(first: Sampling) -> tuple[tuple[str, Sampling], ...]:
    """Settings of each attempt with the words by which the fit records it."""
    longer = {"tune": first.tune + 200, "draws": first.draws * 2, "target_accept": max(first.target_accept, 0.98)}
    longest = {"tune": 1500, "draws": first.draws * 4, "target_accept": max(first.target_accept, 0.99)}
    plans = (
        ("whitened by the peak", first),
        ("longer, whitened by the last draws", first.model_copy(update=longer)),
        ("longest, own adaptation", first.model_copy(update=longest)),
    )
    return plans[: first.attempts]
