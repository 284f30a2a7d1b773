"""Google Ads: interface exports (campaign, ad group, ad reports), Fivetran and Airbyte landings.

Spend is taken from the campaign level; deeper levels only split it, and never add up to it.
"""

from __future__ import annotations

import polars as pl

from dagster_project.sources import ads
from dagster_project.sources.contract import Broken, Context, Field, Shape, Source

_MICROS = "0.000001"
_DEVICE = ads.segments(
    "device", "network", "hour of day", "network (with search partners)", "conversion action", "conversion name"
)

NATIVE = Shape(
    "native",
    "google_ads",
    fields=(
        Field("day", "day", ("day",), {"de": ("tag",), "es": ("día",), "fr": ("jour",)}, required=True, filled=True),
        Field("account_id", "id", ("customer id", "account id", "external customer id"), {"de": ("kunden-id",)}),
        Field("account_name", "text", ("account", "account name", "customer"), {"de": ("konto",)}),
        Field(
            "campaign",
            "text",
            ("campaign",),
            {"de": ("kampagne",), "es": ("campaña",), "fr": ("campagne",)},
            required=True,
            filled=True,
        ),
        Field(
            "campaign_id",
            "id",
            ("campaign id",),
            {"de": ("kampagnen-id",), "es": ("id de campaña",), "fr": ("id de campagne",)},
        ),
        Field(
            "ad_group",
            "text",
            ("ad group",),
            {"de": ("anzeigengruppe",), "es": ("grupo de anuncios",), "fr": ("groupe d'annonces",)},
        ),
        Field("ad_group_id", "id", ("ad group id",)),
        Field("ad", "text", ("ad name", "ad")),
        Field("ad_id", "id", ("ad id",)),
        Field(
            "geo",
            "text",
            ("region (user location)", "region", "country/territory (user location)", "country/territory"),
        ),
        Field(
            "currency",
            "currency",
            ("currency code", "currency"),
            {"de": ("währungscode", "währung"), "es": ("código de moneda",), "fr": ("code de devise",)},
        ),
        Field(
            "spend",
            "money",
            ("cost", "cost (converted currency)"),
            {"de": ("kosten",), "es": ("coste", "costo"), "fr": ("coût",)},
            required=True,
            filled=True,
            summed=True,
        ),
        Field(
            "impressions",
            "count",
            ("impr.", "impressions"),
            {"de": ("impr.", "impressionen"), "es": ("impr.",), "fr": ("impr.",)},
            summed=True,
            least=0,
        ),
        Field(
            "clicks",
            "count",
            ("clicks",),
            {"de": ("klicks",), "es": ("clics",), "fr": ("clics",)},
            summed=True,
            least=0,
        ),
        Field(
            "platform_conversions",
            "money",
            ("conversions",),
            {"de": ("conversions",), "es": ("conversiones",), "fr": ("conversions",)},
            summed=True,
        ),
        Field(
            "platform_revenue",
            "money",
            ("conv. value", "total conv. value", "conversion value"),
            {"de": ("conv.-wert",), "es": ("valor de conv.",), "fr": ("valeur conv.",)},
            summed=True,
        ),
        *_DEVICE,
    ),
    key=ads.AD_KEY,
    language="en",
    date_order="mdy",
    currency_from="required",
    finish=ads.native,
)


def _stats(level: str, *own: Field) -> Shape:
    """A Fivetran `<level>_stats` table: micros, one row per device and network."""
    return Shape(
        f"fivetran:{level}_stats",
        "google_ads",
        fields=(
            Field("day", "day", ("date",), required=True, filled=True),
            Field("account_id", "id", ("customer_id",), required=True, filled=True),
            *own,
            Field("spend", "money", ("cost_micros",), required=True, filled=True, scale=_MICROS),
            Field("impressions", "count", ("impressions",), required=True, least=0),
            Field("clicks", "count", ("clicks",), required=True, least=0),
            Field("platform_conversions", "money", ("conversions",)),
            Field("platform_revenue", "money", ("conversions_value",)),
            *ads.segments("device", "ad_network_type", "_fivetran_id", "keyword_ad_group_criterion"),
        ),
        key=ads.AD_KEY,
        constants={"level": level},
        currency_from="objects",
        point_decimal=True,
        finish=_ids_from_paths,
        without=("search_term", "ad_group_criterion_criterion_id"),
        keeps_unknown=False,
    )


def _ids_from_paths(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    """Ad group ids are taken from resource paths (`customers/1/adGroups/2`) where their own column is empty."""
    if "ad_group" in good.columns:
        path = pl.col("ad_group").str.extract(r"adGroups/(\d+)$")
        own = pl.col("ad_group_id") if "ad_group_id" in good.columns else pl.lit(None, dtype=pl.String)
        good = good.with_columns(
            ad_group_id=pl.coalesce(own, path), ad_group=pl.when(path.is_null()).then(pl.col("ad_group"))
        )
    return ads.connector(good, ctx)


_KEYWORDS = "keyword and search-term rows split what campaign_stats already holds; spend is taken from there"
_FIVETRAN = (
    _stats(
        "campaign",
        Field("campaign_id", "id", ("id",), required=True, filled=True),
        Field("base", "text", ("base_campaign",), required=True, stored=False),
    ),
    _stats(
        "ad_group",
        Field("ad_group_id", "id", ("id",), required=True, filled=True),
        Field("campaign_id", "id", ("campaign_id",), required=True),
        Field("base", "text", ("base_ad_group",), required=True, stored=False),
    ),
    _stats(
        "ad",
        Field("ad_id", "id", ("ad_id",), required=True, filled=True),
        Field("ad_group_id", "id", ("ad_group_id",)),
        Field("ad_group", "text", ("ad_group",)),
        Field("campaign_id", "id", ("campaign_id",), required=True),
    ),
    Shape(
        "fivetran:account_stats",
        "google_ads",
        fields=tuple(f for f in _stats("account").fields),
        key=ads.AD_KEY,
        constants={"level": "account"},
        currency_from="objects",
        point_decimal=True,
        finish=ads.connector,
        keeps_unknown=False,
        without=("id", "ad_id", "campaign_id", "ad_group_id", "search_term", "ad_group_criterion_criterion_id"),
    ),
    Shape(
        "fivetran:keyword_stats",
        unused=_KEYWORDS,
        fields=(
            Field("k", "text", ("ad_group_criterion_criterion_id",), required=True),
            Field("m", "text", ("cost_micros",), required=True),
            Field("a", "text", ("ad_group_id",), required=True),
            Field("c", "text", ("campaign_id",), required=True),
        ),
    ),
    Shape(
        "fivetran:search_term_keyword_stats",
        unused=_KEYWORDS,
        fields=(
            Field("k", "text", ("search_term",), required=True),
            Field("m", "text", ("cost_micros",), required=True),
            Field("a", "text", ("ad_group_id",), required=True),
            Field("c", "text", ("campaign_id",), required=True),
        ),
    ),
    Shape(
        "fivetran:ad_group_criterion_history",
        unused=_KEYWORDS,
        fields=(
            Field("k", "text", ("keyword_match_type",), required=True),
            Field("a", "text", ("ad_group_id",), required=True),
        ),
    ),
    Shape(
        "fivetran:account_history",
        "google_ads__object",
        point_decimal=True,
        keeps_unknown=False,
        finish=ads.objects("account"),
        fields=(
            Field("object_id", "id", ("id",), required=True, filled=True),
            Field("updated_at", "instant", ("updated_at",), required=True, future=True),
            Field("currency", "currency", ("currency_code",), required=True),
            Field("name", "text", ("descriptive_name",)),
            Field("test_account", "flag", ("test_account",), stored=False),
            Field("time_zone", "zone", ("time_zone",), required=True),
        ),
    ),
    Shape(
        "fivetran:campaign_history",
        "google_ads__object",
        point_decimal=True,
        keeps_unknown=False,
        finish=ads.objects("campaign"),
        fields=ads.object_fields(
            "id",
            ("name",),
            ("customer_id",),
            ("updated_at",),
            Field("t", "text", ("advertising_channel_type",), required=True, stored=False),
        ),
    ),
    Shape(
        "fivetran:ad_group_history",
        "google_ads__object",
        point_decimal=True,
        keeps_unknown=False,
        finish=ads.objects("ad_group"),
        fields=ads.object_fields("id", ("name",), ("campaign_id",), ("updated_at",)),
        without=("advertising_channel_type", "ad_group_id"),
    ),
    Shape(
        "fivetran:ad_history",
        "google_ads__object",
        point_decimal=True,
        keeps_unknown=False,
        finish=ads.objects("ad"),
        fields=ads.object_fields("id", ("name",), ("ad_group_id",), ("updated_at",)),
        without=("keyword_match_type",),
    ),
)

AIRBYTE = Shape(
    "airbyte:campaign",
    "google_ads",
    fields=(
        Field("day", "day", ("segments_date",), required=True, filled=True),
        Field("account_id", "id", ("customer_id",)),
        Field("campaign_id", "id", ("campaign_id",), required=True, filled=True),
        Field("campaign", "text", ("campaign_name",)),
        Field("currency", "currency", ("customer_currency_code",)),
        Field("account_tz", "zone", ("customer_time_zone",)),
        Field("spend", "money", ("metrics_cost_micros",), required=True, filled=True, scale=_MICROS),
        Field("impressions", "count", ("metrics_impressions",), least=0),
        Field("clicks", "count", ("metrics_clicks",), least=0),
        Field("platform_conversions", "money", ("metrics_conversions",)),
        Field("platform_revenue", "money", ("metrics_conversions_value",)),
        *ads.segments("segments_hour", "segments_ad_network_type", "segments_device"),
    ),
    key=ads.AD_KEY,
    constants={"level": "campaign"},
    currency_from="objects",
    point_decimal=True,
    finish=ads.connector,
    without=("ad_group_id",),
    keeps_unknown=False,
)

SOURCE = Source(
    "google_ads",
    ads.entities("google_ads"),
    (NATIVE, *_FIVETRAN, AIRBYTE),
    refusals=(
        ads.without_day(("week", "month", "quarter", "woche", "monat", "semana", "mes"), ("day", "tag", "día", "jour")),
        ads.without_day(("cost",), ("day", "tag", "día", "jour")),
    ),
)
