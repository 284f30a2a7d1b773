"""One company from its weekly frame to every method's figures, and many of them in parallel processes."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from benchmarks.one_number.fits import PRIORS, Prior, fit_draws, is_kept
from benchmarks.one_number.methods import Figure, figures
from benchmarks.one_number.ours import Ablation, combined, prior_of
from models.worlds.company_kinds import KINDS
from models.worlds.measured_company import MeasuredCompany, measured_company


@dataclass(frozen=True)
class Job:
    """One company to run: fits are read from and kept in `folder`; without `fit` a company lacking one is left out.
    `settings` override fields of `EvidencePriors`."""

    kind: str
    seed: int
    folder: Path
    ablation: Ablation = "whole"
    fit: bool = True
    combine: bool = True
    settings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """Every method's figures of one company, and the CPU seconds of its fits and of the combination."""

    rows: pl.DataFrame
    fit_seconds: float
    combine_seconds: float
    converged: bool


def jobs(
    companies: int,
    *,
    seed: int,
    folder: Path,
    ablation: Ablation = "whole",
    fit: bool = True,
    combine: bool = True,
    settings: Mapping[str, float] | None = None,
) -> list[Job]:
    """The companies of a benchmark: the five kinds in turn, each with its own seed. `settings` override fields of
    `EvidencePriors`."""
    kinds = list(KINDS)
    return [
        Job(kinds[i % len(kinds)], 1000 * seed + i, folder, ablation, fit, combine, settings or {})
        for i in range(companies)
    ]


def run(
    todo: list[Job], *, processes: int, progress: Callable[[int, int, Job, float], None] | None = None
) -> list[Result | None]:
    """Every job's result in order, None for one left out; `progress` hears of each that is done."""
    begun = time.perf_counter()
    results: list[Result | None] = [None] * len(todo)
    if processes <= 1:
        for i, job in enumerate(todo):
            results[i] = one(job)
            if progress:
                progress(i + 1, len(todo), job, time.perf_counter() - begun)
        return results
    for threads in ("OMP_NUM_THREADS", "POLARS_MAX_THREADS"):  # parallel by company; the processes inherit this
        os.environ.setdefault(threads, "1")
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(one, job): i for i, job in enumerate(todo)}
        for done, future in enumerate(as_completed(waiting), start=1):
            i = waiting[future]
            results[i] = future.result()
            if progress:
                progress(done, len(todo), todo[i], time.perf_counter() - begun)
    return results


def one(job: Job) -> Result | None:
    """One company; None where it may not be fitted and a fit is not kept."""
    company = measured_company(job.kind, job.seed)
    priors: list[Prior] = list(dict.fromkeys([*PRIORS, prior_of(job.ablation)]))
    if company.tests.is_empty() or (not job.fit and not is_kept(company, "calibrated", job.folder)):
        priors.remove("calibrated")  # nothing to calibrate with, or left to the MMM alone
    if not job.fit and not all(is_kept(company, prior, job.folder) for prior in priors):
        return None
    begun = time.process_time()
    fits = {prior: fit_draws(company, prior, job.folder) for prior in priors}
    fitted = time.process_time()
    if not job.combine:
        return Result(pl.DataFrame(), fitted - begun, 0.0, all(f.converged for f in fits.values()))
    ours = combined(company, fits[prior_of(job.ablation)], ablation=job.ablation, settings=job.settings)
    seconds = time.process_time() - fitted
    measured = dict(ours.estimates.select("channel", "measured").iter_rows())
    rows = _rows(company, figures(company, fits, ours), measured)
    return Result(rows, fitted - begun, seconds, all(f.converged for f in fits.values()))


def _rows(
    company: MeasuredCompany, by_method: Mapping[str, Mapping[str, Figure]], measured: Mapping[str, bool]
) -> pl.DataFrame:
    truth = {t["channel"]: t for t in company.truth.iter_rows(named=True)}
    total = sum(t["spend"] for t in truth.values())
    tested = set(company.tests["channel"])
    about = company.circumstances
    return pl.DataFrame(
        [
            {
                "company": f"{company.kind} {company.seed}",
                "kind": company.kind,
                "channel": channel,
                "channel_class": company.classes[channel],
                "tested": channel in tested,
                "measured": measured[channel],
                "margin": company.margin,
                "spend_share": truth[channel]["spend"] / total,
                "truth": truth[channel]["iroas"],
                "hidden_demand": about.hidden_demand,
                "claims": about.claims,
                "curve": about.curve,
                "truths": about.truths,
                "method": method,
                "point": figure.point,
                "low": figure.low,
                "high": figure.high,
            }
            for method, of_channel in by_method.items()
            for channel, figure in of_channel.items()
        ],
        schema_overrides={"low": pl.Float64, "high": pl.Float64},
    )
