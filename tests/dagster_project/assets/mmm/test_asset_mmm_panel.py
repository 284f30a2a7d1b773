"""The panel that the model gets: whole periods, one grain, and the same bits every time."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from dagster_project.assets.mmm.panel import mmm_input
from dagster_project.workspace.settings import Settings

MARTS = """
create schema marts;
create table marts.kpi_day as
    select (date '2025-01-01' + cast(d as int)) as day, 'g' || g as geo, 'revenue' as kpi, 'day' as grain,
           cast(100 + 7.31 * ((d * 31 + g * 17) % 97) as decimal(18, 2)) as revenue_report,
           cast(1 as decimal(38, 6)) as value
    from range(400) days(d), range(12) geos(g);
create table marts.channel_day as
    select (date '2025-01-01' + cast(d as int)) as day, 'c' || c as channel, 'g' || g as geo, 'day' as grain,
           'media' as cost_type, case c when 0 then 'google_ads' else 'channel_spend' end as source,
           cast(0.01 + 1.37 * ((d * 13 + g * 7 + c * 5 + k) % 89) as decimal(18, 2)) as spend_report
    from range(400) days(d), range(12) geos(g), range(4) channels(c), range(6) campaigns(k);
create view marts.channel_spend_day as
    select day, channel, geo, cost_type, sum(spend_report) as spend from marts.channel_day group by all;
create table marts.context_day as
    select (date '2025-01-01' + cast(d as int)) as day, 'all' as geo, 'price' as name, 1.0 + (d % 9) / 7.0 as value,
           'precision' as role, 'day' as grain
    from range(400) days(d);
"""


@pytest.fixture
def marts():
    with duckdb.connect(config={"threads": 4}) as con:
        con.execute(MARTS)
        yield con


def test_the_same_rows_give_the_same_bits(marts) -> None:
    """Sums of doubles depend on the order of threads, and a sampler amplifies the last bit: money is summed exact."""
    panels = {repr(mmm_input(marts, Settings()).frame.rows()) for _ in range(6)}
    assert len(panels) == 1


def test_only_whole_weeks_are_modelled(marts) -> None:
    panel = mmm_input(marts, Settings())
    days = panel.frame["date"].unique().sort()
    # 2025-01-01 is a Wednesday and the 400th day, 2026-02-04, too: both border weeks are cut.
    assert (days[0], days[-1]) == (date(2025, 1, 6), date(2026, 1, 26))
    assert panel.geo == "geo"
    assert panel.controls == {"control_price": "precision"}


def test_money_is_neither_lost_nor_made(marts) -> None:
    panel = mmm_input(marts, Settings())
    last = date(2026, 2, 1)
    kpi = marts.execute(
        "select sum(revenue_report) from marts.kpi_day where day between '2025-01-06' and ?", [last]
    ).fetchall()[0][0]
    assert panel.frame["kpi"].sum() == pytest.approx(float(kpi), rel=1e-12)


def test_days_that_no_file_tells_are_never_days_without_spend(marts) -> None:
    """Daily revenue to day 400, the spend of one source to day 350: the model ends there, by word and not by zeros."""
    marts.execute("delete from marts.channel_day where source = 'google_ads' and day >= date '2025-01-01' + 350")
    panel = mmm_input(marts, Settings())
    assert panel.frame["date"].max() == date(2025, 12, 8)  # the last whole week before Tuesday, 2025-12-16
    assert panel.frame["c0"].min() > 0
    (warning,) = panel.warnings
    assert (warning.code, warning.severity, warning.subject) == ("spend_ends_before_outcome", "high", "google_ads")
    assert "until 2025-12-16" in warning.message
    assert "50 days" in warning.message
    assert "sources.google_ads.ended: 2025-12-16" in warning.action
    told = mmm_input(marts, Settings.model_validate({"sources": {"google_ads": {"ended": "2025-12-16"}}}))
    assert told.frame["date"].max() == date(2026, 1, 26)
    assert told.warnings == ()


def test_a_stretch_without_rows_and_a_late_start_are_said(marts) -> None:
    marts.execute("delete from marts.channel_day where source = 'google_ads' and day < '2025-03-01'")
    marts.execute(
        "delete from marts.channel_day where source <> 'google_ads' and day between '2025-05-01' and '2025-05-20'"
    )
    warnings = {w.code: w for w in mmm_input(marts, Settings()).warnings}
    assert set(warnings) == {"spend_starts_after_outcome", "spend_days_missing"}
    assert "from 2025-05-01 to 2025-05-20 (20 days in all)" in warnings["spend_days_missing"].message
    assert warnings["spend_starts_after_outcome"].subject == "google_ads"


def test_what_is_missing_is_said(marts) -> None:
    marts.execute("delete from marts.channel_day")
    assert "channel_spend" in str(mmm_input(marts, Settings()))
    marts.execute("delete from marts.kpi_day")
    assert "landing/revenue" in str(mmm_input(marts, Settings()))


VISIBILITY = """
create table marts.ai_visibility_week as
    select date '2025-01-06' + cast(7 * w as int) as week, e.engine, 'api' as surface, b.brand,
           'citation_rate' as metric, 0.1 + 0.002 * w + e.lift + b.lift as value, value - 0.1 as low,
           value + 0.1 as high, 50 as n, 'usable' as tier
    from range(56) weeks(w), (values ('one', 0.02), ('two', -0.02)) e(engine, lift),
         (values ('My Company', 0.0), ('Rival', 0.3)) b(brand, lift)
    where not (w = 5 and e.engine = 'two') and w <> 9;
insert into marts.ai_visibility_week
    select week, 'late', 'api', 'My Company', 'citation_rate', 0.9, 0.8, 1.0, 50, 'usable' from marts.ai_visibility_week
    where week > '2025-12-01' group by week;
"""


def test_ai_visibility_comes_with_its_error_and_without_invented_weeks(marts) -> None:
    """The plain mean over engines that answer all year; a week without one of them is unknown, not lower or higher."""
    marts.execute(VISIBILITY)
    panel = mmm_input(marts, Settings.model_validate({"mmm": {"by_geo": "no"}}))
    assert panel.measured == ("ai_visibility",)
    share = dict(panel.frame.select("date", "ai_visibility").iter_rows())
    assert share[date(2025, 1, 6)] == pytest.approx(0.1)  # +0.02 and -0.02: the late engine is not in it
    assert share[date(2025, 1, 20)] == pytest.approx(0.104)
    assert [d for d, v in share.items() if v is None] == [date(2025, 2, 10), date(2025, 3, 10)]
    error = panel.frame["ai_visibility_se"][0]
    assert error == pytest.approx(0.2 / (2 * 1.645) / 2**0.5, rel=1e-3)  # two engines of equal range, averaged
    assert any("not measured in 2 of 56 weeks" in n for n in panel.notes)
    assert any("no iROAS" in n for n in panel.notes)
    from dagster_project.assets.mmm.fits import panel as read

    data = read(panel, Settings())
    assert (data.organic, data.levels) == (("ai_visibility",), ("ai_visibility",))


@pytest.mark.parametrize(
    ("change", "settings", "said"),
    [
        pytest.param(
            "delete from marts.ai_visibility_week where week > '2025-06-01'",
            {},
            "too few for the model",
            id="too short",
        ),
        pytest.param("select 1", {"mmm": {"grain": "month"}}, "begin on Monday", id="a model by months"),
        pytest.param("update marts.ai_visibility_week set value = 0.2", {}, "never moved", id="constant"),
    ],
)
def test_ai_visibility_that_cannot_be_used_is_left_out_and_said(marts, change, settings, said) -> None:
    marts.execute(VISIBILITY)
    marts.execute(change).fetchall()
    panel = mmm_input(marts, Settings.model_validate(settings))
    assert panel.measured == ()
    assert "ai_visibility" not in panel.frame.columns
    assert [n for n in panel.notes if said in n]
