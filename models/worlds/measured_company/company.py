"""A company as its weekly exports show it, and the truth; simulated from spend to sales, tests and claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.worlds.company_kinds import KINDS, TRUE_RETURNS, KindChannel
from models.worlds.measured_company import claims as claiming
from models.worlds.measured_company import field_tests, media
from models.worlds.measured_company.circumstances import Circumstances, circumstances
from models.worlds.measured_company.season import seasons
from models.worlds.measured_company.truths import ChannelTruth, truths

LAST_MONDAY = date(2026, 9, 21)
SHARE_CONCENTRATION = 25.0  # Dirichlet concentration of spend shares about those of the kind
MEDIA_RATIO_SD = 0.35  # log sd of media spend over revenue
MOST_FROM_MEDIA = 0.8  # of revenue; beyond that spend is cut
DRIFT = 0.35  # largest rise or fall of an effect from mid-window to its ends
FEWEST, MOST = 6, 10  # channels


@dataclass(frozen=True)
class MeasuredCompany:
    """One company: what it can export, and what only the simulator knows.

    `weekly`: week (Monday), revenue, `spend_<channel>`, `control_<name>`. `controls` maps a control's column to its
    causal role. `claims`: channel, claim_type, platform, iroas (claimed revenue per unit of spend), conversions.
    `tests`: test, channel, design, start, end (last day), cooldown_days, factor (spend in the tested regions over what
    they would have spent; 0 dark), iroas (revenue per unit of spend moved), se, age_days (before the last day).
    `truth`: channel, spend, incremental, iroas over the window by switching the channel off in the simulator.
    `faults` maps a test to what is wrong with it.
    """

    kind: str
    seed: int
    weekly: pl.DataFrame
    controls: Mapping[str, str]
    claims: pl.DataFrame
    tests: pl.DataFrame
    classes: Mapping[str, str]
    margin: float
    truth: pl.DataFrame
    faults: Mapping[str, str]
    circumstances: Circumstances

    @property
    def channels(self) -> tuple[str, ...]:
        """Channels in the order of every frame."""
        return tuple(self.classes)


def measured_company(kind: str, seed: int) -> MeasuredCompany:
    """The company of this kind and seed; the same two give the same company.

    Raises ValueError, listing the kinds, for an unknown one.
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: one of {', '.join(KINDS)}")
    number = list(KINDS).index(kind)

    def stream(of: int) -> np.random.Generator:
        return np.random.default_rng([seed, number, of])  # one stream per concern keeps the factors independent

    about, given = KINDS[kind], circumstances(stream(0))
    rng = stream(1)
    chosen = _chosen_channels(len(about.channels), rng)
    roster = [about.channels[i] for i in chosen]
    names = [c.name for c in roster]
    classes = [c.channel_class for c in roster]
    usual = np.array([c.spend_share for c in roster], dtype=float)
    usual /= usual.sum()
    shares = np.maximum(rng.dirichlet(SHARE_CONCENTRATION * usual), 0.005)
    shares /= shares.sum()
    margin = float(rng.uniform(*about.margin))
    planned = truths(classes, given.truths, stream(2))
    returns = np.array([t.contribution_return for t in planned]) / margin

    weeks = [LAST_MONDAY - timedelta(weeks=given.weeks - 1 - t) for t in range(given.weeks)]
    season = seasons(about, weeks)
    rng = stream(3)
    wave = media.autoregression(given.weeks, rng.uniform(0.75, 0.92), rng)
    paths = _spend_paths(roster, given, season, wave, stream(4))
    spend = paths * shares[:, None] * _money(about.media_share, 7 * about.revenue_per_day, shares, returns, stream(5))
    demand = np.exp(given.hidden_demand * wave)
    demand_factor = season * demand

    rng = stream(6)
    responses = [_response(t, s, given, rng) for t, s in zip(planned, spend, strict=True)]
    effects = np.array([r.effect(s, demand_factor) for r, s in zip(responses, spend, strict=True)])
    gain = returns * spend.sum(axis=1) / effects.sum(axis=1)

    rng = stream(7)
    tested = field_tests.plans(given.tests, shares, given.weeks, rng)
    reports = []
    for plan in list(tested):
        report = _report(plan, responses, spend, gain, demand_factor, shares, margin, None, rng)
        reports.append(report)
        if report.fault == "contradicts":  # an older sound test of the same channel stands against it
            again = field_tests.repeated(plan, given.weeks, rng)
            tested.append(again)
    for plan in tested[len(reports) :]:
        reports.append(_report(plan, responses, spend, gain, demand_factor, shares, margin, "none", rng))
    observed_spend, media_sales = _observed(tested, responses, spend, gain, demand_factor)

    base, controls = _baseline(7 * about.revenue_per_day, given, season, demand, wave, stream(8))
    incremental = media_sales.sum(axis=1)  # sales are additive: what switching one channel off takes away
    money = observed_spend.sum(axis=1)
    weekly = pl.DataFrame(
        {
            "week": weeks,
            "revenue": np.maximum(base + media_sales.sum(axis=0), 0.0),
            **{f"spend_{n}": observed_spend[c] for c, n in enumerate(names)},
            **{f"control_{n}": values for n, (values, _) in controls.items()},
        }
    )
    truth = incremental / money
    claimed = claiming.claims(
        names, classes, truth, shares, usual, kind=kind, margin=margin, law=given.claims, rng=stream(9)
    )
    tests, faults = _test_frame(tested, reports, names, weeks)
    return MeasuredCompany(
        kind=kind,
        seed=seed,
        weekly=weekly,
        controls={f"control_{n}": role for n, (_, role) in controls.items()},
        claims=_claim_frame(claimed, dict(zip(names, money, strict=True)), about.order_value, stream(10)),
        tests=tests,
        classes=dict(zip(names, classes, strict=True)),
        margin=margin,
        truth=pl.DataFrame({"channel": names, "spend": money, "incremental": incremental, "iroas": truth}),
        faults=faults,
        circumstances=given,
    )


def _chosen_channels(count: int, rng: np.random.Generator) -> list[int]:
    """Six to ten of the kind's channels, in its order."""
    size = int(rng.integers(min(FEWEST, count), min(MOST, count) + 1))
    return sorted(int(i) for i in rng.choice(count, size=size, replace=False))


def _spend_paths(
    roster: list[KindChannel], given: Circumstances, season: np.ndarray, wave: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Weekly spend (C, T) with mean 1 per channel. Besides the channels that are constant or late in the kind, half of
    the companies have one more constant channel, and a quarter of those without a late one get one."""
    follows = [TRUE_RETURNS[c.channel_class].follows_demand for c in roster]
    paths = np.array([media.spend_path(c.rhythm, f, season, wave, rng) for c, f in zip(roster, follows, strict=True)])
    constant, late = rng.choice(len(roster), size=2, replace=False)
    if given.constant_channel:
        paths[constant] = 1.0
    begins = [i for i, c in enumerate(roster) if c.rhythm == "late"] or ([late] if given.late_channel else [])
    for channel in begins:
        paths[channel, : int(given.weeks * rng.uniform(0.3, 0.6))] = 0.0
    return np.asarray(paths / paths.mean(axis=1, keepdims=True))


def _money(
    media_share: float, baseline: float, shares: np.ndarray, returns: np.ndarray, rng: np.random.Generator
) -> float:
    """Usual spend of a week over all channels: a share of revenue, where media also makes revenue."""
    ratio = media_share * np.exp(rng.normal(0, MEDIA_RATIO_SD))
    blended = max(float(shares @ returns), 0.0)
    ratio = min(ratio, MOST_FROM_MEDIA / blended) if blended > 0 else ratio
    return float(baseline * ratio / max(1 - ratio * blended, 1 - MOST_FROM_MEDIA))


def _response(truth: ChannelTruth, spend: np.ndarray, given: Circumstances, rng: np.random.Generator) -> media.Response:
    return media.Response(
        curve=given.curve,
        half_life=truth.half_life,
        marginal=truth.marginal,
        usual=float(spend[spend > 0.1 * spend.mean()].mean()),
        lag=int(rng.integers(1, 4)),
        drift=float(rng.uniform(-DRIFT, DRIFT)),
    )


def _tested_path(plan: field_tests.Plan, spend: np.ndarray) -> np.ndarray:
    path = spend.copy()
    path[plan.start : plan.end] *= plan.factor
    return path


def _report(
    plan: field_tests.Plan,
    responses: list[media.Response],
    spend: np.ndarray,
    gain: np.ndarray,
    demand_factor: np.ndarray,
    shares: np.ndarray,
    margin: float,
    fault: field_tests.Fault | None,
    rng: np.random.Generator,
) -> field_tests.Reading:
    """What the test of the plan reads: sales of the tested weeks and the cool-down, by simulation with and without."""
    c = plan.channel
    usual = responses[c].effect(spend[c], demand_factor)
    tested = responses[c].effect(_tested_path(plan, spend[c]), demand_factor)
    moved = float((spend[c, plan.start : plan.end] * (plan.factor - 1)).sum())
    if abs(moved) < 1e-6:  # a late channel had nothing to switch off yet
        return field_tests.Reading(float("nan"), float("nan"), "none")
    read = slice(plan.start, plan.end + plan.cooldown)
    true = float(gain[c] * (tested - usual)[read].sum() / moved)
    return field_tests.reading(plan, true, spend_share=float(shares[c]), margin=margin, fault=fault, rng=rng)


def _observed(
    tested: list[field_tests.Plan],
    responses: list[media.Response],
    spend: np.ndarray,
    gain: np.ndarray,
    demand_factor: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Spend and media sales (C, T) of the whole market, of which each test changed its own part."""
    observed, sales = spend.copy(), np.empty_like(spend)
    for c, response in enumerate(responses):
        own = [plan for plan in tested if plan.channel == c]
        rest = 1 - sum(plan.market for plan in own)
        observed[c] = rest * spend[c]
        sales[c] = rest * response.effect(spend[c], demand_factor)
        for plan in own:
            path = _tested_path(plan, spend[c])
            observed[c] += plan.market * path
            sales[c] += plan.market * response.effect(path, demand_factor)
    return observed, sales * gain[:, None]


def _baseline(
    level: float,
    given: Circumstances,
    season: np.ndarray,
    demand: np.ndarray,
    wave: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, dict[str, tuple[np.ndarray, str]]]:
    """Sales without media (T,), and the controls that the company exports, each with its causal role."""
    weeks = given.weeks
    trend = 1 + rng.uniform(-0.05, 0.15) * np.arange(weeks) / 52
    promotion = np.where(rng.random(weeks) < 0.12, rng.uniform(0.1, 0.3, weeks), 0.0)
    price = 1 + 0.03 * np.cumsum(rng.normal(0, 0.15, weeks)) / np.sqrt(weeks)
    lift = np.exp(rng.uniform(0.2, 0.6) * promotion - rng.uniform(0.5, 1.5) * (price - 1))
    noise = rng.normal(size=weeks) if given.noise_df is None else rng.standard_t(given.noise_df, weeks) / np.sqrt(2)
    sales = level * trend * season * lift * demand * (1 + given.noise * noise)
    controls = {"promotion": (promotion, "precision"), "price": (price, "precision")}
    if given.demand_proxy:
        controls["search_interest"] = (100 * np.exp(0.1 * (wave + rng.normal(0, 0.8, weeks))), "confounder")
    return sales, controls


def _test_frame(
    tested: list[field_tests.Plan], reports: list[field_tests.Reading], names: list[str], weeks: list[date]
) -> tuple[pl.DataFrame, dict[str, str]]:
    rows = []
    faults: dict[str, str] = {}
    for number, (plan, report) in enumerate(zip(tested, reports, strict=True), start=1):
        if not np.isfinite(report.iroas):
            continue
        test = f"test_{number}_{names[plan.channel]}"
        end = weeks[plan.end - 1] + timedelta(days=6)
        age = float((weeks[-1] + timedelta(days=6) - end).days)
        rows.append(
            (
                test,
                names[plan.channel],
                plan.design,
                weeks[plan.start],
                end,
                7 * plan.cooldown,
                plan.factor,
                report.iroas,
                report.se,
                age,
            )
        )
        faults[test] = report.fault
    schema = {
        "test": pl.String,
        "channel": pl.String,
        "design": pl.String,
        "start": pl.Date,
        "end": pl.Date,
        "cooldown_days": pl.Int64,
        "factor": pl.Float64,
        "iroas": pl.Float64,
        "se": pl.Float64,
        "age_days": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row"), faults


def _claim_frame(
    claimed: tuple[claiming.Claim, ...], money: dict[str, float], order_value: float, rng: np.random.Generator
) -> pl.DataFrame:
    """Claims with the conversions behind them; a claim is counted, so that its own error is small."""
    rows = []
    for claim in claimed:
        mean = claim.iroas * money[claim.channel] / order_value
        conversions = int(rng.poisson(mean)) if mean < 1e7 else int(mean)
        iroas = claim.iroas * conversions / mean if mean > 0 else 0.0
        rows.append((claim.channel, claim.claim_type, claim.platform, iroas, conversions))
    columns = ["channel", "claim_type", "platform", "iroas", "conversions"]
    return pl.DataFrame(rows, schema=columns, orient="row")
