"""What the feed is worth: the difference between two variants of one brief of which one was dealt no card.

Intention to treat: every pair counts as it was drawn, whether or not the agent followed the cards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import ceil, exp, sqrt
from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, Field
from scipy.special import chdtrc, ndtr
from scipy.stats import t as student

from models.error import PlumblineError
from models.patterns.contrasts import arm_noise
from models.warning import Warning

FeedVerdict = Literal["useful", "useless", "too early", "not measurable"]
LEVEL, POWER_Z = 0.90, 0.842  # one-sided 5 %, power 80 %
# O'Brien-Fleming constants for equally spaced looks, one-sided 5 %. Source: Jennison & Turnbull (2000), table 2.3.
OBRIEN_FLEMING = {1: 1.645, 2: 1.678, 3: 1.710, 4: 1.733, 5: 1.751}
# Between variants of one brief at 3,000 impressions and 1.5 %: the public headline archive (docs/methods/patterns.md).
USUAL_PAIR_SD = 0.4745
FEWEST_ARMS = 100
SPLIT_ALPHA = 0.001


class FeedExperimentError(PlumblineError, ValueError):
    """Rows from which no comparison of the feed with no feed can be made."""


class FeedPlan(BaseModel, frozen=True, extra="forbid"):
    """How the feed's worth is read, fixed before it is.

    `smallest_lift` is the lift in log-odds below which the feed is not worth its effort; `pair_sd` the standard
    deviation of the difference between two variants of one brief. The sample has `looks` equal parts, and the estimate
    is read at the end of each part and at no other time.
    """

    smallest_lift: float = Field(default=0.10, gt=0)
    pair_sd: float = Field(default=USUAL_PAIR_SD, gt=0)
    looks: int = Field(default=4, ge=1, le=5)
    min_trials: int = Field(default=200, ge=1)

    @property
    def pairs(self) -> int:
        """Planned number of pairs, a multiple of the number of looks."""
        return self.looks * ceil(pairs_needed(self.pair_sd, self.smallest_lift, self.looks) / self.looks)


@dataclass(frozen=True)
class MoneyPerLogOdds:
    """What one unit of log-odds brings in money per piece, from the brand's own lift tests: mean and standard error."""

    mean: float
    se: float
    currency: str

    @property
    def is_known(self) -> bool:
        """Sure enough of its sign (90 %) to speak of money at all."""
        return self.se > 0 and float(ndtr(self.mean / self.se)) >= 0.9


@dataclass(frozen=True)
class FeedLift:
    """The feed's worth as of its last planned look.

    `lift` with `low, high` (90 %, valid at every look together) is the mean difference in log-odds of a success between
    a variant that may receive cards and its partner that may not; None before the first look. `n` pairs were read,
    `n_ready` have results, `n_planned` make one round, and the next look is at `next_look` pairs, on about
    `next_look_on` if pairs close as fast as before. It is an effect on the tested outcome; `money` (per piece) is None
    unless the value of the outcome is known. `verdict` useless means: at the planned sample no worth was
    shown, or the interval lies below the smallest worthwhile lift.
    """

    lift: float | None
    low: float | None
    high: float | None
    n: int
    n_ready: int
    n_planned: int
    look: int
    looks: int
    round: int
    verdict: FeedVerdict
    sentence: str
    money: float | None = None
    money_low: float | None = None
    money_high: float | None = None
    currency: str | None = None
    left_out: int = 0
    next_look: int | None = None
    next_look_on: date | None = None
    warnings: tuple[Warning, ...] = ()

    @property
    def may_be_read(self) -> bool:
        """Whether a planned look has been reached; until then any figure would invite stopping at a lucky moment."""
        return self.look > 0


def pairs_needed(pair_sd: float, smallest_lift: float, looks: int = 1) -> int:
    """Pairs that find a lift of `smallest_lift` with a power of 80 % at one-sided 5 %: (z + .842)^2 sd^2 / lift^2.

    z is 1.645 for a single look at the end, the O'Brien-Fleming constant for several: an upper bound of the need.
    """
    return ceil((OBRIEN_FLEMING[looks] + POWER_Z) ** 2 * pair_sd**2 / smallest_lift**2)


def pair_sd_of(arms: pl.DataFrame) -> float:
    """Standard deviation of the difference between two variants of one brief, from earlier tests without the feed.

    `arms`: brief, channel, variant, trials, successes, one row each. sqrt(2 (tau^2 + mean s^2)). With fewer than 100
    arms the value of the public archive.
    """
    arms = arms.filter(pl.len().over("brief", "channel") >= 2)
    if arms.height < FEWEST_ARMS:
        return USUAL_PAIR_SD
    y, s2 = _log_odds(arms["trials"].to_numpy(), arms["successes"].to_numpy())
    cell = arms.select(pl.struct("brief", "channel").rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()
    return float(np.sqrt(2 * (arm_noise(y, s2, cell) ** 2 + s2.mean())))


def feed_lift(
    pairs: pl.DataFrame,
    plan: FeedPlan | None = None,
    *,
    money: MoneyPerLogOdds | None = None,
    currency: str | None = None,
) -> FeedLift:
    """Mean of y_on - y_off over pair briefs, read only at the planned looks.

    `pairs`: brief, closed (date of the last result), trials_on, successes_on, trials_off, successes_off; one row per
    pair brief. Pairs count in the order in which they closed, so looking every day gives the same answer as looking at
    the planned moments. After a complete round the next one begins; until that has decided, the last round's
    result stands. Looks are O'Brien-Fleming; Student's t allows for the small number of pairs.

    Money: where every pair read has `value_on` and `value_off` (in `currency`), their mean difference, read like the
    lift itself; else the lift times `money`; else none. Both are by intention to treat, and the value is what the log
    states of the pair's weeks, not what a piece brings later. Raises
    FeedExperimentError for missing columns, a brief twice, or impossible counts.
    """
    plan = plan or FeedPlan()
    _refuse_impossible(pairs)
    enough = pairs.filter((pl.col("trials_on") >= plan.min_trials) & (pl.col("trials_off") >= plan.min_trials))
    enough = enough.sort("closed", "brief")
    left_out, planned = pairs.height - enough.height, plan.pairs
    step = planned // plan.looks
    next_look = (enough.height // step + 1) * step
    completed, rest = divmod(enough.height, planned)
    waiting = FeedLift(
        None,
        None,
        None,
        n=0,
        n_ready=enough.height,
        n_planned=planned,
        look=0,
        looks=plan.looks,
        round=completed + 1,
        verdict="too early",
        sentence=f"{enough.height} of {planned} pairs have results; the first look is at {step}. Until then no figure"
        " is shown, because a reader would stop at a lucky moment.",
        left_out=left_out,
        next_look=next_look,
        next_look_on=_expected(enough["closed"], next_look),
    )
    running = _read(enough[completed * planned :], rest // step, plan, money, waiting, currency)
    if not completed or running.verdict not in ("too early", "not measurable"):
        return running
    # The new round has decided nothing: what the last complete one said stands, with what is wrong with the new one.
    whole = enough[(completed - 1) * planned : completed * planned]
    stands = _read(whole, plan.looks, plan, money, replace(waiting, round=completed), currency)
    return replace(stands, warnings=(*stands.warnings, *running.warnings))


def _expected(closed: pl.Series, next_look: int) -> date | None:
    """When so many pairs will have closed, at the pace of all so far; None where no pace can be told."""
    first, last = closed.min(), closed.max()
    if not isinstance(first, date) or not isinstance(last, date) or first == last:
        return None
    return last + timedelta(days=ceil((next_look - len(closed)) * (last - first).days / (len(closed) - 1)))


def _read(
    pairs: pl.DataFrame,
    look: int,
    plan: FeedPlan,
    money: MoneyPerLogOdds | None,
    waiting: FeedLift,
    currency: str | None,
) -> FeedLift:
    """One round as of its `look`."""
    if not look:
        return waiting
    step = plan.pairs // plan.looks
    n = look * step
    read = pairs[:n]
    waiting = replace(waiting, n=n, look=look)
    split = _split_p(read)
    if split < SPLIT_ALPHA:
        return _unmeasurable(split, waiting)
    y_on, _ = _log_odds(read["trials_on"].to_numpy(), read["successes_on"].to_numpy())
    y_off, _ = _log_odds(read["trials_off"].to_numpy(), read["successes_off"].to_numpy())
    lifts = y_on - y_off
    verdict: FeedVerdict = "too early"
    lift = low = high = 0.0
    for k in range(1, look + 1):
        lift, low, high = _interval(lifts[: k * step], k, plan.looks)
        if verdict == "too early":
            verdict = "useful" if low > 0 else "useless" if high < plan.smallest_lift else "too early"
    if verdict == "too early" and look == plan.looks:
        verdict = "useless"
    in_money = _measured_money(read, look, plan, currency) or _in_money(lift, low, high, money)
    return replace(
        waiting,
        lift=lift,
        low=low,
        high=high,
        verdict=verdict,
        sentence=_sentence(lift, low, high, n, verdict, plan, in_money),
        warnings=tuple(_warnings(verdict, lift, low, high, n, plan)),
        money=in_money.worth if in_money else None,
        money_low=in_money.low if in_money else None,
        money_high=in_money.high if in_money else None,
        currency=in_money.currency if in_money else None,
    )


def _interval(lifts: np.ndarray, look: int, looks: int) -> tuple[float, float, float]:
    z = OBRIEN_FLEMING[looks] * sqrt(looks / look)
    # The same tail probability under Student's t, since the spread is estimated from these pairs.
    critical = float(student.isf(ndtr(-z), max(len(lifts) - 1, 1)))
    mean, half = float(lifts.mean()), critical * float(lifts.std(ddof=1)) / sqrt(len(lifts))
    return mean, mean - half, mean + half


def _log_odds(trials: np.ndarray, successes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """y and its sampling variance, with half a success and half a failure added."""
    k, n = successes.astype(float), trials.astype(float)
    return np.log((k + 0.5) / (n - k + 0.5)), 1 / (k + 0.5) + 1 / (n - k + 0.5)


def _split_p(pairs: pl.DataFrame) -> float:
    """Whether both halves received equal traffic over all pairs: p of the summed deviation (1 df)."""
    on, off = pairs["trials_on"].to_numpy().astype(float), pairs["trials_off"].to_numpy().astype(float)
    total = float((on + off).sum())
    return float(chdtrc(1, float((on - off).sum()) ** 2 / total))


def _unmeasurable(p: float, waiting: FeedLift) -> FeedLift:
    message = (
        f"Over {waiting.n} pairs the variants with and without cards did not receive equal traffic (p = {p:.1g}), so"
        " their difference is not the feed's effect."
    )
    warning = Warning(
        "feed_traffic_split",
        "high",
        "feed",
        message,
        "Ask the testing tool's owner why one variant of a brief is shown more often; the feed's worth stays unknown.",
    )
    return replace(waiting, verdict="not measurable", sentence=message, warnings=(warning,))


@dataclass(frozen=True)
class _InMoney:
    worth: float
    low: float
    high: float
    currency: str


def _measured_money(read: pl.DataFrame, look: int, plan: FeedPlan, currency: str | None) -> _InMoney | None:
    """Mean difference in delivered value per piece; None where a pair lacks it."""
    if currency is None or not {"value_on", "value_off"} <= set(read.columns):
        return None
    if read["value_on"].null_count() or read["value_off"].null_count():
        return None
    differences = (read["value_on"] - read["value_off"]).to_numpy().astype(float)
    return _InMoney(*_interval(differences, look, plan.looks), currency)


def _in_money(lift: float, low: float, high: float, money: MoneyPerLogOdds | None) -> _InMoney | None:
    """Lift times value with the uncertainty of both: Var = g^2 Var(lift) + lift^2 Var(g) + Var(g) Var(lift)."""
    if money is None or not money.is_known:
        return None
    z = 1.645
    se = (high - low) / (2 * z)
    half = z * sqrt(money.mean**2 * se**2 + lift**2 * money.se**2 + money.se**2 * se**2)
    worth = money.mean * lift
    return _InMoney(worth, worth - half, worth + half, money.currency)


def _sentence(
    lift: float,
    low: float,
    high: float,
    n: int,
    verdict: FeedVerdict,
    plan: FeedPlan,
    in_money: _InMoney | None,
) -> str:
    change, least, most = (100 * (exp(v) - 1) for v in (lift, low, high))
    effect = f"{change:+.1f} % in the odds of a success ({least:+.1f} % to {most:+.1f} %, 90 %, {n} pairs)"
    if in_money is None:
        unit = "engagement only: no test says what it brings in money"
    else:
        unit = f"{in_money.worth:,.2f} {in_money.currency} per piece ({in_money.low:,.2f} to {in_money.high:,.2f})"
    words = {
        "useful": "The feed helps",
        "useless": "No worth of the feed was shown",
        "too early": f"Undecided at this look of {plan.pairs} planned pairs",
        "not measurable": "",
    }
    return f"{words[verdict]}: {effect}; {unit}."


def _warnings(verdict: FeedVerdict, lift: float, low: float, high: float, n: int, plan: FeedPlan) -> list[Warning]:
    if verdict != "useless":
        return []
    return [
        Warning(
            "feed_worth_not_shown",
            "high" if high < 0 else "medium",
            "feed",
            f"Over {n} pairs the feed changed the log-odds of a success by {lift:+.3f} ({low:+.3f} to {high:+.3f})."
            f" A lift of {plan.smallest_lift:g} would have been found in four of five cases.",
            "Serve every card as an experiment (coin flip) until a round shows a lift, and check whether agents follow"
            " the cards they are given (`plumbline show WS feed_lift`).",
        )
    ]


def _refuse_impossible(pairs: pl.DataFrame) -> None:
    need = ("brief", "closed", "trials_on", "successes_on", "trials_off", "successes_off")
    missing = [c for c in need if c not in pairs.columns]
    if missing:
        raise FeedExperimentError(f"pairs lacks {', '.join(missing)}", fix=f"each row needs {', '.join(need)}")
    twice = pairs.filter(pl.col("brief").is_duplicated())
    if twice.height:
        raise FeedExperimentError(f"brief {twice['brief'][0]!r} stands twice", fix="give one row per pair brief")
    wrong = pairs.filter(
        pl.any_horizontal(pl.col(need).is_null())
        | (pl.min_horizontal("successes_on", "successes_off") < 0)
        | (pl.col("successes_on") > pl.col("trials_on"))
        | (pl.col("successes_off") > pl.col("trials_off"))
    )
    if wrong.height:
        raise FeedExperimentError(
            f"brief {wrong['brief'][0]!r} has a blank or more successes than trials", fix="correct its counts"
        )
