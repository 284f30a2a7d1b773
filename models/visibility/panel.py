"""The fixed panel: the questions asked, the brands tracked and the domains that belong to each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from models.warning import Warning

ANSWERED, NO_SEARCH, NOT_SCHEDULED = "answered", "no_search", "not_scheduled"
FAILED = ("failed", "refused", "empty", "error", "timeout", "partial")
STATUSES = (ANSWERED, NO_SEARCH, NOT_SCHEDULED, *FAILED)
COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "week": pl.Date,
    "day": pl.Date,
    "engine": pl.String,
    "surface": pl.String,
    "prompt_id": pl.String,
    "replicate": pl.Int64,
    "status": pl.String,
    "brands": pl.List(pl.String),
    "cited": pl.List(pl.String),
}


@dataclass(frozen=True)
class Panel:
    """`prompts`: prompt_id[, branded (bool), type, topic, weight]; `brands`: brand, kind, domains (list of strings).

    `kind` is own, competitor or fictitious (a name that does not exist, to reveal a matcher that finds brands where
    there are none). `topic` groups prompts that share a subject: they count as one draw of the category. Brand prompts
    never enter a headline rate. Raises ValueError when a key occurs twice, a kind is unknown, or no brand is own.
    """

    prompts: pl.DataFrame
    brands: pl.DataFrame

    def __post_init__(self) -> None:
        for frame, key in ((self.prompts, "prompt_id"), (self.brands, "brand")):
            if key not in frame.columns:
                raise ValueError(f"the panel's {key}s lack the column {key}")
            twice = frame.filter(pl.col(key).is_duplicated())
            if twice.height:
                raise ValueError(f"the panel names {key} {twice[key][0]!r} twice")
        missing = {"kind", "domains"} - set(self.brands.columns)
        if missing:
            raise ValueError(f"the panel's brands lack {', '.join(sorted(missing))}")
        unknown = set(self.brands["kind"].to_list()) - {"own", "competitor", "fictitious"}
        if unknown:
            raise ValueError(f"brand kind {sorted(map(str, unknown))}: one of own, competitor, fictitious")
        if "own" not in self.brands["kind"].to_list():
            raise ValueError("the panel has no brand of kind own: mark the company's own brand")

    @property
    def questions(self) -> pl.DataFrame:
        """prompt_id, branded, type, topic, weight with their defaults filled in."""
        defaults = {
            "branded": pl.lit(False),
            "type": pl.lit("category"),
            "topic": pl.col("prompt_id"),
            "weight": pl.lit(1.0),
        }
        return self.prompts.with_columns(
            pl.col(c).fill_null(default) if c in self.prompts.columns else default.alias(c)
            for c, default in defaults.items()
        ).select("prompt_id", *defaults)

    @property
    def own(self) -> list[str]:
        """The company's own brands."""
        return self.brands.filter(pl.col("kind") == "own")["brand"].to_list()

    def of_kind(self, *kinds: str) -> list[str]:
        """Brands of these kinds, in the panel's order."""
        return self.brands.filter(pl.col("kind").is_in(kinds))["brand"].to_list()


def checked(answers: pl.DataFrame, panel: Panel) -> pl.DataFrame:
    """The answers with types, statuses, weeks and prompts verified, joined to the panel's questions.

    Raises ValueError naming column, or prompt and day, of the first wrong row: an answer counted twice or a failed
    capture read as "not mentioned" would bias every rate below it.
    """
    missing = [c for c in COLUMNS if c not in answers.columns]
    if missing:
        raise ValueError(f"answers lacks {', '.join(missing)}")
    for column, dtype in COLUMNS.items():
        if answers.schema[column] != dtype:
            try:
                answers = answers.with_columns(pl.col(column).cast(dtype))
            except pl.exceptions.PolarsError as error:
                raise ValueError(f"answers.{column} is {answers.schema[column]}, need {dtype}") from error
    bad = answers.filter(~pl.col("status").is_in(STATUSES) | pl.col("status").is_null())
    if bad.height:
        raise ValueError(f"answers.status {bad['status'][0]!r}: one of {', '.join(STATUSES)}")
    days_in = (pl.col("day") - pl.col("week")).dt.total_days()
    bad = answers.filter((pl.col("week").dt.weekday() != 1) | ~days_in.is_between(0, 6))
    if bad.height:
        raise ValueError(f"answers: day {bad['day'][0]} is not in the week of Monday {bad['week'][0]}")
    key = ["day", "engine", "surface", "prompt_id", "replicate"]
    twice = answers.filter(pl.struct(key).is_duplicated())
    if twice.height:
        row = twice.row(0, named=True)
        raise ValueError("answers: twice " + ", ".join(f"{k}={row[k]}" for k in key))
    strange = answers.join(panel.questions, on="prompt_id", how="anti")
    if strange.height:
        raise ValueError(f"answers: prompt {strange['prompt_id'][0]!r} is not in the panel")
    if "model_family" not in answers.columns:
        answers = answers.with_columns(model_family=pl.lit(None, dtype=pl.String))
    answers = answers.drop("weight", "type", "topic", "branded", strict=False)
    answers = answers.with_columns(pl.col("brands").list.unique(maintain_order=True))
    return answers.join(panel.questions, on="prompt_id")


def warnings(answers: pl.DataFrame, panel: Panel) -> list[Warning]:
    """What may bias these rates: failed captures, several models in a week, brands that do not exist."""
    rows, warnings = checked(answers, panel), []
    groups = ["week", "engine", "surface"]
    for (week, engine, surface), part in rows.group_by(groups, maintain_order=True):
        subject = f"{engine} {surface}, week of {week}"
        captured = part.filter(pl.col("status").is_in((ANSWERED, NO_SEARCH))).height / part.height
        if captured < 0.90:
            warnings.append(
                Warning(
                    "answers_not_captured",
                    "medium",
                    subject,
                    f"Only {captured:.0%} of the planned answers were captured; the missing ones are unlikely to be"
                    " random.",
                    "Do not interpret a change in this week; check the collector's errors.",
                )
            )
        families = sorted(part["model_family"].drop_nulls().unique().to_list())
        if len(families) > 1:
            warnings.append(
                Warning(
                    "model_changed",
                    "medium",
                    subject,
                    f"The engine answered with several models ({', '.join(families)}), so a jump may come from the"
                    " model.",
                    "Compare only weeks with the same model.",
                )
            )
        ghosts = part.filter(pl.col("brands").list.set_intersection(panel.of_kind("fictitious")).list.len() > 0).height
        if ghosts:
            warnings.append(
                Warning(
                    "fictitious_brand_named",
                    "high",
                    subject,
                    f"A brand that does not exist was found in {ghosts} answers, so the matcher or the engine invents"
                    " names.",
                    "Read these answers and correct the brand's aliases before using the mention rates.",
                )
            )
    return warnings


def newest_weeks(answers: pl.DataFrame, weeks: int) -> pl.DataFrame:
    """The rows of the last `weeks` weeks, counted back from the newest `week` among them."""
    return answers.filter(pl.col("week") > pl.col("week").max() - timedelta(weeks=weeks))
