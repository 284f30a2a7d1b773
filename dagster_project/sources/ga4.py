"""GA4's BigQuery export, one row per event, as Parquet or JSON lines: flattened to what touches are made of.

Sessions, channels and consent rules are dbt's; here a page address loses everything but utm values and click ids, and a
click id its value where advertising storage was refused.
"""

from __future__ import annotations

import polars as pl

from dagster_project.sources import privacy
from dagster_project.sources.contract import Broken, Context, Entity, Field, Shape, Source, Unreadable

TABLE = Entity(
    "ga4",
    (
        ("event_date", "day"),
        ("event_timestamp", "count"),
        ("event_name", "text"),
        ("stream_id", "id"),
        ("user_pseudo_id", "id"),
        ("user_key", "text"),
        ("ga_session_id", "id"),
        ("ga_session_number", "count"),
        ("page_location", "text"),
        ("page_referrer", "text"),
        ("source", "text"),
        ("medium", "text"),
        ("campaign", "text"),
        ("content", "text"),
        ("term", "text"),
        ("click_id_type", "text"),
        ("click_id", "text"),
        ("analytics_storage", "text"),
        ("ads_storage", "text"),
        ("device", "text"),
        ("country", "text"),
        ("region", "text"),
        ("transaction_id", "id"),
        ("purchase_revenue", "money"),
        ("refund_value", "money"),
        ("currency", "currency"),
        ("property_source", "text"),
        ("property_medium", "text"),
        ("property_campaign", "text"),
    ),
)
_VALUE = pl.Struct(dict.fromkeys(("string_value", "int_value", "float_value", "double_value"), pl.String))
_PARAMS = pl.List(pl.Struct({"key": pl.String, "value": _VALUE}))
_READ_PARAMS = (
    "ga_session_id",
    "ga_session_number",
    "page_location",
    "page_referrer",
    "source",
    "medium",
    "campaign",
    "content",
    "term",
    "currency",
    "value",
    "transaction_id",
)
_STRUCTS: dict[str, pl.DataType] = {
    "collected_traffic_source": pl.Struct(
        dict.fromkeys(
            (
                "manual_source",
                "manual_medium",
                "manual_campaign_name",
                "manual_content",
                "manual_term",
                "gclid",
                "dclid",
                "srsltid",
            ),
            pl.String,
        )
    ),
    "session_traffic_source_last_click": pl.Struct(
        {
            "manual_campaign": pl.Struct(dict.fromkeys(("source", "medium", "campaign_name"), pl.String)),
            "google_ads_campaign": pl.Struct({"campaign_name": pl.String}),
        }
    ),
    "privacy_info": pl.Struct({"analytics_storage": pl.String, "ads_storage": pl.String}),
    "device": pl.Struct({"category": pl.String}),
    "geo": pl.Struct({"country": pl.String, "region": pl.String}),
    "ecommerce": pl.Struct(dict.fromkeys(("transaction_id", "purchase_revenue", "refund_value"), pl.String)),
}


def _flattened(frame: pl.DataFrame, ctx: Context) -> tuple[pl.DataFrame, list[Broken]]:
    """Nested cells to one column per field, still text."""
    flat = frame.select(
        "_row",
        *(_cell(ctx, name) for name in ("event_date", "event_timestamp", "event_name", "stream_id", "user_pseudo_id")),
        _cell(ctx, "user_id").alias("user_key"),
    )
    flat = flat.join(_params(frame, ctx), on="_row", how="left", maintain_order="left")
    parts = {name: _decoded(frame, ctx, name, dtype) for name, dtype in _STRUCTS.items()}
    collected, session = (
        parts["collected_traffic_source"].struct.unnest(),
        parts["session_traffic_source_last_click"].struct,
    )
    manual, google = (
        session.field("manual_campaign").struct.unnest(),
        session.field("google_ads_campaign").struct.field("campaign_name"),
    )
    shop, place = parts["ecommerce"].struct.unnest(), parts["geo"].struct
    privacy_info = parts["privacy_info"].struct
    flat = flat.with_columns(
        pl.coalesce(collected["manual_source"], "p.source").alias("source"),
        pl.coalesce(collected["manual_medium"], "p.medium").alias("medium"),
        pl.coalesce(collected["manual_campaign_name"], "p.campaign").alias("campaign"),
        pl.coalesce(collected["manual_content"], "p.content").alias("content"),
        pl.coalesce(collected["manual_term"], "p.term").alias("term"),
        pl.col("p.ga_session_id").alias("ga_session_id"),
        pl.col("p.ga_session_number").alias("ga_session_number"),
        pl.col("p.page_location").alias("page_location"),
        pl.col("p.page_referrer").str.replace(r"[?#].*$", "").alias("page_referrer"),
        privacy_info.field("analytics_storage").alias("analytics_storage"),
        privacy_info.field("ads_storage").alias("ads_storage"),
        parts["device"].struct.field("category").alias("device"),
        place.field("country").alias("country"),
        place.field("region").alias("region"),
        pl.coalesce(shop["transaction_id"], "p.transaction_id").alias("transaction_id"),
        shop["purchase_revenue"].alias("purchase_revenue"),
        shop["refund_value"].alias("refund_value"),
        pl.col("p.currency").alias("currency"),
        manual["source"].alias("property_source"),
        manual["medium"].alias("property_medium"),
        pl.coalesce(manual["campaign_name"], google).alias("property_campaign"),
    )
    bought = (pl.col("event_name") == "purchase") & pl.col("purchase_revenue").is_null()
    flat = flat.with_columns(pl.when(bought).then("p.value").otherwise("purchase_revenue").alias("purchase_revenue"))
    return _with_click(flat, collected).drop(c for c in flat.columns if c.startswith("p.")), []


def _with_click(flat: pl.DataFrame, collected: pl.DataFrame) -> pl.DataFrame:
    """The click id of the page address or of the collected source, the first kind in order of proof."""
    candidates = []
    for name in privacy.CLICK_IDS:
        in_page = pl.col("page_location").str.extract(rf"[?&]{name}=([^&#]+)")
        candidates.append((name, pl.coalesce(in_page, collected[name]) if name in collected.columns else in_page))
    kind = pl.coalesce([pl.when(click_id.is_not_null()).then(pl.lit(name)) for name, click_id in candidates])
    refused = pl.col("ads_storage").str.to_lowercase().is_in(["no", "denied"]).fill_null(False)
    value = pl.when(~refused).then(pl.coalesce([click_id for _, click_id in candidates]))
    ids = rf"([?&])({'|'.join(privacy.CLICK_IDS)})=[^&#]*"
    page = pl.when(refused).then(pl.col("page_location").str.replace_all(ids, "$1")).otherwise("page_location")
    return flat.with_columns(kind.alias("click_id_type"), value.alias("click_id"), page.alias("page_location"))


def _params(frame: pl.DataFrame, ctx: Context) -> pl.DataFrame:
    nested = pl.DataFrame([frame["_row"], _decoded(frame, ctx, "event_params", _PARAMS).alias("p")])
    rows = nested.explode("p").drop_nulls("p").unnest("p")
    value = pl.col("value").struct
    text = pl.coalesce(
        value.field("string_value"), value.field("int_value"), value.field("double_value"), value.field("float_value")
    )
    long = rows.with_columns(text.alias("text")).filter(pl.col("key").is_in(_READ_PARAMS))
    wide = long.group_by("_row").agg(
        pl.col("text").filter(pl.col("key") == k).first().alias(f"p.{k}") for k in _READ_PARAMS
    )
    return frame.select("_row").join(wide, on="_row", how="left", maintain_order="left")


def _cell(ctx: Context, name: str) -> pl.Expr:
    place = ctx.place(name)
    return (pl.col(place) if place else pl.lit(None, dtype=pl.String)).alias(name)


def _decoded(frame: pl.DataFrame, ctx: Context, name: str, dtype: pl.DataType) -> pl.Series:
    """A nested column. Raises Unreadable (`bad_json`) where it does not have GA4's form."""
    place = ctx.place(name)
    if place is None:
        return pl.Series(name, [None] * frame.height, dtype=dtype)
    cells = frame[place]
    if name == "event_params":  # a writer may nest each element once more: [{"element": {…}}]
        cells = cells.str.replace_all(r'\{"element":(\{"key":"[^"]*","value":\{[^{}]*\}\})\}', "$1")
    try:
        return cells.str.json_decode(dtype)
    except pl.exceptions.ComputeError as error:
        raise Unreadable(
            "bad_json",
            f"column {name} does not have the form of GA4's BigQuery export ({' '.join(str(error).split())[:120]})",
            column=name,
        ) from None


EVENTS = Shape(
    "bigquery",
    "ga4",
    fields=(
        Field("event_date", "day", ("event_date",), required=True, filled=True),
        Field("event_timestamp", "count", ("event_timestamp",), required=True, filled=True, least=0),
        Field("event_name", "text", ("event_name",), required=True, filled=True),
        Field("event_params", "text", ("event_params",), required=True, stored=False),
        Field("stream_id", "id", ("stream_id",)),
        Field("user_pseudo_id", "id", ("user_pseudo_id",)),
        Field("user_key", "person", ("user_id",)),
        *(
            Field(c, "text", (f"flattened {c}",))
            for c in (
                "source",
                "medium",
                "campaign",
                "content",
                "term",
                "click_id_type",
                "click_id",
                "analytics_storage",
                "ads_storage",
                "device",
                "country",
                "region",
                "property_source",
                "property_medium",
                "property_campaign",
            )
        ),
        Field("ga_session_id", "id", ("flattened session",)),
        Field("ga_session_number", "count", ("flattened number",)),
        Field("page_location", "url", ("flattened page",)),
        Field("page_referrer", "url", ("flattened referrer",)),
        Field("transaction_id", "id", ("flattened transaction",)),
        Field("purchase_revenue", "money", ("flattened purchase",)),
        Field("refund_value", "money", ("flattened refund",)),
        Field("currency", "currency", ("flattened currency",)),
    ),
    point_decimal=True,
    keeps_unknown=False,
    reshape=_flattened,
)
SOURCE = Source("ga4", (TABLE,), (EVENTS,))
