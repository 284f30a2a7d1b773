"""A company of a kind, drawn from a seed: size and margin, what its channels truly do, the tests that it ran."""

from __future__ import annotations

from datetime import date

import numpy as np

from models.worlds.company_kinds import KINDS, CompanyKind, KindChannel
from models.worlds.kind_words import ANSWERS, ORIGIN_WEIGHT, PROMPTS, USUAL_ORIGIN_WEIGHT
from models.worlds.regions import REGIONS_OF
from models.worlds.roster import Channel, ContentChannel, GeoTest, Roster, Sales, Season
from models.worlds.true_returns import LOWEST_RETURN, TRUE_RETURNS, TrueReturn

SIZE_LOG_SD, MEDIA_LOG_SD = 0.3, 0.35
COMPANY_LOG_SD, CLASS_SHIFT_SD = 0.25, 0.4
MARGINAL_SD, SMALLEST_MARGINAL, LARGEST_MARGINAL = 0.6, 0.1, 0.92
HIGHEST_MEDIA_SHARE = 0.8
USELESS = 0.1
MOST_TRACKED = 1.3
OFFICE_WEEK = np.array([1.02, 1.06, 1.05, 1.01, 0.86])
SHOP_WEEK = np.array([1.03, 0.99, 0.98, 0.98, 1.02])
CONTENT = {
    "prospecting_social": (0.016, 0.9, "ad"),
    "b2b_social": (0.009, 1.1, "post"),
    "newsletter": (0.034, 0.02, "email"),
    "display": (0.006, 0.6, "ad"),
}
# Classes that companies test by region: the big one switched off, one to grow, one whose claims are in doubt.
DARK = ("generic_search", "shopping", "prospecting_social")
HEAVY = ("prospecting_social", "b2b_social", "online_video", "ctv")
DOUBTED = ("retargeting", "brand_search", "display", "affiliate_coupon", "retail_media")


def drawn_roster(kind: str, seed: int) -> Roster:
    """The company of that kind and seed; returns that would explain more than four fifths of revenue are drawn again.

    Raises ValueError for an unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"company {kind!r} is unknown: choose one of {', '.join(KINDS)}")
    known = KINDS[kind]
    rng = np.random.default_rng([seed, 1_000 + list(KINDS).index(kind)])
    margin = float(rng.uniform(*known.margin))
    revenue = known.revenue_per_day * float(np.exp(rng.normal(0, SIZE_LOG_SD)))
    while True:
        media = known.media_share * float(np.exp(rng.normal(0, MEDIA_LOG_SD)))
        returns = _returns(known, rng)
        driven = media * sum(c.spend_share * r for c, r in zip(known.channels, returns, strict=True)) / margin
        if 0 <= driven <= HIGHEST_MEDIA_SHARE:
            break
    spend = media * revenue
    channels = tuple(_channel(c, r, known, spend, margin, rng) for c, r in zip(known.channels, returns, strict=True))
    ai_revenue = known.ai_share * revenue
    regions = REGIONS_OF[known.country_group]
    return Roster(
        kind=kind,
        company=known.company,
        own_domain=f"{known.company.split()[0].lower()}.example",
        competitors=known.competitors,
        currency=known.currency,
        time_zone=known.time_zone,
        margin=round(margin, 3),
        regions=regions,
        channels=channels,
        tests=_tests(known, rng),
        content_channels=tuple(
            ContentChannel(c.name, *CONTENT[c.channel_class]) for c in known.channels if c.channel_class in CONTENT
        )[:3],
        prompts=PROMPTS[kind],
        baseline_per_day=revenue * (1 - driven) - ai_revenue * 0.2,
        order_value=known.order_value,
        ai_revenue=ai_revenue,
        booking_label=known.booking_label,
        season=_season(known),
        sales=None if known.cycle_days is None else _sales(known.cycle_days, known.deal_value),
        return_noise=0.0,
        return_bounds=(-np.inf, np.inf),
        order_shape=1 / np.expm1(known.order_log_sd**2),
        refund_share=known.refund_share,
        seen_orders=known.seen_orders,
        sales_tax=known.sales_tax,
        field_force=known.field_force,
    )


def _returns(kind: CompanyKind, rng: np.random.Generator) -> list[float]:
    """r = margin x iROAS of each channel; at least one of them is useless or harmful."""
    company = rng.normal(0, COMPANY_LOG_SD)
    shift = {name: rng.normal(0, CLASS_SHIFT_SD) for name in TRUE_RETURNS}
    lump = rng.uniform(1, 1.5)
    rows = [TRUE_RETURNS[channel.channel_class] for channel in kind.channels]
    returns = []
    for channel, row in zip(kind.channels, rows, strict=True):
        if rng.random() < row.no_effect * lump:
            returns.append(_without_effect(rng))
        else:
            returns.append(_working(row, company + shift[channel.channel_class], rng))
    if min(returns) >= USELESS:
        chances = np.array([row.no_effect for row in rows])
        returns[int(rng.choice(len(rows), p=chances / chances.sum()))] = _without_effect(rng)
    return returns


def _without_effect(rng: np.random.Generator) -> float:
    """Nothing or next to nothing; one in four does harm."""
    if rng.random() < 0.25:
        return float(rng.uniform(LOWEST_RETURN, -0.05))
    return float(np.clip(rng.normal(0, 0.08), LOWEST_RETURN, 0.99 * USELESS))


def _working(row: TrueReturn, shift: float, rng: np.random.Generator) -> float:
    """A return within the class's bounds: drawn again while outside, so that no company sits on a bound."""
    for _ in range(200):
        value = float(row.median * np.exp(rng.normal(shift, row.log_sd)))
        if row.low <= value <= row.high:
            return value
    return float(np.clip(row.median, row.low, row.high))


def _channel(
    channel: KindChannel, r: float, kind: CompanyKind, spend: float, margin: float, rng: np.random.Generator
) -> Channel:
    row = TRUE_RETURNS[channel.channel_class]
    half_life = 7 * row.half_life_weeks * float(np.exp(rng.normal(0, row.half_life_log_sd)))
    odds = row.marginal_share / (1 - row.marginal_share) * np.exp(rng.normal(0, MARGINAL_SD))
    marginal = float(np.clip(odds / (1 + odds), SMALLEST_MARGINAL, LARGEST_MARGINAL))
    tracked = harvest = None
    if row.tracked is not None and row.harvest is not None:
        seen = min(row.tracked * float(np.exp(rng.normal(0, row.tracked_log_sd))), MOST_TRACKED)
        touched = row.harvest * float(np.exp(rng.normal(0, row.harvest_log_sd)))
        sells_elsewhere = kind.seen_orders == 0 and channel.channel_class != "retail_media"
        tracked = seen * (1.0 if channel.channel_class == "retail_media" else kind.tracking)
        harvest = touched / margin * (kind.tracking if sells_elsewhere else 1.0)
    google = channel.source == "google_ads"
    pattern = "|".join(campaign.replace("|", r"\|") for campaign in channel.campaigns)
    return Channel(
        name=channel.name,
        label=channel.label,
        source=channel.source,
        channel_class=channel.channel_class,
        rhythm=channel.rhythm,
        daily_spend=channel.spend_share * spend,
        iroas=r / margin,
        half_life=half_life,
        half_saturation=marginal / (1 - marginal),
        claim=0.0,
        cost_per_click=channel.cost_per_click,
        click_rate=channel.click_rate,
        campaigns=channel.campaigns,
        utm=channel.utm,
        variation=0.38,
        pattern=pattern,
        vendor=channel.vendor,
        google_campaign=pattern if google else None,
        follows_demand=row.follows_demand,
        follows_season=1.0 if channel.rhythm == "always_on" else 0.0,
        more_in_promotions=0.3 if channel.channel_class in ("shopping", "prospecting_social", "retail_media") else 0.0,
        accrued=channel.channel_class in ("display", "events", "tv", "dtc_tv"),
        answers=ANSWERS.get(channel.channel_class, ()),
        origin_weight=ORIGIN_WEIGHT.get(channel.channel_class, USUAL_ORIGIN_WEIGHT),
        tracked=tracked,
        harvest=harvest,
    )


def _season(kind: CompanyKind) -> Season:
    week = OFFICE_WEEK if kind.weekend < 1 else SHOP_WEEK
    days = np.array([*week, kind.weekend, kind.weekend])
    weekdays = tuple(float(day) for day in days / days.mean())
    return Season(weekdays, kind.months, kind.holiday_loss, kind.promotions, kind.promo_lift)


def _sales(cycle_days: float, value: float) -> Sales:
    """Deals whose median time from lead to contract is the cycle: 12 days to the deal, the rest to the signature."""
    return Sales((cycle_days - 12) / 3.67, (15, 330), value, 0.8, (2_000, 400_000))


def _tests(kind: CompanyKind, rng: np.random.Generator) -> tuple[GeoTest, ...]:
    """Three geo tests on three channels: one sound, one with a region that was forgotten, one on a channel in doubt."""
    regions = [region.name for region in REGIONS_OF[kind.country_group]]
    middle = [regions[i] for i in 3 + rng.permutation(len(regions) - 4)]
    testable = [c for c in kind.channels if c.rhythm in ("always_on", "flights")]
    chosen: list[KindChannel] = []
    for classes in (DARK, HEAVY, DOUBTED):
        open_channels = [c for c in testable if c.channel_class in classes and c not in chosen]
        if open_channels:
            chosen.append(open_channels[int(rng.integers(0, len(open_channels)))])
    plans = (
        (
            "dark",
            middle[:3],
            0.0,
            date(2026, 2, 2),
            date(2026, 3, 29),
            date(2026, 4, 12),
            "switched off for eight weeks",
        ),
        ("heavy", middle[3:6], 3.0, date(2026, 4, 20), date(2026, 6, 14), date(2026, 7, 5), "at 300 % for eight weeks"),
        ("heavy", middle[6:8], 3.0, date(2026, 7, 6), date(2026, 8, 23), date(2026, 9, 6), "at 300 % for seven weeks"),
    )
    return tuple(
        GeoTest(
            f"geo-2026-{number:02d}-{channel.name}-{word}",
            channel.name,
            tuple(where),
            factor,
            start,
            end,
            cooldown,
            f"{channel.label} {note}",
            missed=(where[-1],) if number == 2 else (),
        )
        for number, (channel, (word, where, factor, start, end, cooldown, note)) in enumerate(
            zip(chosen, plans, strict=False), 1
        )
    )
