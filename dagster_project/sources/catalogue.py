"""Every source Plumbline reads, as data, and the raw tables they land in."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from dagster_project.sources import (
    ai_panel,
    channel_spend,
    content,
    context_files,
    experiments,
    ga4,
    google_ads,
    hubspot,
    ledger,
    linkedin_ads,
    logs,
    meta_ads,
    microsoft_ads,
    receipts,
    revenue,
    salesforce,
    tiktok_ads,
)
from dagster_project.sources.contract import SQL_TYPE, Entity, Source
from dagster_project.sources.periods import accepting_periods
from dagster_project.sources.recognise import folded
from dagster_project.workspace.settings import Settings, SourceOptions

CATALOGUE: tuple[Source, ...] = (
    google_ads.SOURCE,
    meta_ads.SOURCE,
    linkedin_ads.SOURCE,
    microsoft_ads.SOURCE,
    tiktok_ads.SOURCE,
    channel_spend.SOURCE,
    hubspot.SOURCE,
    salesforce.SOURCE,
    ga4.SOURCE,
    ledger.SOURCE,
    revenue.SOURCE,
    experiments.SOURCE,
    content.SOURCE,
    content.EVENT_SOURCE,
    ai_panel.SOURCE,
    ai_panel.ANSWER_SOURCE,
    receipts.SOURCE,
    logs.APPROVALS,
    context_files.SOURCE,
)
_WITH_PERIODS = ("channel_spend", "revenue", "context")
_QUARANTINE = """create table if not exists raw.quarantine (
    source VARCHAR, file VARCHAR, "row" BIGINT, "column" VARCHAR, value VARCHAR, rule VARCHAR, message VARCHAR,
    _batch_id VARCHAR, _delivered_at TIMESTAMP)"""
_BATCH = """create table if not exists ops.batch (
    _batch_id VARCHAR primary key, source VARCHAR, entity VARCHAR, shape VARCHAR, file VARCHAR, sha256 VARCHAR,
    delivered_at TIMESTAMP,
    rows_delivered BIGINT, rows_landed BIGINT, rows_quarantined BIGINT, rows_duplicate BIGINT, rows_control BIGINT,
    day_min DATE, day_max DATE, encoding VARCHAR, notices JSON, status VARCHAR, options_sha256 VARCHAR)"""


def source_named(name: str) -> Source:
    """The source of that folder; raises KeyError with the known names."""
    for source in CATALOGUE:
        if source.name == name:
            return source
    raise KeyError(f"{name} is not a source; known folders of landing/: {', '.join(s.name for s in CATALOGUE)}")


def for_options(source: Source, options: SourceOptions) -> Source:
    """The source as plumbline.yaml makes it: periods longer than a day, one column per channel."""
    if source.name == "channel_spend" and options.wide:
        source = replace(source, shapes=(*source.shapes, channel_spend.wide(options)))
    if source.name in _WITH_PERIODS and options.grain != "day":
        source = accepting_periods(source)
    return source


def unknown_targets(settings: Settings) -> tuple[str, ...]:
    """One sentence for each `columns:` entry of plumbline.yaml whose target no form of the source has."""
    sentences = []
    for name, options in sorted(settings.sources.items()):
        fields = [f for shape in for_options(source_named(name), options).shapes for f in shape.fields if f.stored]
        targets = dict.fromkeys(f.column for f in fields)
        for header, target in options.columns.items():
            if target in targets:
                continue
            meant = next((f.column for f in fields if folded(target) in map(folded, f.all_names())), None)
            fix = f"write {meant}" if meant else f"the columns of {name} are {', '.join(targets)}"
            sentences.append(
                f"plumbline.yaml: sources.{name}.columns.{header} is {target}, which is no column of {name}; {fix}."
            )
    return tuple(sentences)


def entities() -> tuple[Entity, ...]:
    return tuple(entity for source in CATALOGUE for entity in source.entities)


def create_raw_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Every raw table empty, the views over sources with several kinds of rows, the quarantine and the batch ledger.

    Running it again changes nothing; a table of an older version gets the columns that came since, empty.
    """
    con.execute("create schema if not exists raw")
    con.execute("create schema if not exists ops")
    for source in CATALOGUE:
        for entity in source.entities:
            con.execute(entity.ddl)
            _add_new_columns(con, entity)
        if all(entity.table != source.name for entity in source.entities):
            con.execute(_view(source))
    con.execute(_QUARANTINE)
    con.execute(_BATCH)


def _add_new_columns(con: duckdb.DuckDBPyConnection, entity: Entity) -> None:
    present = {row[0] for row in con.execute(f"describe raw.{entity.table}").fetchall()}
    for name, kind in entity.columns:
        if name not in present:
            con.execute(f'alter table raw.{entity.table} add column "{name}" {SQL_TYPE.get(kind, "VARCHAR")}')


def _view(source: Source) -> str:
    parts = [
        f"select '{e.table.partition('__')[2]}' as _entity, _batch_id, _file, _row, _delivered_at, _sha256 from"
        f" raw.{e.table}"
        for e in source.entities
    ]
    return f"create or replace view raw.{source.name} as {' union all '.join(parts)}"
