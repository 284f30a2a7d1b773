"""What stands beside the effect of a pattern: money, where it differs, and pieces that speak for and against it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from dagster_project.workspace.settings import Settings
from models.pattern_rules import PromotionPolicy

if TYPE_CHECKING:
    from models.patterns import MoneyRate, PatternEstimates
    from models.patterns.decision import Decision, Key
    from models.patterns.money import MoneyEffect

PLAIN_ID = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,79}"
)  # a card names ids, never text: free text from outside stays out
TESTS_WITH_MONEY = (
    "select brief, variant, channel, week, trials, successes, value from marts.hook_test where is_learnable"
    " order by brief, variant, channel, week"
)
AUDIENCES = (
    "select tests.brief, min(features.feature) as audience from marts.hook_test as tests inner join"
    " marts.variant_feature as features on tests.variant = features.variant where features.feature like 'audience.%'"
    " group by tests.brief having count(distinct features.feature) = 1 order by tests.brief"
)
SPEND = (
    "select channel, sum(spend) from marts.channel_period_spend where period_kind = 'month' and spend is not null"
    " and period_start >= (select as_of_day from ops.current_run) - interval 3 month group by channel"
)
CONTENT_IDS = "select variant_id, min(content_id) from marts.content where variant_id is not null group by variant_id"


def interaction_rows(con: duckdb.DuckDBPyConnection, estimates: PatternEstimates) -> pl.DataFrame:
    """One row per feature, dimension and level: the effect there, and whether it provably differs."""
    from models.patterns import interactions

    audience_of = {brief: name.removeprefix("audience.") for brief, name in con.execute(AUDIENCES).fetchall()}
    return pl.DataFrame([vars(found) for found in interactions(estimates, audience_of)], infer_schema_length=None)


def money_rows(tests: pl.DataFrame, company: Settings) -> pl.DataFrame:
    """What a unit of log-odds brings in margin per channel, and in a sentence where that cannot be said."""
    channels = sorted(tests.filter(pl.col("value").is_not_null())["channel"].unique().to_list())
    rows = []
    for channel in channels:
        rate = _rate(tests, [channel], company.margin)
        rows.append(
            {
                "channel": channel,
                "mean": rate.mean if rate else None,
                "se": rate.se if rate else None,
                "n_briefs": rate.n_briefs if rate else None,
                "p_gt_0": rate.p_gt_0 if rate else None,
                "borrowed": rate.borrowed if rate else None,
                "known": bool(rate and rate.is_known),
                "currency": company.report_currency,
                "message": _why(rate, company),
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def money_of(decisions: Sequence[Decision], tests: pl.DataFrame, margin: Decimal | None) -> Mapping[Key, MoneyEffect]:
    """The newest effect of every card that can be said in money; neutral cards claim none."""
    from models.patterns import in_money

    effects: dict[Key, MoneyEffect] = {}
    rates: dict[tuple[str, ...], MoneyRate | None] = {}
    for decision in decisions:
        if decision.kind == "neutral" or decision.estimate is None:
            continue
        if decision.channels not in rates:
            rates[decision.channels] = _rate(tests, decision.channels, margin)
        rate = rates[decision.channels]
        effect = in_money(decision.estimate, rate) if rate else None
        if effect is not None:
            effects[decision.key] = effect
    return effects


def examples_of(
    con: duckdb.DuckDBPyConnection, decisions: Sequence[Decision], tests: pl.DataFrame, features: pl.DataFrame
) -> tuple[Mapping[Key, Sequence[str]], Mapping[Key, Sequence[str]]]:
    """Ids of pieces that followed a card and did well, and of those that followed it and did badly."""
    from models.patterns import ExamplePool, LearnSpec

    content_of = {variant: name for variant, name in con.execute(CONTENT_IDS).fetchall() if PLAIN_ID.fullmatch(name)}
    pool = ExamplePool(tests, features, LearnSpec())
    well: dict[Key, Sequence[str]] = {}
    badly: dict[Key, Sequence[str]] = {}
    for decision in decisions:
        found = pool.of(decision.feature, decision.kind, decision.channels)
        well[decision.key] = [content_of[v] for v in found.for_it if v in content_of]
        badly[decision.key] = [content_of[v] for v in found.against_it if v in content_of]
    return well, badly


def _rate(tests: pl.DataFrame, channels: Sequence[str], margin: Decimal | None) -> MoneyRate | None:
    """In contribution margin; without a margin no profit is claimed."""
    from models.patterns import money_rate

    if margin is None:
        return None
    rate = money_rate(tests, channels)
    return rate.times(float(margin)) if rate else None


def _why(rate: MoneyRate | None, company: Settings) -> str:
    if company.margin is None:
        return "engagement only: plumbline.yaml sets no margin, so no profit can be stated"
    if rate is None:
        return "engagement only: the variants of too few briefs report money, or their engagement hardly differs"
    if not rate.is_known:
        return (
            f"engagement only: {rate.n_briefs} briefs with money, and a probability of {rate.p_gt_0:.2f} that more"
            " engagement brings more of it; 20 briefs and .90 are needed"
        )
    where = "borrowed from all channels, with twice the error" if rate.borrowed else "from its own briefs"
    return f"margin per 1,000 impressions and unit of log-odds, {where}"


def for_people(
    con: duckdb.DuckDBPyConnection, decisions: Sequence[Decision], policy: PromotionPolicy
) -> list[Decision]:
    """The decisions, where a low-risk card that reaches more of the budget than the rules allow needs a person.

    Reach: the share of three months' spend that its channels take, times the share of their items it could apply to.
    Without any spend there is no budget and the question does not apply.
    """
    spend = {channel: float(amount) for channel, amount in con.execute(SPEND).fetchall()}
    total = sum(spend.values())
    if total <= 0:
        return list(decisions)

    def reach(decision: Decision) -> float:
        return sum(spend.get(c, 0.0) * min(policy.reach.get(c, 1.0), 1.0) for c in decision.channels) / total

    return [
        replace(d, risk="brand") if d.risk == "low" and reach(d) > policy.person_above_reach else d for d in decisions
    ]
