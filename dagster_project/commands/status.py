"""Commands that only read: status and show. They open the published snapshot, and the warehouse where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer

from dagster_project.commands.terminal import (
    BROKEN,
    NO,
    USAGE,
    JsonOption,
    WorkspaceArgument,
    as_json,
    cell,
    opened,
    out,
    rows_as_table,
    stop,
)
from dagster_project.warehouse import run_outputs
from dagster_project.warehouse.connection import WarehouseBusy, busy_sentence, connect, is_locked
from dagster_project.workspace.paths import Workspace

LATEST = (
    "run_id = (select run_id from ops.run where status in ('finished', 'blocked') order by started_at desc limit 1)"
)
# What a person reads of an estimate: a channel that is mostly prior has a range and no point.
READING = (
    "case when measured is not false then null when estimand in ('iroas', 'mroas') then"
    " format('between {:.2f} and {:.2f}, not measured', q05, q95) when estimand = 'contribution_share' then"
    " format('between {:.1f} % and {:.1f} %, not measured', 100 * q05, 100 * q95) else"
    " format('between {:,.0f} and {:,.0f}, not measured', q05, q95) end"
)
VIEWS = {
    "channels": f"with estimates as (select * from measurement.channel_estimate where {LATEST} and method ="
    " 'triangulated'), latest as (select channel, estimand, q50 as today, q05 as today_q05, q95 as today_q95"
    " from estimates where period = 'today')"
    f" select channel, method, estimand, period, mean, q50 as median, q05, q95, {READING} as reading, today, today_q05,"
    " today_q95, evidence_grade, warning, measured from estimates left join latest using (channel, estimand)"
    " where period = 'window'"
    " order by estimand, measured is false, if(measured is false, null, mean) desc, channel",
    "evidence": "select e.channel, e.method, e.estimand, e.mean, e.q05, e.q95, e.evidence_grade, w.experiment, w.mmm,"
    " w.attribution, w.prior, e.measured from measurement.channel_estimate e"
    " left join measurement.weight w using (run_id, channel)"
    f" where e.{LATEST} and e.period = 'window' and e.estimand = 'iroas' order by e.channel, e.method",
    "curves": "with level as (select channel, max(mean) filter (method = 'triangulated') / max(mean) filter (method ="
    f" 'mmm') as factor from measurement.channel_estimate where {LATEST} and estimand = 'iroas' and period = 'window'"
    " group by channel) select channel, spend, mean * coalesce(factor, 1) as incremental,"
    " incremental / nullif(spend, 0) as iroas,"
    " (incremental - lag(incremental) over step) / (spend - lag(spend) over step) as mroas, mean as mmm_alone,"
    " q05 as mmm_q05, q95 as mmm_q95 from measurement.curve left join level using (channel)"
    f" where {LATEST} window step as (partition by channel order by spend) order by channel, spend",
    "changes": "select channel, estimand, before, after, data, restatement, model, basis, message, previous_run_id"
    f" from measurement.mmm_change where {LATEST} order by estimand = 'iroas' desc, estimand, channel",
    "experiments": "select experiment_id, channels, start_day, end_day, effect, low, high, relative, p_value, iroas,"
    " iroas_low,"
    f" iroas_high, verdict, grade, method, reasons from measurement.experiment where {LATEST} order by start_day",
    "predicted": "select experiment_id, channels, value, se, predicted, predicted_sd, tail, verdict, reason from"
    f" measurement.mmm_experiment where {LATEST} order by experiment_id",
    "next": "select channel, kind, cash, result, evsi, net_value, p_flip, weeks, message from"
    f" measurement.next_experiment where {LATEST} order by net_value desc, channel",
    "llm_cost": "select day, purpose, engine, model, state, count(*) as calls, sum(charged_usd) as usd"
    " from ops.llm_cost group by all order by all",
    "visibility": "select week, engine, surface, brand, metric, value, low, high, n, tier from marts.ai_visibility_week"
    " where week = (select max(week) from marts.ai_visibility_week) order by metric, brand, engine",
    "ai_changes": "select week, base, engine, surface, brand, metric, before, after, diff, low, high, q, mde,"
    " own_excess, excess_low, excess_high, verdict, reading from marts.ai_visibility_change"
    " where week = (select max(week) from marts.ai_visibility_change)"
    " order by starts_with(verdict, 'moved') desc, base, surface, metric, engine",
    "ai_noise": "select n.engine, n.surface, n.from_week, n.week, n.noise_share, n.icc, n.usable as icc_used,"
    " n.brands_same_day, n.brands_drift, n.domains_same_day, n.domains_drift, n.prompts, n.answers,"
    " c.state as same_hour_control, c.message from marts.ai_engine_noise n left join marts.ai_same_hour_control c"
    " on c.week = n.week order by n.engine, n.surface",
    "ai_sources": "select engine, surface, domain, url, kind, score_low, score, citing_answers, p_cited,"
    " p_own_given_cited, persistence, winnability, prompts, competitors, why, evidence from marts.ai_source_opportunity"
    " order by score_low desc, engine, domain, url",
    "ai_gaps": "select g.engine, g.surface, g.prompt_id, q.prompt_text, g.rivals, g.own_named, g.n, g.p_own_usual from"
    " marts.ai_prompt_gap g left join (select prompt_id, min(prompt_text) as prompt_text from"
    " marts.ai_visibility_answer group by prompt_id) q on q.prompt_id = g.prompt_id"
    " order by g.weight desc, g.p_own_usual, g.engine, g.prompt_id",
    "ai_rivals": "select * from marts.ai_competitor order by engine, surface, together desc nulls last, brand",
    "ai_claims": "select * from marts.ai_wrong_claim order by list_position(['high', 'medium', 'low'], severity),"
    " wrong desc, outdated desc, engine, fact_id",
    "ai_trackers": "select week, engine, brand, measure, tracker, value, other, other_value, difference, q, verdict,"
    " why from marts.ai_tracker_disagreement"
    " order by week desc, verdict = 'beyond_sampling' desc, abs(difference) desc, engine, brand, measure, tracker,"
    " other",
    "ai_engines": "select day, engine, surface, before, after from marts.ai_engine_event order by day desc, engine",
    "patterns": "select pattern_id, version, state, kind, card->>'$.statement' as statement, recorded_at from"
    " feedback.pattern_card c where version = (select max(version) from feedback.pattern_card d where"
    " d.pattern_id = c.pattern_id) order by state, statement",
    "interactions": "select feature, dimension, level, effect, low, high, p, differs, n_contrasts from"
    f" measurement.pattern_interaction where {LATEST} order by differs desc, p, feature, dimension, level",
    "pattern_money": "select channel, mean, se, n_briefs, p_gt_0, borrowed, known, currency, message from"
    f" measurement.pattern_money where {LATEST} order by channel",
    "test_queue": "select feature, channel, winners, example, contrasts, briefs_needed, message from"
    f" feedback.test_queue where {LATEST} order by priority desc, feature, channel",
    "playbook": "select source, reason, times, people, first_at, last_at, example, message from"
    f" feedback.playbook_candidate where {LATEST} order by times desc, source, reason",
    "decisions": "select week, feature, kind, channels, state, previous, reason, unmet, p_assign, shrunk, low, high,"
    f" lfsr, n_contrasts from feedback.pattern_decision where {LATEST} and (previous is distinct from state or week ="
    f" (select max(week) from feedback.pattern_decision where {LATEST})) order by week desc, state, feature",
    "feed_lift": "select verdict, message, lift, low, high, n, n_ready, n_planned, look, looks, round, may_be_read,"
    " money, money_low, money_high, currency, next_look, next_look_on, used_when_on, used_when_off, offered,"
    f" unanswered, refused from measurement.feed_lift where {LATEST}",
    "receipts": "select brief, variant, channel, pattern_id, version, feature, follow, assigned, p, pair_role,"
    " receipted, claimed, used, offered_at from marts.receipt order by offered_at desc, brief, variant, pattern_id",
    "refused": "select file, file_row as row, receipt_id, rule, message from marts.receipt_refusal"
    " order by file, file_row",
    "operations": "select metric, value, low, high, unit, n, baseline, ratio, ratio_low, ratio_high, target, progress,"
    " trend, state, reason, first_day, last_day, baseline_first_day, baseline_last_day, baseline_low, baseline_high,"
    f" raw_ratio, mix_covered, n_needed, definition from measurement.operating_metric where {LATEST} order by rowid",
    "content_returns": "select subject_kind, subject, margin_iroas, low, high, media_spend, content_cost, pieces,"
    f" priced, tokens, human_minutes, state, reason from measurement.content_return where {LATEST}"
    " order by subject_kind, subject",
    "operating_weeks": "select * from marts.operating_week order by metric, week desc",
    "system": "select * from marts.system_week order by week desc limit 26",
    "quarantine": 'select source, file, row, "column", value, rule, message from raw.quarantine'
    " order by source, file, row",
    "warnings": f"select severity, code, subject, message, action from measurement.warning where {LATEST}"
    " order by list_position(['block', 'high', 'medium', 'low', 'info'], severity), code, subject",
    "reconciliation": "select * from marts.reconciliation order by period desc",
    "batches": "select source, entity, shape, file, rows_delivered, rows_landed, rows_quarantined, rows_duplicate,"
    " rows_control, delivered_at, status from ops.batch order by _batch_id",
    "checks": f'select passed, severity, name, observed, message from ops."check" where {LATEST} order by passed, name',
    "runs": "select run_id, as_of, started_at, finished_at, status, seed from ops.run order by started_at desc",
}
UNREADABLE = (duckdb.IOException, duckdb.InternalException, duckdb.FatalException, duckdb.SerializationException)
FRESHNESS = (
    "select source, max(day_max) as newest_day, count(*) as files, sum(rows_landed) as rows,"
    " sum(rows_quarantined) as quarantined, (select as_of_day from ops.current_run) - max(day_max) as days_old"
    " from ops.batch group by source order by source"
)


@contextmanager
def reading(workspace: Workspace, *, newest: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published snapshot read-only; with `newest` (or before the first publication) the warehouse itself."""
    published, warehouse = workspace.published(), workspace.warehouse
    target = warehouse if warehouse.exists() and (newest or published is None) else published
    if target is None:
        stop(BROKEN, f"{workspace.root.name} has never run: `plumbline run` first")
    try:
        with connect(target, read_only=True, patience=5) as con:
            yield con
    except WarehouseBusy as error:
        stop(BROKEN, str(error))
    except UNREADABLE as error:
        first_line = str(error).splitlines()[0]
        stop(
            BROKEN,
            f"warehouse/{target.name} cannot be read ({first_line}): if the file is damaged, the next"
            " `plumbline run` sets it aside and makes it again",
        )


def show(
    ws: Annotated[Path, typer.Argument(metavar="WS")],
    table: Annotated[str, typer.Argument(help=f"One of {', '.join(VIEWS)}, or any table such as marts.channel_day.")],
    limit: Annotated[int, typer.Option(min=1, help="Most rows to print.")] = 200,
    json_: JsonOption = False,
) -> None:
    """Any mart or result as a table; quarantine shows what did not land, and why."""
    workspace, _ = opened(ws)
    with reading(workspace, newest=table in ("quarantine", "checks", "batches", "runs")) as con:
        try:
            rows = _rows(con, _query(con, table), limit if not json_ else None)
        except duckdb.CatalogException:
            stop(BROKEN, f"the last run of {ws} made no table {table}: run `plumbline run {ws}` with this version")
    if json_:
        as_json({"table": table, "rows": rows})
    else:
        rows_as_table(table, without_unmeasured_points(rows) if table in VIEWS else rows, most=limit)


def without_unmeasured_points(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows for a person: where `measured` is false, mean and median are left out and only the range stands."""
    points = ("mean", "median")
    return [
        row | {name: None for name in points if name in row} if row.get("measured") is False else row for row in rows
    ]


def _query(con: duckdb.DuckDBPyConnection, table: str) -> str:
    if table in VIEWS:
        return VIEWS[table]
    known = [
        f"{schema}.{name}"
        for schema, name in con.execute(
            "select table_schema, table_name from information_schema.tables where table_schema not in"
            " ('information_schema', 'pg_catalog') order by 1, 2"
        ).fetchall()
    ]
    if table not in known:
        close = [name for name in known if table.split(".")[-1] in name]
        stop(USAGE, f"no table {table}: one of {', '.join([*VIEWS, *(close or known)])}")
    schema, name = table.split(".", 1)
    return f'select * from "{schema}"."{name}"'


def _rows(con: duckdb.DuckDBPyConnection, query: str, limit: int | None) -> list[dict[str, Any]]:
    cursor = con.execute(query if limit is None else f"select * from ({query}) limit {limit + 1}")
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def status(ws: WorkspaceArgument = Path("data"), json_: JsonOption = False) -> None:
    """The last run, how fresh each source is, failed checks, what was not run and why; writes nothing."""
    workspace, _ = opened(ws)
    if not workspace.warehouse.exists():
        stop(BROKEN, f"{ws} has {'lost its warehouse' if workspace.published() else 'never run'}: `plumbline run {ws}`")
    running = is_locked(workspace.warehouse)
    if running and not json_:
        out.print(busy_sentence(workspace.warehouse), markup=False)
    with reading(workspace, newest=True) as con:
        last = _last_run(con)
        where = f"run_id = '{last['run_id']}'" if last else "false"
        failed = _rows(
            con,
            f'select name, severity, observed, message from ops."check" where not passed and {where}',
            None,
        )
        missing = _rows(con, f"select capability, needs from ops.not_run where {where} order by capability", None)
        fresh = _rows(con, FRESHNESS, None) if _has_landed(con) else []
    undelivered = _undelivered(workspace, last, running=running)
    document = {
        "run": last,
        "freshness": fresh,
        "failed_checks": failed,
        "not_run": missing,
        "undelivered": undelivered,
    }
    if json_:
        as_json(document)
    else:
        if last:
            out.print(f"{last['run_id']}: {last['status']}, as of {last['as_of']}, started {last['started_at']} UTC")
        for sentence in undelivered:
            out.print(sentence, markup=False, highlight=False)
        rows_as_table("freshness", fresh)
        rows_as_table("failed checks", failed)
        for line in missing:
            out.print(f"not run: {line['capability']}: needs {line['needs']}", markup=False)
    if failed or undelivered or not last or last["status"] not in ("finished", "partial"):
        raise typer.Exit(NO)


def _last_run(con: duckdb.DuckDBPyConnection) -> dict[str, Any] | None:
    try:
        rows = _rows(con, "select * from ops.run order by started_at desc limit 1", None)
    except duckdb.CatalogException:  # a first run that died before it made its tables
        stop(BROKEN, "no run has reached its first step: `plumbline run` first")
    return rows[0] if rows else None


def _has_landed(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the ledger of deliveries exists: not yet in a warehouse that was just made again."""
    query = "select 1 from duckdb_tables() where schema_name = 'ops' and table_name = 'batch'"
    return bool(con.execute(query).fetchall())


def _undelivered(workspace: Workspace, last: dict[str, Any] | None, *, running: bool) -> list[str]:
    """Why the last run counts as not delivered although its tables say that it ended: one sentence per reason."""
    if last is None or running or last["status"] not in ("finished", "blocked", "running"):
        return []
    outputs = run_outputs.read(workspace)
    if last["status"] == "running" or (last["status"] == "finished" and outputs is None):
        return [f"{last['run_id']} died before all was delivered: `plumbline run` completes it"]
    problems = run_outputs.problems(workspace, outputs, quick=True) if outputs else []
    return [f"{problem}: the next `plumbline run` makes it again" for problem in problems]


def not_run_lines(root: Path) -> list[str]:
    """What the last published run could not do, one sentence each."""
    published = Workspace(root).published()
    if published is None:
        return []
    with connect(published, read_only=True) as con:
        rows = con.execute(f"select capability, needs from ops.not_run where {LATEST} order by capability").fetchall()
    return [f"  not run: {capability}: needs {cell(needs)}" for capability, needs in rows]
