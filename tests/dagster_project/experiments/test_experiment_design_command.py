"""`plumbline experiment design`: what it offers, what it refuses, and what freezing leaves behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import small_market
from typer.testing import CliRunner

from dagster_project.assets.experiments import frozen_designs
from dagster_project.workspace.paths import Workspace

FAST = ("--weeks", "2", "--sizes", "1", "--count", "3", "--start", "2026-10-05")


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = small_market.workspace(tmp_path_factory.mktemp("market"), dark=False)
    small_market.finish(made)
    return made


def design(made: Workspace, *arguments: object) -> Any:
    from dagster_project.cli import app

    return CliRunner().invoke(app, ["experiment", "design", str(made.root), *(str(a) for a in arguments)])


def test_designs_come_with_lift_power_and_cost(market: Workspace) -> None:
    answer = design(market, "--channel", "social", *FAST, "--sizes", "1,2", "--must", "r01", "--never", "r02", "--json")
    assert answer.exit_code == 0, answer.output
    [offer] = json.loads(answer.output)["offers"]
    assert offer["target_iroas_from"] == "break-even at the margin"
    ranked = offer["designs"]
    assert [d["rank"] for d in ranked] == [1, 2, 3]
    assert [d["mde"] for d in ranked] == sorted(d["mde"] for d in ranked)
    assert all("r01" in d["treated"] and "r02" in d["controls"] for d in ranked)
    assert all(d["spend_needed"] > 0 and 0 <= d["validated_power"] <= 1 for d in ranked)
    assert not market.experiments.exists()


def test_a_frozen_lot_is_a_randomised_design_with_its_picture(market: Workspace, tmp_path: Path) -> None:
    made = Workspace.at(shutil.copytree(market.root, tmp_path / "copy"))
    asked = ("--channel", "social", *FAST, "--freeze", "lot", "--id", "social-oct")
    answer = design(made, *asked)
    assert answer.exit_code == 0, answer.output
    frozen = frozen_designs.load(made.experiments / "social-oct.json")
    assert frozen.by_lot
    assert frozen.design.treated in frozen.design.accepted
    assert (made.experiments / "social-oct.power.png").stat().st_size > 2_000
    [declared] = (made.landing / "experiments").iterdir()
    assert "geo_rct" in declared.read_text()
    assert design(made, *asked).exit_code == 0  # the same once more changes nothing
    other = design(made, "--channel", "social", *FAST, "--freeze", "1", "--id", "another", "--json")
    busy = json.loads(other.output)["offers"][0]["busy_regions"]
    assert set(busy) == set(frozen.design.treated)
    assert set(busy.values()) == {"social-oct"}


@pytest.mark.parametrize(("arguments", "code", "complaint"), [
    pytest.param(("--channel", "radio", *FAST), 2, "channel 'radio' is not known here: one of social", id="channel"),
    pytest.param(("--channel", "social"), 2, "--weeks N or --days N", id="no length"),
    pytest.param(("--channel", "social", "--weeks", "20"), 1, "too few for a test of 140", id="too long"),
    pytest.param(("--channel", "social", *FAST, "--mde", "0.001"), 1, "no design finds a lift of 0.1%", id="mde"),
    pytest.param(("--channel", "social", *FAST, "--must", "r77"), 1, "'r77' is not in the panel", id="region"),
    pytest.param(("--channel", "social", *FAST, "--pairs", "r01"), 2, "--pairs r01", id="pair"),
    pytest.param(("--channel", "social", *FAST, "--matched", "r01:r99"), 1, "'r99' is not in the panel", id="match"),
    pytest.param(("--channel", "social", *FAST, "--kind", "light"), 2, "kind 'light'", id="kind"),
    pytest.param(("--channel", "social", *FAST, "--freeze", "1"), 2, "belong together", id="no name"),
    pytest.param(("--channel", "social", *FAST, "--kind", "multi_cell"), 2, "several together", id="one cell"),
])  # fmt: skip
def test_what_cannot_be_planned_is_told(
    market: Workspace, arguments: tuple[object, ...], code: int, complaint: str
) -> None:
    answer = design(market, *arguments)
    assert answer.exit_code == code, answer.output
    assert complaint in answer.output


def test_a_plan_after_the_start_is_refused(market: Workspace) -> None:
    late = ("--weeks", "2", "--sizes", "1", "--start", "2026-09-14", "--freeze", "1", "--id", "late")
    answer = design(market, "--channel", "social", *late)
    assert answer.exit_code == 2
    assert "starts on 2026-09-14 and today is 2026-09-24" in answer.output


@pytest.mark.slow
def test_cells_share_controls_and_no_region(market: Workspace, tmp_path: Path) -> None:
    made = Workspace.at(shutil.copytree(market.root, tmp_path / "copy"))
    made.settings_file.write_text(made.settings_file.read_text() + "  - {name: video, class: video}\n")
    arguments = ("--channel", "social", "--channel", "video", *FAST, "--kind", "multi_cell", "--sizes", "1")
    answer = design(made, *arguments, "--freeze", "1", "--id", "duel")
    assert answer.exit_code == 0, answer.output
    first, second = (frozen_designs.load(made.experiments / f"duel-{c}.json").design for c in ("social", "video"))
    assert not set(first.treated) & set(second.treated)
    assert set(first.controls) == set(second.controls)
    assert first.excluded == tuple(sorted(second.treated))
