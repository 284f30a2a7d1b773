"""What to do about AI answers: sources to win, questions to serve, wrong claims to correct, who is named beside us."""

from __future__ import annotations

import dagster as dg
import polars as pl

from dagster_project.assets.visibility.answers import PanelAnswers, panel_answers
from dagster_project.assets.visibility.asset import replace_table
from dagster_project.warehouse import run_record
from dagster_project.warehouse.resource import Warehouse
from dagster_project.workspace.environment import settings

SOURCE_COLUMNS = (
    "engine varchar, surface varchar, domain varchar, url varchar, kind varchar, score double, score_low double,"
    " p_cited double, p_own_given_cited double, persistence double, winnability double, prompts varchar[],"
    " competitors varchar[], citing_answers bigint, evidence varchar[], why varchar"
)
GAP_COLUMNS = (
    "engine varchar, surface varchar, prompt_id varchar, n bigint, own_named bigint, weight double,"
    " p_own_usual double, rivals varchar[]"
)
RIVAL_COLUMNS = (
    "engine varchar, surface varchar, brand varchar, n bigint, named bigint, with_us bigint, ahead_of_us bigint,"
    " together double, low double, high double"
)
CLAIM_COLUMNS = (
    "engine varchar, surface varchar, brand varchar, fact_id varchar, severity varchar, checkable bigint, wrong bigint,"
    " outdated bigint, share double, low double, high double, values_given double[], last_day date, evidence varchar[]"
)
WEEKS, GAP_WEEKS = 8, 4
# Pages and claims are lists in the answer's row; here each is a row of its own.
_PAGES = (
    "select answer_id, page->>'$.url' as url, page->>'$.domain' as domain from (select answer_id,"
    " unnest(cast(sources as json[])) as page from marts.ai_visibility_answer where sources is not null)"
    " where page->>'$.role' = 'cited' order by answer_id, url"
)
_CLAIMS = (
    "select answer_id, day, engine, surface, claim->>'$.brand' as brand, claim->>'$.fact_id' as fact_id,"
    " claim->>'$.severity' as severity, claim->>'$.verdict' as verdict, cast(claim->>'$.value' as double) as given from"
    " (select answer_id, day, engine, surface, unnest(cast(claims as json[])) as claim from marts.ai_visibility_answer"
    " where claims is not null) order by answer_id, fact_id"
)


@dg.asset(
    key=["marts", "ai_source_opportunity"],
    deps=[["marts", "ai_visibility_answer"]],
    group_name="measurement",
    owners=["team:content"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def ai_source_opportunity(warehouse: Warehouse) -> dg.MaterializeResult:
    """Third-party pages that engines cite without naming us, questions that rivals own, claims to correct, rivals."""
    from models.visibility import competitive_set, newest_weeks, prompt_gaps, wrong_claims

    with warehouse.read() as con:
        facts = run_record.current(con)
        found = panel_answers(con, settings())
        pages = con.sql(_PAGES).pl()
        wrong = wrong_claims(con.sql(_CLAIMS).pl())
    sources = gaps = rivals = None
    if found:
        recent = newest_weeks(found.answers, GAP_WEEKS)
        gaps, rivals = prompt_gaps(recent, found.panel), competitive_set(recent, found.panel)
        sources = _sources(found, pages, facts.seed)
    with warehouse.write() as con:
        replace_table(con, "marts.ai_source_opportunity", SOURCE_COLUMNS, sources)
        replace_table(con, "marts.ai_prompt_gap", GAP_COLUMNS, gaps)
        replace_table(con, "marts.ai_competitor", RIVAL_COLUMNS, rivals)
        replace_table(con, "marts.ai_wrong_claim", CLAIM_COLUMNS, wrong)
    counts = {"sources": sources, "questions that rivals own": gaps, "facts claimed wrongly": wrong}
    return dg.MaterializeResult(metadata={name: 0 if t is None else t.height for name, t in counts.items()})


def _sources(found: PanelAnswers, pages: pl.DataFrame, seed: int) -> pl.DataFrame:
    from models.visibility import newest_weeks, source_opportunities

    company = settings()
    panel = found.panel
    questions = panel.questions.select("prompt_id", "branded", "weight", intent=pl.col("type"))
    answers = (
        newest_weeks(found.answers, WEEKS)
        .filter(pl.col("status") == "answered")
        .join(questions, on="prompt_id")
        .filter(~pl.col("branded"))
        .select(
            *("answer_id", "engine", "surface", "prompt_id", "week", "weight", "intent"),
            own=pl.col("brands").list.contains(found.own).fill_null(False),
            brands=pl.col("brands").list.set_intersection(panel.of_kind("competitor")),
        )
    )
    taken = frozenset(site for sites in panel.brands["domains"].to_list() for site in sites)
    taken |= {d for d in pages["domain"].unique().to_list() if any(d == s or s.endswith(f".{d}") for s in taken)}
    return source_opportunities(answers, pages, taken, earned=frozenset(company.ai.earned_domains), seed=seed)


assets = [ai_source_opportunity]
