"""Public holidays reach the model where a country is configured, and what they did to sales is found."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import polars as pl
import pytest

from dagster_project.assets.mmm import fits
from dagster_project.assets.mmm.panel import MmmInput, mmm_input
from dagster_project.commands.plan import basis, future_controls
from dagster_project.workspace.public_holidays import POOLED, events, named, unknown
from dagster_project.workspace.settings import Settings, SettingsError, load
from models.mmm import fit
from models.planning import Evidence

WEEKS = 130
BEGIN = date(2023, 1, 2)
DAY_LOST = 500.0  # KPI that one Easter Monday takes away, of about 4,500 a week


def test_a_holiday_has_a_name_and_its_days() -> None:
    found = named("DE-BY", date(2025, 1, 1), date(2026, 12, 31))
    assert found["Easter Monday"] == (date(2025, 4, 21), date(2026, 4, 6))
    assert "Epiphany" in found
    assert "Epiphany" not in named("DE", date(2025, 1, 1), date(2025, 12, 31))
    # a holiday moved to a Friday is the same holiday
    assert date(2026, 7, 3) in named("US", date(2026, 1, 1), date(2026, 12, 31))["Independence Day"]


def test_holidays_share_one_effect_until_they_came_back() -> None:
    short = events("DE", date(2025, 1, 6), date(2026, 6, 30))
    assert list(short) == [POOLED]
    longer = events("DE", date(2024, 1, 1), date(2026, 6, 30))
    assert longer["Easter Monday"] == (date(2024, 4, 1), date(2025, 4, 21), date(2026, 4, 6))
    assert events("DE", date(2024, 1, 1), date(2025, 12, 31)).keys() - {POOLED} == longer.keys() - {POOLED}


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        pytest.param("XX", "holidays of XX are not known", id="no such country"),
        pytest.param("DE-ZZ", "DE has no region ZZ", id="no such region"),
        pytest.param("Germany", "should match pattern", id="a name"),
    ],
)
def test_a_code_that_means_nothing_is_refused(tmp_path: Path, code: str, complaint: str) -> None:
    file = tmp_path / "plumbline.yaml"
    file.write_text(f"mmm: {{holidays: {code}}}\n")
    with pytest.raises(SettingsError, match=f"mmm.holidays is {code}: .*{complaint}"):
        load(file)
    assert unknown("DE-BY") == ""


def market() -> MmmInput:
    """Weekly sales of two channels, less what Easter Monday takes away."""
    rng = np.random.default_rng(5)
    days = [BEGIN + timedelta(weeks=w) for w in range(WEEKS)]
    a, b = rng.gamma(3, 100, WEEKS), np.where(rng.random(WEEKS) < 0.6, rng.gamma(4, 150, WEEKS), 0.0)
    known = events("DE", BEGIN, days[-1] + timedelta(days=6))
    easter = np.array([sum(d <= day < d + timedelta(weeks=1) for day in known["Easter Monday"]) for d in days])
    kpi = 3000 + 900 * a / (a + 300) + 1200 * b / (b + 900) + 60 * rng.standard_normal(WEEKS) - DAY_LOST * easter
    frame = pl.DataFrame({"date": days, "kpi": kpi, "a": a, "b": b})
    return MmmInput(frame, ("a", "b"), {}, None, "week", (), (), known)


def test_a_planted_effect_of_a_holiday_is_found() -> None:
    company = Settings.model_validate({"mmm": {"draws": 300, "chains": 2}})
    prepared = market()
    data = fits.panel(prepared, company)
    found = fit(data, fits.specification(company, data), seed=1)
    lines = found.contributions().filter(pl.col("component") == "events")
    # events count from their mean, so a week's effect is read against the weeks without any holiday
    off = {day - timedelta(days=day.weekday()) for days in prepared.events.values() for day in days}
    usual = lines.filter(~pl.col("date").is_in(sorted(off)))["mean"].mean()
    easter = [day - timedelta(days=day.weekday()) for day in prepared.events["Easter Monday"]]
    lost = usual - lines.filter(pl.col("date").is_in(easter))["mean"].mean()
    # noise 60, three Easters: a standard error of 35; shrinkage takes a little
    assert lost == pytest.approx(DAY_LOST, abs=3 * 35)
    others = [w for w in off if w not in easter and w not in {e - timedelta(weeks=1) for e in easter}]
    assert abs(usual - lines.filter(pl.col("date").is_in(others))["mean"].mean()) < 50


def test_only_a_configured_country_reaches_the_panel() -> None:
    with duckdb.connect() as con:
        con.execute(
            "create schema marts;"
            "create table marts.kpi_day as select date '2024-01-01' + cast(d as int) as day, 'all' as geo,"
            " 'revenue' as kpi, 'day' as grain, cast(100 + d % 7 as decimal(18, 2)) as revenue_report,"
            " cast(1 as decimal(38, 6)) as value from range(800) days(d);"
            "create table marts.channel_day as select date '2024-01-01' + cast(d as int) as day, 'a' as channel,"
            " 'channel_spend' as source, 'all' as geo, 'day' as grain, 'media' as cost_type,"
            " cast(5 + d % 11 as decimal(18, 2)) as spend_report"
            " from range(800) days(d);"
            "create view marts.channel_spend_day as select day, channel, geo, cost_type, spend_report as spend"
            " from marts.channel_day;"
            "create table marts.context_day (day date, geo varchar, name varchar, value double, role varchar);"
            "create table marts.ai_visibility_week (week date, engine varchar, surface varchar, brand varchar,"
            " metric varchar, value double, low double, high double, n bigint, tier varchar)"
        )
        silent = mmm_input(con, Settings())
        spoken = mmm_input(con, Settings.model_validate({"mmm": {"holidays": "DE"}}))
    assert isinstance(silent, MmmInput)
    assert isinstance(spoken, MmmInput)
    assert not silent.events
    assert date(2025, 4, 21) in spoken.events["Easter Monday"]
    assert any("public holidays of DE" in note for note in spoken.notes)
    known = spoken.before(date(2025, 4, 21))
    assert known.events["Easter Monday"] == (date(2024, 4, 1),)
    assert known.frame["date"].max() < date(2025, 4, 21)


def test_a_plan_takes_coming_holidays_from_the_calendar() -> None:
    """Data end in June 2025: the next Easter Monday, 2026-04-06, is week 41 from 2025-06-30 on."""
    prepared = market()
    fit = SimpleNamespace(data=fits.panel(prepared, Settings()))
    stands_on = basis.Basis(fit, Evidence(), "run", date(2025, 6, 29), combined=False)
    assert future_controls.control_names(fit) == {}
    coming = future_controls.holidays_ahead(stands_on, 45, "DE")
    assert set(coming) == set(prepared.events)
    assert [week for week, days in enumerate(coming["Easter Monday"], start=1) if days] == [41]
    assert all(len(days) == 45 for days in coming.values())
    with pytest.raises(basis.PlanRefused, match="names no country any more"):
        future_controls.holidays_ahead(stands_on, 45, None)
