"""What the five ad platforms share: two raw tables, and how level, account and day basis are settled for a file."""

from __future__ import annotations

import polars as pl

from dagster_project.sources.contract import Broken, Context, Entity, Field, Finish, Kind, Refusal, Unreadable

AD_COLUMNS: tuple[tuple[str, Kind], ...] = (
    ("shape", "text"),
    ("level", "text"),
    ("account_id", "id"),
    ("account_name", "text"),
    ("day", "day"),
    ("campaign_id", "id"),
    ("campaign", "text"),
    ("ad_group_id", "id"),
    ("ad_group", "text"),
    ("ad_id", "id"),
    ("ad", "text"),
    ("geo", "text"),
    ("segment", "text"),
    ("spend", "money"),
    ("currency", "currency"),
    ("impressions", "count"),
    ("clicks", "count"),
    ("platform_conversions", "money"),
    ("platform_revenue", "money"),
    ("account_tz", "text"),
    ("day_basis", "text"),
)
OBJECT_COLUMNS: tuple[tuple[str, Kind], ...] = (
    ("object_type", "text"),
    ("object_id", "id"),
    ("name", "text"),
    ("parent_id", "id"),
    ("currency", "currency"),
    ("time_zone", "text"),
    ("updated_at", "instant"),
)
AD_KEY = (
    "account_id",
    "day",
    "level",
    "campaign_id",
    "campaign",
    "ad_group_id",
    "ad_group",
    "ad_id",
    "ad",
    "geo",
    "segment",
)
NO_DAY = "covers more than a day; add the Day breakdown (segment) to the report and export it again"


def entities(platform: str) -> tuple[Entity, Entity]:
    return Entity(platform, AD_COLUMNS), Entity(f"{platform}__object", OBJECT_COLUMNS)


def without_day(headers: tuple[str, ...], day: tuple[str, ...]) -> Refusal:
    """A report by week, month or period: known by its other date columns while the day is absent."""
    return Refusal(headers, "multi_day", f"each row {NO_DAY}", unless=day)


def segments(*headers: str) -> tuple[Field, ...]:
    """Columns by which a report splits its rows; they stay on the row, so that two splits are not two deliveries."""
    return tuple(Field(h.replace(" ", "_"), "segment", (h,)) for h in headers)


def native(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    """Rows of an interface export: the deepest named object is the level, the account comes from the file or the
    settings."""
    return {ctx.source: _noted(_accounted(_levelled(good, ctx), ctx), ctx)}, []


def one_day_rows(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    """Rows with a start and an end instead of a day; one that covers more than a day breaks `multi_day`.

    Raises Unreadable (`multi_day`) where every row does: the report has no breakdown by day.
    """
    if "period_end" not in good.columns:
        return native(good, ctx)
    longer = good.filter(pl.col("period_end") != pl.col("day"))
    if longer.height and longer.height == good.height:
        row, start, end = longer.select("_row", "day", "period_end").row(0)
        why = f"row {row} covers {start} to {end}, as every row of the file: it {NO_DAY}"
        raise Unreadable("multi_day", why, column="period_end", value=str(end))
    broken = [
        Broken(row, "period_end", str(end), "multi_day", f"ends a row that begins on {start}: the row {NO_DAY}")
        for row, start, end in longer.select("_row", "day", "period_end").iter_rows()
    ]
    return native(good.drop("period_end"), ctx)[0], broken


def connector(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    """Rows of a connector's report table, whose level the shape states."""
    return {ctx.source: _noted(_accounted(good.with_columns(shape=pl.lit(ctx.shape)), ctx), ctx)}, []


def objects(kind: str) -> Finish:
    """A finishing step for a history table of one kind of object."""

    def finish(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
        return {f"{ctx.source}__object": good.with_columns(object_type=pl.lit(kind))}, []

    return finish


def object_fields(
    object_id: str, name: tuple[str, ...], parent: tuple[str, ...], updated: tuple[str, ...], *extra: Field
) -> tuple[Field, ...]:
    """Fields of a history table. `parent` is the column of the object above; `updated` tells the newest row."""
    fields = [Field("object_id", "id", (object_id,), required=True, filled=True)]
    if name:
        fields.append(Field("name", "text", name, required=True))
    fields += [Field("parent_id", "id", (p,), required=i == 0) for i, p in enumerate(parent)]
    fields += [Field("updated_at", "instant", (u,), required=i == 0, future=True) for i, u in enumerate(updated)]
    return (*fields, *extra)


def _levelled(good: pl.DataFrame, ctx: Context) -> pl.DataFrame:
    for level, columns in (
        ("ad", {"ad", "ad_id"}),
        ("ad_group", {"ad_group", "ad_group_id"}),
        ("campaign", {"campaign", "campaign_id"}),
    ):
        if columns & ctx.present:
            return good.with_columns(level=pl.lit(level), shape=pl.lit(ctx.shape))
    return good.with_columns(level=pl.lit("account"), shape=pl.lit(ctx.shape))


def _accounted(good: pl.DataFrame, ctx: Context) -> pl.DataFrame:
    """Account id without dashes, its zone, and whose calendar day the rows follow."""
    options = ctx.options
    only = options.account_id or (next(iter(options.accounts)) if len(options.accounts) == 1 else None)
    if "account_id" not in good.columns:
        good = good.with_columns(account_id=pl.lit(only, dtype=pl.String))
    account = pl.col("account_id").fill_null(pl.lit(only, dtype=pl.String)).str.replace_all("-", "")
    good = good.with_columns(account_id=account)
    zones = {a.replace("-", ""): facts.time_zone for a, facts in options.accounts.items() if facts.time_zone}
    if "account_tz" not in good.columns:
        zone = (
            pl.col("account_id").replace_strict(zones, default=None, return_dtype=pl.String)
            if zones
            else pl.lit(None, dtype=pl.String)
        )
        good = good.with_columns(account_tz=zone)
    if "day_basis" in good.columns:
        return good
    own = pl.col("account_tz") == ctx.settings.time_zone
    return good.with_columns(day_basis=pl.when(own).then(pl.lit("business")).otherwise(pl.lit("account")))


def _noted(good: pl.DataFrame, ctx: Context) -> pl.DataFrame:
    """Credits are landed with a notice; so are days in another time zone than the company's."""
    credits = good.filter(pl.col("spend") < 0) if "spend" in good.columns else good.clear()
    for row, spend in credits.select("_row", "spend").head(5).iter_rows():
        ctx.notices.append(f"landing/{ctx.file}, row {row}: spend {spend:f} is negative; kept as a credit")
    if credits.height > 5:
        ctx.notices.append(f"landing/{ctx.file}: {credits.height} rows with negative spend in all, kept as credits")
    zones = sorted(set(good["account_tz"].drop_nulls()) - {ctx.settings.time_zone})
    if zones:
        own = ctx.settings.time_zone
        ctx.notices.append(
            f"tz_mismatch: days are cut in {', '.join(zones)}, the company's in {own}; daily rows cannot be cut again"
        )
    return good
