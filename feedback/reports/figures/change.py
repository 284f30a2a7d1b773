"""Why the number changed since the previous report: spend moved, or its return was estimated differently."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from feedback.reports.figure_store import Fact, Figure, FigureStore, cents
from feedback.reports.snapshot.context import ReportContext

ZERO = Decimal("0.00")
RULE = "rule: change since the previous report"
NAMED = 3  # bars that carry a channel's name; the others are one bar together


def change_figures(now: FigureStore, before: FigureStore | None) -> Iterator[Figure | Fact]:
    """The change of the headline, split per channel; the parts sum to it to the cent.

    For a channel in both reports: spend moved = (spend now - before) x return before; re-judged = (return now - before)
    x spend now, where return is incremental over spend, both of the days on which effects are measured. A channel in
    one report only, or without spend in one of them, counts entirely as re-judged. The order (spend first) is a
    convention; the cross term goes to re-judged.
    """
    if before is None:
        yield Fact(
            "change.none",
            "First report: there is nothing to compare it with.",
            RULE,
        )
        return
    sha = now["split.channels"].sql_sha256
    unit = now["split.channels"].unit
    yield Fact("change.since", before.text("page.title"), "the previous report's figures")
    yield Fact("change.since_run", before.text("run.id"), "the previous report's figures")
    moved, judged = ZERO, {}
    for name in dict.fromkeys((*now.names("channel"), *before.names("channel"))):
        new, old = _effect(now, name), _effect(before, name)
        spend_new, spend_old = _spend(now, name), _spend(before, name)
        by_spend = cents((spend_new - spend_old) * old / spend_old) if spend_old > 0 and spend_new > 0 else ZERO
        moved += by_spend
        judged[name] = new - old - by_spend
    delta = now["split.channels"].value - before["split.channels"].value
    yield Figure("change.total", delta, unit, "headline now less headline of the previous report", sha)
    yield Figure("change.before", before["split.channels"].value, unit, "headline of the previous report", sha)
    yield Figure("change.spend", moved, unit, "change of spend at the previous return", sha)
    basis = "change of the return per unit of spend, at today's spend"
    ranked = sorted(judged.items(), key=lambda item: (-abs(item[1]), item[0]))
    for name, amount in ranked:
        yield Figure(f"change.judged.{name}", amount, unit, basis, sha)
    yield Figure("change.rest", sum((amount for _, amount in ranked[NAMED:]), ZERO), unit, basis, sha)


def cause_facts(context: ReportContext) -> Iterator[Fact]:
    """Per channel, in words, how far new days, restated days and the media mix model moved its number since the run
    before. It describes the model alone over its whole window; the bridge above describes the combined number.
    """
    result = context.query(
        "select channel, message from measurement.mmm_change where run_id = $run_id"
        " and estimand = 'incremental_revenue' order by channel",
        needs=("measurement.mmm_change",),
    )
    for row in result.rows:
        yield Fact(f"change.cause.{row['channel']}", row["message"], "measurement.mmm_change.message")


def _effect(store: FigureStore, name: str) -> Decimal:
    figure = store.get(f"channel.{name}.incremental")
    return figure.value if figure else ZERO


def _spend(store: FigureStore, name: str) -> Decimal:
    figure = store.get(f"channel.{name}.measured_spend") or store.get(f"channel.{name}.spend")
    return figure.value if figure else ZERO
