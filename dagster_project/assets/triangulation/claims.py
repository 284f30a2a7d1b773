"""What platforms, tracking and customers claim per unit of spend, in the window of the model."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb

from models.channel_classes import CLASSES, ClaimType

# What the platforms' own conversions count by default: Google and Microsoft clicks, the social platforms views as well.
COUNTED: Mapping[str, ClaimType] = {
    "google_ads": "click",
    "microsoft_ads": "click",
    "meta_ads": "view",
    "linkedin_ads": "view",
    "tiktok_ads": "view",
}
SEEN_RATHER_THAN_CLICKED = frozenset({"retargeting", "display", "ctv", "tv", "dtc_tv"})

# A weekly or monthly line counts by the share of its days inside the window, as its spend does; claims come in the
# currency of their account and are converted at the rate of that line's own spend, or of the currency's.
_PLATFORM = """
with lines as (
    select channel, source, currency, platform_revenue, platform_conversions, spend, spend_report,
        day as first_day,
        case grain when 'week' then day + 6 when 'month' then last_day(day) else day end as last_day
    from marts.channel_day
), rates as (
    select currency, sum(spend_report) / nullif(sum(spend), 0) as rate from lines
    where spend_report is not null group by currency
), inside as (
    select channel, source, platform_revenue, platform_conversions,
        coalesce(spend_report / nullif(spend, 0), rate) as rate,
        (least(last_day, $last) - greatest(first_day, $first) + 1) / (last_day - first_day + 1) as share
    from lines left join rates using (currency) where last_day >= $first and first_day <= $last
)
select channel, cast(sum(platform_revenue * rate * share) as double),
    cast(sum(platform_conversions * share) as double), arg_max(source, platform_revenue)
from inside group by channel having sum(platform_revenue * rate * share) > 0 order by channel
"""
_TRACKED = """
select channel, cast(sum(amount) as double), round(sum(credit), 9), 'ga4'
from measurement.attribution_credit
where run_id = $run and model = 'markov' and stage = 'order' and day between $first and $last
group by channel having sum(amount) > 0 order by channel
"""
_SELF_REPORTED = """
select channel, cast(sum(amount_report) as double), round(cast(sum(credit) as double), 9), null
from marts.attribution_credit
where model = 'self_reported' and stage = 'order' and day between $first and $last
group by channel having sum(amount_report) > 0 order by channel
"""


def claim_rows(
    con: duckdb.DuckDBPyConnection,
    run_id: str,
    spend: Mapping[str, float],
    first: date,
    last: date,
    class_of: Mapping[str, str],
) -> list[dict[str, object]]:
    """Claims per unit of spend: per channel the platform's own, or without it tracked attribution; and self-reports.

    `spend` is that of the window from `first` to `last`, and so are the claims. Platforms and web analytics count the
    same clicks and share their errors: of the two a channel has one. `claim_type` says what a claim counts, `platform`
    who counted. Left out: a claim on fewer than 30 conversions, and one of a type that the channel's class does not
    have. The error is the counting error of the conversions behind a claim; how far a whole method is off is learned.
    """
    from models.triangulation import counting_error
    from models.triangulation.readings import FEWEST_CONVERSIONS

    days = {"first": first, "last": last}
    platform = con.execute(_PLATFORM, days).fetchall()
    tracked = con.execute(_TRACKED, {"run": run_id, **days}).fetchall()
    answers = con.execute(_SELF_REPORTED, days).fetchall()
    claimed = {channel for channel, _, conversions, _ in platform if (conversions or 0) >= FEWEST_CONVERSIONS}
    rows: list[dict[str, object]] = []
    for method, kind, claims in (
        ("platform", "platform", platform),
        ("markov", "attribution", [claim for claim in tracked if claim[0] not in claimed]),
        ("self_reported", "self_reported", answers),
    ):
        for channel, revenue, conversions, source in claims:
            if channel not in spend or (conversions or 0) < FEWEST_CONVERSIONS:
                continue
            claim_type = type_of(kind, source, class_of.get(channel, "unknown"))
            if claim_type is None:
                continue
            iroas = revenue / spend[channel]
            rows.append(
                {
                    "channel": channel,
                    "method": method,
                    "kind": kind,
                    "iroas": iroas,
                    "se": counting_error(iroas, conversions),
                    "tracking": "ga4" if kind == "attribution" else None,
                    "claim_type": claim_type,
                    "platform": source if source != "channel_spend" else None,
                }
            )
    return rows


def type_of(kind: str, source: str | None, channel_class: str) -> ClaimType | None:
    """What a claim counts; None where the channel's class has no such claim, so that nothing says how far it is off."""
    known = CLASSES[channel_class].claims
    if kind == "self_reported":
        return "self_reported" if "self_reported" in known else None
    if kind == "attribution":
        # A path model spreads the credit of tracked clicks; a class without a bias of its own for it has last click's.
        return "data_driven" if "data_driven" in known else "last_click" if "last_click" in known else None
    usual: ClaimType = "view" if channel_class in SEEN_RATHER_THAN_CLICKED else "click"
    first_choice = COUNTED.get(source or "", usual)
    choices: tuple[ClaimType, ...] = (first_choice, usual, "click", "view")
    return next((choice for choice in choices if choice in known), None)
