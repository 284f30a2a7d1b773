"""Which fit a run reports: decided by the data alone, made once, compared with the run before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import duckdb
import numpy as np
import polars as pl
import pytest

from dagster_project.assets.mmm import fits as mmm_fits
from dagster_project.assets.mmm import rows as mmm_rows
from dagster_project.assets.mmm.fits import FitLost, anchor, fit_of_run, fit_or_load, write_card
from dagster_project.assets.mmm.panel import MmmInput
from dagster_project.warehouse import tables
from dagster_project.workspace.settings import Settings
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
    made = fit_or_load(fits, inputs(100), company, seed=1, code="c")
    assert (made.path, made.kept) == ("re-weighted", False)
    assert len(load(fits / f"{made.base_key[:16]}.npz").data.dates) < 100
    again = fit_or_load(fits, inputs(100), company, seed=1, code="c")
    assert (again.kept, again.path, again.reason) == (True, made.path, made.reason)
    assert again.fit.roas().equals(made.fit.roas())


def by_region(weeks: int) -> MmmInput:
    """Three regions whose channels do the same, with spends and noise of their own."""
    parts = [
        inputs(weeks, seed=g).frame.select("date", pl.lit(f"g{g}").alias("geo"), "kpi", "a", "b") for g in range(3)
    ]
    return MmmInput(pl.concat(parts), ("a", "b"), {}, "geo", "week", ())


def test_a_workspace_of_regions_is_anchored_too(fits, company: Settings) -> None:
    """The next week of three regions needs no sampling: both stand on the same sampled fit."""
    first = fit_or_load(fits, by_region(66), company, seed=1, code="c")
    sampled = set(fits.iterdir())
    again = fit_or_load(fits, by_region(67), company, seed=1, code="c")
    assert (first.path, first.base_key) == (again.path, again.base_key) == ("re-weighted", first.base_key)
    assert again.reason.endswith("moved with the posterior's peak")
    assert {p.name for p in set(fits.iterdir()) - sampled} == {again.file}


def test_a_control_that_the_anchor_does_not_know_is_another_model(company: Settings) -> None:
    began = pl.when(pl.int_range(pl.len()) < 97).then(0.0).otherwise(pl.int_range(pl.len()) % 3)
    young = inputs(100)
    young = replace(young, frame=young.frame.with_columns(control_rival=began), controls={"control_rival": "precision"})
    data = mmm_fits.panel(young, company)
    part, reason = mmm_fits._base(young, company, data, mmm_fits.specification(company, data))
    assert part is None
    assert "control_rival" in reason


def test_what_lies_around_does_not_matter(fits, company: Settings, tmp_path) -> None:
    """The next week in a workspace with history, and in one without: the same fit to the last bit."""
    fit_or_load(fits, inputs(100), company, seed=1, code="c")
    used = fit_or_load(fits, inputs(101), company, seed=1, code="c")
    fresh = fit_or_load(tmp_path, inputs(101), company, seed=1, code="c")
    assert used.base_key == fresh.base_key
    assert used.fit.roas().equals(fresh.fit.roas())
    assert used.fit.contributions().equals(fresh.fit.contributions())


def test_another_seed_spec_or_code_is_another_fit(fits, company: Settings) -> None:
    made = fit_or_load(fits, inputs(100), company, seed=1, code="c")
    other = company.model_copy(update={"mmm": company.mmm.model_copy(update={"max_lag_weeks": 4})})
    keys = {made.key}
    keys.add(fit_or_load(fits, inputs(100), other, seed=1, code="c").key)
    assert len(keys) == 2


def test_a_channel_too_young_for_the_anchor_is_sampled_with_all_rows(fits, company: Settings) -> None:
    young = inputs(100)
    late = pl.when(pl.int_range(pl.len()) < 96).then(0.0).otherwise(300.0 + pl.col("b"))
    made = fit_or_load(fits, replace(young, frame=young.frame.with_columns(b=late)), company, seed=1, code="c")
    assert made.path == "cold refit"
    assert "'b'" in made.reason
    assert made.base_key is None


def test_the_change_since_the_last_run_is_told_in_words(fits, company: Settings) -> None:
    before = fit_or_load(fits, inputs(100), company, seed=1, code="c")
    after = fit_or_load(fits, inputs(101), company, seed=1, code="c")
    rows, warnings = mmm_rows.changed(fits, mmm_rows.Earlier("run_before", before.file), after.fit)
    assert warnings == []
    parts = rows["data"] + rows["restatement"] + rows["model"]
    np.testing.assert_allclose(parts, rows["after"] - rows["before"], atol=1e-9)
    told = rows.filter((pl.col("channel") == "a") & (pl.col("estimand") == "iroas"))["message"][0]
    assert told.startswith("iROAS of a: ")
    assert "from 1 new period" in told
    assert mmm_rows.changed(fits, None, after.fit)[0].is_empty()
    assert mmm_rows.changed(fits, mmm_rows.Earlier("gone", "gone.npz"), after.fit)[0].is_empty()


def test_attempts_to_break_a_result_join_the_diagnostics_a_failed_one_first() -> None:
    kept = pl.DataFrame({"name": ["r_hat"], "value": [1.0], "threshold": [1.01], "passed": [True]})
    tests = pl.DataFrame(
        [("block", "a", 0.1, 0.2, True), ("block", "a", 0.4, 0.2, False), ("placebo", "b", 0.99, 0.95, True)],
        schema=["test", "channel", "value", "mark", "passed"],
        orient="row",
    )
    rows = mmm_rows.with_falsification(kept, SimpleNamespace(tests=tests))
    assert dict(rows.select("name", "passed").iter_rows()) == {"r_hat": True, "block: a": False, "placebo: b": True}


def test_fits_that_no_retained_run_stands_on_are_deleted(tmp_path) -> None:
    """Kept: this run's, the one it is compared with, published ones, the last finished one; each with its base."""
    with duckdb.connect() as con:
        for schema in tables.SCHEMAS:
            con.execute(f"create schema {schema}")
        con.execute(f"create table ops.run ({tables.OPS_TABLES['run']})")
        tables.create_tables(con)
        for day, run in enumerate(("oldest", "compared", "published", "old", "last", "now"), start=1):
            con.execute(
                "insert into ops.run (run_id, started_at, finished_at, status) values (?, ?, ?, ?)",
                [run, datetime(2026, 1, day), datetime(2026, 1, day), "started" if run == "now" else "finished"],
            )
            con.execute(
                "insert into measurement.mmm_fit (run_id, file, base_key, previous_run_id) values (?, ?, ?, ?)",
                [run, f"{run}.npz", f"base-of-{run}" if run != "last" else None, "compared"],
            )
            for name in (f"{run}.npz", mmm_fits.file_of(f"base-of-{run}")):
                (tmp_path / name).touch()
        (tmp_path / "killed.npz.part").touch()
        (tmp_path / "now.npz.damaged").touch()
        (tmp_path / "old.npz.damaged").touch()
        keep = mmm_fits.needed(con, "now", ["published-published"], 1)
    gone = mmm_fits.prune(tmp_path, keep)
    assert gone == sorted(
        [
            "oldest.npz",
            "base-of-oldest.npz",
            "old.npz",
            "base-of-old.npz",
            "base-of-last.npz",
            "killed.npz.part",
            "old.npz.damaged",
        ]
    )
    left = {"now.npz", "now.npz.damaged", "compared.npz", "published.npz", "last.npz"}
    left |= {"base-of-now.npz", "base-of-compared.npz", mmm_fits.file_of("base-of-published")}
    assert {p.name for p in tmp_path.iterdir()} == left


def emptied(content: bytes) -> bytes:
    return b""


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [emptied, truncated, flipped])
def test_a_damaged_kept_fit_is_set_aside_named_and_made_again(fits, company: Settings, damage) -> None:
    """Both the reported fit and the sampled one behind it may be damaged; the numbers come out the same."""
    whole = fit_or_load(fits, inputs(100), company, seed=1, code="c")
    files = [whole.file, mmm_fits.file_of(whole.base_key)]
    for name in files:
        (fits / name).write_bytes(damage((fits / name).read_bytes()))
    again = fit_or_load(fits, inputs(100), company, seed=1, code="c")
    assert not again.kept
    assert [(w.code, w.subject) for w in again.warnings] == [("kept_fit_unreadable", name) for name in files]
    assert again.fit.roas().equals(whole.fit.roas())
    assert all((fits / f"{name}.damaged").exists() for name in files)
    kept = fit_or_load(fits, inputs(100), company, seed=1, code="c")
    assert (kept.kept, kept.warnings) == (True, ())


def test_a_damaged_earlier_fit_leaves_nothing_to_compare_and_is_named(fits, company: Settings, tmp_path) -> None:
    after = fit_or_load(fits, inputs(100), company, seed=1, code="c")
    (tmp_path / "earlier.npz").write_bytes(b"PK\x03\x04")
    rows, warnings = mmm_rows.changed(tmp_path, mmm_rows.Earlier("run_before", "earlier.npz"), after.fit)
    assert rows.is_empty()
    assert [w.code for w in warnings] == ["kept_fit_unreadable"]


def test_a_later_step_gets_the_fit_of_its_run_or_a_sentence(tmp_path, fits, company: Settings) -> None:
    made = fit_or_load(fits, inputs(100), company, seed=1, code="c")
    (tmp_path / "one.npz").write_bytes((fits / made.file).read_bytes())
    con = duckdb.connect()
    con.execute("create schema measurement; create table measurement.mmm_fit (run_id text, file text)")
    assert fit_of_run(con, tmp_path, "run_1") is None
    con.execute("insert into measurement.mmm_fit values ('run_1', 'one.npz')")
    assert fit_of_run(con, tmp_path, "run_1") is not None
    (tmp_path / "one.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(FitLost, match=r"one\.npz: cannot be read and was set aside; the next `plumbline run` makes it"):
        fit_of_run(con, tmp_path, "run_1")
    with pytest.raises(FitLost, match=r"one\.npz: is missing"):
        fit_of_run(con, tmp_path, "run_1")


def test_the_card_is_a_whole_file(tmp_path) -> None:
    target = tmp_path / "reports" / "model-card.md"
    write_card(target, "# one")
    write_card(target, "# two")
    assert [p.name for p in target.parent.iterdir()] == ["model-card.md"]
    assert target.read_text(encoding="utf-8") == "# two"
