"""GA4's BigQuery export as Parquet: nested events, click ids, and visits without consent that nobody can follow."""

from __future__ import annotations

import io

import numpy as np
import polars as pl

from models.worlds.roster import CHANNELS, CURRENCY, OWN_DOMAIN, REGIONS
from models.worlds.visits import campaign_of

STREAM = "5000000001"
ZONE = "Europe/Berlin"
PARAM_VALUE = pl.Struct(
    {"string_value": pl.String, "int_value": pl.Int64, "float_value": pl.Float64, "double_value": pl.Float64}
)
UNPAID_UTM = {
    "organic": ("https://www.google.com/", None),
    "referral": ("https://tool-reviews.example/planning", None),
    "ai_answers": ("https://chatgpt.com/", None),
    "direct": (None, None),
}


def events(visits: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One row per event with its `day` (the property's), from one row per session.

    Every session has a session_start and four in ten a page_view; those that end with an order have a purchase, those
    of a future CRM contact a generate_lead with the contact's record id as user id. Without consent all ids are null.
    """
    rng = np.random.default_rng([seed, 102])
    flat = _sessions(visits, rng)
    kinds = [
        flat.with_columns(pl.lit("session_start").alias("event_name"), pl.lit(0).alias("later")),
        flat.filter(pl.Series(rng.random(flat.height) < 0.4)).with_columns(
            pl.lit("page_view").alias("event_name"), pl.lit(20).alias("later")
        ),
        flat.filter(pl.col("order_id").is_not_null()).with_columns(
            pl.lit("purchase").alias("event_name"), pl.lit(240).alias("later")
        ),
        flat.filter(pl.col("contact_id").is_not_null()).with_columns(
            pl.lit("generate_lead").alias("event_name"), pl.lit(180).alias("later")
        ),
    ]
    moment = (pl.col("second") + pl.col("later")) * 1_000_000 + pl.col("micro")
    return (
        pl.concat(kinds)
        .with_columns(moment.alias("event_timestamp"))
        .with_columns(_property_day().alias("day"))
        .sort("event_timestamp", "session_key", "event_name")
    )


def _property_day() -> pl.Expr:
    instant = pl.from_epoch(pl.col("event_timestamp"), time_unit="us").dt.replace_time_zone("UTC")
    return instant.dt.convert_time_zone(ZONE).dt.date()


def _sessions(visits: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Sessions with everything that depends on the way they came."""
    pairs = visits.select("way", "geo").unique().sort("way", "geo")
    names = [campaign_of(way, geo) for way, geo in pairs.iter_rows()]
    utm = {channel.name: channel.utm for channel in CHANNELS}
    pairs = pairs.with_columns(
        pl.Series("campaign", names, dtype=pl.String),
        pl.Series("utm_source", [utm.get(way, (None, None))[0] for way in pairs["way"]], dtype=pl.String),
        pl.Series("utm_medium", [utm.get(way, (None, None))[1] for way in pairs["way"]], dtype=pl.String),
        pl.Series("referrer", [UNPAID_UTM.get(way, (None, None))[0] for way in pairs["way"]], dtype=pl.String),
        pl.Series("country", [{r.name: r.country for r in REGIONS}[geo] for geo in pairs["geo"]]),
        pl.Series("region", [{r.name: r.label for r in REGIONS}[geo] for geo in pairs["geo"]]),
    )
    google = pl.col("way").is_in(["paid_search_brand", "paid_search_generic", "video"])
    flat = visits.join(pairs, on=["way", "geo"], how="left", maintain_order="left").with_columns(
        pl.Series("micro", rng.integers(0, 1_000_000, visits.height)),
        pl.Series("session_key", np.arange(visits.height)),
        pl.when(pl.col("consent")).then(pl.format("{}.{}", 100_000_000 + pl.col("visitor") * 7919 % 899_999_989, 1_600_000_000 + pl.col("visitor"))).alias("pseudo"),
        pl.when(pl.col("tagged") & google).then(pl.format("Cj0K{}x{}", "second", "visitor")).alias("gclid"),
    )
    tags = pl.when(pl.col("campaign").is_not_null()).then(
        pl.format(
            "?utm_source={}&utm_medium={}&utm_campaign={}",
            "utm_source", "utm_medium", pl.col("campaign").str.replace_all(" | ", "%20%7C%20", literal=True).str.replace_all(" ", "+", literal=True),
        )
    ).otherwise(pl.lit(""))  # fmt: skip
    click = pl.when(pl.col("gclid").is_not_null()).then(pl.format("&gclid={}", "gclid")).otherwise(pl.lit(""))
    return flat.with_columns(pl.concat_str(pl.lit(f"https://{OWN_DOMAIN}/pricing"), tags, click).alias("page"))


def parquet(rows: pl.DataFrame) -> bytes:
    """The rows in the export's nested schema, rows ordered by time; the same rows give the same bytes."""
    yes = pl.when(pl.col("consent")).then(pl.lit("Yes")).otherwise(pl.lit("No"))
    nobody = pl.lit(None, dtype=pl.String)
    session = pl.when(pl.col("consent")).then(pl.col("second"))
    number = pl.when(pl.col("consent")).then(pl.col("session_number"))
    buys = (pl.col("event_name") == "purchase") & pl.col("order_id").is_not_null()
    money = pl.when(buys).then(pl.col("cents") / 100)
    nested = rows.select(
        pl.col("day").dt.strftime("%Y%m%d").alias("event_date"),
        "event_timestamp",
        "event_name",
        _params(session, number, buys, money).alias("event_params"),
        pl.when(pl.col("consent") & (pl.col("event_name") == "generate_lead")).then("contact_id").otherwise(nobody).alias("user_id"),
        pl.col("pseudo").alias("user_pseudo_id"),
        pl.struct(yes.alias("analytics_storage"), yes.alias("ads_storage")).alias("privacy_info"),
        pl.struct(
            pl.when(pl.col("mobile")).then(pl.lit("mobile")).otherwise(pl.lit("desktop")).alias("category"),
            pl.struct(pl.lit(OWN_DOMAIN).alias("hostname")).alias("web_info"),
        ).alias("device"),
        pl.struct("country", "region").alias("geo"),
        pl.when(pl.col("campaign").is_not_null() | pl.col("gclid").is_not_null())
        .then(
            pl.struct(
                pl.col("utm_source").alias("manual_source"),
                pl.col("utm_medium").alias("manual_medium"),
                pl.col("campaign").alias("manual_campaign_name"),
                "gclid",
            )
        )
        .alias("collected_traffic_source"),
        pl.when(buys).then(pl.struct(pl.col("order_id").alias("transaction_id"), money.alias("purchase_revenue"))).alias("ecommerce"),
        pl.lit(STREAM).alias("stream_id"),
        pl.lit("WEB").alias("platform"),
    )
    buffer = io.BytesIO()
    nested.write_parquet(buffer, compression="zstd", statistics=False)
    return buffer.getvalue()


def _params(session: pl.Expr, number: pl.Expr, buys: pl.Expr, money: pl.Expr) -> pl.Expr:
    items = [
        _param("ga_session_id", integer=session),
        _param("ga_session_number", integer=number),
        _param("page_location", text=pl.col("page")),
        _param("page_referrer", text=pl.col("referrer")),
        _param("transaction_id", text=pl.when(buys).then("order_id")),
        _param("currency", text=pl.when(buys).then(pl.lit(CURRENCY))),
        _param("value", double=money),
    ]
    return pl.concat_list(items).list.drop_nulls()


def _param(
    key: str, *, text: pl.Expr | None = None, integer: pl.Expr | None = None, double: pl.Expr | None = None
) -> pl.Expr:
    """{key, value} with exactly one kind of value set; null where the event lacks it."""
    given = [value for value in (text, integer, double) if value is not None][0]
    value = pl.struct(
        (text if text is not None else pl.lit(None, dtype=pl.String)).alias("string_value"),
        (integer if integer is not None else pl.lit(None)).cast(pl.Int64).alias("int_value"),
        pl.lit(None, dtype=pl.Float64).alias("float_value"),
        (double if double is not None else pl.lit(None)).cast(pl.Float64).alias("double_value"),
    )
    return pl.when(given.is_not_null()).then(pl.struct(pl.lit(key).alias("key"), value.alias("value")))
