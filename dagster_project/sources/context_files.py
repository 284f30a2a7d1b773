"""What else moved sales (prices, promotions, weather, searches), and exchange rates, which live in the same folder."""

# ruff: noqa: E501 - one field per line: headers read as a table

from __future__ import annotations

from decimal import Decimal

import polars as pl

from dagster_project.sources.contract import Broken, Context, Entity, Field, Shape, Source
from dagster_project.sources.periods import with_grain

ROLES = ("confounder", "precision", "mediator", "instrument")
TABLE = Entity(
    "context",
    (("day", "day"), ("grain", "text"), ("geo", "text"), ("name", "text"), ("value", "double"), ("role", "text")),
)
FX_TABLE = Entity(
    "fx_rate",
    (
        ("rate_date", "day"),
        ("from_currency", "currency"),
        ("to_currency", "currency"),
        ("rate_type", "text"),
        ("rate", "rate"),
    ),
)
_INVERSE_TOLERANCE = Decimal("0.02")


def _finish(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    ahead = good.filter(pl.col("day") > ctx.today).height
    if ahead:
        ctx.notices.append(
            f"{ahead} rows lie after {ctx.today}: kept as known plans (prices, promotions), never as history"
        )
    return {"context": with_grain(good, ctx)}, []


def _rates(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    """Refuses rates that are not positive, a pound below a dollar, and a pair whose two directions contradict each other."""
    broken = [
        Broken(r, "rate", f"{v:f}", "bad_rate", "is not a positive rate; correct the cell")
        for r, v in good.filter(pl.col("rate") <= 0).select("_row", "rate").iter_rows()
    ]
    turned = good.filter((pl.col("from_currency") == "GBP") & (pl.col("to_currency") == "USD") & (pl.col("rate") < 1))
    why = "would make a pound worth less than a dollar, which it never was; the direction is probably turned round"
    broken += [Broken(r, "rate", f"{v:f}", "bad_rate", why) for r, v in turned.select("_row", "rate").iter_rows()]
    back = good.select(
        "rate_date", "rate_type", from_currency="to_currency", to_currency="from_currency", back="rate", _other="_row"
    )
    both = good.join(back, on=["rate_date", "rate_type", "from_currency", "to_currency"], nulls_equal=True)
    for row, rate, other, inverse in both.select("_row", "rate", "_other", "back").iter_rows():
        if abs(rate * inverse - 1) > _INVERSE_TOLERANCE:
            broken.append(
                Broken(
                    row,
                    "rate",
                    f"{rate:f}",
                    "bad_rate",
                    f"and its inverse in row {other} do not multiply to 1; correct one of them",
                )
            )
    return {"fx_rate": good}, broken


SERIES = Shape(
    "context",
    "context",
    fields=(
        Field("day", "day", ("day", "date"), required=True, filled=True, future=True),
        Field("geo", "text", ("geo", "region", "market")),
        Field("name", "text", ("name", "variable"), required=True, filled=True),
        Field("value", "double", ("value",), required=True, filled=True),
        Field("role", "choice", ("role",), one_of=ROLES),
    ),
    key=("day", "geo", "name"),
    finish=_finish,
)
FX = Shape(
    "fx_rates",
    "fx_rate",
    fields=(
        Field("rate_date", "day", ("rate_date", "date", "day"), required=True, filled=True),
        Field("from_currency", "currency", ("from_currency", "from", "base"), required=True, filled=True),
        Field("to_currency", "currency", ("to_currency", "to", "quote"), required=True, filled=True),
        Field("rate_type", "choice", ("rate_type",), one_of=("spot", "month_avg", "budget"), default="spot"),
        Field("rate", "rate", ("rate",), required=True, filled=True),
    ),
    key=("rate_date", "from_currency", "to_currency", "rate_type"),
    finish=_rates,
)
SOURCE = Source("context", (TABLE, FX_TABLE), (SERIES, FX))
