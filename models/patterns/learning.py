"""Learning from tests which features of creative work help, with effects shrunk to a size that can be expected again.

Only contrasts within a brief count. Between briefs the story differs, and the story explains most of the variance.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

import numpy as np
import polars as pl
from scipy.stats import chi2

from models.patterns.arms import Arms, comparable_arms
from models.patterns.contrasts import arm_noise, cell_contrasts, demean, joint_effects, raw_effects
from models.patterns.estimates import PatternEstimates
from models.patterns.mixture import ScaleMixture, fit_mixture, posterior
from models.patterns.prior import OTHER_BRAND, PriorPack
from models.patterns.spec import LearnSpec
from models.warning import Warning

KEY = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$")
SHORTLIST_LFSR = 0.10
TOO_ALIKE = 0.95
PLACEBO_ARMS = 20_000


def learn(
    tests: pl.DataFrame,
    features: pl.DataFrame,
    *,
    prior: PriorPack | None = None,
    seed: int,
    spec: LearnSpec | None = None,
) -> PatternEstimates:
    """Effect of each feature on the outcome of a piece, compared with the other variants of the same brief.

    `tests`: brief, variant, channel (strings), week (Monday, date), trials, successes[, value, value_sq: sum and sum
    of squares of margin][, planned_share]. `features`: variant, feature, one row per feature a variant has. Estimator:
    log-odds (or margin per 1,000), demeaned inside brief x channel with weights 1/(s^2 + tau^2), standard errors
    robust to briefs, shrunk by a scale mixture fitted over all features. `seed` drives the placebo only: outcomes
    shuffled within cells, where no effect exists. Raises ValueError naming the row for impossible tests, unknown
    columns, a feature outside `spec.vocabulary`, or a duplicate feature row. Without any test the estimates are empty.
    """
    spec = spec or LearnSpec()
    _refuse_features(features, spec)
    arms = comparable_arms(tests, spec)
    as_of = spec.as_of or _day_after(tests)
    names = sorted(features.join(arms.frame, on="variant", how="semi")["feature"].unique().to_list())
    y, s2 = arms.frame["y"].to_numpy(), arms.frame["s2"].to_numpy()
    cell = arms.frame["cell"].to_numpy()
    tau = spec.tau if spec.tau is not None else arm_noise(y, s2, cell) if len(y) else 0.0
    x = _present(arms, features, names)
    dm = demean(y, s2, x, cell if len(y) else np.zeros(0, dtype=int), tau, _rivals(x, names, spec))
    contrasts = cell_contrasts(arms.frame, names, dm)
    warnings = [*arms.warnings, *_reused(arms, features)]

    b, se, count = raw_effects(dm) if len(y) and names else (np.zeros(0), np.zeros(0), np.zeros(0))
    usable = (count >= 2) & (se > 0)
    mixture, placebo, joint = ScaleMixture(np.zeros(1), np.ones(1)), None, {}
    if usable.any():
        zero = np.zeros(usable.sum())
        mixture = fit_mixture(b[usable], se[usable], zero, spec.null_weight)
        lfsr = _lfsr(b[usable], se[usable], mixture, spec)
        short = np.flatnonzero(usable)[lfsr <= SHORTLIST_LFSR].tolist()
        if short:
            together = joint_effects(dm, short, [_group(names[j], spec) for j in short])
            joint = dict(zip([names[j] for j in short], together.tolist(), strict=True))
            warnings += _alike(dm.x[:, short] * np.sqrt(dm.w)[:, None], [names[j] for j in short], spec)
        if spec.placebo_draws:
            placebo = _placebo_hits(arms, x, dm.rivals, tau, spec, seed)
            warnings += _placebo_warning(placebo)
    split_p = _split_by_feature(tests, arms, x, names) if spec.srm_alpha is not None else {}
    return PatternEstimates(
        contrasts=contrasts,
        srm=arms.srm,
        usage=_usage(tests.filter(pl.col("week") + timedelta(days=7) <= as_of), features),
        joint=joint,
        split_p=split_p,
        tau=float(tau),
        mixture=mixture,
        prior=prior,
        spec=spec,
        as_of=as_of,
        placebo_hits=placebo,
        warnings=tuple(warnings),
    )


def prior_pack(
    estimates: PatternEstimates, *, name: str, version: str, sha256: str, same_publisher: bool, gap_years: float
) -> PriorPack:
    """The estimates of one archive as a prior for later tests.

    `sha256` names the archive, `gap_years` is the time between its end and the later tests. The variance is widened
    fourfold unless both come from the same publisher. Raises ValueError as `PriorPack` does.
    """
    frame = estimates.frame.select("feature", mean="shrunk", sd="sd")
    # A feature shrunk onto exact zero has no spread left; a hundredth of the usual effect keeps it movable.
    smallest_sd = max(estimates.mixture.sd / 100, 1e-6)
    frame = frame.with_columns(pl.col("sd").clip(lower_bound=smallest_sd))
    return PriorPack(name, version, sha256, frame, 1.0 if same_publisher else OTHER_BRAND, gap_years)


def _refuse_features(features: pl.DataFrame, spec: LearnSpec) -> None:
    missing = {"variant", "feature"} - set(features.columns)
    if missing:
        raise ValueError(f"features lacks {', '.join(sorted(missing))}: one row per variant and feature it has")
    twice = features.filter(pl.struct("variant", "feature").is_duplicated())
    if twice.height:
        raise ValueError(f"features: variant {twice['variant'][0]!r} has {twice['feature'][0]!r} twice; keep one row")
    for key in features["feature"].unique().sort().to_list():
        if key is None or not KEY.match(key):
            raise ValueError(f"features: {key!r} is not a key like headline.question")
        if spec.vocabulary is not None and key not in spec.vocabulary:
            raise ValueError(f"features: {key!r} is not in the vocabulary; a person admits new keys first")


def _day_after(tests: pl.DataFrame) -> date:
    last = tests["week"].max()
    return last + timedelta(days=7) if isinstance(last, date) else date(1970, 1, 1)


def _present(arms: Arms, features: pl.DataFrame, names: list[str]) -> np.ndarray:
    x = np.zeros((arms.frame.height, len(names)))
    where = arms.frame.select("variant").with_row_index("row")
    column = pl.DataFrame(
        {"feature": names, "column": range(len(names))}, schema={"feature": pl.String, "column": pl.Int64}
    )
    hits = where.join(features.select("variant", "feature"), on="variant").join(column, on="feature")
    x[hits["row"].to_numpy(), hits["column"].to_numpy()] = 1.0
    return x


def _rivals(x: np.ndarray, names: list[str], spec: LearnSpec) -> tuple[tuple[int, ...], ...]:
    """Columns of the same dimension, where at least two of its features occur."""
    groups: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        if (group := _group(name, spec)) != name and x[:, column].any():
            groups.setdefault(group, []).append(column)
    return tuple(tuple(columns) for columns in groups.values() if len(columns) > 1)


def _group(feature: str, spec: LearnSpec) -> str:
    """The dimension whose values exclude each other, or the feature itself."""
    namespace = feature.split(".", 1)[0]
    return namespace if namespace in spec.exclusive else feature


def _lfsr(b: np.ndarray, se: np.ndarray, mixture: ScaleMixture, spec: LearnSpec) -> np.ndarray:
    zero = np.zeros_like(b)
    at = posterior(b, se, zero, mixture.scales, mixture.weights, delta=spec.delta, drift_now=zero, drift_next=zero)
    return at.lfsr


def _placebo_hits(
    arms: Arms, x: np.ndarray, rivals: tuple[tuple[int, ...], ...], tau: float, spec: LearnSpec, seed: int
) -> float:
    """Features that would be called positive (lfsr < .05) on average when outcomes are shuffled inside cells.

    Of very many arms a random part of the cells stands for all.
    """
    rng = np.random.default_rng(seed)
    y, s2 = arms.frame["y"].to_numpy(), arms.frame["s2"].to_numpy()
    cell = arms.frame["cell"].to_numpy()
    if len(y) > PLACEBO_ARMS:
        drawn = rng.random(int(cell.max()) + 1) < PLACEBO_ARMS / len(y)
        inside = drawn[cell]
        y, s2, x, cell = y[inside], s2[inside], x[inside], np.cumsum(drawn)[cell[inside]] - 1
    hits = 0
    for _ in range(spec.placebo_draws):
        order = np.lexsort((rng.random(len(y)), cell))
        dm = demean(y[order], s2[order], x, cell, tau, rivals)
        b, se, count = raw_effects(dm)
        usable = (count >= 2) & (se > 0)
        if not usable.any():
            continue
        mixture = fit_mixture(b[usable], se[usable], np.zeros(usable.sum()), spec.null_weight)
        hits += int(np.sum((_lfsr(b[usable], se[usable], mixture, spec) < 0.05) & (b[usable] > 0)))
    return hits / spec.placebo_draws


def _placebo_warning(placebo: float) -> list[Warning]:
    if placebo <= 0.5:
        return []
    return [
        Warning(
            code="placebo_finds_patterns",
            severity="high",
            subject="pattern learning",
            message=f"With outcomes shuffled within each test, so that no effect exists, {placebo:.1f} features"
            " per draw would still pass. Some of the patterns shown are chance findings.",
            action="Promote nothing this week and look for tests in which arms were not assigned at random.",
        )
    ]


def _alike(x: np.ndarray, names: list[str], spec: LearnSpec) -> list[Warning]:
    if x.shape[1] < 2:
        return []
    with np.errstate(invalid="ignore"):
        corr = np.corrcoef(x, rowvar=False)
    warnings = []
    for i, j in np.argwhere(np.triu(np.abs(corr) > TOO_ALIKE, 1)):
        a, b = names[i], names[j]
        if _group(a, spec) == _group(b, spec):
            continue
        warnings.append(
            Warning(
                code="features_not_separable",
                severity="medium",
                subject=f"{a}, {b}",
                message=f"{a} and {b} nearly always changed together (correlation {corr[i, j]:.2f}), so these tests"
                " cannot say which of the two caused the effect.",
                action=f"Write briefs in which {a} and {b} vary independently.",
            )
        )
    return warnings


def _reused(arms: Arms, features: pl.DataFrame) -> list[Warning]:
    twice = arms.frame.group_by("variant").agg(pl.col("brief").n_unique().alias("briefs")).filter(pl.col("briefs") > 1)
    if not twice.height:
        return []
    example = twice.sort("variant")["variant"][0]
    return [
        Warning(
            code="variant_in_several_briefs",
            severity="medium",
            subject="creative tests",
            message=f"{twice.height} variant names (for example {example!r}) occur in several briefs and share one"
            " list of features. That is right for a piece that was used again, but wrong for names like A and B.",
            action="If these are different pieces, give each its own id.",
        )
    ]


def _usage(tests: pl.DataFrame, features: pl.DataFrame) -> pl.DataFrame:
    """Share of the variants live in a week, per channel, that carry a feature: channel, week, feature, share."""
    live = tests.select("channel", "week", "variant").unique()
    total = live.group_by("channel", "week").agg(pl.len().alias("variants"))
    using = live.join(features.select("variant", "feature"), on="variant").group_by("channel", "week", "feature")
    share = using.agg(pl.len().alias("using")).join(total, on=["channel", "week"])
    return share.select("channel", "week", "feature", share=pl.col("using") / pl.col("variants")).sort(
        "channel", "week", "feature"
    )


def _split_by_feature(tests: pl.DataFrame, arms: Arms, x: np.ndarray, names: list[str]) -> dict[str, float]:
    """Traffic split tested over all tests of a feature: small deviations per test add up to a detectable one.

    Per cell the variance of the feature arms' share is multinomial; p is of the summed deviation (1 df).
    """
    if "planned_share" not in tests.columns:
        tests = tests.with_columns(planned_share=pl.lit(1.0))
    share = tests.group_by("brief", "channel", "variant").agg(pl.col("planned_share").max())
    frame = arms.frame.join(share, on=["brief", "channel", "variant"], how="left", maintain_order="left")
    cell, trials = frame["cell"].to_numpy(), frame["trials"].to_numpy().astype(float)
    if not len(cell):
        return {}
    planned = frame["planned_share"].to_numpy()
    total = np.bincount(cell, trials)
    expected_share = planned / np.bincount(cell, planned)[cell]
    result = {}
    for j, name in enumerate(names):
        with_it = np.bincount(cell, x[:, j] * trials)
        q = np.bincount(cell, x[:, j] * expected_share)
        deviation, variance = float(np.sum(with_it - total * q)), float(np.sum(total * q * (1 - q)))
        result[name] = float(chi2.sf(deviation**2 / variance, 1)) if variance > 0 else 1.0
    return result
