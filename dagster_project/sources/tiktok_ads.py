"""TikTok Ads Manager and the Fivetran landing of its hourly reports; days are UTC days."""

from __future__ import annotations

import polars as pl

from dagster_project.sources import ads
from dagster_project.sources.contract import Broken, Context, Field, Shape, Source

_UTC = {"day_basis": "utc", "account_tz": "UTC"}
NATIVE = Shape(
    "native",
    "tiktok_ads",
    fields=(
        Field("day", "day", ("by day", "day", "date"), required=True, filled=True),
        Field("account_id", "id", ("advertiser id", "account id")),
        Field("account_name", "text", ("account name", "advertiser name")),
        Field("campaign", "text", ("campaign name",), required=True, filled=True),
        Field("campaign_id", "id", ("campaign id",)),
        Field("ad_group", "text", ("ad group name",)),
        Field("ad_group_id", "id", ("ad group id",)),
        Field("ad", "text", ("ad name",)),
        Field("ad_id", "id", ("ad id",)),
        Field("currency", "currency", ("currency",)),
        Field("spend", "money", ("cost", "spend"), required=True, filled=True, summed=True),
        Field("impressions", "count", ("impressions", "impression"), required=True, summed=True, least=0),
        Field("clicks", "count", ("clicks (destination)", "clicks"), summed=True, least=0),
        Field("platform_conversions", "money", ("complete payment", "conversions"), summed=True),
        Field("platform_revenue", "money", ("total complete payment value",), summed=True),
    ),
    key=ads.AD_KEY,
    language="en",
    date_order="mdy",
    currency_from="required",
    constants=_UTC,
    finish=ads.native,
)


def _hours_as_days(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    """Hourly rows, cut to the workspace's day; the hour stays as the segment."""
    hour = pl.col("hour").dt.replace_time_zone("UTC")
    local = hour.dt.convert_time_zone(ctx.settings.time_zone)
    good = good.with_columns(
        day=local.dt.date(),
        segment=pl.lit("hour=") + pl.col("hour").dt.strftime("%Y-%m-%dT%H"),
        day_basis=pl.lit("business"),
    ).drop("hour")
    return ads.connector(good, ctx)


def _hourly(level: str, table: str, own: Field, *without: str) -> Shape:
    return Shape(
        f"fivetran:{table}",
        "tiktok_ads",
        fields=(
            Field("hour", "instant", ("stat_time_hour",), required=True, filled=True),
            own,
            Field("spend", "money", ("spend",), required=True, filled=True),
            Field("impressions", "count", ("impressions",), required=True, least=0),
            Field("clicks", "count", ("clicks",), required=True, least=0),
            Field("platform_conversions", "money", ("conversion",)),
            Field("platform_revenue", "money", ("total_purchase_value",)),
        ),
        key=ads.AD_KEY,
        constants={"level": level, "account_tz": "UTC"},
        currency_from="objects",
        point_decimal=True,
        finish=_hours_as_days,
        without=without,
        keeps_unknown=False,
    )


def _history(table: str, kind: str, own: str, name: str, parent: tuple[str, ...], without: tuple[str, ...]) -> Shape:
    return Shape(
        f"fivetran:{table}",
        "tiktok_ads__object",
        point_decimal=True,
        keeps_unknown=False,
        finish=ads.objects(kind),
        fields=ads.object_fields(own, (name,), parent, ("updated_at",)),
        without=without,
    )


SOURCE = Source(
    "tiktok_ads",
    ads.entities("tiktok_ads"),
    (
        NATIVE,
        _hourly(
            "campaign",
            "campaign_report_hourly",
            Field("campaign_id", "id", ("campaign_id",), required=True, filled=True),
            "ad_id",
            "adgroup_id",
        ),
        _hourly(
            "ad_group",
            "adgroup_report_hourly",
            Field("ad_group_id", "id", ("adgroup_id",), required=True, filled=True),
            "ad_id",
        ),
        _hourly("ad", "ad_report_hourly", Field("ad_id", "id", ("ad_id",), required=True, filled=True)),
        _history(
            "campaign_history", "campaign", "campaign_id", "campaign_name", ("advertiser_id",), ("ad_id", "adgroup_id")
        ),
        _history("adgroup_history", "ad_group", "adgroup_id", "adgroup_name", ("campaign_id",), ("ad_id",)),
        _history("ad_history", "ad", "ad_id", "ad_name", ("adgroup_id",), ()),
        Shape(
            "fivetran:advertiser",
            "tiktok_ads__object",
            point_decimal=True,
            keeps_unknown=False,
            finish=ads.objects("account"),
            fields=(
                Field("object_id", "id", ("id",), required=True, filled=True),
                Field("name", "text", ("name",)),
                Field("currency", "currency", ("currency",), required=True),
                Field("time_zone", "zone", ("timezone",), required=True),
                Field("updated_at", "instant", ("_fivetran_synced",), future=True),
            ),
        ),
        Shape(
            "fivetran:campaign_country_report",
            unused="country rows split what campaign_report_hourly already holds",
            fields=tuple(
                Field(c, "text", (c,), required=True) for c in ("country_code", "campaign_id", "stat_time_day", "spend")
            ),
        ),
    ),
    refusals=(ads.without_day(("cost",), ("by day", "day", "date")),),
)
