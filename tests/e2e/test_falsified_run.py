"""`mmm: {falsify: true}` in a whole run: every attempt is a line of the diagnostics, every failed one a warning."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest

from tests.e2e.conftest import write_two_files

pytestmark = pytest.mark.slow
WEEKS = 90


@pytest.fixture(scope="module")
def falsified(tmp_path_factory: pytest.TempPathFactory, cli) -> Path:
    """Two channels with a planted effect and radio, whose spend is noise and did nothing."""
    workspace = tmp_path_factory.mktemp("falsified") / "ws"
    workspace.mkdir()
    write_two_files(workspace, WEEKS)
    spends = workspace / "landing/channel_spend/spend.csv"
    lines = spends.read_text().splitlines()
    days = sorted({line.split(",")[0] for line in lines[1:]})
    noise = np.random.default_rng(11).gamma(2, 100, WEEKS)
    spends.write_text("\n".join([*lines, *(f"{d},radio,{x:.2f},EUR" for d, x in zip(days, noise, strict=True))]) + "\n")
    settings = workspace / "plumbline.yaml"
    settings.write_text(settings.read_text().replace("chains: 2}", "chains: 2, falsify: true}"))
    said = cli("run", workspace)
    assert said.returncode == 0, said.stdout + said.stderr
    return workspace / "warehouse/plumbline.duckdb"


def test_each_attempt_is_a_line_of_the_diagnostics(falsified: Path) -> None:
    with duckdb.connect(str(falsified), read_only=True) as con:
        rows = con.execute("select name, value, threshold, passed from measurement.diagnostic").fetchall()
    names = {name for name, *_ in rows}
    attempts = {name.split(":")[0] for name in names}
    assert {"r_hat", "placebo", "perturbation", "block", "hidden_driver", "specification_curve"} <= attempts
    assert {f"placebo: {c}" for c in ("search", "tv", "radio")} <= names
    assert len(names) == len(rows)
    for name, value, threshold, passed in rows:
        if name.startswith("placebo"):
            assert passed == (value >= threshold), name


def test_a_channel_that_did_nothing_is_caught_and_said(falsified: Path) -> None:
    with duckdb.connect(str(falsified), read_only=True) as con:
        passed = dict(
            con.execute("select name, passed from measurement.diagnostic where name like 'placebo%'").fetchall()
        )
        warned = con.execute("select subject, action from measurement.warning where code = 'placebo_failed'").fetchall()
    assert passed == {"placebo: search": True, "placebo: tv": True, "placebo: radio": False}
    assert [subject for subject, _ in warned] == ["radio"]
    assert warned[0][1]


def test_the_fit_of_the_run_and_the_sampled_one_behind_it_are_kept(falsified: Path) -> None:
    with duckdb.connect(str(falsified), read_only=True) as con:
        rows = con.execute("select file, path, base_key from measurement.mmm_fit").fetchall()
    [(file, path, base)] = rows
    assert path in ("re-weighted", "warm refit")  # which one suffices is for the new week to say
    kept = {p.name for p in (falsified.parent / "fits").iterdir()}
    assert kept == {file, f"{base[:16]}.npz"}
