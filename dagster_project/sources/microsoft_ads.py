"""Microsoft Advertising: interface exports and the Fivetran landing of its daily performance reports."""

from __future__ import annotations

import re

import polars as pl

from dagster_project.sources import ads
from dagster_project.sources.contract import Broken, Context, Field, Shape, Source, Unreadable

_SPLIT = ads.segments(
    "device_os",
    "device_type",
    "network",
    "language",
    "ad_distribution",
    "bid_match_type",
    "delivered_match_type",
    "top_vs_other",
    "budget_name",
    "budget_association_status",
)
_AGGREGATION = re.compile(r"aggregation\W+(?!daily|day\b|hour)([a-z]+)", re.IGNORECASE)


def _daily_rows(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    """Rows of a report whose preamble does not say that they are weeks or months. Raises Unreadable (`multi_day`)."""
    for line in ctx.preamble:
        if said := _AGGREGATION.search(line):
            raise Unreadable("multi_day", f"the report says {line.strip()!r}: each row {ads.NO_DAY}", value=said[1])
    return ads.native(good, ctx)


NATIVE = Shape(
    "native",
    "microsoft_ads",
    fields=(
        Field("day", "day", ("gregorian date", "timeperiod", "time period", "day", "date"), required=True, filled=True),
        Field("account_id", "id", ("account id", "accountid", "account number")),
        Field("account_name", "text", ("account name", "accountname", "account")),
        Field("campaign", "text", ("campaign name", "campaignname", "campaign"), required=True, filled=True),
        Field("campaign_id", "id", ("campaign id", "campaignid")),
        Field("ad_group", "text", ("ad group", "ad group name", "adgroupname")),
        Field("ad_group_id", "id", ("ad group id", "adgroupid")),
        Field("ad_id", "id", ("ad id", "adid")),
        Field("currency", "currency", ("currency code", "currencycode", "currency")),
        Field("spend", "money", ("spend",), required=True, filled=True, summed=True),
        Field("impressions", "count", ("impressions",), required=True, summed=True, least=0),
        Field("clicks", "count", ("clicks",), required=True, summed=True, least=0),
        Field("platform_conversions", "money", ("conversions",), summed=True),
        Field("platform_revenue", "money", ("revenue",), summed=True),
        *ads.segments("device type", "network", "device os"),
    ),
    key=ads.AD_KEY,
    language="en",
    date_order="mdy",
    currency_from="required",
    finish=_daily_rows,
)


def _daily(level: str, *own: Field, without: tuple[str, ...]) -> Shape:
    return Shape(
        f"fivetran:{level}_performance_daily_report",
        "microsoft_ads",
        fields=(
            Field("day", "day", ("date",), required=True, filled=True),
            Field("account_id", "id", ("account_id",), required=True, filled=True),
            *own,
            Field("currency", "currency", ("currency_code",), required=True),
            Field("spend", "money", ("spend",), required=True, filled=True),
            Field("impressions", "count", ("impressions",), required=True, least=0),
            Field("clicks", "count", ("clicks",), required=True, least=0),
            Field("platform_conversions", "money", ("conversions_qualified", "conversions")),
            Field("platform_revenue", "money", ("revenue",)),
            *_SPLIT,
        ),
        key=ads.AD_KEY,
        constants={"level": level},
        currency_from="required",
        point_decimal=True,
        finish=ads.connector,
        without=(*without, "keyword_id", "search_query", "location_id", "goal"),
        keeps_unknown=False,
    )


_CAMPAIGN = Field("campaign_id", "id", ("campaign_id",), required=True, filled=True)
_GROUP = Field("ad_group_id", "id", ("ad_group_id",), required=True, filled=True)
_AD = Field("ad_id", "id", ("ad_id",), required=True, filled=True)


def _split_only(name: str, mark: str, *without: str) -> Shape:
    return Shape(
        f"fivetran:{name}",
        unused=f"{name} splits what campaign_performance_daily_report already holds",
        fields=tuple(
            Field(c, "text", (c,), required=True)
            for c in (mark, "date", "account_id", "campaign_id", "spend", "impressions", "clicks")
        ),
        without=without,
    )


SOURCE = Source(
    "microsoft_ads",
    ads.entities("microsoft_ads"),
    (
        NATIVE,
        _daily("account", without=("campaign_id", "ad_group_id", "ad_id")),
        _daily("campaign", _CAMPAIGN, without=("ad_group_id", "ad_id")),
        _daily("ad_group", _CAMPAIGN, _GROUP, without=("ad_id",)),
        _daily("ad", _CAMPAIGN, _GROUP, _AD, without=()),
        _split_only("keyword_performance_daily_report", "keyword_id", "search_query"),
        _split_only("search_performance_daily_report", "search_query"),
        _split_only("geographic_performance_daily_report", "location_type"),
        Shape(
            "fivetran:account_history",
            "microsoft_ads__object",
            point_decimal=True,
            keeps_unknown=False,
            finish=ads.objects("account"),
            fields=ads.object_fields(
                "id",
                ("name",),
                (),
                ("last_modified_time",),
                Field("currency", "currency", ("currency_code",), required=True),
                Field("time_zone", "zone", ("time_zone",)),
            ),
        ),
        Shape(
            "fivetran:campaign_history",
            "microsoft_ads__object",
            point_decimal=True,
            keeps_unknown=False,
            finish=ads.objects("campaign"),
            fields=ads.object_fields("id", ("name",), ("account_id",), ("modified_time",)),
        ),
        Shape(
            "fivetran:ad_group_history",
            "microsoft_ads__object",
            point_decimal=True,
            keeps_unknown=False,
            finish=ads.objects("ad_group"),
            fields=ads.object_fields("id", ("name",), ("campaign_id",), ("modified_time",)),
            without=("ad_group_id", "account_id"),
        ),
        Shape(
            "fivetran:ad_history",
            "microsoft_ads__object",
            point_decimal=True,
            keeps_unknown=False,
            finish=ads.objects("ad"),
            fields=ads.object_fields("id", ("title_part_1", "title"), ("ad_group_id",), ("modified_time",)),
            without=("keyword_id",),
        ),
        Shape(
            "fivetran:keyword_history",
            unused="keyword rows carry no spend",
            fields=(
                Field("i", "text", ("id",), required=True),
                Field("m", "text", ("match_type",), required=True),
                Field("a", "text", ("ad_group_id",), required=True),
            ),
        ),
    ),
    refusals=(ads.without_day(("spend",), ("gregorian date", "timeperiod", "day", "date")),),
)
