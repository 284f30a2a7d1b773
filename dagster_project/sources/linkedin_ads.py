"""LinkedIn Campaign Manager and its Fivetran landing.

LinkedIn's campaign group is everybody else's campaign, and its campaign the ad group; days are UTC days.
"""

from __future__ import annotations

import polars as pl

from dagster_project.sources import ads
from dagster_project.sources.contract import Broken, Context, Field, Shape, Source

_UTC = {"day_basis": "utc", "account_tz": "UTC"}

NATIVE = Shape(
    "native",
    "linkedin_ads",
    fields=(
        Field(
            "day",
            "day",
            ("start date (in utc)", "start date", "day"),
            {"de": ("startdatum",), "fr": ("date de début",), "es": ("fecha de inicio",)},
            required=True,
            filled=True,
        ),
        Field("period_end", "day", ("end date (in utc)", "end date"), {"de": ("enddatum",), "fr": ("date de fin",)}),
        Field("account_id", "id", ("account id",)),
        Field("account_name", "text", ("account name",), {"de": ("kontoname",)}),
        Field("campaign", "text", ("campaign group name",), {"de": ("name der kampagnengruppe",)}),
        Field("campaign_id", "id", ("campaign group id",)),
        Field("ad_group", "text", ("campaign name",), {"de": ("kampagnenname",)}, required=True),
        Field("ad_group_id", "id", ("campaign id",)),
        Field("ad", "text", ("creative name", "ad name")),
        Field("ad_id", "id", ("creative id", "ad id")),
        Field("currency", "currency", ("currency",), {"de": ("währung",)}),
        Field("spend", "money", ("total spent",), {"de": ("gesamtausgaben",)}, required=True, filled=True, summed=True),
        Field("impressions", "count", ("impressions",), {"de": ("impressions",)}, summed=True, least=0),
        Field("clicks", "count", ("clicks",), {"de": ("klicks",)}, summed=True, least=0),
        Field("platform_conversions", "money", ("conversions",), {"de": ("conversions",)}, summed=True),
        Field(
            "platform_revenue", "money", ("total conversion value",), {"de": ("gesamter conversion-wert",)}, summed=True
        ),
    ),
    key=ads.AD_KEY,
    language="en",
    date_order="mdy",
    currency_from="required",
    constants=_UTC,
    finish=ads.one_day_rows,
)


def _campaign_rows(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    if "_leads" in good.columns:
        own = (
            pl.col("platform_conversions")
            if "platform_conversions" in good.columns
            else pl.lit(None, dtype=pl.Decimal(38, 6))
        )
        good = good.with_columns(
            platform_conversions=(own.fill_null(0) + pl.col("_leads").fill_null(0)).cast(pl.Decimal(38, 6))
        )
    return ads.connector(good, ctx)


def _analytics(level: str, own: Field, name: str, *, local: bool) -> Shape:
    return Shape(
        f"fivetran:{name}",
        "linkedin_ads",
        fields=(
            Field("day", "day", ("day",), required=True, filled=True),
            own,
            Field("spend", "money", ("cost_in_local_currency",), required=True, filled=local),
            Field("impressions", "count", ("impressions",), required=True, least=0),
            Field("clicks", "count", ("clicks",), required=True, least=0),
            Field("platform_conversions", "money", ("external_website_conversions",)),
            Field("_leads", "money", ("one_click_leads",)),
            Field("platform_revenue", "money", ("conversion_value_in_local_currency",)),
        ),
        key=ads.AD_KEY,
        constants={"level": level, **_UTC},
        currency_from="objects",
        point_decimal=True,
        finish=_campaign_rows,
        keeps_unknown=False,
    )


def _history(table: str, kind: str, parent: tuple[str, ...], without: tuple[str, ...], *extra: Field) -> Shape:
    return Shape(
        f"fivetran:{table}",
        "linkedin_ads__object",
        point_decimal=True,
        keeps_unknown=False,
        finish=ads.objects(kind),
        fields=ads.object_fields("id", ("name",), parent, ("last_modified_time",), *extra),
        without=without,
    )


SOURCE = Source(
    "linkedin_ads",
    ads.entities("linkedin_ads"),
    (
        NATIVE,
        _analytics(
            "ad_group",
            Field("ad_group_id", "id", ("campaign_id",), required=True, filled=True),
            "ad_analytics_by_campaign",
            local=True,
        ),
        _analytics(
            "ad",
            Field("ad_id", "id", ("creative_id",), required=True, filled=True),
            "ad_analytics_by_creative",
            local=False,
        ),
        _history(
            "account_history",
            "account",
            (),
            ("account_id",),
            Field("currency", "currency", ("currency",), required=True),
        ),
        _history("campaign_history", "ad_group", ("campaign_group_id",), ()),
        _history("campaign_group_history", "campaign", ("account_id",), ("campaign_group_id",)),
        Shape(
            "fivetran:creative_history",
            "linkedin_ads__object",
            point_decimal=True,
            keeps_unknown=False,
            finish=ads.objects("ad"),
            fields=(
                *ads.object_fields("id", (), ("campaign_id",), ("last_modified_at",)),
                Field("u", "url", ("click_uri",), required=True, stored=False),
            ),
        ),
        Shape(
            "fivetran:monthly_ad_analytics",
            unused="monthly country and region rows split what ad_analytics_by_campaign already holds",
            fields=(
                Field("m", "text", ("month",), required=True),
                Field("c", "text", ("cost_in_local_currency",), required=True),
                Field("i", "text", ("campaign_id",), required=True),
            ),
        ),
        Shape(
            "fivetran:geo",
            unused="a list of places without figures",
            fields=(Field("i", "text", ("id",), required=True), Field("v", "text", ("value",), required=True)),
            without=("action_type",),
        ),
    ),
    refusals=(ads.without_day(("total spent",), ("start date", "start date (in utc)", "day")),),
)
