"""Which fit a run reports: decided by the data alone, made once, compared with the run before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from dagster_project import mmm_rows
from dagster_project.mmm_fits import anchor, find, write_card
from dagster_project.model_inputs import MmmInput
from dagster_project.settings import Settings
from models.mmm import load


def inputs(weeks: int, *, seed: int = 0) -> MmmInput:
    """A weekly panel with two channels of known effect; a longer one begins with the shorter one's rows."""
    rng = np.random.default_rng(seed)
    rows = 120
    a, b = rng.gamma(3, 100, rows), np.where(rng.random(rows) < 0.6, rng.gamma(4, 150, rows), 0.0)
    kpi = 3000 + 900 * a / (a + 300) + 1200 * b / (b + 900) + 60 * rng.standard_normal(rows)
    days = [date(2024, 1, 1) + timedelta(weeks=w) for w in range(rows)]
    frame = pl.DataFrame({"date": days, "kpi": kpi, "a": a, "b": b}).head(weeks)
    return MmmInput(frame, ("a", "b"), {}, None, "week", ())


@pytest.fixture(scope="module")
def company() -> Settings:
    return Settings.model_validate({"mmm": {"draws": 500, "chains": 2}})


@pytest.fixture(scope="module")
def fits(tmp_path_factory: pytest.TempPathFactory):
    return tmp_path_factory.mktemp("fits")


def test_the_anchor_stands_still_for_weeks_and_stays_behind_restatements() -> None:
    begin = date(2023, 1, 2)
    cuts = [anchor(begin, date(2026, 1, 5) + timedelta(weeks=w), "week") for w in range(12)]
    gaps = [(date(2026, 1, 5) + timedelta(weeks=w) - cut).days for w, cut in enumerate(cuts) if cut]
    assert len(gaps) == 12
    assert min(gaps) >= 28
    assert max(gaps) <= 49
    assert len(set(cuts)) <= 4
    days = {anchor(begin, date(2026, 3, 1) + timedelta(days=d), "day") for d in range(28)}
    assert days == {date(2026, 2, 1)}


@pytest.mark.parametrize(
    ("last", "grain"),
    [
        pytest.param(date(2026, 1, 1), "month", id="months are too coarse"),
        pytest.param(date(2023, 12, 1), "week", id="less than a year"),
    ],
)
def test_no_anchor(last: date, grain: str) -> None:
    assert anchor(date(2023, 1, 2), last, grain) is None


def test_a_run_carries_the_anchored_fit_on_and_keeps_the_result(fits, company: Settings) -> None:
    made = find(fits, inputs(100), company, seed=1, code="c")
    assert (made.path, made.kept) == ("re-weighted", False)
    assert len(load(fits / f"{made.base_key[:16]}.npz").data.dates) < 100
    again = find(fits, inputs(100), company, seed=1, code="c")
    assert (again.kept, again.path, again.reason) == (True, made.path, made.reason)
    assert again.fit.roas().equals(made.fit.roas())


def test_what_lies_around_does_not_matter(fits, company: Settings, tmp_path) -> None:
    """The next week in a workspace with history, and in one without: the same fit to the last bit."""
    find(fits, inputs(100), company, seed=1, code="c")
    used = find(fits, inputs(101), company, seed=1, code="c")
    fresh = find(tmp_path, inputs(101), company, seed=1, code="c")
    assert used.base_key == fresh.base_key
    assert used.fit.roas().equals(fresh.fit.roas())
    assert used.fit.contributions().equals(fresh.fit.contributions())


def test_another_seed_spec_or_code_is_another_fit(fits, company: Settings) -> None:
    made = find(fits, inputs(100), company, seed=1, code="c")
    other = company.model_copy(update={"mmm": company.mmm.model_copy(update={"max_lag_weeks": 4})})
    keys = {made.key}
    keys.add(find(fits, inputs(100), other, seed=1, code="c").key)
    assert len(keys) == 2


def test_a_channel_too_young_for_the_anchor_is_sampled_with_all_rows(fits, company: Settings) -> None:
    young = inputs(100)
    late = pl.when(pl.int_range(pl.len()) < 96).then(0.0).otherwise(300.0 + pl.col("b"))
    made = find(fits, replace(young, frame=young.frame.with_columns(b=late)), company, seed=1, code="c")
    assert made.path == "cold refit"
    assert "'b'" in made.reason
    assert made.base_key is None


def test_the_change_since_the_last_run_is_told_in_words(fits, company: Settings) -> None:
    before = find(fits, inputs(100), company, seed=1, code="c")
    after = find(fits, inputs(101), company, seed=1, code="c")
    rows = mmm_rows.changed(fits, mmm_rows.Earlier("run_before", before.file), after.fit)
    parts = rows["data"] + rows["restatement"] + rows["model"]
    np.testing.assert_allclose(parts, rows["after"] - rows["before"], atol=1e-9)
    told = rows.filter((pl.col("channel") == "a") & (pl.col("estimand") == "iroas"))["message"][0]
    assert told.startswith("iROAS of a: ")
    assert "from 1 new period" in told
    assert mmm_rows.changed(fits, None, after.fit).is_empty()
    assert mmm_rows.changed(fits, mmm_rows.Earlier("gone", "gone.npz"), after.fit).is_empty()


def test_attempts_to_break_a_result_join_the_diagnostics_a_failed_one_first() -> None:
    kept = pl.DataFrame({"name": ["r_hat"], "value": [1.0], "threshold": [1.01], "passed": [True]})
    tests = pl.DataFrame(
        [("block", "a", 0.1, 0.2, True), ("block", "a", 0.4, 0.2, False), ("placebo", "b", 0.99, 0.95, True)],
        schema=["test", "channel", "value", "mark", "passed"],
        orient="row",
    )
    rows = mmm_rows.with_falsification(kept, SimpleNamespace(tests=tests))
    assert dict(rows.select("name", "passed").iter_rows()) == {"r_hat": True, "block: a": False, "placebo: b": True}


def test_the_card_is_a_whole_file(tmp_path) -> None:
    target = tmp_path / "reports" / "model-card.md"
    write_card(target, "# one")
    write_card(target, "# two")
    assert [p.name for p in target.parent.iterdir()] == ["model-card.md"]
    assert target.read_text(encoding="utf-8") == "# two"
