"""A/B and holdout tests from the sums of their arms to a row: sizes, splits, looks, users in several arms."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
import small_market
from small_market import Read

from dagster_project.assets.experiments.user_tests import user_tests
from dagster_project.workspace.paths import Workspace

LIFT = 0.8  # euros a user, on a mean of 10


def arms(users: int, treated_share: float = 0.5, seed: int = 3) -> pl.DataFrame:
    """Sums of two arms whose metric follows the one from before; the treatment adds LIFT to each user."""
    rng = np.random.default_rng(seed)
    rows = []
    for arm, n in (("control", int(users * (1 - treated_share))), ("b", int(users * treated_share))):
        before = rng.gamma(2.0, 5.0, n)
        value = 0.8 * before + rng.normal(2, 3, n) + (LIFT if arm == "b" else 0)
        rows.append(
            {
                "arm": arm,
                "n": n,
                "sum": value.sum(),
                "sum_sq": (value**2).sum(),
                "cov_n": n,
                "cov_sum": before.sum(),
                "cov_sum_sq": (before**2).sum(),
                "cross_sum": (value * before).sum(),
            }
        )
    return pl.DataFrame(rows)


def declare(made: Workspace, frame: pl.DataFrame, name: str = "ab", *, crossed: int = 0, **columns: object) -> None:
    row = {
        "experiment_id": name,
        "estimand": "incremental_revenue",
        "channels": ["social"],
        "design": "ab",
        "start_day": date(2026, 8, 1),
        "end_day": date(2026, 8, 31),
        "cooldown_end": date(2026, 8, 31),
        "kpi": "revenue",
        "declared": True,
        "control_arm": "control",
    } | columns
    with duckdb.connect(str(made.warehouse)) as con:
        con.execute(
            f"insert into marts.experiment ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values())
        )
        con.register("arms", frame.to_arrow())
        con.execute(
            "insert into marts.experiment_arm by name select ? as experiment_id, '' as stratum, ? as crossed, arms.*"
            " from arms",
            [name, crossed],
        )


@pytest.fixture
def market(tmp_path: Path) -> Workspace:
    made = small_market.workspace(tmp_path)
    with duckdb.connect(str(made.warehouse)) as con:
        con.execute("delete from marts.kpi_day")
    return made


def answer(made: Workspace, query: str) -> list[tuple]:
    with duckdb.connect(str(made.warehouse), read_only=True) as con:
        return con.execute(query).fetchall()


def test_an_ab_test_is_read_with_the_metric_from_before(market: Workspace, read_tests: Read) -> None:
    declare(market, arms(4_000), spend_treated=2_000.0, spend_control=500.0)
    read_tests(market)
    [(effect, low, high, iroas, spend, method, verdict, grade)] = answer(
        market, "select effect, low, high, iroas, spend, method, verdict, grade from measurement.experiment"
    )
    assert low < 2_000 * LIFT < high  # 2,000 treated users
    assert iroas == pytest.approx(effect / 1_500)
    assert (spend, method, verdict, grade) == (1_500.0, "mean_cuped", "valid", "A")
    checks = {name for (name,) in answer(market, "select name from measurement.experiment_check where passed")}
    assert {"sample_ratio", "users", "earlier_balance"} <= checks


def test_arrivals_that_do_not_fit_the_split_make_the_test_invalid(market: Workspace, read_tests: Read) -> None:
    declare(market, arms(4_000, 0.4), "broken")
    declare(market, arms(4_000, 0.4), "meant", split="control:0.6|b:0.4")
    read_tests(market)
    found = dict(answer(market, "select experiment_id, verdict from measurement.experiment"))
    assert found == {"broken": "invalid", "meant": "valid"}


def test_a_running_test_is_read_only_by_a_rule_that_allows_it(market: Workspace, read_tests: Read) -> None:
    later = {"end_day": date(2026, 10, 31), "cooldown_end": date(2026, 10, 31)}
    declare(market, arms(4_000), "once", **later)
    declare(market, arms(4_000), "always", planned_users=10_000, **later)
    read_tests(market)
    assert answer(market, "select experiment_id, inference from measurement.experiment") == [
        ("always", "always-valid confidence sequence")
    ]


@pytest.mark.slow
def test_several_treatments_are_several_rows(market: Workspace, read_tests: Read) -> None:
    three = pl.concat([arms(4_000), arms(4_000, seed=4).filter(pl.col("arm") == "b").with_columns(arm=pl.lit("c"))])
    declare(market, three)
    read_tests(market)
    found = answer(market, "select experiment_id, round(level, 4) from measurement.experiment order by 1")
    assert found == [("ab:b", 0.95), ("ab:c", 0.95)], "two ranges that hold together at 90 % are 95 % ones"


def test_users_in_several_arms_are_told(market: Workspace, read_tests: Read) -> None:
    declare(market, arms(4_000), crossed=100)
    read_tests(market)
    [(severity, message)] = answer(
        market, "select severity, message from measurement.warning where code = 'users_in_several_arms'"
    )
    assert severity == "high"
    assert "200 users (4.8%)" in message


@pytest.mark.parametrize(("columns", "complaint"), [
    pytest.param({"control_arm": "z"}, "control arm 'z' is not among the arms (b, control)", id="control"),
    pytest.param({"split": "half"}, "split 'half' is not understood", id="split"),
    pytest.param({"split": "control:0.5|x:0.5"}, "the split names control, x", id="split of other arms"),
])  # fmt: skip
def test_what_cannot_be_read_is_said(market: Workspace, read_tests: Read, columns: dict, complaint: str) -> None:
    declare(market, arms(400), **columns)
    read_tests(market)
    [(message,)] = answer(market, "select message from measurement.warning where code = 'experiment_unreadable'")
    assert complaint in message


def test_a_declared_test_without_arms_is_named(market: Workspace) -> None:
    declare(market, arms(400).clear())
    with duckdb.connect(str(market.warehouse), read_only=True) as con:
        found, notes = user_tests(con, date(2026, 9, 24), company_kpi="revenue", value_per_unit=None)
    assert found == []
    assert "no arm of ab was delivered" in notes[0].message
