"""plumbline.yaml: what is refused, what falls to a default, and that every setting is documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.workspace.settings import LADDER, SOURCES, Settings, SettingsError, load


def test_the_template_is_valid_and_names_every_top_level_setting(tmp_path: Path) -> None:
    import dagster_project

    template = Path(dagster_project.__file__).with_name("plumbline.template.yaml").read_text(encoding="utf-8")
    target = tmp_path / "plumbline.yaml"
    target.write_text(template, encoding="utf-8")
    assert load(target).company.brand == "my-company"
    documented = Path(dagster_project.__file__).parents[1].joinpath("docs/settings.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"`{name}`" in documented, f"docs/settings.md does not explain {name}"


def test_a_source_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "plumbline.yaml").write_text("sources: {goggle_ads: {grain: day}}\n")
    with pytest.raises(SettingsError, match="goggle_ads"):
        load(tmp_path / "plumbline.yaml")


def test_every_fault_is_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "plumbline.yaml").write_text("margin: -1\nreport_currency: euro\ntime_zone: Nowhere\n")
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "plumbline.yaml")
    assert len(str(caught.value).splitlines()) == 3


def test_names_that_other_code_relies_on() -> None:
    assert len(SOURCES) == 19
    assert LADDER.index("lead") < LADDER.index("opportunity") < LADDER.index("won")
