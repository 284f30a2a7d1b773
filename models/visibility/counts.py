"""Which answers each metric counts, among which: the definitions, as expressions over checked answers."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from models.visibility.panel import ANSWERED, NO_SEARCH, Panel

GROUP = ["week", "engine", "surface"]
EVERYONE = "all"

DEFINITIONS = {
    "mention_rate": "answers that name the brand / captured answers",
    "first_named": "answers that name the brand before any other / captured answers",
    "recall_rate": "answers that name the brand / captured answers, on prompts that contain its name",
    "citation_rate": "answers that cite an own domain / answers of an engine that searched and shows sources",
    "citation_rate_ok": "answers that cite an own domain / captured answers of an engine that shows sources",
    "citation_share": "own citations / all citations, in answers that searched and show sources",
    "share_of_voice": "mentions of the brand / mentions of all brands of the panel",
    "not_cited_others": "answers that searched and cited only others / planned answers that would show sources",
    "not_cited_no_search": "answers without a search / planned answers that would show sources",
    "not_cited_failed": "planned answers that were not captured / planned answers that would show sources",
    "grounding_rate": "answers with a search / captured answers",
    "capture_rate": "captured answers / planned answers",
    "false_mention": "answers that name a brand that does not exist / captured answers",
}


@dataclass(frozen=True)
class Share:
    """A rate: among these answers, those with the event."""

    brand: str
    metric: str
    among: pl.Expr
    event: pl.Expr


@dataclass(frozen=True)
class Ratio:
    """A share of a total: sum of `part` over sum of `whole`, among these answers."""

    brand: str
    metric: str
    among: pl.Expr
    part: pl.Expr
    whole: pl.Expr


def definitions(panel: Panel) -> list[Share | Ratio]:
    """All metrics of a panel. Failed captures count only among planned answers."""
    core = ~pl.col("branded")
    captured = pl.col("status").is_in((ANSWERED, NO_SEARCH))
    searched = pl.col("status") == ANSWERED
    has_list = pl.col("cited").is_not_null()
    shows = pl.col("shows")
    sourced = core & searched & has_list
    metrics: list[Share | Ratio] = [
        Share(EVERYONE, "capture_rate", core, captured),
        Share(EVERYONE, "grounding_rate", core & captured, searched),
        Share(EVERYONE, "not_cited_no_search", core & shows, pl.col("status") == NO_SEARCH),
        Share(EVERYONE, "not_cited_failed", core & shows, ~captured),
    ]
    roster = panel.of_kind("own", "competitor")
    everyone = pl.col("brands").list.eval(pl.element().is_in(roster)).list.sum().fill_null(0)
    domains = dict(panel.brands.select("brand", "domains").iter_rows())
    for brand in roster:
        named = pl.col("brands").list.contains(brand).fill_null(False)
        first = (pl.col("brands").list.first() == brand).fill_null(False)
        metrics += [
            Share(brand, "mention_rate", core & captured, named),
            Share(brand, "first_named", core & captured, first),
            Share(brand, "recall_rate", ~core & captured, named),
            Ratio(brand, "share_of_voice", core & captured, named, everyone),
        ]
        if domains[brand]:
            mine = pl.col("cited").list.eval(pl.element().is_in(domains[brand])).list.sum().fill_null(0)
            showing = core & captured & shows & (has_list | ~searched)
            metrics += [
                Share(brand, "citation_rate", sourced, mine > 0),
                Share(brand, "citation_rate_ok", showing, mine > 0),
                Share(brand, "not_cited_others", core & shows, searched & has_list & (mine == 0)),
                Ratio(brand, "citation_share", sourced, mine, pl.col("cited").list.len()),
            ]
    for brand in panel.of_kind("fictitious"):
        named = pl.col("brands").list.contains(brand).fill_null(False)
        metrics.append(Share(brand, "false_mention", core & captured, named))
    return metrics


def per_question(answers: pl.DataFrame, metrics: list[Share | Ratio]) -> pl.DataFrame:
    """One row per GROUP and question: weight, topic, and the sums that the estimate of each metric i needs.

    Shares: n{i}, k{i}. Ratios: n{i}, and the sums a{i}, b{i}, aa{i}, bb{i}, ab{i} of part, whole and their products.
    """
    sums: list[pl.Expr] = []
    for i, d in enumerate(metrics):
        sums.append(d.among.sum().alias(f"n{i}"))
        if isinstance(d, Share):
            sums.append((d.among & d.event).sum().alias(f"k{i}"))
            continue
        a = pl.when(d.among).then(d.part.cast(pl.Float64)).otherwise(0.0)
        b = pl.when(d.among).then(d.whole.cast(pl.Float64)).otherwise(0.0)
        products = {"a": a, "b": b, "aa": a * a, "bb": b * b, "ab": a * b}
        sums += [product.sum().alias(f"{name}{i}") for name, product in products.items()]
    # A failed capture has no list of sources; its surface shows them if any of its answers did.
    listed = (~pl.col("branded") & pl.col("cited").is_not_null()).any().over(GROUP)
    return (
        answers.with_columns(shows=listed)
        .group_by(*GROUP, "prompt_id")
        .agg(pl.col("weight").first(), pl.col("topic").first(), *sums)
        .sort(*GROUP, "prompt_id")
    )
