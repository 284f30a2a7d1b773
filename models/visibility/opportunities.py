"""Which third-party sites and pages engines cite where we are not named: where to be mentioned next, and why."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

WEEKS = 8
DRAWS, LOW = 1000, 0.10
MOST = 200  # per engine: what nobody will read is not computed
SHRINKAGE = 2.0  # answers' worth of the question's own mention rate behind P(named | cited)
# How often an outreach to such a site succeeds; assumptions, not measurements, and named so in docs/methods.
WINNABILITY = {
    "review_site": 0.7,
    "forum": 0.7,
    "earned": 0.7,
    "editorial": 0.6,
    "video": 0.5,
    "encyclopedia": 0.3,
    "public": 0.05,
}
_KINDS = {
    "review_site": ("g2.com", "capterra.com", "trustpilot.com", "trustradius.com", "getapp.com", "softwareadvice.com"),
    "forum": ("reddit.com", "quora.com", "stackoverflow.com", "stackexchange.com", "ycombinator.com"),
    "video": ("youtube.com", "vimeo.com", "tiktok.com"),
    "encyclopedia": ("wikipedia.org", "wikidata.org", "britannica.com"),
}
_BY_SITE = {site: kind for kind, sites in _KINDS.items() for site in sites}
INTENT_VALUE = {"informational": 0.5}  # a question of a buyer counts 1

_SCHEMA: dict[str, Any] = {
    "engine": pl.String,
    "surface": pl.String,
    "domain": pl.String,
    "url": pl.String,
    "kind": pl.String,
    "score": pl.Float64,
    "score_low": pl.Float64,
    "p_cited": pl.Float64,
    "p_own_given_cited": pl.Float64,
    "persistence": pl.Float64,
    "winnability": pl.Float64,
    "prompts": pl.List(pl.String),
    "competitors": pl.List(pl.String),
    "citing_answers": pl.Int64,
    "evidence": pl.List(pl.String),
    "why": pl.String,
}


def kind_of_site(domain: str, earned: frozenset[str] = frozenset()) -> str:
    """What kind of site a registered domain is: listed as earned, known by name, public body, else editorial."""
    if domain in earned:
        return "earned"
    public = domain.endswith((".gov", ".edu")) or ".gov." in domain or ".edu." in domain or ".ac." in domain
    return _BY_SITE.get(domain, "public" if public else "editorial")


def source_opportunities(
    answers: pl.DataFrame,
    pages: pl.DataFrame,
    taken: frozenset[str],
    *,
    earned: frozenset[str] = frozenset(),
    seed: int,
) -> pl.DataFrame:
    """Cited sites (url "") and pages per engine and surface, the best first; sites in `taken` (ours, rivals') are out.

    `answers`: answer_id, engine, surface, prompt_id, week, own (we are named), brands (rivals named), weight, intent;
    captured answers of the core panel that searched, of the last eight weeks. `pages`: answer_id, url, domain of each
    cited page. score = sum over questions that ever cite it of value * P(cited) * (1 - P(we are named | cited)), times
    persistence (share of weeks with a citation) times winnability (an assumption by kind of site). The order is that
    of `score_low`, the 10 % quantile over 1,000 posterior draws. It predicts no effect: an engine may cite a page
    without taking our name from it.
    """
    value = pl.col("intent").replace_strict(INTENT_VALUE, default=1.0, return_dtype=pl.Float64) * pl.col("weight")
    asked = answers.with_columns(value=value.fill_null(1.0))
    weeks = {row[:2]: row[2] for row in answers.group_by("engine", "surface").agg(pl.col("week").n_unique()).rows()}
    key = ["engine", "surface", "prompt_id"]
    per_prompt = asked.group_by(key).agg(n=pl.len(), m=pl.col("own").mean(), value=pl.col("value").first())
    third_party = pages.filter(~pl.col("domain").is_in(list(taken)))
    subject = ["engine", "surface", "domain", "url"]
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for level in (pl.lit(""), pl.col("url")):
        cited = third_party.select("answer_id", "domain", url=level).unique().join(asked, on="answer_id")
        by_prompt = (
            cited.group_by(*key, "domain", "url")
            .agg(
                k=pl.len(),
                own_cited=pl.col("own").sum().cast(pl.Int64),
                weeks_cited=pl.col("week").unique(),
                without_us=pl.col("answer_id").filter(~pl.col("own")).sort(),
                rivals=pl.col("brands").explode(empty_as_null=False).unique(),
            )
            .join(per_prompt, on=key)
            .sort(*subject, "prompt_id")
        )
        for group, part in by_prompt.group_by(subject, maintain_order=True):
            named = dict(zip(subject, group, strict=True))
            rows.append(named | _scored(part, weeks[group[:2]], group, earned, rng))
    table = pl.DataFrame([{name: row[name] for name in _SCHEMA} for row in rows], schema=_SCHEMA)
    order = ["engine", "surface", "score_low", "domain", "url"]
    ranked = table.sort(order, descending=[False, False, True, False, False])
    return ranked.group_by("engine", "surface", maintain_order=True).head(MOST)


def _scored(
    part: pl.DataFrame, weeks: int, subject: tuple[Any, ...], earned: frozenset[str], rng: np.random.Generator
) -> dict[str, Any]:
    """Figures of one site or page of one engine, from one row per question that cites it."""
    k, n, own, m, value = (part[c].to_numpy().astype(float) for c in ("k", "n", "own_cited", "m", "value"))
    kind = kind_of_site(str(subject[2]), earned)
    persistence = min(1.0, part["weeks_cited"].explode().n_unique() / weeks)
    p_cited = (k + 0.5) / (n + 1)
    p_own = (own + SHRINKAGE * m) / (k + SHRINKAGE)
    factor = persistence * WINNABILITY[kind]
    cited = rng.beta(k + 0.5, n - k + 0.5, (DRAWS, len(k)))
    # The small numbers keep a question on which we are always, or never, named a proper distribution.
    named = rng.beta(own + SHRINKAGE * m + 1e-6, k - own + SHRINKAGE * (1 - m) + 1e-6, (DRAWS, len(k)))
    draws = factor * np.sum(value * cited * (1 - named), axis=1)
    lost = part.filter(pl.col("k") > pl.col("own_cited"))["prompt_id"].to_list()
    total, absent = int(k.sum()), int(k.sum() - own.sum())
    what = "page" if subject[3] else "site"
    return {
        "kind": kind,
        "score": float(factor * np.sum(value * p_cited * (1 - p_own))),
        "score_low": float(np.quantile(draws, LOW)),
        "p_cited": float(p_cited.mean()),
        "p_own_given_cited": float(np.average(p_own, weights=k)),
        "persistence": persistence,
        "winnability": WINNABILITY[kind],
        "prompts": lost,
        "competitors": sorted({rival for rivals in part["rivals"].to_list() for rival in rivals if rival is not None}),
        "citing_answers": total,
        "evidence": [answer for answers in part["without_us"].to_list() for answer in answers][:5],
        "why": f"{total} answers cite this {what}, {absent} of them without naming us, on {len(lost)} questions",
    }
