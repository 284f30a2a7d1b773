"""Questions on which rivals are usually named and we are usually not, and who is named beside us at all."""

from __future__ import annotations

from typing import Any

import polars as pl
from scipy.stats import beta

from models.visibility.intervals import wilson
from models.visibility.panel import ANSWERED, NO_SEARCH, Panel, checked

RARELY, USUALLY = 0.05, 0.95


def _captured(answers: pl.DataFrame, panel: Panel) -> pl.DataFrame:
    rows = checked(answers, panel)
    return rows.filter(~pl.col("branded") & pl.col("status").is_in((ANSWERED, NO_SEARCH)))


def prompt_gaps(answers: pl.DataFrame, panel: Panel) -> pl.DataFrame:
    """Questions per engine and surface on which some rival is named more often than not, and we are not.

    Frames as in `metrics`, of the weeks that count. With k of n answers naming a brand, its rate is Beta(k + .5,
    n - k + .5); a gap is P(our rate > 1/2) < .05 while some competitor has P > .95. Returned: engine, surface,
    prompt_id, n, own_named, p_own_usual, rivals, weight; the heaviest questions first. It is a list, not a rate.
    """
    rows: list[dict[str, Any]] = []
    captured = _captured(answers, panel)
    key = ["engine", "surface", "prompt_id"]
    own, rivals = panel.own, panel.of_kind("competitor")
    named = {f"k{i}": pl.col("brands").list.contains(rival).fill_null(False) for i, rival in enumerate(rivals)}
    counts = captured.group_by(key).agg(
        pl.col("weight").first(),
        n=pl.len(),
        own_named=pl.col("brands").list.set_intersection(own).list.len().gt(0).sum().cast(pl.Int64),
        **{name: event.sum().cast(pl.Int64) for name, event in named.items()},
    )
    for row in counts.sort(key).iter_rows(named=True):
        n = row["n"]
        usual = float(beta.sf(0.5, row["own_named"] + 0.5, n - row["own_named"] + 0.5))
        ahead = [r for i, r in enumerate(rivals) if beta.sf(0.5, row[f"k{i}"] + 0.5, n - row[f"k{i}"] + 0.5) > USUALLY]
        if usual < RARELY and ahead:
            told = {name: row[name] for name in (*key, "n", "own_named", "weight")}
            rows.append(told | {"p_own_usual": usual, "rivals": ahead})
    schema: dict[str, Any] = {
        **dict.fromkeys(key, pl.String),
        "n": pl.Int64,
        "own_named": pl.Int64,
        "weight": pl.Float64,
        "p_own_usual": pl.Float64,
        "rivals": pl.List(pl.String),
    }
    return pl.DataFrame(rows, schema=schema).sort(
        "weight", "p_own_usual", descending=[True, False], maintain_order=True
    )


def competitive_set(answers: pl.DataFrame, panel: Panel) -> pl.DataFrame:
    """How often each brand of the roster is named, and with us: engine, surface, brand, n, named, with_us, ahead_of_us.

    `together` = answers that name both / answers that name us or the brand (Jaccard), with its 90 % Wilson range on
    these answers taken as independent, hence a lower bound of its width. Rows with a high `together` are who engines
    put beside us, whoever we think our competitors are. Brands outside the roster cannot be seen.
    """
    captured = _captured(answers, panel)
    ours = pl.col("brands").list.set_intersection(panel.own).list.len().fill_null(0) > 0
    rows: list[dict[str, Any]] = []
    first_own = pl.min_horizontal(*(_place(own) for own in panel.own))
    for brand in panel.of_kind("competitor"):
        named = pl.col("brands").list.contains(brand).fill_null(False)
        table = captured.group_by("engine", "surface").agg(
            n=pl.len(),
            named=named.sum(),
            with_us=(named & ours).sum(),
            either=(named | ours).sum(),
            ahead_of_us=(named & ours & (_place(brand) < first_own)).sum(),
        )
        for row in table.iter_rows(named=True):
            both, either = row["with_us"], row.pop("either")
            low, high = wilson(both / either, either, 0.90) if either else (None, None)
            together = both / either if either else None
            rows.append({"brand": brand, **row, "together": together, "low": low, "high": high})
    schema: dict[str, Any] = {
        "engine": pl.String,
        "surface": pl.String,
        "brand": pl.String,
        **dict.fromkeys(("n", "named", "with_us", "ahead_of_us"), pl.Int64),
        **dict.fromkeys(("together", "low", "high"), pl.Float64),
    }
    ordered = pl.DataFrame([{name: r[name] for name in schema} for r in rows], schema=schema)
    return ordered.sort(
        "engine", "surface", "together", "brand", descending=[False, False, True, False], nulls_last=True
    )


def _place(brand: str) -> pl.Expr:
    """Place of the brand in the order of first mention; far behind where it is not named."""
    return pl.col("brands").list.eval(pl.element() == brand).list.arg_max()
