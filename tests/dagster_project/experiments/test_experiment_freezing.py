"""A design that was frozen stays as it was, and the declaration that goes with it can be landed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from dagster_project.assets.experiments import frozen_designs
from dagster_project.assets.experiments.frozen_designs import DesignError, FrozenDesign
from models.incrementality import AnalysisPlan, GeoDesign

TODAY, START = date(2026, 10, 12), date(2026, 11, 2)
PLAN = AnalysisPlan(START, 28, 7, "day", "sc_log", 0.9, "scale if profit lies above zero")
DESIGN = GeoDesign(
    treated=("north", "west"), controls=("east", "mid", "south"), excluded=("isle",), kind="go_dark", plan=PLAN,
    mde=0.04, mde_claimed=0.05, power=0.8, validated_power=0.9, correlation=0.97, scaled_l2=0.3, share_of_kpi=0.25,
    mde_units=1234.5, spend_needed=900.0, mde_iroas=1.4, cost=300.0, reasons=("rank 1",),
    rejected=(("splits a pair", 2),),
    accepted=(("north", "west"), ("east",)), power_curve=((0.0, 0.1, 0.1), (0.05, 0.8, 0.9)), data_sha256="0" * 64,
    data_until=date(2026, 10, 11), seed=1,
)  # fmt: skip
FROZEN = FrozenDesign("search-nov", ("search",), "revenue", True, TODAY, DESIGN)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "experiments", tmp_path / "landing"


def test_a_design_comes_back_as_it_was_frozen(folders: tuple[Path, Path]) -> None:
    path, declared = frozen_designs.freeze(FROZEN, *folders, today=TODAY)
    assert frozen_designs.load(path) == FROZEN
    plan = json.loads(path.read_text())["analysis_plan"]
    assert plan["window"] == ["2026-11-02", "2026-11-29"]
    assert plan["excluded_regions"] == ["isle"]
    header, row = declared.read_text().splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True)) == {
        "experiment_id": "search-nov",
        "channels": "search",
        "design": "geo_rct",
        "geos": "north|west",
        "start": "2026-11-02",
        "end": "2026-11-29",
        "cooldown_end": "2026-12-06",
        "estimand": "incremental_revenue",
        "value": "",
        "kpi": "revenue",
        "note": f"design {FROZEN.sha256[:12]} frozen on 2026-10-12",
    }


def test_freezing_again_changes_nothing_and_completes_what_a_crash_left_out(folders: tuple[Path, Path]) -> None:
    path, declared = frozen_designs.freeze(FROZEN, *folders, today=TODAY)
    before = path.read_bytes()
    declared.unlink()
    frozen_designs.freeze(FROZEN, *folders, today=TODAY)
    assert declared.exists()
    assert path.read_bytes() == before


def test_a_frozen_design_is_never_overwritten(folders: tuple[Path, Path]) -> None:
    path, _ = frozen_designs.freeze(FROZEN, *folders, today=TODAY)
    before = path.read_bytes()
    with pytest.raises(DesignError, match="frozen already"):
        frozen_designs.freeze(replace(FROZEN, channels=("display",)), *folders, today=TODAY)
    assert path.read_bytes() == before


@pytest.mark.parametrize("looks", [(0.5,), (1.0, 0.5), (0.0, 1.0), (0.5, 0.5, 1.0)])
def test_looks_that_no_rule_covers_are_refused(looks: tuple[float, ...]) -> None:
    with pytest.raises(DesignError, match="the last one 1"):
        replace(FROZEN, looks=looks)


def test_a_design_after_the_start_is_no_plan(folders: tuple[Path, Path]) -> None:
    with pytest.raises(DesignError, match="starts on 2026-11-02 and today is 2026-11-03"):
        frozen_designs.freeze(FROZEN, *folders, today=date(2026, 11, 3))
    assert not folders[0].exists()


@pytest.mark.parametrize("name", ["../up", "Name", "", "a b", ".hidden"])
def test_a_name_that_could_leave_the_folder_is_refused(folders: tuple[Path, Path], name: str) -> None:
    with pytest.raises(DesignError, match="--id"):
        frozen_designs.freeze(replace(FROZEN, experiment_id=name), *folders, today=TODAY)


def test_a_changed_file_is_found_out(folders: tuple[Path, Path]) -> None:
    path, _ = frozen_designs.freeze(FROZEN, *folders, today=TODAY)
    path.write_text(path.read_text().replace('"mde": 0.04', '"mde": 0.01'))
    with pytest.raises(DesignError, match="changed after it was frozen"):
        frozen_designs.load(path)
    (folders[0] / "other.json").write_text("{}")
    found, broken = frozen_designs.known(folders[0], TODAY)
    assert not found
    assert len(broken) == 2


def test_a_file_under_another_name_is_found_out(folders: tuple[Path, Path]) -> None:
    path, _ = frozen_designs.freeze(FROZEN, *folders, today=TODAY)
    copy = path.with_name("copy.json")
    copy.write_bytes(path.read_bytes())
    with pytest.raises(DesignError, match=r"copy\.json: was changed"):
        frozen_designs.load(copy)


def test_the_past_does_not_know_designs_of_later(folders: tuple[Path, Path]) -> None:
    frozen_designs.freeze(FROZEN, *folders, today=TODAY)
    assert frozen_designs.known(folders[0], date(2026, 10, 11))[0] == {}
    assert set(frozen_designs.known(folders[0], TODAY)[0]) == {"search-nov"}


@pytest.mark.parametrize(("first", "last", "held"), [
    pytest.param(date(2026, 10, 1), date(2026, 11, 1), False, id="before"),
    pytest.param(date(2026, 12, 6), date(2026, 12, 20), True, id="last day of the cool-down"),
    pytest.param(date(2026, 12, 7), date(2026, 12, 20), False, id="after"),
])  # fmt: skip
def test_regions_are_held_until_the_cool_down_ends(first: date, last: date, held: bool) -> None:
    assert set(frozen_designs.busy_regions([FROZEN], first, last)) == ({"north", "west"} if held else set())
