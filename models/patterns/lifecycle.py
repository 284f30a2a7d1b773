"""From estimates to decisions: which patterns exist, in which scope, and which of them enter the feed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from models.multiple_testing import benjamini_hochberg
from models.patterns.decision import ACTIVE, Decision, Key, Kind
from models.patterns.drift import monday
from models.patterns.estimates import PatternEstimates
from models.patterns.learning import learn
from models.patterns.prior import PriorPack
from models.patterns.rules import Evidence, shown_neutral, verdict
from models.patterns.spec import LearnSpec, PromotionPolicy


def promote(estimates: PatternEstimates, policy: PromotionPolicy, history: Sequence[Decision] = ()) -> list[Decision]:
    """The week's decision on every pattern, sorted by feature, kind and channels.

    `history` holds earlier decisions in any order; only weeks before the Monday of `estimates.as_of` are read, so
    deciding twice in a week gives the same answer. Promotion takes two weeks in a row and fresh tests: a first run
    can at best make experiments (`provisional`). Nothing is promoted for beating a baseline across briefs.
    """
    week = monday(estimates.as_of)
    latest = _latest(history, week)
    # A mere candidate is only the scope of its week: it is looked for anew, unless it came back from retirement.
    lasting = {k: d for k, d in latest.items() if d.state != "candidate" or d.evidence_since is not None}
    keys = {**dict.fromkeys(lasting), **dict.fromkeys(_new_scopes(estimates, policy, lasting))}
    decisions = [d for k in keys if (d := verdict(Evidence(estimates, policy, k, week, latest.get(k)))) is not None]
    decisions = _promoted(decisions, policy)
    decisions = _made_provisional(decisions, policy)
    return sorted(decisions, key=lambda d: d.key)


def as_experiments(decisions: Iterable[Decision]) -> list[Decision]:
    """The decisions with every card dealt by a fair coin at most: for a feed whose own worth was not shown."""
    return [replace(d, p_assign=min(d.p_assign, 0.5)) for d in decisions]


def replay(
    tests: pl.DataFrame,
    features: pl.DataFrame,
    policy: PromotionPolicy,
    *,
    as_of: date,
    weeks: int,
    seed: int,
    spec: LearnSpec | None = None,
    prior: PriorPack | None = None,
    history: Iterable[Decision] = (),
) -> list[Decision]:
    """Decisions of the last `weeks` Mondays up to `as_of`, each on the data it could know, as if run every week.

    For a workspace whose tests are older than its first run. `history` (a person's blocks, older weeks) is honoured.
    """
    spec = spec or LearnSpec()
    decided = list(history)
    past: list[Decision] = []
    for back in reversed(range(weeks)):
        cut = monday(as_of) - timedelta(weeks=back)
        # The placebo belongs to the run's own estimates; repeating it for each past week would only cost time.
        then = spec.model_copy(update={"as_of": cut, "placebo_draws": 0})
        week = promote(learn(tests, features, prior=prior, seed=seed, spec=then), policy, decided)
        decided += week
        past += week
    return past


def _latest(history: Sequence[Decision], week: date) -> dict[Key, Decision]:
    latest: dict[Key, Decision] = {}
    for d in sorted(history, key=lambda d: d.week):
        # A person's block counts at once, also in the week in which it was made.
        if d.week < week or (d.state == "blocked" and d.week <= week):
            latest[d.key] = d
    return latest


def _new_scopes(estimates: PatternEstimates, policy: PromotionPolicy, lasting: dict[Key, Decision]) -> list[Key]:
    """The scopes in which each feature is looked at: all channels, unless they plainly differ.

    Then the channels with a clear plus form one scope and those with a clear minus another. Looking at every channel
    for itself would find a channel for every feature by chance. Channels already covered by a card are left.
    """
    scopes: list[Key] = []
    for feature in estimates.features:
        taken = {c for k in lasting if k[0] == feature for c in k[2]}
        free = tuple(c for c in estimates.channels(feature) if c not in taken)
        whole = estimates.estimate(feature, channels=free) if free else None
        if whole is None:
            continue
        if estimates.channels_differ(feature, free) >= policy.narrow_p:
            kind: Kind = "neutral" if shown_neutral(whole, policy) else "do" if whole.shrunk >= 0 else "avoid"
            scopes.append((feature, kind, free))
            continue
        alone = {c: estimates.estimate(feature, channels=(c,)) for c in free}
        plus = tuple(c for c, e in alone.items() if e is not None and e.p_gt_0 >= policy.channel_p)
        minus = tuple(c for c, e in alone.items() if e is not None and 1 - e.p_gt_0 >= policy.channel_p)
        scopes += [(feature, "do", plus)] if plus else []
        scopes += [(feature, "avoid", minus)] if minus else []
    return scopes


def _promoted(decisions: list[Decision], policy: PromotionPolicy) -> list[Decision]:
    """Promote what met every rule, after the false-discovery rule, best first, at most a few per week."""
    ready = [d for d in decisions if d.state == "provisional" and not d.unmet and d.estimate is not None]
    real = _false_discovery_ok(ready, policy.false_discovery_rate)
    places = policy.max_promotions_per_week
    verdicts: dict[Key, Decision] = {}
    # What was shown to make no difference settles debates; it never takes the place of what to do or to avoid.
    for d in sorted(ready, key=lambda d: (d.kind == "neutral", -d.worth, d.key)):
        assert d.estimate is not None
        if d.key not in real:
            verdicts[d.key] = replace(d, unmet=("too likely a chance find among this week's promotions",))
        elif places == 0:
            verdicts[d.key] = replace(d, unmet=("waits: this week's promotions are taken",))
        else:
            places -= 1
            p_assign = 0.0 if d.kind == "neutral" else min(max(d.estimate.p_gt_0, 0.5), 0.9)
            verdicts[d.key] = replace(
                d, state="promoted", since=d.week, p_assign=p_assign, reason="meets the rules two weeks in a row"
            )
    return [verdicts.get(d.key, d) for d in decisions]


def _false_discovery_ok(ready: list[Decision], q: float) -> set[Key]:
    """Benjamini-Hochberg over this week's would-be promotions; neutral cards claim no effect and pass."""
    claims = [(d.key, d.estimate.p_value) for d in ready if d.estimate is not None and d.kind != "neutral"]
    adjusted = benjamini_hochberg([p for _, p in claims])
    real = {key for (key, _), p in zip(claims, adjusted, strict=True) if p <= q}
    return real | {d.key for d in ready if d.kind == "neutral"}


def _made_provisional(decisions: list[Decision], policy: PromotionPolicy) -> list[Decision]:
    """Give free places, best first: at most so many active cards per channel (neutral cards counted apart)."""
    used: dict[tuple[bool, str], int] = {}
    for d in decisions:
        if d.state in ACTIVE:
            for c in d.channels:
                used[d.kind == "neutral", c] = used.get((d.kind == "neutral", c), 0) + 1
    verdicts: dict[Key, Decision] = {}
    # A pattern that came back from retirement spends its first week as a candidate.
    ready = [d for d in decisions if d.state == "candidate" and not d.unmet and d.previous != "retired"]
    for d in sorted(ready, key=lambda d: (-d.worth, d.key)):
        places = [(d.kind == "neutral", c) for c in d.channels]
        if any(used.get(place, 0) >= policy.max_active_per_channel for place in places):
            verdicts[d.key] = replace(d, unmet=("waits: all places in its channel are taken",))
            continue
        for place in places:
            used[place] = used.get(place, 0) + 1
        p_assign = 0.0 if d.kind == "neutral" else 0.5
        verdicts[d.key] = replace(
            d,
            state="provisional",
            since=d.week,
            provisional_since=d.week,
            p_assign=p_assign,
            reason="an experiment: served to half of the pieces",
        )
    return [verdicts.get(d.key, d) for d in decisions]
