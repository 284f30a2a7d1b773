"""HubSpot's exports: each month the companies, contacts and deals that changed, as the portal showed them then."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, time
from typing import Any

import polars as pl

from dagster_project.demo.deliveries import Delivery
from dagster_project.demo.plain_files import table
from models.worlds.funnel import STAGES

PIPELINE = "Sales Pipeline"
QUESTION = "How did you hear about us?"


def _moment(value: datetime | None) -> str:
    return value.strftime("%Y-%m-%d %H:%M") if value else ""


def companies(frame: pl.DataFrame, delivery: Delivery) -> tuple[bytes, int]:
    """Companies created in the delivery's days."""
    rows = frame.filter(pl.col("created_at").dt.date().is_between(delivery.first, delivery.last))
    header = ("Record ID", "Company name", "Company Domain Name", "Industry", "Country/Region", "Create Date")
    shown = rows.select("company_id", "name", "domain", "industry", "country", "created_at").iter_rows()
    return table(header, ((*row[:5], _moment(row[5])) for row in shown)), rows.height


def contacts(frame: pl.DataFrame, delivery: Delivery) -> tuple[bytes, int]:
    """Contacts that were created, or whose company opened or won a deal, in the delivery's days."""
    changed = pl.any_horizontal(
        pl.col(name).dt.date().is_between(delivery.first, delivery.last) for name in ("created_at", "deal_at", "won_at")
    )
    end = datetime.combine(delivery.last, time(23, 59, 59))
    rows = frame.filter(changed.fill_null(False) & (pl.col("created_at") <= end))
    header = (
        "Record ID",
        "First Name",
        "Last Name",
        "Email",
        "Lifecycle Stage",
        "Country/Region",
        "Create Date",
        "Associated Company IDs",
        QUESTION,
    )
    shown = rows.select(
        "contact_id",
        "first_name",
        "last_name",
        "email",
        "country",
        "created_at",
        "company_id",
        "answer",
        "deal_at",
        "won_at",
    ).iter_rows()
    return (
        table(
            header,
            (
                (
                    row[0],
                    row[1],
                    row[2],
                    row[3],
                    _life_cycle(row[0], row[8], row[9], end),
                    row[4],
                    _moment(row[5]),
                    row[6],
                    row[7],
                )
                for row in shown
            ),
        ),
        rows.height,
    )


def _life_cycle(contact_id: str, deal_at: datetime | None, won_at: datetime | None, end: datetime) -> str:
    if won_at and won_at <= end:
        return "customer"
    if deal_at and deal_at <= end:
        return "opportunity"
    return "marketingqualifiedlead" if int(contact_id) // 10 % 3 == 0 else "lead"


def deals(frame: pl.DataFrame, stages: pl.DataFrame, delivery: Delivery, currency: str) -> tuple[bytes, int]:
    """Deals with a stage entered in the delivery's days; stage dates are HubSpot's: the latest entry of each stage."""
    end = datetime.combine(delivery.last, time(23, 59, 59))
    history: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for deal, stage, entered in stages.filter(pl.col("entered_at") <= end).sort("entered_at").iter_rows():
        history[deal].append((entered, stage))
    rows: list[list[Any]] = []
    shown = frame.select("deal_id", "name", "company_id", "contact_ids", "geo", "created_at", "cents").iter_rows()
    for deal, name, company, people, geo, created, cents in shown:
        lived = history.get(deal, [])
        if not any(delivery.first <= entered.date() <= delivery.last for entered, _ in lived):
            continue
        entered_at = {stage: entered for entered, stage in lived}
        last, stage = lived[-1]
        closed = _moment(last) if stage.startswith("Closed") else ""
        rows.append(
            [
                deal,
                name,
                PIPELINE,
                stage,
                f"{cents / 100:.2f}",
                currency,
                _moment(created),
                closed,
                geo,
                "newbusiness",
                *(_moment(entered_at.get(label)) for label in STAGES),
                company,
                people,
            ]
        )
    header = (
        "Record ID",
        "Deal Name",
        "Pipeline",
        "Deal Stage",
        "Amount",
        "Currency",
        "Create Date",
        "Close Date",
        "Region",
        "Deal Type",
        *(f'Date entered "{label} ({PIPELINE})"' for label in STAGES),
        "Associated Company IDs",
        "Associated Contact IDs",
    )
    return table(header, rows), len(rows)
