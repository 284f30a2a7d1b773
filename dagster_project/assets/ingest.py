"""Open the run, then land what is new: one asset per source, each with the check that its books balance."""

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl

from dagster_project.warehouse import healing, run_record, tables
from dagster_project.warehouse.connection import first
from dagster_project.warehouse.metadata import check_result, picture
from dagster_project.warehouse.resource import Warehouse, announce
from dagster_project.warehouse.run_record import Check
from dagster_project.workspace.environment import days, settings, workspace
from dagster_project.workspace.feed_key import existing_feed_key
from dagster_project.workspace.pepper import pepper
from dagster_project.workspace.settings import AD_PLATFORMS, SOURCES, Settings, SettingsError
from feedback.storage.atomic_files import write_atomically

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # backfill policies are beta in 1.13, and pinned with it

SEED_TAG, SELECTION_TAG = "plumbline/seed", "plumbline/selection"


@dg.asset(
    key=["ops", "settings"],
    group_name="run",
    owners=["team:data"],
    kinds={"duckdb"},
    pool="duckdb",
)
def run_settings(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    """The run's identity, its instant and plumbline.yaml as tables that SQL can read."""
    from dagster_project.sources import catalogue, landing

    company = settings()
    if sentences := catalogue.unknown_targets(company):
        raise SettingsError("\n".join(sentences))
    tags = context.run.tags
    day = date.fromisoformat(tags.get("dagster/partition") or str(run_record.today(company)))
    seed = int(tags.get(SEED_TAG, run_record.DEFAULT_SEED))
    selection = tags.get(SELECTION_TAG, "")
    print_ = run_record.fingerprint(workspace(), day, seed, selection)
    if workspace().warehouse.exists() and not _same_person_key():
        why = "holds person keys that were hashed with another pepper"
        announce(context.instance, context.run, [healing.rebuild(workspace(), why)])
    write_atomically(workspace().person_key, _person_key())
    with warehouse.write() as con:
        tables.create_tables(con)
        catalogue.create_raw_tables(con)
        facts = run_record.begin(con, company, print_=print_, as_of_day=day, seed=seed, selection=selection)
        strays = [landing.file_name(p, workspace().landing) for p in landing.stray_files(workspace().landing)]
        run_record.record_checks(con, facts.run_id, [_no_strays(strays), _costs(con, day)])
    return dg.MaterializeResult(
        metadata={
            "run_id": facts.run_id,
            "as_of": str(facts.as_of),
            "seed": seed,
            "company": company.company.name,
        }
    )


def _person_key() -> bytes:
    """Digest of the pepper in use: it says whether two rows were hashed alike, and not with what."""
    return hashlib.sha256(b"plumbline person key: " + pepper(workspace().derived)).hexdigest().encode()


def _same_person_key() -> bool:
    """Whether the rows in the warehouse were hashed with the pepper in use; else one person would have two keys."""
    try:
        return workspace().person_key.read_bytes() == _person_key()
    except FileNotFoundError:
        return True


def _costs(con: duckdb.DuckDBPyConnection, day: date) -> Check:
    """The costs of asked answers into ops.llm_cost; damaged books stop no run, but must not go unseen."""
    from dagster_project.asking.cost_rows import copy_costs
    from dagster_project.asking.ledger import LedgerError

    try:
        entries = copy_costs(con, workspace().asking_books, day)
    except LedgerError as error:
        return Check("costs_of_asking", False, "warn", "unreadable", str(error))
    return Check("costs_of_asking", True, "warn", f"{entries} entries", "ops.llm_cost holds the books of asking")


def _no_strays(names: list[str]) -> Check:
    """Files that no source reads are no reason to stop, but a typed-wrong folder must not go unseen."""
    named = ", ".join(f"landing/{n}" for n in names[:5]) + (" …" if len(names) > 5 else "")
    fix = f"no source reads {named}: move it into the folder of its source" if names else "every file has its source"
    return Check("every_file_has_a_source", not names, "warn", f"{len(names)} files", fix)


def _source(name: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=["raw", name],
        deps=[["ops", "settings"]],
        partitions_def=days(),
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[dg.AssetCheckSpec("contract", asset=["raw", name], blocking=True)],
        description=f"Every row that landing/{name} delivered, as delivered; bad rows stand in raw.quarantine.",
        group_name="sources",
        owners=["team:data"],
        kinds={"duckdb", "polars"},
        pool="duckdb",
    )
    def asset(warehouse: Warehouse) -> dg.MaterializeResult:
        return _land(name, warehouse)

    return asset


def _land(name: str, warehouse: Warehouse) -> dg.MaterializeResult:
    from dagster_project.sources.salesforce import NOT_MODELLED

    company = settings()
    with warehouse.open() as con:
        facts = run_record.current(con)
        files = list(_land_pending(con, name, company))
        books = first(
            con,
            "select coalesce(sum(rows_delivered), 0), coalesce(sum(rows_landed), 0),"
            " coalesce(sum(rows_quarantined), 0),"
            " coalesce(sum(rows_duplicate), 0), coalesce(sum(rows_control), 0), count(*),"
            " count(*) filter (status = 'unreadable') from ops.batch where source = ?",
            [name],
        )
        reasons = con.sql(
            "select rule, count(*) as rows, min(message) as example from raw.quarantine where source = ?"
            " group by rule order by rows desc, rule limit 8",
            params=[name],
        ).pl()
        checks = _book_checks(name, books or (0,) * 7, reasons, company.quarantine.max_share)
        run_record.record_checks(con, facts.run_id, checks)
        if name == "salesforce":
            needs = f"a model of Salesforce records ({NOT_MODELLED})" if (books or (0,) * 7)[1] else None
            run_record.record_not_run(con, facts.run_id, "salesforce", needs)
        plot = _spend_by_campaign(con.sql(f"select day, spend from raw.{name}").pl()) if name in AD_PLATFORMS else {}
    worst = next((c for c in checks if not c.passed), None)
    result = check_result(
        "contract", worst or checks[0], {"quarantine": dg.MetadataValue.md(_quarantine_markdown(reasons))}
    )
    delivered, landed, quarantined = (books or (0, 0, 0))[:3]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": int(landed),
            "new_files": len(files),
            "delivered": int(delivered),
            "quarantined": int(quarantined),
            **plot,
        },
        check_results=[result],
    )


def _land_pending(con: duckdb.DuckDBPyConnection, source: str, company: Settings) -> Iterator[str]:
    """Land what is new, file by file; yields each name.

    In a warehouse that was made again, files that the old one held come first, in their old order and with the instant
    at which they were delivered then: an undated export would otherwise count as delivered today.
    """
    from dagster_project.sources import landing

    key, now = pepper(workspace().derived), run_record.now(company)
    sealed_with = existing_feed_key(workspace().root) if source == "receipts" else None
    rows = con.execute(
        "select sha256, delivered_at from ops.former_delivery where source = ? order by batch_id", [source]
    ).fetchall()
    former: dict[str, tuple[int, datetime]] = {sha: (place, then) for place, (sha, then) in enumerate(rows)}
    landing.forget_unreadable(con, workspace().landing, source)
    pending = landing.pending(workspace().landing, con, company, source)
    files = [
        (path, former.get(landing.content_sha256(path, workspace().landing) or "") if former else None)
        for path in pending
    ]
    for path, delivery in sorted(files, key=lambda pair: pair[1][0] if pair[1] else len(rows)):
        instant = _instant_of(path, delivery, now)
        landed = landing.land(
            con,
            path,
            workspace().landing,
            settings=company,
            now=instant.replace(tzinfo=UTC),
            pepper=key,
            feed_key=sealed_with,
        )
        if landed is not None:
            yield landed.file
    con.execute("delete from ops.former_delivery where source = ?", [source])


def _instant_of(path: Path, delivery: tuple[int, datetime] | None, now: datetime) -> datetime:
    """The instant to land a file at: of its first landing where its name does not say when it was delivered."""
    from dagster_project.sources.delivered import delivered_at
    from dagster_project.sources.landing import file_name

    name = file_name(path, workspace().landing)
    if delivery is None:
        return now
    if delivery[1] < delivered_at(name, None, now) < now:  # the name tells of a later delivery of the same content
        return now
    return min(delivery[1], now)


def _book_checks(name: str, books: Sequence[int], reasons: pl.DataFrame, max_share: float) -> list[Check]:
    delivered, landed, quarantined, duplicate, control, files, unreadable = (int(n) for n in books)
    gap = delivered - landed - quarantined - duplicate - control
    share = quarantined / delivered if delivered else 0.0
    first = reasons["example"][0] if reasons.height else ""
    return [
        Check(
            f"contract:{name}",
            share <= max_share,
            "error",
            f"{share:.2%} of {delivered} rows",
            f"landing/{name}: {quarantined} of {delivered} delivered rows are in quarantine"
            + (f"; first: {first}" if quarantined else ""),
        ),
        Check(
            f"readable:{name}",
            unreadable == 0 or unreadable < files,
            "error",
            f"{unreadable} of {files} files",
            f"landing/{name}: {unreadable} of {files} files could not be read" + (f"; {first}" if unreadable else ""),
        ),
        Check(
            f"books_balance:{name}",
            gap == 0,
            "error",
            str(gap),
            f"landing/{name}: delivered {delivered} = landed {landed} + quarantined {quarantined}"
            f" + duplicate {duplicate} + control {control}",
        ),
    ]


def _spend_by_campaign(rows: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    if rows.is_empty():
        return {}
    from feedback.reports import asset_plots

    weekly = (
        rows.with_columns(week=pl.col("day").dt.truncate("1w"), channel=pl.lit("spend as delivered"))
        .group_by("week", "channel")
        .agg(pl.col("spend").cast(pl.Float64).sum())
        .sort("week")
    )
    return {"spend": picture(asset_plots.spend(weekly), "Spend a week as delivered, re-deliveries included")}


def _quarantine_markdown(reasons: pl.DataFrame) -> str:
    if reasons.is_empty():
        return "nothing in quarantine"
    lines = [f"| {r['rule']} | {r['rows']} | {r['example']} |".replace("\n", " ") for r in reasons.to_dicts()]
    return "\n".join(["| rule | rows | example |", "|---|---|---|", *lines])


assets = [run_settings, *(_source(name) for name in SOURCES)]
