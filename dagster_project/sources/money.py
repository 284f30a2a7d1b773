"""The currency of a file's amounts: from its row, header, account or source, in this order."""

from __future__ import annotations

import polars as pl

from dagster_project.sources.contract import Broken, Context, Unreadable
from dagster_project.sources.recognise import Match


def with_currency(typed: pl.DataFrame, match: Match, ctx: Context) -> tuple[pl.DataFrame, list[Broken]]:
    """A currency on every row with money: column, header, account's setting, source's setting, in this order."""
    shape, options = match.shape, ctx.options
    if shape.currency_from == "none":
        return typed, []
    delivered = "currency" in typed.columns
    if len(match.currencies) > 1 and not delivered:
        codes = ", ".join(sorted(match.currencies))
        raise Unreadable(
            "currency_mixed", f"the money columns carry {codes}; export one currency per file, or add a currency column"
        )
    if not delivered:
        typed = typed.with_columns(pl.lit(None, dtype=pl.String).alias("currency"))
    fallbacks: list[pl.Expr] = [pl.lit(c) for c in match.currencies]
    accounts = {a: facts.currency for a, facts in options.accounts.items() if facts.currency}
    if accounts and "account_id" in typed.columns:
        plain = pl.col("account_id").str.replace_all("-", "")
        fallbacks.append(
            plain.replace_strict(
                {k.replace("-", ""): v for k, v in accounts.items()}, default=None, return_dtype=pl.String
            )
        )
    elif len(accounts) == 1:
        fallbacks.append(pl.lit(next(iter(accounts.values()))))
    if options.currency:
        fallbacks.append(pl.lit(options.currency))
    if shape.currency_from == "report" and not delivered and not options.currency:
        fallbacks.append(pl.lit(ctx.settings.report_currency))
        ctx.notices.append(
            f"no currency column: amounts were taken as {ctx.settings.report_currency}, the report currency"
        )
    typed = typed.with_columns(pl.coalesce(pl.col("currency"), *fallbacks).alias("currency"))
    missing = typed.filter(pl.col("currency").is_null())
    if missing.is_empty():
        return typed, []
    if shape.currency_from == "objects":
        ctx.notices.append(
            "no currency on the rows: it is taken from the account table, or set sources."
            f"{ctx.source}.accounts.<account_id>.currency in plumbline.yaml"
        )
        return typed, []
    place = "accounts.<account_id>.currency (or .currency)" if "account_id" in typed.columns else "currency"
    fix = f"set sources.{ctx.source}.{place} in plumbline.yaml, or export the currency column"
    if not delivered:
        raise Unreadable("currency_missing", f"no column says in which currency the money is; {fix}", column="currency")
    return typed, [
        Broken(r, "currency", None, "currency_missing", f"no currency on this row; {fix}") for r in missing["_row"]
    ]
