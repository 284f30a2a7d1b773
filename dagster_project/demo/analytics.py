"""GA4's BigQuery export as Parquet: nested events, click ids, and visits without consent, which carry no identifier."""

from __future__ import annotations

import io

import numpy as np
import polars as pl

from models.worlds.roster import Roster
from models.worlds.visits import campaign_of

STREAM = "5000000001"
UNPAID_UTM = {
    "organic": ("https://www.google.com/", None),
    "referral": ("https://tool-reviews.example/planning", None),
    "ai_answers": ("https://chatgpt.com/", None),
    "direct": (None, None),
}


def events(roster: Roster, visits: pl.DataFrame, contacts: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One row per event with its `day` (the property's), from one row per session.

    Every session has a session_start and four in ten a page_view; those that end with an order have a purchase, those
    of a future CRM contact a generate_lead with the sign-in address as user id. Without consent all ids are null.
    """
    rng = np.random.default_rng([seed, 102])
    addresses = contacts.select("contact_id", "email")
    flat = _sessions(roster, visits, rng).join(addresses, on="contact_id", how="left", maintain_order="left")
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
        .with_columns(_property_day(roster.time_zone).alias("day"))
        .sort("event_timestamp", "session_key", "event_name")
    )


def _property_day(zone: str) -> pl.Expr:
    instant = pl.from_epoch(pl.col("event_timestamp"), time_unit="us").dt.replace_time_zone("UTC")
    return instant.dt.convert_time_zone(zone).dt.date()


def _sessions(roster: Roster, visits: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Sessions with everything that depends on their source."""
    pairs = visits.select("way", "geo").unique().sort("way", "geo")
    names = [campaign_of(roster, way, geo) for way, geo in pairs.iter_rows()]
    utm = {channel.name: channel.utm for channel in roster.channels}
    pairs = pairs.with_columns(
        pl.Series("campaign", names, dtype=pl.String),
        pl.Series("utm_source", [utm.get(way, (None, None))[0] for way in pairs["way"]], dtype=pl.String),
        pl.Series("utm_medium", [utm.get(way, (None, None))[1] for way in pairs["way"]], dtype=pl.String),
        pl.Series("referrer", [UNPAID_UTM.get(way, (None, None))[0] for way in pairs["way"]], dtype=pl.String),
        pl.Series("country", [{r.name: r.country for r in roster.regions}[geo] for geo in pairs["geo"]]),
        pl.Series("region", [{r.name: r.label for r in roster.regions}[geo] for geo in pairs["geo"]]),
    )
    google = pl.col("way").is_in(["paid_search_brand", "paid_search_generic", "video"])
    flat = visits.join(pairs, on=["way", "geo"], how="left", maintain_order="left").with_columns(
        pl.Series("micro", rng.integers(0, 1_000_000, visits.height)),
        pl.Series("session_key", np.arange(visits.height)),
        pl.when(pl.col("consent"))
        .then(
            pl.format("{}.{}", 100_000_000 + pl.col("visitor") * 7919 % 899_999_989, 1_600_000_000 + pl.col("visitor"))
        )
        .alias("pseudo"),
        pl.when(pl.col("tagged") & google).then(pl.format("Cj0K{}x{}", "second", "visitor")).alias("gclid"),
    )
    tags = (
        pl.when(pl.col("campaign").is_not_null())
        .then(
            pl.format(
                "?utm_source={}&utm_medium={}&utm_campaign={}",
                "utm_source",
                "utm_medium",
                pl.col("campaign")
                .str.replace_all(" | ", "%20%7C%20", literal=True)
                .str.replace_all(" ", "+", literal=True),
            )
        )
        .otherwise(pl.lit(""))
    )
    click = pl.when(pl.col("gclid").is_not_null()).then(pl.format("&gclid={}", "gclid")).otherwise(pl.lit(""))
    return flat.with_columns(pl.concat_str(pl.lit(f"https://{roster.own_domain}/pricing"), tags, click).alias("page"))


def parquet(rows: pl.DataFrame, roster: Roster) -> bytes:
    """The rows in the export's nested schema, rows ordered by time; the same rows give the same bytes."""
    yes = pl.when(pl.col("consent")).then(pl.lit("Yes")).otherwise(pl.lit("No"))
    no_user = pl.lit(None, dtype=pl.String)
    buys = (pl.col("event_name") == "purchase") & pl.col("order_id").is_not_null()
    money = pl.when(buys).then(pl.col("cents") / 100)
    rows = rows.drop("row", strict=False).with_row_index("row")
    rows = rows.join(_params(rows, roster.currency), on="row", how="left", maintain_order="left")
    nested = rows.select(
        pl.col("day").dt.strftime("%Y%m%d").alias("event_date"),
        "event_timestamp",
        "event_name",
        "event_params",
        pl.when(pl.col("consent") & (pl.col("event_name") == "generate_lead"))
        .then("email")
        .otherwise(no_user)
        .alias("user_id"),
        pl.col("pseudo").alias("user_pseudo_id"),
        pl.struct(yes.alias("analytics_storage"), yes.alias("ads_storage")).alias("privacy_info"),
        pl.struct(
            pl.when(pl.col("mobile")).then(pl.lit("mobile")).otherwise(pl.lit("desktop")).alias("category"),
            pl.struct(pl.lit(roster.own_domain).alias("hostname")).alias("web_info"),
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
        pl.when(buys)
        .then(pl.struct(pl.col("order_id").alias("transaction_id"), money.alias("purchase_revenue")))
        .alias("ecommerce"),
        pl.lit(STREAM).alias("stream_id"),
        pl.lit("WEB").alias("platform"),
    )
    buffer = io.BytesIO()
    nested.write_parquet(buffer, compression="zstd", statistics=False)
    return buffer.getvalue()


def _params(rows: pl.DataFrame, currency: str) -> pl.DataFrame:
    """`row` and its `event_params`, each {key,
    value} with exactly one kind of value set; what an event lacks is left out.

    One long table grouped back by row: a list built from seven struct expressions takes ten times as long.
    """
    text, integer, double = pl.lit(None, dtype=pl.String), pl.lit(None, dtype=pl.Int64), pl.lit(None, dtype=pl.Float64)
    buys = pl.col("event_name") == "purchase"
    bought = rows.filter(buys & pl.col("order_id").is_not_null())
    consented = rows.filter("consent")
    parameters = (
        ("ga_session_id", consented, text, pl.col("second").cast(pl.Int64), double),
        ("ga_session_number", consented, text, pl.col("session_number").cast(pl.Int64), double),
        ("page_location", rows, pl.col("page"), integer, double),
        ("page_referrer", rows.filter(pl.col("referrer").is_not_null()), pl.col("referrer"), integer, double),
        ("transaction_id", bought, pl.col("order_id"), integer, double),
        ("currency", bought, pl.lit(currency), integer, double),
        ("value", bought, text, integer, pl.col("cents") / 100),
    )
    long = pl.concat(
        frame.select(
            "row",
            pl.lit(position).alias("position"),
            pl.lit(key).alias("key"),
            pl.struct(
                string.alias("string_value"),
                integer_value.alias("int_value"),
                pl.lit(None, dtype=pl.Float64).alias("float_value"),
                number.alias("double_value"),
            ).alias("value"),
        )
        for position, (key, frame, string, integer_value, number) in enumerate(parameters)
    ).sort("row", "position")
    return long.group_by("row", maintain_order=True).agg(pl.struct("key", "value").alias("event_params"))
