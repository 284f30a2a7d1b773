"""The general ledger: entries or monthly totals, positive on each kind's normal side."""

# ruff: noqa: E501 - one field per line: headers read as a table

from __future__ import annotations

import hashlib
from dataclasses import replace

import polars as pl

from dagster_project.sources.contract import Broken, Context, Entity, Field, Shape, Source
from dagster_project.workspace.settings import LEDGER_KINDS

_CREDIT_SIDE = ("revenue", "bookings")
TABLE = Entity(
    "ledger",
    (
        ("entry_id", "id"),
        ("posted_on", "day"),
        ("period", "text"),
        ("account_code", "id"),
        ("account_name", "text"),
        ("cost_centre", "text"),
        ("vendor", "text"),
        ("kind", "text"),
        ("channel", "text"),
        ("amount", "money"),
        ("currency", "currency"),
        ("document", "text"),
    ),
)


def _finish(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    good = _with(good, "posted_on", pl.Date)
    for column in ("period", "kind", "account_code", "channel", "entry_id"):
        good = _with(good, column, pl.String)
    good = good.with_columns(period=pl.coalesce("period", pl.col("posted_on").dt.strftime("%Y-%m")))
    month_end = (pl.col("period") + "-01").str.to_date("%Y-%m-%d", strict=False).dt.month_end()
    good = good.with_columns(posted_on=pl.coalesce("posted_on", month_end))
    good, broken = _amounts(good, ctx)
    dateless = good.filter(pl.col("period").is_null())
    broken += [
        Broken(r, "posted_on", None, "missing_value", "neither posted_on nor period is filled; fill one")
        for r in dateless["_row"]
    ]
    return {"ledger": _with_ids(good, ctx)}, broken


def _amounts(good: pl.DataFrame, ctx: Context) -> tuple[pl.DataFrame, list[Broken]]:
    """`amount` as delivered, else debit less credit turned to the kind's normal side; unknown accounts are landed with a notice."""
    mapped = {code: a.kind for code, a in ctx.settings.ledger.accounts.items()}
    kind_of_account = (
        pl.col("account_code").replace_strict(mapped, default=None, return_dtype=pl.String)
        if mapped
        else pl.lit(None, dtype=pl.String)
    )
    kind = pl.coalesce("kind", kind_of_account)
    if "debit" in good.columns or "credit" in good.columns:
        for column in ("debit", "credit", "amount"):
            good = _with(good, column, pl.Decimal(38, 6))
        net = pl.col("debit").fill_null(0) - pl.col("credit").fill_null(0)
        side = pl.when(kind.is_in(_CREDIT_SIDE)).then(-net).otherwise(net)
        filled = pl.col("debit").is_not_null() | pl.col("credit").is_not_null()
        good = good.with_columns(amount=pl.coalesce("amount", pl.when(filled).then(side)))
    empty = good.filter(pl.col("amount").is_null())
    broken = [
        Broken(r, "amount", None, "missing_value", "no amount, debit or credit on this row; fill one")
        for r in empty["_row"]
    ]
    orphans = good.filter(kind.is_null() & (pl.col("amount") != 0))
    for (code,), rows in orphans.group_by("account_code", maintain_order=True):
        ctx.notices.append(
            f"orphan: account {code} has no kind ({rows.height} entries, {rows['amount'].sum():f}); map it with"
            f" ledger.accounts.{code}.kind in plumbline.yaml"
        )
    return good, broken


def _with_ids(good: pl.DataFrame, ctx: Context) -> pl.DataFrame:
    """A missing entry id becomes `<period>-<kind>-<channel>` for monthly totals, else a hash of content and position."""
    if good["entry_id"].null_count() == 0:
        return good
    content = [
        c
        for c in ("posted_on", "period", "account_code", "vendor", "kind", "channel", "amount", "currency", "document")
        if c in good.columns
    ]
    texts = good.select(pl.concat_str([pl.col(c).cast(pl.String).fill_null("") for c in content], separator="|"))
    hashed = [
        hashlib.sha256(f"{t}|{row}".encode()).hexdigest()[:32]
        for t, row in zip(texts.to_series(), good["_row"], strict=True)
    ]
    monthly = "posted_on" not in ctx.present and "account_code" not in ctx.present
    total = pl.concat_str(
        ["period", pl.col("kind").fill_null("none"), pl.col("channel").fill_null("none")], separator="-"
    )
    made_ids = total if monthly else pl.Series("made", hashed)
    return good.with_columns(entry_id=pl.coalesce("entry_id", made_ids))


def _with(frame: pl.DataFrame, column: str, dtype: pl.DataType | type[pl.DataType]) -> pl.DataFrame:
    return frame if column in frame.columns else frame.with_columns(pl.lit(None, dtype=dtype).alias(column))


_ID = Field("entry_id", "id", ("entry_id", "entry", "journal entry"))
_FIELDS = (
    Field("posted_on", "day", ("posted_on", "posting date", "date"), {"de": ("buchungsdatum",)}),
    Field("period", "period", ("period", "month"), {"de": ("buchungsperiode",)}),
    Field("account_code", "id", ("account_code", "account", "account number"), {"de": ("konto", "kontonummer")}),
    Field("account_name", "text", ("account_name",), {"de": ("kontobezeichnung",)}),
    Field("cost_centre", "text", ("cost_centre", "cost center"), {"de": ("kostenstelle",)}),
    Field("vendor", "text", ("vendor", "supplier"), {"de": ("lieferant", "kreditor")}),
    Field("kind", "choice", ("kind",), one_of=LEDGER_KINDS),
    Field("channel", "text", ("channel",)),
    Field("amount", "money", ("amount",), {"de": ("betrag",)}, summed=True),
    Field("debit", "money", ("debit",), {"de": ("soll",)}, summed=True),
    Field("credit", "money", ("credit",), {"de": ("haben",)}, summed=True),
    Field("currency", "currency", ("currency", "currency code"), {"de": ("währung",)}),
    Field("document", "text", ("document", "document number"), {"de": ("beleg", "belegnummer")}),
)
_NEEDED = (("amount", "debit", "credit"), ("posted_on", "period"), ("kind", "account_code"))
ENTRIES = Shape(
    "entries",
    "ledger",
    fields=(replace(_ID, required=True), *_FIELDS),
    key=("entry_id",),
    any_of=_NEEDED,
    currency_from="report",
    finish=_finish,
)
BOOKINGS = Shape(
    "bookings",
    "ledger",
    fields=_FIELDS,
    any_of=_NEEDED,
    without=_ID.names,
    currency_from="report",
    finish=_finish,
    repeats=True,
)
SOURCE = Source("ledger", (TABLE,), (ENTRIES, BOOKINGS))
