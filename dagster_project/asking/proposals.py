"""Subjects for prompts from the company's own data: pages on which visits convert, and search terms that do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import duckdb

from dagster_project.warehouse.connection import connect, is_locked
from dagster_project.workspace.paths import Workspace
from models.error import PlumblineError

# Pages that say what the visitor does there and not what they look for.
_NO_SUBJECT = frozenset({
    "index", "home", "pricing", "price", "prices", "contact", "demo", "signup", "sign", "up", "login", "cart", "us",
    "checkout", "thanks", "thank", "you", "order", "about", "blog", "product", "products", "shop", "page", "pages",
    "en", "de", "html", "php", "www", "search", "start", "get", "started", "book", "a", "call", "trial", "free",
})  # fmt: skip
_TERM_HEADERS = ("search_term", "search term")
_CONVERSIONS = """
    with sessions as (
        select user_pseudo_id, ga_session_id, arg_min(page_location, occurred_at) as page,
            count(*) filter (event_name in ('purchase', 'generate_lead')) > 0 as converted
        from staging.stg_ga4__event where page_location is not null and ga_session_id is not null
        group by user_pseudo_id, ga_session_id)
    select page, count(*) as visits, count(*) filter (converted) as conversions from sessions
    group by page having count(*) filter (converted) > 0"""


class NoProposals(PlumblineError):
    """The warehouse cannot be read for proposals now."""


@dataclass(frozen=True)
class Subject:
    """What people came for when they converted; `origin` is page or search term, `evidence` where it was seen."""

    words: str
    conversions: float
    visits: float
    origin: str
    evidence: str

    @property
    def key(self) -> str:
        """The subject's part of a prompt id."""
        return re.sub(r"[^a-z0-9]+", "-", self.words.casefold()).strip("-")[:40]


def subjects(workspace: Workspace, *, most: int = 20) -> list[Subject]:
    """The subjects with the most conversions, the best first; empty where the workspace holds none.

    Raises NoProposals while a run holds the warehouse.
    """
    found: dict[str, Subject] = {}
    for subject in (*_of_pages(workspace), *_of_search_terms(workspace.landing)):
        if not subject.key:
            continue
        before = found.get(subject.key)
        if before is None:
            found[subject.key] = subject
        elif before.origin == subject.origin:
            total = Subject(
                before.words,
                before.conversions + subject.conversions,
                before.visits + subject.visits,
                before.origin,
                before.evidence,
            )
            found[subject.key] = total
    return sorted(found.values(), key=lambda s: (-s.conversions, s.key))[:most]


def _of_pages(workspace: Workspace) -> Iterator[Subject]:
    if not workspace.warehouse.exists():
        return
    if is_locked(workspace.warehouse):
        raise NoProposals(
            "a run is going on, and the warehouse has one user at a time", fix="ask again when it is done"
        )
    try:
        with connect(workspace.warehouse, read_only=True) as con:
            rows = con.execute(_CONVERSIONS).fetchall()
    except duckdb.Error:
        return  # no web analytics in this workspace
    for page, visits, conversions in rows:
        for words, origin in ((subject_of_page(page), "page"), (_campaign_term(page), "search term")):
            if words:
                yield Subject(words, float(conversions), float(visits), origin, urlsplit(page).path or "/")


def subject_of_page(address: str) -> str | None:
    """The words of a page's address that name a subject; None for a home, price or checkout page."""
    segments = [s for s in unquote(urlsplit(address).path).split("/") if s]
    for segment in reversed(segments):
        words = [w for w in re.split(r"[^\w]+|_", segment.rsplit(".", 1)[0].casefold()) if w and not w.isdigit()]
        telling = [w for w in words if w not in _NO_SUBJECT]
        if telling and len(" ".join(telling)) >= 3:
            return " ".join(words)
    return None


def _campaign_term(address: str) -> str | None:
    terms = parse_qs(urlsplit(address).query).get("utm_term", [])
    return " ".join(terms[0].split()).casefold()[:80] or None if terms else None


def _of_search_terms(landing: Path) -> Iterator[Subject]:
    """Search-term reports of ad platforms: their spend is read elsewhere, what people searched for only here."""
    from dagster_project.sources.decode import decoded, unpacked
    from dagster_project.sources.landing import files_by_source

    for source in ("google_ads", "microsoft_ads"):
        for file in files_by_source(landing, source).get(source, []):
            if ".csv" not in file.name.casefold():
                continue
            try:
                text = decoded(unpacked(file.path.read_bytes(), file.name)).text
            except (OSError, PlumblineError):
                continue  # `plumbline check` names a file that cannot be read
            yield from _terms(text, file.name)


def _terms(text: str, name: str) -> Iterable[Subject]:
    from dagster_project.sources.tabulate import csv_candidates, csv_table

    for header in csv_candidates(text):
        headers = [cell.strip().casefold() for cell in header.cells]
        term = next((i for i, h in enumerate(headers) if h in _TERM_HEADERS), None)
        count = next((i for i, h in enumerate(headers) if h == "conversions"), None)
        if term is None or count is None:
            continue
        clicks = next((i for i, h in enumerate(headers) if h == "clicks"), count)
        for row in csv_table(text, header).frame.iter_rows(named=True):
            words = " ".join((row[f"c{term}"] or "").split()).casefold()[:80]
            conversions, seen = _number(row[f"c{count}"]), _number(row[f"c{clicks}"])
            if words and conversions > 0:
                yield Subject(words, conversions, seen, "search term", name)
        return


def _number(cell: str | None) -> float:
    try:
        return float((cell or "").replace(",", ""))
    except ValueError:
        return 0.0
