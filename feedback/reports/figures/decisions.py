"""What to do: a decision per channel that its evidence allows, one move of money, and the next test."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from feedback.reports.figure_store import Fact, Figure, FigureStore, cents
from feedback.reports.figures.channels import marginal_draws, mroas_rows
from feedback.reports.snapshot.context import ReportContext
from feedback.reports.snapshot.draws import estimated, mean, probability
from feedback.reports.snapshot.settings import DecisionPolicy

DECISION_RULE, MOVE_RULE, TEST_RULE = "rule: decision", "rule: move", "rule: next test"
STRONG, SMALL_STEPS, TEST_ONLY = ("A", "B"), ("C",), ("D",)


def decision_of(grade: str, p_pays: Decimal | None, policy: DecisionPolicy) -> str:
    """`scale`, `hold`, `cut` or `test`: compares margin times mROAS with 1, as far as the grade carries it.

    Grade D never carries more than a test, whatever the number says; C allows small, reversible steps. Without a
    margin or a marginal return there is nothing to compare, and the answer is `–`.
    """
    if grade not in (*STRONG, *SMALL_STEPS):
        return "test"
    if p_pays is None:
        return "–"
    if p_pays >= policy.sure:
        return "scale" if grade in STRONG else "scale a little"
    if p_pays <= 1 - policy.sure:
        return "cut" if grade in STRONG else "cut a little"
    return "hold"


def decision_facts(store: FigureStore, channels: tuple[str, ...], policy: DecisionPolicy) -> Iterator[Fact]:
    """The decision of each channel."""
    for name in channels:
        pays = store.get(f"channel.{name}.p_pays")
        grade = store.text(f"channel.{name}.grade", "D")
        yield Fact(f"channel.{name}.decision", decision_of(grade, pays.value if pays else None, policy), DECISION_RULE)


def move_figures(context: ReportContext, store: FigureStore, policy: DecisionPolicy) -> Iterator[Figure | Fact]:
    """The one move of money that the evidence supports most: from, to, amount, gain with range, probability.

    Only channels graded A to C take part. The amount is a small step of the giver's spend, since mROAS holds only near
    today's spend. Nothing is proposed unless the receiver is better with the probability the policy asks for.
    """
    margin = context.settings.margin
    if margin is None:
        return
    rows = mroas_rows(context)
    drawn: dict[str, np.ndarray] = {}
    for name in context.channels:
        if store.text(f"channel.{name}.grade") in (*STRONG, *SMALL_STEPS) and name in rows:
            returns = marginal_draws(context, name, rows[name])
            if returns is not None:
                drawn[name] = returns
    best: tuple[float, str, str] | None = None
    for giver in drawn:
        shifted = float(context.spend.of(giver) * policy.step)
        for taker in drawn:
            gap = drawn[taker] - drawn[giver]
            if taker != giver and float((gap > 0).mean()) >= float(policy.sure):
                worth = mean(gap) * shifted * float(margin)
                best = max(best or (0.0, "", ""), (worth, giver, taker))
    if best is None or best[0] <= 0:
        return
    _, giver, taker = best
    amount = cents(context.spend.of(giver) * policy.step)
    gap = drawn[taker] - drawn[giver]
    sha = rows[taker]["sql_sha256"]
    yield Fact("move.from", giver, MOVE_RULE)
    yield Fact("move.to", taker, MOVE_RULE)
    yield Figure("move.amount", amount, context.settings.currency, "a small step of the giver's spend", sha)
    basis = "margin times the difference of mROAS times the amount, over one such period; 90 % of joint draws"
    gain = gap * float(margin) * float(amount)
    yield estimated("move.gain", gain, context.settings.currency, basis, sha)
    yield probability("move.p_better", gap > 0, "probability that the receiver's next unit returns more", sha)


def next_test_figures(context: ReportContext, store: FigureStore) -> Iterator[Figure | Fact]:
    """The channel whose unknown return costs most, and the most that knowing it could be worth.

    The planned test with the highest net value per week where the triangulation wrote one; else the value of knowing
    (EVPI) for the spend of the measured days: what deciding after the truth would earn more than
    deciding now, E|max(0, margin θ - 1)| less max(0, E[margin θ - 1]), times spend. A test reveals less than
    everything and has a cost, so this is a ceiling.
    """
    planned = context.query(
        "select channel, evsi::decimal(18,2) as worth, weeks::decimal(9,1) as weeks, cost::decimal(18,2) as cost,"
        " net_value::decimal(18,2) as net, kind, cash::decimal(18,2) as cash, result::decimal(18,2) as result,"
        " p_flip::decimal(9,6) as p_flip from measurement.next_experiment where run_id = $run_id"
        " and net_value > 0 and evsi is not null and weeks is not null and cost is not null"
        " and kind is not null and cash is not null and result is not null and p_flip is not null"
        " order by net_value / greatest(weeks, 1) desc, channel limit 1",
        needs=("measurement.next_experiment",),
    )
    for row in planned.rows:
        unit, sha = context.settings.currency, planned.sql_sha256
        yield Fact("next_test.channel", row["channel"], "measurement.next_experiment")
        yield Figure("next_test.worth", row["worth"], unit, "expected value of sample information (EVSI)", sha)
        yield Fact("next_test.kind", row["kind"], "measurement.next_experiment")
        yield Figure("next_test.cash", row["cash"], unit, "spend that the test adds; below zero: saves", sha)
        result = "margin on the effect of the changed spend less that spend, while the test runs"
        yield Figure("next_test.result", row["result"], unit, result, sha)
        yield Figure("next_test.p_flip", row["p_flip"], "share", "probability that the reading changes a decision", sha)
        after = "EVSI less what the test is expected to lose; what it earns is not counted"
        yield Figure("next_test.net", row["net"], unit, after, sha)
        yield Figure("next_test.weeks", row["weeks"], "count", "weeks that the test takes", sha)
        return
    margin, draws = context.settings.margin, context.draws
    if margin is None or draws is None:
        return
    worth: list[tuple[Decimal, str]] = []
    for name in draws.channels:
        spend = context.measured_spend.of(name)
        if spend > 0:
            net = draws.of(name) * float(margin) - float(spend)
            knowing = mean(np.maximum(net, 0.0)) - max(mean(net), 0.0)
            worth.append((cents(max(knowing, 0.0)), name))
    if worth and max(worth)[0] > 0:
        value, name = max(worth)
        yield Fact("next_test.channel", name, TEST_RULE)
        basis = "expected value of perfect information on keeping or stopping the channel, per such period; a ceiling"
        yield Figure("next_test.worth", value, context.settings.currency, basis, draws.sql_sha256)
