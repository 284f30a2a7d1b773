"""Meta Ads: Ads Manager exports in several interface languages, Fivetran's basic_ad and Airbyte's ads_insights.

`Results` mixes kinds of conversions from row to row and is never read; purchases are.
"""

from __future__ import annotations

from dagster_project.sources import ads
from dagster_project.sources.contract import Field, Shape, Source

_DAY = {"es": ("día",), "fr": ("jour",), "de": ("tag",), "pt": ("dia",), "it": ("giorno",)}
_COMMON = (
    Field(
        "account_id",
        "id",
        ("account id",),
        {"de": ("konto-id", "konto-nr."), "es": ("identificador de la cuenta",), "fr": ("id du compte",)},
    ),
    Field(
        "account_name",
        "text",
        ("account name",),
        {"de": ("kontoname",), "es": ("nombre de la cuenta",), "fr": ("nom du compte",)},
    ),
    Field(
        "campaign",
        "text",
        ("campaign name",),
        {
            "es": ("nombre de la campaña",),
            "fr": ("nom de la campagne",),
            "de": ("kampagnenname",),
            "pt": ("nome da campanha",),
            "it": ("nome della campagna",),
        },
        required=True,
        filled=True,
    ),
    Field(
        "campaign_id",
        "id",
        ("campaign id",),
        {
            "es": ("identificador de la campaña",),
            "fr": ("id de la campagne", "identifiant de la campagne"),
            "de": ("kampagnen-id",),
        },
    ),
    Field(
        "ad_group",
        "text",
        ("ad set name",),
        {
            "es": ("nombre del conjunto de anuncios",),
            "fr": ("nom de l'ensemble de publicités",),
            "de": ("name der anzeigengruppe", "anzeigengruppenname"),
        },
    ),
    Field(
        "ad_group_id",
        "id",
        ("ad set id",),
        {"es": ("identificador del conjunto de anuncios",), "de": ("anzeigengruppen-id",)},
    ),
    Field(
        "ad",
        "text",
        ("ad name",),
        {
            "es": ("nombre del anuncio",),
            "fr": ("nom de la publicité",),
            "de": ("anzeigenname", "name der werbeanzeige"),
        },
    ),
    Field("ad_id", "id", ("ad id",), {"es": ("identificador del anuncio",), "de": ("anzeigen-id",)}),
    Field(
        "geo",
        "text",
        ("region", "country"),
        {"de": ("bundesland", "land"), "es": ("región", "país"), "fr": ("région", "pays")},
    ),
    Field("currency", "currency", ("currency",), {"de": ("währung",), "es": ("divisa", "moneda"), "fr": ("devise",)}),
    Field(
        "spend",
        "money",
        ("amount spent",),
        {
            "es": ("importe gastado",),
            "fr": ("montant dépensé",),
            "de": ("ausgegebener betrag",),
            "pt": ("valor usado", "valor gasto"),
            "it": ("importo speso",),
        },
        required=True,
        filled=True,
        summed=True,
    ),
    Field(
        "impressions",
        "count",
        ("impressions",),
        {"es": ("impresiones",), "de": ("impressionen",), "fr": ("impressions",), "pt": ("impressões",)},
        summed=True,
        least=0,
    ),
    Field(
        "clicks",
        "count",
        ("link clicks", "clicks (all)"),
        {
            "es": ("clics en el enlace",),
            "fr": ("clics sur un lien", "clics sur le lien"),
            "de": ("link-klicks",),
            "pt": ("cliques no link",),
        },
        summed=True,
        least=0,
    ),
    Field(
        "platform_conversions",
        "money",
        ("purchases", "website purchases"),
        {"es": ("compras",), "fr": ("achats",), "de": ("käufe",), "pt": ("compras",)},
        summed=True,
    ),
    Field(
        "platform_revenue",
        "money",
        ("purchases conversion value", "website purchases conversion value"),
        {
            "es": ("valor de conversión de compras",),
            "fr": ("valeur de conversion des achats",),
            "de": ("conversion-wert von käufen", "conversion-wert der käufe"),
        },
        summed=True,
    ),
    Field("reach", "count", ("reach",), {"es": ("alcance",), "fr": ("portée",), "de": ("reichweite",)}, stored=False),
    *ads.segments("age", "gender", "placement", "platform", "device platform", "attribution setting"),
)

NATIVE = Shape(
    "native",
    "meta_ads",
    fields=(Field("day", "day", ("day",), _DAY, required=True, filled=True), *_COMMON),
    key=ads.AD_KEY,
    language="en",
    date_order="mdy",
    currency_from="required",
    finish=ads.native,
)
NATIVE_PERIOD = Shape(
    "native:period",
    "meta_ads",
    fields=(
        Field(
            "day",
            "day",
            ("reporting starts",),
            {
                "es": ("inicio del informe",),
                "fr": ("début des rapports",),
                "de": ("berichtsbeginn", "berichtsstart"),
                "pt": ("início dos relatórios",),
            },
            required=True,
            filled=True,
        ),
        Field(
            "period_end",
            "day",
            ("reporting ends",),
            {
                "es": ("fin del informe",),
                "fr": ("fin des rapports",),
                "de": ("berichtsende",),
                "pt": ("término dos relatórios",),
            },
            required=True,
            filled=True,
            future=True,
        ),
        *_COMMON,
    ),
    key=ads.AD_KEY,
    language="en",
    date_order="mdy",
    currency_from="required",
    finish=ads.one_day_rows,
    without=("day", *(name for names in _DAY.values() for name in names)),
)

_ACTIONS = (
    "action types overlap, so their sum is not a number of anything; conversions are taken from exports that name one"
)
_FIVETRAN = (
    Shape(
        "fivetran:basic_ad",
        "meta_ads",
        fields=(
            Field("day", "day", ("date",), required=True, filled=True),
            Field("account_id", "id", ("account_id",), required=True, filled=True),
            Field("ad_id", "id", ("ad_id",), required=True, filled=True),
            Field("spend", "money", ("spend",), required=True, filled=True),
            Field("impressions", "count", ("impressions",), required=True, least=0),
            Field("clicks", "count", ("inline_link_clicks",), required=True, least=0),
        ),
        key=ads.AD_KEY,
        constants={"level": "ad"},
        currency_from="objects",
        point_decimal=True,
        finish=ads.connector,
        keeps_unknown=False,
    ),
    Shape(
        "fivetran:account_history",
        "meta_ads__object",
        point_decimal=True,
        keeps_unknown=False,
        finish=ads.objects("account"),
        fields=(
            *ads.object_fields("id", ("name",), (), ("_fivetran_synced",)),
            Field("currency", "currency", ("currency",)),
            Field("time_zone", "zone", ("timezone_name",)),
        ),
        without=("account_id", "campaign_id", "ad_set_id", "page_link"),
    ),
    Shape(
        "fivetran:campaign_history",
        "meta_ads__object",
        point_decimal=True,
        keeps_unknown=False,
        finish=ads.objects("campaign"),
        fields=ads.object_fields("id", ("name",), ("account_id",), ("updated_time", "_fivetran_synced")),
        without=("campaign_id", "ad_set_id"),
    ),
    Shape(
        "fivetran:ad_set_history",
        "meta_ads__object",
        point_decimal=True,
        keeps_unknown=False,
        finish=ads.objects("ad_group"),
        fields=ads.object_fields("id", ("name",), ("campaign_id",), ("updated_time", "_fivetran_synced")),
        without=("ad_set_id", "creative_id"),
    ),
    Shape(
        "fivetran:ad_history",
        "meta_ads__object",
        point_decimal=True,
        keeps_unknown=False,
        finish=ads.objects("ad"),
        fields=(
            *ads.object_fields("id", ("name",), ("ad_set_id",), ("updated_time", "_fivetran_synced")),
            Field("c", "id", ("campaign_id",), required=True, stored=False),
        ),
    ),
    Shape(
        "fivetran:basic_ad_actions",
        unused=_ACTIONS,
        fields=(
            Field("a", "text", ("action_type",), required=True),
            Field("v", "text", ("value",), required=True),
            Field("d", "text", ("date",), required=True),
        ),
    ),
    Shape(
        "fivetran:creative_history",
        unused="creatives carry no spend; their URLs are read from GA4",
        fields=(
            Field("p", "text", ("page_link",), required=True),
            Field("i", "text", ("id",), required=True),
            Field("u", "text", ("url_tags",), required=True),
        ),
    ),
    Shape(
        "fivetran:demographics",
        unused="country and region rows split what basic_ad already holds",
        fields=(
            Field("s", "text", ("spend",), required=True),
            Field("r", "text", ("reach",), required=True),
            Field("f", "text", ("frequency",), required=True),
            Field("d", "text", ("date",), required=True),
        ),
        without=("ad_id",),
    ),
)
AIRBYTE = Shape(
    "airbyte:ads_insights",
    "meta_ads",
    fields=(
        Field("day", "day", ("date_start",), required=True, filled=True),
        Field("period_end", "day", ("date_stop",), required=True, filled=True, future=True),
        Field("account_id", "id", ("account_id",), required=True, filled=True),
        Field("account_name", "text", ("account_name",)),
        Field("campaign_id", "id", ("campaign_id",)),
        Field("campaign", "text", ("campaign_name",)),
        Field("ad_group_id", "id", ("adset_id",)),
        Field("ad_group", "text", ("adset_name",)),
        Field("ad_id", "id", ("ad_id",), required=True, filled=True),
        Field("ad", "text", ("ad_name",)),
        Field("currency", "currency", ("account_currency",)),
        Field("spend", "money", ("spend",), required=True, filled=True),
        Field("impressions", "count", ("impressions",), least=0),
        Field("clicks", "count", ("inline_link_clicks", "clicks"), least=0),
    ),
    key=ads.AD_KEY,
    currency_from="objects",
    point_decimal=True,
    finish=ads.one_day_rows,
    keeps_unknown=False,
)

SOURCE = Source(
    "meta_ads",
    ads.entities("meta_ads"),
    (NATIVE, NATIVE_PERIOD, *_FIVETRAN, AIRBYTE),
    refusals=(
        ads.without_day(
            ("amount spent", "ausgegebener betrag", "importe gastado", "montant dépensé"),
            ("day", "tag", "día", "jour", "reporting starts"),
        ),
    ),
)
