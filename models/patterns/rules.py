"""The rules of a card's life, one pattern and one week at a time; competition for places is in `lifecycle`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.patterns.contrasts import Cells
from models.patterns.decision import Decision, Key
from models.patterns.drift import change_z, life_days, p_fading
from models.patterns.estimates import Estimate, PatternEstimates, Sign
from models.patterns.spec import PromotionPolicy, Tier

NEUTRAL_LIFE_DAYS = 182
# While tests still arrive, the weekly rules judge a weak effect; expiry is for patterns that are no longer tested.
SHORTEST_LIFE_DAYS = 28
NEUTRAL_ERROR_OF_DELTA = 2.0
RANDOMISED: tuple[Tier, ...] = ("A", "B")
TESTABLE: tuple[Tier, ...] = ("A", "B", "C")


@dataclass(frozen=True)
class Evidence:
    """What the rules use for one pattern: its estimate in scope, the policy, the week, the last decision."""

    estimates: PatternEstimates
    policy: PromotionPolicy
    key: Key
    week: date
    last: Decision | None

    @property
    def sign(self) -> Sign:
        return -1 if self.key[1] == "avoid" else 1

    def estimate(self, since: date | None = None) -> Estimate | None:
        """In the pattern's own scope, from `since` (or from the week its evidence was reset) on."""
        floor = self.last.evidence_since if self.last else None
        start = max((d for d in (since, floor) if d is not None), default=None)
        return self.estimates.estimate(self.key[0], sign=self.sign, channels=self.key[2], since=start)

    @property
    def cells(self) -> Cells:
        """The cell contrasts in the pattern's scope, from the week its evidence was reset on."""
        every = self.estimates.cells(self.key[0])
        in_scope = np.isin(every.channel, self.key[2])
        if self.last and self.last.evidence_since:
            in_scope &= every.week >= np.datetime64(self.last.evidence_since)
        return every.where(in_scope)


def meets_promotion(e: Evidence, est: Estimate) -> bool:
    """Rule (a): right sign, still right at the next review, and large enough to act on."""
    p = e.policy
    if e.key[1] == "neutral":
        return shown_neutral(est, p)
    return est.lfsr <= p.promote_lfsr and est.p_gt_0_next >= p.promote_p_next and est.p_gt_delta >= p.promote_p_delta


def shown_neutral(est: Estimate, policy: PromotionPolicy) -> bool:
    """Shown to make no difference: by its own data, not only because most features make none."""
    own_data = est.raw_se <= NEUTRAL_ERROR_OF_DELTA * est.delta
    return est.p_abs_lt_delta >= policy.neutral_p and own_data


def meets_provisional(e: Evidence, est: Estimate) -> bool:
    """Worth an experiment of its own: served to a random half of the pieces and labelled as an experiment."""
    p = e.policy
    if est.n_contrasts < p.provisional_contrasts or e.estimates.spec.tier not in TESTABLE or not split_fair(e):
        return False
    if e.key[1] == "neutral":
        return shown_neutral(est, p)
    return est.lfsr <= p.provisional_lfsr and est.shrunk > 0


def split_fair(e: Evidence) -> bool:
    """Whether the traffic over all tests of the feature was split as planned."""
    alpha = e.estimates.spec.srm_alpha
    return alpha is None or e.estimates.split_p.get(e.key[0], 1.0) >= alpha


def consistent(e: Evidence) -> bool:
    """The sign holds in every channel of the scope and beside the other short-listed features."""
    if e.key[1] == "neutral":
        return True
    joint = e.estimates.joint.get(e.key[0])
    if joint is not None and not joint * e.sign > 0:
        return False
    if len(e.key[2]) == 1:
        return True
    for channel in e.key[2]:
        one = e.estimates.estimate(e.key[0], sign=e.sign, channels=(channel,))
        if one is not None and one.p_gt_0 < e.policy.channel_p:
            return False
    return True


def unmet_rules(e: Evidence, est: Estimate) -> tuple[str, ...]:
    """Which of the promotion rules (a) to (e) and (g) are still open, in words; empty: may compete for a place."""
    p, last = e.policy, e.last
    open_rules = []
    if not meets_promotion(e, est):
        open_rules.append("the evidence is not yet strong enough")
    elif not (last and last.week == e.week - timedelta(days=7) and last.meets_promotion):
        open_rules.append("strong enough this week; must hold next week as well")
    if e.key[1] != "neutral":
        fresh = e.estimate(since=last.provisional_since) if last and last.provisional_since else None
        if fresh is None or fresh.n_contrasts < p.fresh_contrasts:
            open_rules.append(f"needs {p.fresh_contrasts} tests begun after it became provisional")
        elif fresh.raw <= 0:
            open_rules.append("tests begun after it became provisional do not confirm it")
    if e.estimates.spec.tier not in RANDOMISED:
        open_rules.append(f"tier {e.estimates.spec.tier}: only randomised tests can promote")
    if not consistent(e):
        open_rules.append("the sign differs between channels or beside other features")
    if not split_fair(e):
        open_rules.append("traffic was not split as planned")
    if e.policy.kappa.get(e.key[0], 1.0) < p.min_kappa:
        open_rules.append(f"labels agree too rarely with human labels (kappa {e.policy.kappa[e.key[0]]:.2f})")
    if p.risk_of(e.key[0]) != "low" and e.key[0] not in p.approved:
        open_rules.append(f"risk {p.risk_of(e.key[0])}: needs a person's approval")
    return tuple(open_rules)


def watch_reason(e: Evidence, est: Estimate) -> str | None:
    """Why a promoted card must be watched, None when it may stay."""
    p = e.policy
    if est.n_contrasts < p.provisional_contrasts:
        return f"only {est.n_contrasts} sound tests remain"
    if p.reread.get(e.key[0]) == e.week:
        return "its extractor changed, so older results were read anew"
    if e.key[1] == "neutral":
        return None if shown_neutral(est, p) else "no longer shown to make no difference"
    if est.p_gt_0_now < p.watch_p:
        return f"the probability that it still helps is {est.p_gt_0_now:.2f}"
    alarm = change_z(e.cells, e.sign, e.week - timedelta(weeks=p.alarm_weeks))
    if alarm is not None and alarm[0] < 0 and alarm[1] < p.alarm_z:
        return f"the last {p.alarm_weeks} weeks contradict the older tests (z {alarm[1]:.1f})"
    if p_fading(e.cells, e.sign, est.drift_sd_per_year) >= p.decline_p:
        return "the effect is fading"
    if e.key[1] == "do" and overused(e):
        return f"more than {p.overuse_share:.0%} of the pieces carried it for {p.overuse_weeks} weeks"
    if not split_fair(e):
        return "traffic was not split as planned"
    return None


def overused(e: Evidence) -> bool:
    """More than the allowed share of pieces carried the feature in each of the last weeks, in some channel."""
    start = e.week - timedelta(weeks=e.policy.overuse_weeks)
    rows = e.estimates.usage.filter(
        (pl.col("feature") == e.key[0]) & pl.col("channel").is_in(e.key[2]) & (pl.col("week") >= start)
    )
    high = rows.filter(pl.col("share") > e.policy.overuse_share).group_by("channel").agg(pl.len().alias("weeks"))
    return bool(high.filter(pl.col("weeks") >= e.policy.overuse_weeks).height)


def expiry(e: Evidence, est: Estimate) -> date:
    """The day after which the card may not be used without new data."""
    if e.key[1] == "neutral":
        days = NEUTRAL_LIFE_DAYS
    else:
        fast = e.key[0].split(".", 1)[0] in e.estimates.spec.fast_namespaces
        days = life_days(est, e.policy.max_life_days_fast if fast else e.policy.max_life_days)
    return est.last_week + timedelta(days=7 + max(days, SHORTEST_LIFE_DAYS))


def verdict(e: Evidence) -> Decision | None:
    """This week's decision on one pattern before cards compete for places; None when it has no evidence at all.

    A pattern that meets every promotion rule comes back as `provisional` with nothing unmet: `lifecycle` promotes it.
    """
    last = e.last
    if last is not None and last.state == "blocked":
        return replace(last, week=e.week, previous="blocked")
    est = e.estimate(since=last.since if last and last.state == "retired" else None)
    if last is not None and last.state == "retired":
        if est is None or not meets_provisional(e, est):
            return replace(last, week=e.week, previous="retired")
        again = _opened(e, est)
        return replace(again, evidence_since=last.since, reason="new tests since retirement support it again")
    if est is None:
        return None if last is None or last.state == "candidate" else _retired(e, last, last.estimate, "below_rule")
    if last is None or last.state == "candidate":
        return _opened(e, est)
    return _active(e, last, est)


def _opened(e: Evidence, est: Estimate) -> Decision:
    state_since = e.last.since if e.last and e.last.state == "candidate" else e.week
    return Decision(
        feature=e.key[0],
        kind=e.key[1],
        channels=e.key[2],
        week=e.week,
        state="candidate",
        previous=e.last.state if e.last else None,
        since=state_since,
        reason="under test",
        meets_promotion=meets_promotion(e, est),
        evidence_since=e.last.evidence_since if e.last else None,
        expires=expiry(e, est),
        worth=worth(e, est),
        risk=e.policy.risk_of(e.key[0]),
        tier=e.estimates.spec.tier,
        estimate=est,
        unmet=() if meets_provisional(e, est) and expiry(e, est) > e.week else ("not yet worth an experiment",),
    )


def _active(e: Evidence, last: Decision, est: Estimate) -> Decision:
    p = e.policy
    expires = expiry(e, est)
    now = replace(
        last,
        week=e.week,
        previous=last.state,
        estimate=est,
        expires=expires,
        worth=worth(e, est),
        unmet=(),
        meets_promotion=meets_promotion(e, est),
        risk=p.risk_of(e.key[0]),
        tier=e.estimates.spec.tier,
        p_assign=_p_assign(last.state, e, est),
    )
    directional = e.key[1] != "neutral"
    if directional and est.p_lt_minus_delta > p.harm_p:
        return _retired(e, now, est, "harm")
    if e.week >= expires:
        return _retired(e, now, est, "expired")
    if directional and last.state != "promoted" and est.p_gt_0_now < p.retire_p:
        return _retired(e, now, est, "below_rule")
    if last.state == "provisional":
        faded = est.p_gt_0_now < p.watch_p if directional else not shown_neutral(est, p)
        if faded or est.n_contrasts < p.provisional_contrasts:
            return replace(
                now,
                state="candidate",
                since=e.week,
                reason="no longer worth an experiment",
                p_assign=0.0,
                provisional_since=None,
                unmet=("not yet worth an experiment",),
            )
        return replace(now, unmet=unmet_rules(e, est), reason="an experiment: served to half of the pieces")
    if last.state == "promoted":
        why = watch_reason(e, est)
        if why is None:
            return replace(now, reason="meets the rules")
        return replace(now, state="watch", since=e.week, reason=why, p_assign=_p_assign("watch", e, est))
    weeks = (e.week - last.since).days // 7
    held = now.meets_promotion and last.meets_promotion and watch_reason(e, est) is None
    if weeks >= p.watch_weeks_before_return and held:
        recovered = "recovered after being watched"
        return replace(now, state="promoted", since=e.week, reason=recovered, p_assign=_p_assign("promoted", e, est))
    if weeks >= p.watch_weeks_limit:
        return _retired(e, now, est, "watch_timeout")
    return now


def _retired(e: Evidence, last: Decision, est: Estimate | None, why: str) -> Decision:
    words = {
        "harm": "it may be harmful",
        "expired": "its evidence is too old",
        "below_rule": "it no longer looks helpful",
        "watch_timeout": "it did not recover while watched",
    }
    return replace(
        last,
        week=e.week,
        previous=e.last.state if e.last else None,
        state="retired",
        since=e.week,
        estimate=est,
        reason=words[why],
        retire_reason=why,
        p_assign=0.0,
        unmet=(),
        meets_promotion=False,
        provisional_since=None,
    )


def _p_assign(state: str, e: Evidence, est: Estimate) -> float:
    if e.key[1] == "neutral":
        return 0.0
    return min(max(est.p_gt_0, 0.5), 0.9) if state == "promoted" else 0.5


def worth(e: Evidence, est: Estimate) -> float:
    """What acting on it is expected to bring, to rank cards: expected gain x reach - switching cost."""
    return est.expected_gain * sum(e.policy.reach.get(c, 1.0) for c in e.key[2]) - e.policy.switching_cost
