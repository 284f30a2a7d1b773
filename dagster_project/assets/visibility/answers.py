"""The panel's answers as the models of visibility take them, with the panel that they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import polars as pl

from dagster_project.assets.mmm.ai_visibility import own_brand
from dagster_project.workspace.settings import Settings
from models.visibility import Panel, model_family

NEEDS = "landing/ai_answers: answers of AI engines to the panel's prompts, and the brands to look for in ai.brands"
_QUERY = (
    "select answer_id, week, day, engine, surface, locale, prompt_id, replicate, status, brands,"
    " cited_domains as cited, requested_at, served_model, contract, extractor_version, importer, is_core,"
    " intent, topic, weight"
    " from marts.ai_visibility_answer order by week, engine, surface, locale, prompt_id, replicate"
)


@dataclass(frozen=True)
class PanelAnswers:
    """Answers with `model_family`, one row per planned answer, and the panel; `own` is our brand's name in them."""

    answers: pl.DataFrame
    panel: Panel
    own: str


def panel_answers(con: duckdb.DuckDBPyConnection, settings: Settings) -> PanelAnswers | None:
    """All answers up to the run's day; None where there are none, or where no brand was looked for.

    Questions of weight 0 are no longer part of the panel. A question asked in several markets is several questions: its
    id then carries the locale. Answers of a model without search (contract `recall`) are another measurement and stay
    out.
    """
    answers = con.sql(_QUERY).pl()
    answers = answers.filter((pl.col("contract").fill_null("") != "recall") & (pl.col("weight").fill_null(1.0) > 0))
    named = sorted({brand for listed in answers["brands"].drop_nulls().to_list() for brand in listed})
    if not answers.height or not (named or settings.ai.brands):
        return None
    several = pl.col("locale").n_unique().over("prompt_id") > 1
    labelled = pl.format("{} [{}]", "prompt_id", "locale")
    answers = answers.with_columns(
        prompt_id=pl.when(several).then(labelled).otherwise(pl.col("prompt_id")),
        model_family=model_family(pl.col("served_model")),
    )
    prompts = (
        answers.group_by("prompt_id")
        .agg(
            branded=~pl.col("is_core").first().fill_null(True),
            type=pl.col("intent").drop_nulls().first(),
            topic=pl.col("topic").drop_nulls().first(),
            weight=pl.col("weight").drop_nulls().first(),
        )
        .sort("prompt_id")
    )
    own = own_brand([*settings.ai.brands, *named], settings.company)
    panel = Panel(prompts=prompts, brands=roster(own, named, settings))
    return PanelAnswers(answers.drop("locale", "served_model", "is_core", "intent", "topic", "weight"), panel, own)


def roster(own: str, named: list[str], settings: Settings) -> pl.DataFrame:
    """The panel's brands: ours, the made-up control, and all others that are looked for or were found."""
    control = settings.ai.control_brand
    rivals = [name for name in dict.fromkeys([*settings.ai.brands, *named]) if name not in (own, control)]
    rows = [{"brand": own, "kind": "own", "domains": list(settings.company.own_domains)}]
    rows += [
        {"brand": name, "kind": "competitor", "domains": list(settings.ai.competitor_domains.get(name, ()))}
        for name in rivals
    ]
    rows += [{"brand": control, "kind": "fictitious", "domains": []}] if control else []
    return pl.DataFrame(rows, schema={"brand": pl.String, "kind": pl.String, "domains": pl.List(pl.String)})
