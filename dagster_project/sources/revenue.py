"""What the company booked: a daily (weekly, monthly) series of outcomes, or its orders one by one."""

from __future__ import annotations

import polars as pl

from dagster_project.sources.channel_spend import week_without_grain
from dagster_project.sources.contract import Broken, Context, Entity, Field, Shape, Source
from dagster_project.sources.periods import with_grain

DAILY_TABLE = Entity(
    "revenue",
    (
        ("day", "day"),
        ("grain", "text"),
        ("geo", "text"),
        ("kpi", "text"),
        ("value", "money"),
        ("revenue", "money"),
        ("orders", "count"),
        ("new_customers", "count"),
        ("refunds", "money"),
        ("currency", "currency"),
    ),
)
ORDER_TABLE = Entity(
    "revenue__order",
    (
        ("order_id", "id"),
        ("ordered_at", "instant"),
        ("customer_key", "text"),
        ("account_id", "id"),
        ("gross", "money"),
        ("discount", "money"),
        ("refund", "money"),
        ("tax", "money"),
        ("shipping", "money"),
        ("currency", "currency"),
        ("status", "text"),
        ("refunded_at", "instant"),
        ("geo", "text"),
        ("new_customer", "flag"),
    ),
)


def _days(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    """`value` counts the outcome and `revenue` its money; a revenue series may name only one of the two."""
    if "kpi" not in good.columns:
        good = good.with_columns(kpi=pl.lit("revenue"))
    good = good.with_columns(pl.col("kpi").fill_null("revenue"))
    for column, other in (("value", "revenue"), ("revenue", "value")):
        if column not in good.columns:
            taken = pl.when(pl.col("kpi") == "revenue").then(pl.col(other)) if column == "revenue" else pl.col(other)
            good = good.with_columns(taken.alias(column))
    empty = good.filter(pl.col("value").is_null() & pl.col("revenue").is_null())
    column = "value" if "value" in ctx.present else "revenue"
    why = "is empty but needed; write 0 for a day without sales, or leave the row out"
    return {"revenue": with_grain(good, ctx)}, [Broken(r, column, None, "missing_value", why) for r in empty["_row"]]


def _orders(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    keys = [pl.col(c) for c in ("_email", "_customer") if c in good.columns]
    if keys:
        good = good.with_columns(customer_key=pl.coalesce(keys))
    return {"revenue__order": good}, []


DAILY = Shape(
    "daily",
    "revenue",
    fields=(
        Field("day", "day", ("day", "date"), required=True, filled=True),
        Field("geo", "text", ("geo", "region", "market")),
        Field("kpi", "choice", ("kpi",)),
        Field("value", "money", ("value",), summed=True),
        Field("revenue", "money", ("revenue", "sales"), summed=True),
        Field("orders", "count", ("orders",), summed=True, least=0),
        Field("new_customers", "count", ("new_customers",), summed=True, least=0),
        Field("refunds", "money", ("refunds",), summed=True),
        Field("currency", "currency", ("currency", "currency code")),
    ),
    key=("day", "geo", "kpi"),
    any_of=(("value", "revenue"),),
    currency_from="report",
    finish=_days,
    without=("order_id",),
)
ORDERS = Shape(
    "orders",
    "revenue__order",
    fields=(
        Field("order_id", "id", ("order_id", "order number"), required=True, filled=True),
        Field("ordered_at", "instant", ("ordered_at", "created_at", "order date"), required=True, filled=True),
        Field("_email", "email", ("person_email", "email", "customer_email")),
        Field("_customer", "person", ("customer_id",)),
        Field("account_id", "id", ("account_id",)),
        Field("gross", "money", ("gross", "total"), required=True, filled=True),
        Field("discount", "money", ("discount",)),
        Field("refund", "money", ("refund",)),
        Field("tax", "money", ("tax",)),
        Field("shipping", "money", ("shipping",)),
        Field("currency", "currency", ("currency", "currency code")),
        Field("status", "choice", ("status",), one_of=("paid", "cancelled", "refunded", "partial"), default="paid"),
        Field("refunded_at", "instant", ("refunded_at",)),
        Field("geo", "text", ("geo", "region", "market")),
        Field("new_customer", "flag", ("new_customer",)),
    ),
    key=("order_id",),
    currency_from="report",
    finish=_orders,
)
SOURCE = Source("revenue", (DAILY_TABLE, ORDER_TABLE), (DAILY, ORDERS), refusals=(week_without_grain("revenue"),))
