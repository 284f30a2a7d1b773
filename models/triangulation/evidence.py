"""Readings of incremental return, checked and sorted by what kind of sensor took them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

import numpy as np
import polars as pl

from models.channel_classes import CLAIM_TYPES, ClassChoice, class_of
from models.error import PlumblineError
from models.triangulation.mmm_evidence import MMMDraws, MMMEvidence
from models.triangulation.vocabulary import ATTRIBUTION_KINDS, COLUMNS, REQUIRED, Design, Kind

DAYS_PER_YEAR = 365.25
LARGEST_LOG_ERROR = 3.0  # of a claim: a factor of twenty either way is no reading any more
# What a claim counts where the row does not say; the kinds differ in who counts, and last click is the usual rule.
USUAL_CLAIM = {"platform": "click", "attribution": "last_click", "self_reported": "self_reported"}


class EvidenceError(PlumblineError, ValueError):
    """A row of the evidence table states something impossible."""


@dataclass(frozen=True, eq=False)
class Tests:
    """Experiments: reading `y` per unit of spend, `se`, `share` of the effect inside the window, `age` in years.

    `design` indexes `vocabulary.Design`; `age` is 0 where it is not stated.
    """

    method: tuple[str, ...]
    channel: np.ndarray
    design: np.ndarray
    y: np.ndarray
    se: np.ndarray
    share: np.ndarray
    age: np.ndarray


@dataclass(frozen=True, eq=False)
class Claims:
    """Attribution, platform and self-reported readings on the log scale; `source` indexes `sources`.

    `claim_type` (see `models.channel_classes`) says what is counted, `platform` who shares a bias with whom.
    """

    sources: tuple[str, ...]
    source_kind: tuple[str, ...]
    channel: np.ndarray
    source: np.ndarray
    log_claim: np.ndarray
    log_se: np.ndarray
    claim_type: tuple[str, ...]
    platform: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Readings:
    """All evidence, ready for the model. `mmm_channel` gives the channels of the MMM's columns.

    `choices` holds each channel's class and how it was chosen. The remaining fields say what was done to the input, for
    warnings; `refused` names channels whose MMM draws are not finite, which are read without the MMM.
    """

    channels: tuple[str, ...]
    choices: tuple[ClassChoice, ...]
    tests: Tests
    mmm: MMMDraws | None
    mmm_channel: np.ndarray
    claims: Claims
    averaged: tuple[str, ...] = ()
    zero_claims: tuple[tuple[str, str], ...] = ()
    unknown_design: tuple[str, ...] = field(default=())
    refused: tuple[str, ...] = ()


def readings(
    evidence: pl.DataFrame,
    *,
    seed: int = 0,
    mmm: MMMDraws | MMMEvidence | None = None,
    channels: Sequence[str] = (),
    classes: Mapping[str, str] | None = None,
) -> Readings:
    """The evidence frame, checked. One row is one reading of one channel by one method.

    Columns: channel, method, kind (mmm | experiment | attribution | platform | self_reported), iroas
    (incremental revenue per unit of spend; for claims claimed revenue / spend on the same outcome), se
    (same scale). Optional: age_days (experiments), share_captured (the part of the full, average return
    that the test could see; above 1 only on the steep part of an S-shaped curve), quality (0-1], divides
    the variance), channel_class (a class of `models.channel_classes` or a coarser word), design (rct | quasi |
    platform_lift; unknown counts as quasi), tracking (which click stream an attribution method reads; equal streams are
    averaged, since they are one sensor), claim_type (click | view | last_click | data_driven | self_reported), platform
    (whose claim it is; unset counts as the method), uses_experiments (mmm rows). Zero and negative experiment readings
    are kept. A claim of zero has no logarithm: it is left out and named. With `mmm`, rows of kind mmm are the same
    reading once more and are not used. `channels` adds channels without reading, `classes` the class of channels that
    have no row; `seed` draws from an MMM known by its summary alone. Raises ValueError, naming row, column, value and
    fix, on anything impossible, on an MMM that has already seen the experiments, and when there is no channel at all.
    """
    rows = _complete(evidence)
    _refuse_impossible(rows)
    named = [*channels, *(mmm.channels if mmm else ()), *rows["channel"].to_list()]
    every = tuple(sorted(set(named)))
    if not every:
        raise EvidenceError("no evidence: give at least one reading, an MMM, or the channels to report")
    index = {name: i for i, name in enumerate(every)}
    streams, averaged = _one_row_per_stream(rows.filter(pl.col("kind").is_in(ATTRIBUTION_KINDS)))
    zero = streams.filter(pl.col("iroas") == 0)
    given = mmm if mmm is not None else _mmm_of_rows(rows.filter(pl.col("kind") == "mmm"))
    draws, refused = _finite(given.as_draws(seed) if isinstance(given, MMMEvidence) else given)
    tests = rows.filter(pl.col("kind") == "experiment").sort("channel", "method", "age_days", "iroas", "se")
    unknown = tests.filter(pl.col("design").is_null())["method"].unique().sort().to_list()
    return Readings(
        channels=every,
        choices=_choices(rows, every, classes or {}),
        tests=_tests(tests, index),
        mmm=draws,
        mmm_channel=np.array([index[c] for c in draws.channels] if draws else [], dtype=np.int64),
        claims=_claims(streams.filter(pl.col("iroas") > 0), index),
        averaged=averaged,
        zero_claims=tuple((row[0], row[1]) for row in zero.select("channel", "method").iter_rows()),
        unknown_design=tuple(unknown),
        refused=refused,
    )


def _finite(mmm: MMMDraws | None) -> tuple[MMMDraws | None, tuple[str, ...]]:
    """The MMM's channels whose draws are finite, and the names of the others."""
    if mmm is None:
        return None, ()
    sound = np.isfinite(mmm.returns).all(axis=0)
    if sound.all():
        return mmm, ()
    refused = tuple(name for name, ok in zip(mmm.channels, sound, strict=True) if not ok)
    if not sound.any():
        return None, refused
    names = tuple(name for name, ok in zip(mmm.channels, sound, strict=True) if ok)
    return replace(mmm, channels=names, returns=mmm.returns[:, sound]), refused


def _complete(evidence: pl.DataFrame) -> pl.DataFrame:
    missing = [column for column in REQUIRED if column not in evidence.columns]
    if missing:
        raise EvidenceError(
            f"evidence lacks the column(s) {', '.join(missing)}; it has {', '.join(evidence.columns) or 'none'}"
        )
    added = [pl.lit(None, dtype=kind).alias(name) for name, kind in COLUMNS.items() if name not in evidence.columns]
    return evidence.with_columns(added).select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())


def _refuse_impossible(rows: pl.DataFrame) -> None:
    kind, claim = pl.col("kind"), pl.col("kind").is_in(ATTRIBUTION_KINDS)
    no_se = ~((pl.col("se") > 0) & pl.col("se").is_finite()).fill_null(False)
    rules: tuple[tuple[pl.Expr, str], ...] = (
        (pl.col("channel").is_null() | (pl.col("channel") == ""), "channel is missing: name it"),
        (pl.col("method").is_null() | (pl.col("method") == ""), "method is missing: name the method or the test"),
        (~kind.is_in(get_args(Kind)).fill_null(False), f"kind must be one of {', '.join(get_args(Kind))}"),
        (~pl.col("iroas").is_finite().fill_null(False), "iroas is missing or not finite: leave the row out instead"),
        (~claim & no_se, "se must be a number above 0: a reading without an error has no weight"),
        (claim & ((pl.col("se") < 0) | ~pl.col("se").is_finite()).fill_null(False), "se must be 0 or above"),
        ((kind == "mmm") & (pl.col("iroas") <= 0), "an MMM's iroas must be above 0: give its log mean by MMMEvidence"),
        (claim & (pl.col("iroas") < 0), "claimed revenue is below 0: net refunds into the period they reverse"),
        ((pl.col("age_days") < 0).fill_null(False), "age_days is negative: a reading is not taken in the future"),
        (_outside("share_captured", 2), "share_captured must be above 0 and at most 2"),
        (_outside("quality", 1), "quality must be above 0 and at most 1: leave a worthless reading out instead"),
        (
            ~pl.col("design").is_in(get_args(Design)).fill_null(True),
            f"design must be one of {', '.join(get_args(Design))}",
        ),
        (
            ~pl.col("claim_type").is_in(CLAIM_TYPES).fill_null(True),
            f"claim_type must be one of {', '.join(CLAIM_TYPES)}",
        ),
        (
            (kind == "mmm") & pl.col("uses_experiments").fill_null(False),
            "this MMM was fitted with experiments, so it would count them twice: refit it without them",
        ),
    )
    for broken, complaint in rules:
        bad = rows.with_row_index("row").filter(broken)
        if bad.height:
            seen = {k: v for k, v in bad.drop("row").row(0, named=True).items() if v is not None}
            raise EvidenceError(f"evidence, row {bad['row'][0]} {seen}: {complaint}")


def _outside(column: str, most: float) -> pl.Expr:
    return ~((pl.col(column) > 0) & (pl.col(column) <= most)).fill_null(True)


def _choices(rows: pl.DataFrame, channels: tuple[str, ...], classes: Mapping[str, str]) -> tuple[ClassChoice, ...]:
    named = (
        rows.filter(pl.col("channel_class").is_not_null()).select("channel", "channel_class").unique().sort("channel")
    )
    twice = named.filter(pl.col("channel").is_duplicated())
    if twice.height:
        raise EvidenceError(
            f"channel {twice['channel'][0]!r} has two classes, {twice['channel_class'].to_list()[:2]}: give one"
        )
    of_channel = {**classes, **dict(named.iter_rows())}
    return tuple(class_of(name, of_channel.get(name)) for name in channels)


def _tests(rows: pl.DataFrame, index: dict[str, int]) -> Tests:
    designs = get_args(Design)
    return Tests(
        method=tuple(rows["method"].to_list()),
        channel=np.array([index[c] for c in rows["channel"]], dtype=np.int64),
        design=np.array([designs.index(d or "quasi") for d in rows["design"]], dtype=np.int64),
        y=rows["iroas"].to_numpy(),
        se=rows["se"].to_numpy() / np.sqrt(rows["quality"].fill_null(1.0).to_numpy()),
        share=rows["share_captured"].fill_null(1.0).to_numpy(),
        age=rows["age_days"].fill_null(0.0).to_numpy() / DAYS_PER_YEAR,
    )


def _one_row_per_stream(rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Attribution methods of one click stream become one sensor: geometric mean, largest error, no gain in
    precision.
    """
    clicks = pl.col("kind") == "attribution"
    rows = rows.with_columns(tracking=pl.when(clicks).then(pl.col("tracking").fill_null("clicks")).otherwise(None))
    stream = pl.when(clicks).then(pl.col("tracking")).otherwise(pl.col("method"))
    methods = rows.filter(clicks).group_by("tracking").agg(pl.col("method").unique().sort())
    shared = {t: m for t, m in methods.iter_rows() if len(m) > 1}
    only = {t: m[0] for t, m in methods.iter_rows() if len(m) == 1}
    name = pl.when(clicks).then(
        pl.col("tracking").replace({t: only.get(t, f"attribution:{t}") for t in methods["tracking"]})
    )
    rows = rows.with_columns(_stream=stream, _source=name.otherwise(pl.col("method")))
    twice = rows.filter(pl.struct("channel", "method", "kind").is_duplicated())
    if twice.height:
        raise EvidenceError(
            f"method {twice['method'][0]!r} reads channel {twice['channel'][0]!r} twice: give one reading per window"
        )
    zero = (pl.col("iroas") == 0).any()
    merged = rows.group_by("channel", "_source", "kind").agg(
        iroas=pl.when(zero).then(0.0).otherwise(pl.col("iroas").log().mean().exp()),
        relative=(pl.col("se").fill_null(0.0) / pl.col("iroas") / pl.col("quality").fill_null(1.0).sqrt()).max(),
        claim_type=pl.col("claim_type").fill_null(pl.col("kind").replace(USUAL_CLAIM)).mode().sort().first(),
        platform=pl.col("platform").fill_null(pl.col("_source")).sort().first(),
    )
    averaged = tuple(sorted({m for methods_of in shared.values() for m in methods_of}))
    return merged.rename({"_source": "method"}).sort("method", "channel"), averaged


def _claims(rows: pl.DataFrame, index: dict[str, int]) -> Claims:
    kinds = dict(rows.select("method", "kind").unique().sort("method").iter_rows())
    sources = tuple(sorted(kinds))
    return Claims(
        sources=sources,
        source_kind=tuple(kinds[s] for s in sources),
        channel=np.array([index[c] for c in rows["channel"]], dtype=np.int64),
        source=np.array([sources.index(m) for m in rows["method"]], dtype=np.int64),
        log_claim=np.log(rows["iroas"].to_numpy()),
        log_se=np.minimum(rows["relative"].to_numpy(), LARGEST_LOG_ERROR),
        claim_type=tuple(rows["claim_type"].to_list()),
        platform=tuple(rows["platform"].to_list()),
    )


def _mmm_of_rows(rows: pl.DataFrame) -> MMMEvidence | None:
    """Ranges per channel as an MMM without correlations between channels."""
    if not rows.height:
        return None
    twice = rows.filter(pl.col("channel").is_duplicated())
    if twice.height:
        raise EvidenceError(f"two MMM readings of channel {twice['channel'][0]!r}: give one MMM, not a vote of several")
    rows = rows.sort("channel")
    mean, se = rows["iroas"].to_numpy(), rows["se"].to_numpy() / np.sqrt(rows["quality"].fill_null(1.0).to_numpy())
    # Below a hundredth of a percent the covariance would be singular in doubles; above a factor of 20 nothing is said.
    variance = np.log1p(np.clip(se / mean, 1e-4, 1e4) ** 2)
    return MMMEvidence(
        channels=tuple(rows["channel"].to_list()),
        mean=np.log(mean) - variance / 2,
        cov=np.diag(variance),
        uses_experiments=False,
    )
