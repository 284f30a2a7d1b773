"""A report is printed under the settings of its run, or refused."""

from __future__ import annotations

import duckdb
import pytest

from dagster_project.workspace.report_settings import SettingsChanged, report_settings, settings_of_run
from dagster_project.workspace.settings import Settings


def company(**changes: object) -> Settings:
    return Settings.model_validate(
        {"company": {"name": "Acme", "brand": "acme"}, "report_currency": "EUR", "margin": 0.4, **changes}
    )


@pytest.fixture
def snapshot() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("create schema ops")
    con.execute("create table ops.current_run as select 'run_1' as run_id")
    con.execute("create table ops.report_settings (run_id varchar, settings varchar)")
    con.execute("insert into ops.report_settings values ('run_1', ?)", [report_settings(company()).model_dump_json()])
    return con


def test_the_settings_of_the_run_are_read(snapshot):
    assert settings_of_run(snapshot, company()) == report_settings(company())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"margin": 0.5}, "margin was 0.4 and is 0.5"),
        ({"margin": None}, "margin was 0.4 and is not set"),
        ({"report_currency": "USD"}, "report_currency was EUR and is USD"),
        ({"fiscal": {"year_starts_in_month": 7}}, "fiscal.year_starts_in_month was 1 and is 7"),
        ({"ledger": {"tolerance": 0.01}}, "ledger.tolerance was 0.001 and is 0.01"),
    ],
)
def test_a_setting_changed_since_the_run_is_named_and_refused(snapshot, change, sentence):
    with pytest.raises(SettingsChanged) as refused:
        settings_of_run(snapshot, company(**change))
    assert sentence in str(refused.value)
    assert "run_1" in str(refused.value)
    assert "plumbline run" in str(refused.value)


def test_a_run_of_a_version_that_recorded_no_settings_is_refused(snapshot):
    snapshot.execute("drop table ops.report_settings")
    with pytest.raises(SettingsChanged, match="earlier version"):
        settings_of_run(snapshot, company())
