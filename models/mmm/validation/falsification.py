"""Falsification tests: placebo channels, noise, a random driver, other histories, other models, unseen weeks.

Passing proves nothing; failing lowers trust. Every refit here is the posterior's peak, not a full sample: hundreds
of fits take seconds, and only their comparison is used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from models.mmm.checks import changing_effects, endogeneity
from models.mmm.checks.after_sampling import LIMITS
from models.mmm.checks.placebo import placebo_ranks
from models.mmm.checks.unobserved_confounding import tipping
from models.mmm.fitting import engine_choice
from models.mmm.fitting.approximate import peak_fit, peak_of, returns, returns_at
from models.mmm.fitting.form_selection import choose_form
from models.mmm.model.design import Form, Scales
from models.mmm.panel.panel import MMMData
from models.mmm.result.fit import contraction
from models.mmm.spec import MMMSpec
from models.mmm.validation.backtest import backtest
from models.mmm.validation.falsification_messages import warning
from models.mmm.validation.specification_curve import SpecificationCurve, specification_curve
from models.normal_quantile import half_width
from models.periods import PERIODS_PER_YEAR
from models.warning import Warning

Row = tuple[str, str, float, float, bool]
TOP_WEEKS = 5  # the strongest spend periods of a channel, left out together


@dataclass(frozen=True)
class Thresholds:
    """Thresholds of the tests. Shares are of the main estimate; `block` is in standard deviations of the estimate
    (leaving out a third of the rows moves a sound one by 0.7, and the worst of several blocks counts), `tipping` the
    least share of the residual variance of spend and sales that a hidden driver needs to halve a number.
    """

    placebo_rank: float = 0.95
    perturbation: float = 0.08
    common_cause: float = 0.10
    stability: float = 0.15
    block: float = 2.0
    contraction: float = LIMITS.contraction_none
    tipping: float = 0.05
    endogeneity: float = 0.005
    skill: float = 0.0
    agreement: float = 0.90


@dataclass(frozen=True, eq=False)
class Falsification:
    """tests: test, channel (`all` for the model), value, mark, passed; warnings for what failed; the specification
    curve, the unseen weeks' scores and the tipping points they rest on.
    """

    tests: pl.DataFrame
    warnings: tuple[Warning, ...]
    curve: SpecificationCurve
    unseen: pl.DataFrame
    tipping: pl.DataFrame

    @property
    def verdict(self) -> str:
        """One sentence: how many attempts failed, and which numbers they touch."""
        failed = self.tests.filter(~pl.col("passed"))
        if not failed.height:
            return f"All {self.tests.height} falsification tests passed. That does not prove the result right."
        who = ", ".join(sorted({str(c) for c in failed["channel"]} - {"all"})) or "the model as a whole"
        return f"{failed.height} of {self.tests.height} falsification tests failed; they concern {who}."


def falsify(
    data: MMMData,
    spec: MMMSpec | None = None,
    *,
    shifts: int = 39,
    repeats: int = 5,
    folds: int = 6,
    thresholds: Thresholds | None = None,
    seed: int,
) -> Falsification:
    """All falsification tests of the MMM of `data`: seconds of CPU (`python -m benchmarks.mmm.falsification`).

    Placebo: the channel's own series shifted in time by `shifts` random lags; the real one must explain sales better
    than `placebo_rank` of them. Perturbation, random common cause and stability compare iROAS with the main estimate;
    `block` leaves out each year and each channel's strongest weeks; contraction is the share of the prior variance that
    the data removed; endogeneity tests whether spend follows sales; tipping points say how strong a hidden driver must
    be; the specification curve compares other models; unseen weeks score predictions of the last `folds` times four
    periods. Raises ValueError for parts that the compiled density, on which all this runs, does not have.
    """
    spec, thresholds = spec or MMMSpec(), thresholds or Thresholds()
    engine_choice.refuse_shortcut(spec, data, "falsify")
    rng = np.random.default_rng(seed)
    form, _ = choose_form(data, spec, ())
    design, block, peak = peak_of(data, spec, form)
    scales, start = design.scales, peak.mode
    main_estimates, sd = returns_at(design, peak)
    rows: list[Row] = []
    ranks = placebo_ranks(design, block, peak, shifts=shifts, rng=rng)
    rows += [
        ("placebo", name, float(r), thresholds.placebo_rank, bool(r >= thresholds.placebo_rank))
        for name, r in zip(data.channels, ranks, strict=True)
    ]
    rows += _changes(
        "perturbation",
        thresholds.perturbation,
        data,
        main_estimates,
        [returns(_noisy(data, rng), spec, form, scales, begin=start) for _ in range(repeats)],
    )
    rows += _changes(
        "random_common_cause",
        thresholds.common_cause,
        data,
        main_estimates,
        [_walked(data, spec, form, rng) for _ in range(repeats)],
    )
    rows += _shorter(data, spec, form, scales, start, main_estimates, thresholds)
    rows += _blocks(data, spec, form, scales, start, main_estimates, sd, thresholds)
    rough = peak_fit(data, spec, form, scales=scales, seed=seed)
    rows += [
        ("contraction", name, float(v), thresholds.contraction, bool(v >= thresholds.contraction))
        for name, v in zip(data.channels, contraction(rough), strict=False)
    ]
    follows = np.minimum(endogeneity.spend_after_sales(design), endogeneity.sales_before_spend(rough))
    for test, values in (("spend_follows_sales", follows), ("constant_effect", changing_effects.changed(rough))):
        rows += [
            (test, name, float(p), thresholds.endogeneity, bool(p >= thresholds.endogeneity))
            for name, p in zip(data.channels, values, strict=False)
        ]
    points = tipping(rough)
    rows += [
        ("hidden_driver", name, need, thresholds.tipping, need >= thresholds.tipping)
        for name, need in points.select("channel", "halves").iter_rows()
    ]
    curve = specification_curve(data, spec)
    rows += [
        ("specification_curve", name, share, thresholds.agreement, share >= thresholds.agreement)
        for name, share in curve.summary.select("channel", "agreement").iter_rows()
        if share is not None
    ]
    unseen, scored = _unseen(data, spec, folds, thresholds, seed)
    rows += scored
    tests = pl.DataFrame(rows, schema=["test", "channel", "value", "mark", "passed"], orient="row")
    failures = tuple(warning(*row[:4]) for row in rows if not row[4] and row[0] != "specification_curve")
    return Falsification(tests, failures + curve.warnings, curve, unseen, points)


def _shorter(
    data: MMMData,
    spec: MMMSpec,
    form: Form,
    scales: Scales,
    start: np.ndarray,
    main_estimates: np.ndarray,
    thresholds: Thresholds,
) -> list[Row]:
    periods = np.arange(len(data.dates))
    others = [
        returns(data.rows(periods < len(periods) - k), spec, form, scales, begin=start)
        for k in (4, 8, 12)
        if len(periods) - k >= 52
    ]
    return _changes("stability", thresholds.stability, data, main_estimates, others) if others else []


def _blocks(
    data: MMMData,
    spec: MMMSpec,
    form: Form,
    scales: Scales,
    start: np.ndarray,
    main_estimates: np.ndarray,
    sd: np.ndarray,
    thresholds: Thresholds,
) -> list[Row]:
    """Worst move of each channel, in its own standard deviations, over leaving out each year and its top weeks."""
    periods = len(data.dates)
    years = max(round(periods / PERIODS_PER_YEAR[data.grain]), 1)
    blocks = [np.array_split(np.arange(periods), years)[k] for k in range(years)] if years > 1 else []
    blocks += [np.argsort(data.media[:, :, c].sum(axis=0))[-TOP_WEEKS:] for c in range(len(data.channels))]
    moved = [
        np.abs(
            returns(data, spec, form, scales, begin=start, without=np.isin(np.arange(periods), block)) - main_estimates
        )
        / sd
        for block in blocks
    ]
    worst = np.max(moved, axis=0)
    return [
        ("block", name, float(v), thresholds.block, bool(v <= thresholds.block))
        for name, v in zip(data.channels, worst, strict=True)
    ]


def _unseen(
    data: MMMData, spec: MMMSpec, folds: int, thresholds: Thresholds, seed: int
) -> tuple[pl.DataFrame, list[Row]]:
    folds = min(folds, (len(data.dates) - 52) // 4)
    if folds < 2:
        return pl.DataFrame(), []
    scores = backtest(data, spec, folds=folds, horizon=4, sampled=False, seed=seed)
    covered = float(np.mean(scores["coverage80"].to_numpy()))
    least = 0.8 - half_width(0.90) * np.sqrt(0.8 * 0.2 / (4 * folds))  # one-sided binomial error of that many weeks
    skill = float(np.median(scores["skill"].to_numpy()))
    return scores, [
        ("unseen_coverage", "all", covered, float(least), bool(covered >= least)),
        ("unseen_skill", "all", skill, thresholds.skill, bool(skill >= thresholds.skill)),
    ]


def _walked(data: MMMData, spec: MMMSpec, form: Form, rng: np.random.Generator) -> np.ndarray:
    design, _, peak = peak_of(_with_walk(data, rng), spec, form)
    return returns_at(design, peak)[0]


def _noisy(data: MMMData, rng: np.random.Generator) -> MMMData:
    factor = 1 + 0.05 * rng.normal(size=data.media.shape)
    paid = len(data.channels)
    return replace(
        data, media=np.maximum(data.media * factor, 0), spend=np.maximum(data.spend * factor[:, :, :paid], 0)
    )


def _with_walk(data: MMMData, rng: np.random.Generator) -> MMMData:
    walk = np.cumsum(rng.normal(size=len(data.dates)))
    walk = np.broadcast_to((walk - walk.mean()) / walk.std(), data.kpi.shape)[:, :, None]
    return replace(
        data,
        controls=np.concatenate([data.controls, walk], axis=2),
        control_names=(*data.control_names, "random walk"),
        control_roles=(*data.control_roles, "precision"),
    )


def _changes(test: str, mark: float, data: MMMData, main_estimates: np.ndarray, others: list[np.ndarray]) -> list[Row]:
    change = np.median(np.abs(np.array(others) / main_estimates - 1), axis=0)
    return [(test, name, float(v), mark, bool(v <= mark)) for name, v in zip(data.channels, change, strict=True)]
