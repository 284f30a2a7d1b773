"""What is kept of an AI answer: what its text and sources say by rules, never the text itself."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from dagster_project.workspace.settings import Settings
from models.visibility.reading import Brand, Fact, NameMatcher, Page, cited_page, claims, is_refusal

RULES_VERSION = "rules-1"
OK = "ok"


@dataclass
class AnswerReader:
    """Reads answers by the names, sites and facts of one workspace; `version` changes with names, sites and rules."""

    settings: Settings
    matcher: NameMatcher = field(init=False)
    sites: dict[str, str] = field(init=False)
    facts: tuple[Fact, ...] = field(init=False)
    version: str = field(init=False)

    def __post_init__(self) -> None:
        ai, company = self.settings.ai, self.settings.company
        roster = tuple(Brand(b, ai.aliases.get(b, ()), ai.namesakes.get(b, ())) for b in ai.looked_for)
        self.matcher = NameMatcher(roster)
        rivals = {site: brand for brand, sites in ai.competitor_domains.items() for site in sites}
        self.sites = {_site(s): b for s, b in rivals.items()} | {_site(s): "" for s in company.own_domains}
        self.facts = tuple(
            Fact(**fact.model_dump(exclude={"brand"}), brand=fact.brand or next(iter(ai.brands), company.name))
            for fact in ai.facts
        )
        names = json.dumps([[b.name, b.aliases, b.namesakes] for b in roster] + sorted(map(list, self.sites.items())))
        self.version = f"{RULES_VERSION}-{hashlib.sha256(names.encode()).hexdigest()[:8]}"

    def read(self, cells: dict[str, str | None]) -> dict[str, Any]:
        """The extracted columns of one answer as text cells. Raises ValueError, KeyError or TypeError on wrong JSON.

        Without a list of sources the surface shows none: what it cites is then unknown, not nothing.
        """
        text = cells["text"] or ""
        shown = cells["sources"] is not None
        pages = _pages(json.loads(cells["sources"] or "[]"))
        queries = json.loads(cells["queries"] or "[]")
        mentions = self.matcher.mentions(text, cells["locale"] or "")
        named = list(dict.fromkeys(m.brand for m in mentions))
        cited = list(dict.fromkeys(self._owner_site(page) for page in pages if page.role == "cited"))
        hosts = list(dict.fromkeys(page.host for page in pages if page.role == "cited"))
        own = any(self.sites.get(domain) == "" for domain in cited)
        found = claims(text, mentions, self.facts, _day(cells["day_slot"])) if self.facts and text else []
        return {
            "text_sha256": hashlib.sha256(text.encode()).hexdigest() if text else cells["text_sha256"],
            "status": self._status(cells["status"], text, len(pages), named, cells["text_sha256"]),
            "brands": json.dumps(named, ensure_ascii=False),
            "cited_domains": json.dumps(hosts) if shown else None,
            "cited_sites": json.dumps(cited) if shown else None,
            "own_cited": ("true" if own else "false") if shown else None,
            "sources": json.dumps([asdict(page) for page in pages]) if shown else None,
            "searched": "true" if cells["retrieval_status"] == "used" or pages or queries else "false",
            "claims": json.dumps([asdict(claim) for claim in found]) if found else None,
            "extractor_version": self.version,
        }

    def _owner_site(self, page: Page) -> str:
        """The site as plumbline.yaml lists it if the page lies in one, else the registered domain."""
        parts = page.host.split(".")
        hosts = (".".join(parts[i:]) for i in range(len(parts) - 1))
        return next((host for host in hosts if host in self.sites), page.domain)

    @staticmethod
    def _status(status: str | None, text: str, pages: int, named: list[str], sha: str | None) -> str | None:
        if (status or "").strip().lower() != OK:
            return status
        if not text.strip():
            return "no_text" if sha else "empty"
        return "refused" if is_refusal(text, sources=pages, brands=len(named)) else status


def _pages(sources: object) -> list[Page]:
    """The pages of an answer, each once per role; entries that are no web address are left out."""
    if not isinstance(sources, list):
        raise TypeError("sources")
    pages: dict[tuple[str, str], Page] = {}
    for rank, source in enumerate(sources, 1):
        told = source if isinstance(source, dict) else {"url": str(source)}
        page = cited_page(str(told["url"]), str(told.get("title") or ""), str(told.get("role") or "cited"), rank)
        if page is not None:
            pages.setdefault((page.url, page.role), page)
    return list(pages.values())


def _site(domain: str) -> str:
    return domain.strip().casefold().removeprefix("www.").rstrip("/")


def _day(cell: str | None) -> date:
    try:
        return date.fromisoformat((cell or "").strip()[:10])
    except ValueError:
        return date.max  # the day's own rule refuses the row; facts of today are as good as any until then
