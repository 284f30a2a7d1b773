"""The four figures that open the page; profit is refused, never assumed, when no margin is set."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from feedback.reports.figure_store import LEVEL, Fact, Figure, cents, millionths
from feedback.reports.figures.reconciliation import BOOKING_DATE
from feedback.reports.snapshot.context import ReportContext
from feedback.reports.snapshot.draws import BASELINE, estimated, probability

NO_MARGIN = (
    "No profit is printed: plumbline.yaml sets no contribution margin, and a margin of 1 would count every sale as"
    " profit. Write, for example, margin: 0.62."
)


def headline_figures(context: ReportContext, outcome: Figure, caused: Figure, spend: Figure) -> Iterator[Figure | Fact]:
    """Share caused by marketing, contribution after spend with its probability, and the break-even iROAS.

    `spend` is the media spend of the days on which the effect `caused` is measured: contribution is above 0 exactly
    where iROAS is above break-even.
    """
    draws = context.draws
    if draws is None:
        return
    sha = draws.sql_sha256
    incremental = draws.incremental
    if outcome.value > 0:
        whole = float(outcome.value)
        share = estimated("headline.share", incremental / whole, "share", BOOKING_DATE, sha)
        point = millionths(caused.value / outcome.value)
        yield Figure("headline.share", point, "share", BOOKING_DATE, sha, share.low, share.high, LEVEL)
        over = "probability that the channels together caused more than the whole modelled outcome"
        yield probability("gate.more_than_everything", incremental > whole, over, sha)
    if BASELINE in draws.components:
        below = "probability that the outcome without marketing is below zero"
        yield probability("gate.negative_baseline", draws.of(BASELINE) < 0, below, sha)
    margin = context.settings.margin
    if margin is None:
        yield Fact("headline.refusal", NO_MARGIN, "plumbline.yaml: margin")
        return
    yield Figure("headline.margin", margin, "share", "plumbline.yaml: margin", sha)
    yield Figure(
        "headline.break_even", millionths(1 / margin), "ratio", "iROAS at which contribution pays the spend", sha
    )
    after = incremental * float(margin) - float(spend.value)
    spread = estimated("headline.contribution", after, context.settings.currency, BOOKING_DATE, sha)
    point = cents(caused.value * margin) - spend.value
    basis = f"margin times incremental less media spend of the same days; {BOOKING_DATE}"
    yield Figure("headline.contribution", point, context.settings.currency, basis, sha, spread.low, spread.high, LEVEL)
    yield probability(
        "headline.p_profit", np.asarray(after > 0), "probability that contribution after spend is above 0", sha
    )


def acquisition_figures(context: ReportContext, customers: Figure | None, spend: Figure) -> Iterator[Figure]:
    """Blended CAC, media only: all spend over all new customers. It is not incremental and says so."""
    if customers is not None and customers.value > 0:
        value = cents(spend.value / Decimal(customers.value))
        basis = "media spend over all new customers: blended, media only, not incremental"
        yield Figure("headline.blended_cac", value, context.settings.currency, basis, customers.sql_sha256)
