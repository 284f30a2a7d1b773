"""The sales-led side: companies, people, deals and their stages, with lags of weeks to months."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from models.worlds.roster import Roster, Sales

STAGES = ("Qualified", "Demo held", "Proposal sent", "Closed Won", "Closed Lost")
INDUSTRIES = ("Manufacturing", "Software", "Logistics", "Health", "Retail", "Consulting", "Energy", "Education")
_SYLLABLES = "al bra cor den eck fal gra hol iva jor kel lin mor nex ost pal qui ros sten tor ulm vel wes zan"
SYLLABLES = tuple(_SYLLABLES.split())
FORMS = ("GmbH", "AG", "KG", "GmbH & Co. KG", "SE")
_FIRST_NAMES = "Anna Ben Clara David Elif Felix Greta Hannes Ida Jonas Kaya Lukas Mia Noah Ole Paula"
FIRST_NAMES = tuple(_FIRST_NAMES.split())
_LAST_NAMES = "Albers Brandt Celik Decker Ebert Fuchs Graf Huber Ilic Jansen Keller Lang Maurer Nowak Otto Pohl"
LAST_NAMES = tuple(_LAST_NAMES.split())
OTHER_ANSWERS: dict[str, tuple[str, ...]] = {
    "ai_answers": ("ChatGPT recommended you", "asked ChatGPT", "Perplexity"),
    "word_of_mouth": ("a colleague", "recommendation from a friend", "my boss"),
}
OTHER_WEIGHTS = {"ai_answers": 0.09, "word_of_mouth": 0.14}
SEEN_ONLY = ("display", "video", "online_video")
ANSWERING = 0.45
BEFORE_DAYS = 240
VAGUE = 0.12
_INSTANT = pl.Datetime("us")
_Type = pl.DataType | type[pl.DataType]
COMPANIES: dict[str, _Type] = {
    "company_id": pl.String,
    "name": pl.String,
    "domain": pl.String,
    "industry": pl.String,
    "country": pl.String,
    "created_at": _INSTANT,
}
CONTACTS: dict[str, _Type] = {
    "contact_id": pl.String,
    "first_name": pl.String,
    "last_name": pl.String,
    "email": pl.String,
    "created_at": _INSTANT,
    "company_id": pl.String,
    "country": pl.String,
    "origin": pl.String,
    "answer": pl.String,
}
DEALS: dict[str, _Type] = {
    "deal_id": pl.String,
    "name": pl.String,
    "company_id": pl.String,
    "contact_ids": pl.String,
    "geo": pl.String,
    "created_at": _INSTANT,
    "cents": pl.Int64,
    "won_at": _INSTANT,
    "cancelled_at": _INSTANT,
    "origin": pl.String,
}
STAGE_ENTRIES: dict[str, _Type] = {"deal_id": pl.String, "stage": pl.String, "entered_at": _INSTANT}


@dataclass(frozen=True)
class Funnel:
    """The CRM as tables: companies, contacts, deals, deal_stages, and the won contracts for the ledger."""

    companies: pl.DataFrame
    contacts: pl.DataFrame
    deals: pl.DataFrame
    deal_stages: pl.DataFrame
    contracts: pl.DataFrame


def drawn_funnel(roster: Roster, days: list[date], accounts_per_day: float, rng: np.random.Generator) -> Funnel:
    """Companies with one to three contacts each; about a third become deals, about a quarter of those are won.

    The roster's sales say how long it takes from deal to contract; without sales the tables are empty. A few
    lost deals are reopened and won, a few contracts are cancelled within eight weeks (the won stage stays in
    the history, the deal ends as lost). The pipeline is not empty on the first day: companies arrive from eight
    months before it. Only contracts signed in the window reach the ledger.
    """
    if roster.sales is None:
        return _tables([], [], [], [], days[0])
    answers = OTHER_ANSWERS | {channel.name: channel.answers for channel in roster.channels if channel.answers}
    weight = {channel.name: channel.origin_weight for channel in roster.channels} | OTHER_WEIGHTS
    names = tuple(weight)
    chances = np.array(list(weight.values()))
    count = int(rng.poisson(accounts_per_day * (len(days) + BEFORE_DAYS)))
    arrival = np.sort(rng.integers(-BEFORE_DAYS, len(days), count))
    weights = np.array([region.population for region in roster.regions]) ** 0.7
    regions = rng.choice(len(roster.regions), count, p=weights / weights.sum())
    origins = rng.choice(len(names), count, p=chances / sum(weight.values()))
    companies, contacts, deals, stages = [], [], [], []
    for number in range(count):
        minutes = 8 * 60 + int(rng.integers(0, 600))
        created = datetime.combine(days[0], time()) + timedelta(days=int(arrival[number]), minutes=minutes)
        company_id = str(7_000_000_000 + number * 37)
        region = roster.regions[regions[number]]
        origin = names[origins[number]]
        name, domain = _company_name(number, rng)
        companies.append((company_id, name, domain, str(rng.choice(INDUSTRIES)), region.country, created))
        people = []
        for person in range(int(rng.choice([1, 2, 3], p=[0.55, 0.3, 0.15]))):
            given, family = str(rng.choice(FIRST_NAMES)), str(rng.choice(LAST_NAMES))
            joined = created + timedelta(hours=float(person * rng.uniform(20, 400)))
            contact_id = str(500_000_000 + number * 10 + person)
            if joined.date() > days[-1]:
                continue
            people.append(contact_id)
            answer = _answer(origin, answers, rng) if rng.random() < ANSWERING else ""
            email = f"{given}.{family}{number % 97}@{domain}".lower()
            contacts.append((contact_id, given, family, email, joined, company_id, region.country, origin, answer))
        if rng.random() < 0.36:
            deal, history = _deal(number, company_id, people, region.name, name, created, days[-1], roster.sales, rng)
            if deal is not None:
                deals.append((*deal, origin))
                stages.extend(history)
    return _tables(companies, contacts, deals, stages, days[0])


def _tables(
    companies: list[tuple], contacts: list[tuple], deals: list[tuple], stages: list[tuple], first: date
) -> Funnel:
    deal_frame = pl.DataFrame(deals, schema=DEALS, orient="row")
    stage_frame = pl.DataFrame(stages, schema=STAGE_ENTRIES, orient="row")
    contact_frame = pl.DataFrame(contacts, schema=CONTACTS, orient="row")
    became = deal_frame.group_by("company_id").agg(
        pl.col("created_at").min().alias("deal_at"), pl.col("won_at").min().alias("won_at")
    )
    contact_frame = contact_frame.join(became, on="company_id", how="left").sort("contact_id")
    contracts = deal_frame.filter(pl.col("won_at").dt.date() >= first).select(
        pl.col("won_at").dt.date().alias("day"),
        "deal_id",
        "cents",
        pl.col("cancelled_at").dt.date().alias("refunded_on"),
        "geo",
    )
    company_frame = pl.DataFrame(companies, schema=COMPANIES, orient="row")
    return Funnel(company_frame, contact_frame, deal_frame, stage_frame, contracts.sort("day", "deal_id"))


def _deal(
    number: int,
    company_id: str,
    people: list[str],
    geo: str,
    name: str,
    created: datetime,
    last: date,
    sales: Sales,
    rng: np.random.Generator,
) -> tuple[tuple | None, list[tuple]]:
    """One deal and its stage entries up to the last day; None if it would start after it."""
    start = created + timedelta(days=float(rng.gamma(2.0, 7.0)))
    end = datetime.combine(last, time(23, 59))
    if start > end:
        return None, []
    deal_id = str(9_100_000_000 + number * 53)
    length = float(np.clip(rng.gamma(4.0, sales.length_scale), *sales.length))
    won = bool(rng.random() < 0.27)
    reached = 3 if won else int(rng.choice([1, 2, 3], p=[0.35, 0.35, 0.3]))
    moments = [start, *(start + timedelta(days=length * share) for share in (0.3, 0.65))][:reached]
    history = [(deal_id, STAGES[i], moment) for i, moment in enumerate(moments)]
    closed = start + timedelta(days=length)
    reopened = bool(won and rng.random() < 0.06)
    if reopened:
        history.append((deal_id, "Closed Lost", closed - timedelta(days=length * 0.2)))
        history.append((deal_id, "Proposal sent", closed - timedelta(days=length * 0.1)))
    history.append((deal_id, "Closed Won" if won else "Closed Lost", closed))
    cancelled = closed + timedelta(days=float(rng.uniform(10, 56))) if won and rng.random() < 0.04 else None
    if cancelled is not None:
        history.append((deal_id, "Closed Lost", cancelled))
    history = [row for row in history if row[2] <= end]
    amount = np.exp(rng.normal(np.log(sales.value), sales.value_log_sd))
    cents = int(np.clip(amount, *sales.values)) * 100
    won_at = closed if won and closed <= end else None
    cancelled_at = cancelled if won_at is not None and cancelled is not None and cancelled <= end else None
    return (
        deal_id,
        f"{name} {start.year}",
        company_id,
        ";".join(people),
        geo,
        start,
        cents,
        won_at,
        cancelled_at,
    ), history


def _company_name(number: int, rng: np.random.Generator) -> tuple[str, str]:
    stem = "".join(str(rng.choice(SYLLABLES)) for _ in range(3))
    return f"{stem.capitalize()} {rng.choice(FORMS)}", f"{stem}{number}.example"


def _answer(origin: str, answers: Mapping[str, tuple[str, ...]], rng: np.random.Generator) -> str:
    """What a buyer writes: usually the true origin in their own words, sometimes nothing usable."""
    if rng.random() < VAGUE:
        return str(rng.choice(("internet", "don't remember", "online", "?")))
    if origin in SEEN_ONLY and rng.random() < 0.5:
        origin = "paid_search_generic"
    return str(rng.choice(answers[origin]))
