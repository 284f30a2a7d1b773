"""Switchback tests share the luck of their hours; several arms share one control."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.incrementality import ArmsError, read_arms, read_switchback, switchback_schedule

TRUE = 3.0


def observed(seed: int, *, effect: float = TRUE, carry: float = 0.0, units: int = 4, together: bool = False):
    """Periods in blocks of six; all units share each period's luck; `carry` is the share of the old arm that stays."""
    names = ["all"] if together else [f"unit {number}" for number in range(units)]
    plan = switchback_schedule(names, 240, 6, seed=seed)
    if together:
        plan = pl.concat([plan.with_columns(unit=pl.lit(f"unit {number}")) for number in range(units)])
    draw = np.random.default_rng([seed, 5])
    luck = np.repeat(draw.normal(0, 3, 40), 6) + draw.normal(0, 1, 240)
    level = {name: 50 + 5 * row for row, name in enumerate(sorted(set(plan["unit"])))}
    rows = []
    for (unit,), part in plan.sort("unit", "period").group_by("unit", maintain_order=True):
        on = (part["arm"] == "treatment").to_numpy().astype(float)
        felt = on.copy()
        for period in range(1, on.size):
            felt[period] = carry * felt[period - 1] + (1 - carry) * on[period]
        rows.append(part.with_columns(kpi=level[unit] + luck + effect * felt + draw.normal(0, 2, on.size)))
    return pl.concat(rows)


@pytest.mark.parametrize("together", [False, True])
def test_ranges_hold_the_truth_although_units_share_their_luck(together):
    """90 % ranges over 40 seeds: fewer than 31 hits happen twice in a hundred suites if the level is right."""
    hits = 0
    for seed in range(40):
        found = read_switchback(observed(seed, together=together), washout=0)
        per_period = [bound / found.periods for bound in (found.low, found.high)]
        hits += per_period[0] <= TRUE <= per_period[1]
    assert hits >= 31


def test_p_value_and_range_are_two_readings_of_one_statistic():
    for seed in range(30):
        found = read_switchback(observed(seed, effect=0.8), washout=0)
        assert (found.p_value <= 0.1) == (not found.low <= 0 <= found.high)


def test_carry_over_is_noticed_and_a_longer_wash_out_takes_it_away():
    lasting = observed(3, effect=8.0, carry=0.5)
    short, long = read_switchback(lasting, washout=0), read_switchback(lasting, washout=4)
    assert not {c.name: c.passed for c in short.checks}["carry_over"]
    assert {c.name: c.passed for c in long.checks}["carry_over"]
    quiet = [read_switchback(observed(seed, effect=8.0), washout=0).checks for seed in range(20)]
    assert sum(not {c.name: c.passed for c in checks}["carry_over"] for checks in quiet) <= 4  # 1 of 20 expected
    assert abs(long.att - 8.0) < abs(short.att - 8.0)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        pytest.param(lambda f: pl.concat([f, f.head(1)]), "'unit 0' has 2 rows in period 0", id="assigned twice"),
        pytest.param(lambda f: f.drop("kpi"), "no column kpi", id="no KPI"),
        pytest.param(lambda f: f.with_columns(kpi=pl.lit(None, pl.Float64)), "period 0: arm", id="no value"),
        pytest.param(lambda f: f.with_columns(arm=pl.lit("new")), "'new' is neither", id="other arm"),
        pytest.param(lambda f: f.filter(pl.col("period") < 12), "at least four are needed", id="too short"),
        pytest.param(lambda f: f.filter(pl.col("arm") == "control"), "no period of arm 'treatment'", id="one arm"),
    ],
)
def test_schedules_that_cannot_be_read_are_refused(spoil, complaint):
    with pytest.raises(ArmsError, match=complaint):
        read_switchback(spoil(observed(1)), washout=0)


def test_the_best_of_several_arms_wins_only_if_its_range_says_so():
    def arms(means: dict[str, float]) -> pl.DataFrame:
        n = 20_000
        rows = [{"arm": a, "n": n, "sum": m * n, "sum_sq": (m**2 + 4.0) * n} for a, m in means.items()]
        return pl.DataFrame(rows)

    clear = read_arms(arms({"control": 1.0, "a": 1.02, "b": 1.30}), control="control")
    assert clear.winner == "b"
    assert (clear.adjusted["adjusted"] >= clear.adjusted["p_value"]).all()
    single = read_arms(arms({"control": 1.0, "a": 1.29, "b": 1.30}), control="control")
    assert single.winner is None
    assert [read.level for read in single.arms.values()] == pytest.approx([0.95, 0.95])
    with pytest.raises(ArmsError, match="read one arm with read_ab"):
        read_arms(arms({"control": 1.0, "a": 1.1}), control="control")
