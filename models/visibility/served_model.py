"""Which model answered: the name by which two answers count as coming from the same model, and when it changed."""

from __future__ import annotations

import polars as pl

from models.visibility.panel import ANSWERED, NO_SEARCH

PREFIX = r"^(?:[a-z0-9_.-]+/)+"  # `openai/gpt-5-mini` as routers write it
FLOATING = r"[-:@](?:latest|default)$"


def model_family(served: pl.Expr) -> pl.Expr:
    """The served model's name without the router's prefix and without `-latest`, in lower case; null stays null.

    A dated snapshot is part of the name: `m-2026-03-05` and `m-2026-09-01` are two models, because a vendor's snapshot
    may name brands at another rate. An empty name is null: the surface did not say which model answered.
    """
    name = served.str.strip_chars().str.to_lowercase().str.replace(PREFIX, "").str.replace(FLOATING, "")
    return pl.when(name == "").then(None).otherwise(name)


def engine_events(answers: pl.DataFrame) -> pl.DataFrame:
    """Each change of the model behind an engine: engine, surface, day (first answer of the new one), before, after.

    `answers`: engine, surface, day, status, model_family. Captured answers with a known model count. Where two models
    answer side by side (a gradual release), each switch from one day's most frequent model to another's is one event.
    """
    known = answers.filter(pl.col("status").is_in((ANSWERED, NO_SEARCH)) & pl.col("model_family").is_not_null())
    by_day = known.group_by("engine", "surface", "day", "model_family").len()
    leading = (
        by_day.sort("engine", "surface", "day", "len", "model_family", descending=[False, False, False, True, False])
        .group_by("engine", "surface", "day", maintain_order=True)
        .first()
    )
    before = pl.col("model_family").shift(1).over("engine", "surface", order_by="day")
    return (
        leading.with_columns(before=before)
        .filter(pl.col("before").is_not_null() & (pl.col("before") != pl.col("model_family")))
        .select("engine", "surface", "day", "before", after="model_family")
        .sort("engine", "surface", "day")
    )
