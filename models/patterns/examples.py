"""Which pieces followed a statement and did well, and which followed it and did badly all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from models.patterns.arms import comparable_arms
from models.patterns.spec import LearnSpec

MOST = 5


@dataclass(frozen=True)
class Examples:
    """Variants that followed a statement: those that clearly beat the others of their brief, and those that lost."""

    for_it: tuple[str, ...]
    against_it: tuple[str, ...]


class ExamplePool:
    """The comparable arms of the tests, each with its distance from the others of its brief in standard errors."""

    def __init__(self, tests: pl.DataFrame, features: pl.DataFrame, spec: LearnSpec) -> None:
        arms = comparable_arms(tests, spec).frame
        others = (pl.col("y").sum().over("cell") - pl.col("y")) / (pl.len().over("cell") - 1)
        error = (
            pl.col("s2") + (pl.col("s2").sum().over("cell") - pl.col("s2")) / (pl.len().over("cell") - 1) ** 2
        ).sqrt()
        self._arms = arms.with_columns(z=(pl.col("y") - others) / error)
        self._variants = {
            str(name): set(rows["variant"].to_list())
            for (name,), rows in features.partition_by("feature", as_dict=True).items()
        }

    def of(self, feature: str, kind: str, channels: Sequence[str]) -> Examples:
        """At most five each way from briefs in which the feature varied; clearest first.

        A piece counts once it lies a standard error away from the others of its brief.
        """
        has = pl.col("variant").is_in(list(self._variants.get(feature, ())))
        arms = self._arms.filter(pl.col("channel").is_in(list(channels))).with_columns(has=has)
        varied = arms.filter(pl.col("has").any().over("cell") & ~pl.col("has").all().over("cell"))
        followed = varied.filter(~pl.col("has") if kind == "avoid" else pl.col("has")).sort("z", "variant")
        best = followed.filter(pl.col("z") > 1).tail(MOST)["variant"].to_list()
        return Examples(tuple(reversed(best)), tuple(followed.filter(pl.col("z") < -1).head(MOST)["variant"].to_list()))
