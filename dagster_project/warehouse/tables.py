"""Every table that Plumbline itself defines, and the one way to write a run's rows into them."""

from __future__ import annotations

import re

import duckdb
import polars as pl

_COMMA = re.compile(r", (?![^(]*\))")  # between columns, not inside decimal(18,2) or a key
SCHEMAS = ("raw", "staging", "intermediate", "marts", "measurement", "feedback", "ops")

OPS_TABLES = {  # of the schema ops: the run, what it was told and what it found
    "run": "run_id varchar primary key, as_of timestamp, started_at timestamp, finished_at timestamp, status varchar,"
    " fingerprint varchar, seed bigint, selection varchar",
    "check": "run_id varchar, name varchar, passed boolean, severity varchar, observed varchar, message varchar,"
    " primary key (run_id, name)",
    "not_run": "run_id varchar, capability varchar, needs varchar, primary key (run_id, capability)",
    "llm_cost": "entry_id varchar primary key, charged_at timestamp, purpose varchar, model varchar, state varchar,"
    " estimate_usd decimal(18,6), actual_usd decimal(18,6), day date, engine varchar, answer_id varchar,"
    " cost_source varchar, charged_usd decimal(18,6)",
    "current_run": "run_id varchar, as_of timestamp, as_of_day date, time_zone varchar, report_currency varchar,"
    " kpi varchar,"
    " value_per_unit decimal(18,6), window_days bigint, order_window_days bigint, half_life_days double,"
    " year_starts_in_month bigint",
    "report_settings": "run_id varchar, settings varchar",
    "content_reading": "batch_id varchar, vocabulary_version varchar",
    "former_delivery": "source varchar, sha256 varchar, delivered_at timestamp, batch_id varchar",
    "channel_rule": "source varchar, match varchar, channel varchar, priority bigint",
    "utm_rule": "source varchar, medium varchar, campaign varchar, channel varchar, priority bigint",
    "channel": "channel varchar, label varchar, channel_class varchar, default_geo varchar, position bigint",
    "geo": "geo varchar, match varchar, aliases varchar[], population double",
    "ledger_account": "account_code varchar, kind varchar, channel varchar, modelled boolean, reason varchar",
    "stage_rule": "system varchar, pipeline varchar, stage varchar, ladder varchar",
    "self_reported_rule": "match varchar, channel varchar, priority bigint",
    "source_option": "source varchar, grain varchar, zero_fill boolean, complete_days boolean, currency varchar,"
    " account_id varchar",
}
TABLES = {
    "measurement.run": "run_id varchar primary key, as_of timestamp, started_at timestamp, data_sha256 varchar,"
    " spec_sha256 varchar, code_version varchar, packages_sha256 varchar, seed bigint, verdict varchar",
    "measurement.channel_estimate": "run_id varchar, channel varchar, method varchar, estimand varchar, period varchar,"
    " mean double, sd double, q05 double, q50 double, q95 double, evidence_grade varchar, warning varchar,"
    " measured boolean, primary key (run_id, channel, method, estimand, period)",
    "measurement.contribution": "run_id varchar, component varchar, date date, geo varchar, mean double, q05 double,"
    " q95 double",
    "measurement.period_draw": "run_id varchar, period varchar, component varchar, draw bigint, incremental double",
    "measurement.measured_period": "run_id varchar, period varchar, first_day date, last_day date,"
    " primary key (run_id, period)",
    "measurement.curve": "run_id varchar, channel varchar, spend double, mean double, q05 double, q95 double",
    "measurement.experiment": "run_id varchar, experiment_id varchar, channels varchar[], design varchar,"
    " start_day date, end_day date, estimand varchar, effect double, low double, high double, level double,"
    " relative double, p_value double, spend double, iroas double, iroas_low double, iroas_high double, se double,"
    " verdict varchar, grade varchar, method varchar, reasons varchar, geos varchar[], cooldown_end date, kpi varchar,"
    " actual double, counterfactual double, relative_low double, relative_high double, effect_se double,"
    " inflation double, profit double, profit_low double, profit_high double, profit_chance double, statistic double,"
    " inference varchar, design_sha256 varchar, data_sha256 varchar, primary key (run_id, experiment_id)",
    "measurement.experiment_path": "run_id varchar, experiment_id varchar, day date, actual double,"
    " counterfactual double,"
    " effect double, low double, high double",
    "measurement.experiment_check": "run_id varchar, experiment_id varchar, name varchar, passed boolean, hard boolean,"
    " value double, threshold double, message varchar, action varchar, primary key (run_id, experiment_id, name)",
    "measurement.experiment_placebo": "run_id varchar, experiment_id varchar, name varchar, tau double, t double",
    "measurement.experiment_power": "run_id varchar, experiment_id varchar, lift double, power double,"
    " validated_power double",
    "measurement.experiment_look": "run_id varchar, experiment_id varchar, look bigint, day date, share double,"
    " statistic double, boundary double, effect double, low double, high double, crossed boolean, chance_at_end double,"
    " decision varchar, reason varchar, primary key (run_id, experiment_id, look)",
    "measurement.experiment_pair": "run_id varchar, channel varchar, first varchar, second varchar,"
    " first_iroas double, second_iroas double, z double, agree boolean, message varchar",
    "measurement.attribution": "run_id varchar, model varchar, stage varchar, channel varchar, conversions double,"
    " value double, low double, high double, removal_effect double, primary key (run_id, model, stage, channel)",
    "measurement.attribution_credit": "run_id varchar, model varchar, conversion_id varchar, touch_id varchar,"
    " channel varchar, credit double, amount decimal(18,2), stage varchar, day date,"
    " primary key (run_id, model, conversion_id, touch_id)",
    "measurement.weight": "run_id varchar, channel varchar, experiment double, mmm double, attribution double,"
    " prior double, primary key (run_id, channel)",
    "measurement.bias": "run_id varchar, method varchar, mean double, sd double, q05 double, q95 double,"
    " prior_mean double,"
    " prior_sd double, drifted boolean, primary key (run_id, method)",
    "measurement.conflict": "run_id varchar, channel varchar, source varchar, p double, flagged boolean,"
    " message varchar",
    "measurement.next_experiment": "run_id varchar, channel varchar, evsi double, net_value double, weeks double,"
    " cost double, message varchar, kind varchar, cash double, result double, p_flip double",
    "measurement.diagnostic": "run_id varchar, name varchar, value double, threshold double, passed boolean,"
    " primary key (run_id, name)",
    "measurement.content_feature": "batch_id varchar, file_row bigint, content_id varchar, namespace varchar,"
    " feature varchar, basis varchar, extractor_version varchar, delivered varchar, vocabulary_version varchar",
    "measurement.pattern_estimate": "run_id varchar, feature varchar, channel varchar, raw double, raw_se double,"
    " shrunk double, q05 double, q95 double, p_gt_0 double, lfsr double, n_contrasts bigint",
    "measurement.pattern_interaction": "run_id varchar, feature varchar, dimension varchar, level varchar,"
    " effect double, low double, high double, p double, differs boolean, n_contrasts bigint",
    "measurement.pattern_money": "run_id varchar, channel varchar, mean double, se double, n_briefs bigint,"
    " p_gt_0 double, borrowed boolean, known boolean, currency varchar, message varchar",
    "measurement.warning": "run_id varchar, code varchar, subject varchar, severity varchar, message varchar,"
    " action varchar, primary key (run_id, code, subject)",
    "measurement.mmm_fit": "run_id varchar primary key, fit_key varchar, file varchar, seconds double, engine varchar,"
    " path varchar, reason varchar, base_key varchar, previous_run_id varchar",
    "measurement.channel_prior": "run_id varchar, channel varchar, channel_class varchar, class_reason varchar,"
    " quantity varchar, median double, log_sd double, basis varchar, grade varchar, source varchar, version varchar,"
    " primary key (run_id, channel, quantity)",
    "measurement.mmm_change": "run_id varchar, previous_run_id varchar, channel varchar, estimand varchar,"
    " before double, after double, restatement double, data double, model double, basis varchar, added bigint,"
    " restated bigint, message varchar, primary key (run_id, channel, estimand)",
    "measurement.mmm_experiment": "run_id varchar, experiment_id varchar, channels varchar, estimand varchar,"
    " reading varchar, value double, se double, predicted double, predicted_sd double, tail double, verdict varchar,"
    " reason varchar, primary key (run_id, experiment_id)",
    "measurement.mmm_calibrated": "run_id varchar, channel varchar, estimand varchar, mean double, sd double,"
    " q05 double, q50 double, q95 double, primary key (run_id, channel, estimand)",
    "feedback.pattern_card": "pattern_id varchar, version bigint, state varchar, kind varchar, brand varchar,"
    " card json,"
    " content_sha256 varchar, recorded_at timestamp, run_id varchar, primary key (pattern_id, version)",
    "measurement.feed_lift": "run_id varchar primary key, outcome varchar, lift double, low double, high double,"
    " level double, n bigint, n_ready bigint, n_planned bigint, look bigint, looks bigint, round bigint,"
    " may_be_read boolean, verdict varchar, money double, money_low double, money_high double, currency varchar,"
    " next_look bigint, next_look_on date, used_when_on double, used_when_off double,"
    " offered bigint, unanswered bigint, refused bigint, message varchar",
    "measurement.operating_metric": "run_id varchar, metric varchar, unit varchar, definition varchar, state varchar,"
    " reason varchar, value double, low double, high double, n bigint, first_day date, last_day date, baseline double,"
    " baseline_low double, baseline_high double, baseline_n bigint, baseline_first_day date, baseline_last_day date,"
    " baseline_sha256 varchar, ratio double, ratio_low double, ratio_high double, raw_ratio double, mix_covered double,"
    " target double, progress varchar, n_needed bigint, trend varchar, primary key (run_id, metric)",
    "measurement.content_return": "run_id varchar, subject_kind varchar, subject varchar, state varchar,"
    " reason varchar, pieces bigint, priced bigint, content_cost double, tokens double, human_minutes double,"
    " media_spend double, margin_iroas double, low double, high double, primary key (run_id, subject_kind, subject)",
    "feedback.pattern_decision": "run_id varchar, week date, feature varchar, kind varchar, channels varchar[],"
    " state varchar, previous varchar, since date, reason varchar, unmet varchar[], p_assign double, worth double,"
    " risk varchar, tier varchar, retire_reason varchar, expires date, shrunk double, low double, high double,"
    " lfsr double, n_contrasts bigint",
    "feedback.test_queue": "run_id varchar, feature varchar, channel varchar, winners bigint, example varchar,"
    " contrasts bigint, briefs_needed bigint, priority double, message varchar",
    "feedback.playbook_candidate": "run_id varchar, source varchar, reason varchar, times bigint, people bigint,"
    " first_at timestamp, last_at timestamp, example varchar, message varchar",
    "feedback.feed": "feed_seq bigint, brand varchar, sha256 varchar, cards bigint, run_id varchar,"
    " primary key (brand, feed_seq)",
    "feedback.report": "run_id varchar, period varchar, file varchar, sha256 varchar, status varchar, reason varchar",
}


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Every schema and table, empty where it does not exist yet; one of an older version gets the columns it lacks."""
    for schema in SCHEMAS:
        con.execute(f"create schema if not exists {schema}")
    for table, columns in OPS_TABLES.items():
        con.execute(f'create table if not exists ops."{table}" ({columns})')
    # Older warehouses hold one row a fit here, which a second run of the same fit cannot join; files stay on disk.
    by_fit = "table_name = 'mmm_fit' and constraint_type = 'PRIMARY KEY' and constraint_column_names = ['fit_key']"
    if con.execute(f"select 1 from duckdb_constraints() where {by_fit}").fetchall():
        con.execute("drop table measurement.mmm_fit")
    # Older warehouses hold the tested channels and regions as text such as `north|west`.
    for column in ("channels", "geos"):
        as_text = (
            "schema_name = 'measurement' and table_name = 'experiment' and column_name = ? and data_type = 'VARCHAR'"
        )
        if con.execute(f"select 1 from duckdb_columns() where {as_text}", [column]).fetchall():
            con.execute(
                f"alter table measurement.experiment alter column {column} type varchar[]"
                f" using list_filter(string_split({column}, '|'), lambda name: name <> '')"
            )
    for table, columns in TABLES.items():
        con.execute(f"create table if not exists {table} ({columns})")
        for column in _COMMA.split(columns):
            if not column.startswith("primary key"):
                con.execute(f"alter table {table} add column if not exists {column.removesuffix(' primary key')}")


def replace(con: duckdb.DuckDBPyConnection, table: str, run_id: str, frame: pl.DataFrame, **where: str) -> int:
    """Make `frame` the run's rows of `table` (within `where`, equal columns); columns are matched by name.

    Columns that the frame lacks are null. Returns the number of rows. Raises ValueError on a column that the
    table does not have, so that nothing computed is dropped in silence.
    """
    known = [row[0] for row in con.execute(f"select column_name from (describe {table})").fetchall()]
    unknown = sorted(set(frame.columns) - set(known))
    if unknown:
        raise ValueError(f"{table} has no column {', '.join(unknown)}; it has {', '.join(known)}")
    condition = "".join(f" and {column} = ?" for column in where)
    con.execute(f"delete from {table} where run_id = ?{condition}", [run_id, *where.values()])
    if frame.is_empty():
        return 0
    rows = frame.with_columns(pl.lit(run_id).alias("run_id"))
    names = ", ".join(f'"{name}"' for name in rows.columns)
    con.register("rows_to_write", rows.to_arrow())
    con.execute(f"insert into {table} ({names}) select {names} from rows_to_write")
    con.unregister("rows_to_write")
    return rows.height


def append(con: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Add rows to a table that belongs to no single run; columns are matched by name."""
    names = ", ".join(f'"{name}"' for name in frame.columns)
    con.register("rows_to_write", frame.to_arrow())
    con.execute(f"insert into {table} ({names}) select {names} from rows_to_write")
    con.unregister("rows_to_write")
