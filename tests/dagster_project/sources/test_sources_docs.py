"""The page about sources names every folder, every form and every rule: a new one without a line there fails here."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.sources.catalogue import CATALOGUE, entities
from dagster_project.sources.contract import Broken
from dagster_project.sources.rules import RULES

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGE = (DOCS / "sources.md").read_text(encoding="utf-8")
MODEL = (DOCS / "data-model.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("source", CATALOGUE, ids=lambda s: s.name)
def test_every_source_and_form_is_on_the_page(source):
    assert f"`{source.name}`" in PAGE
    missing = [s.name for s in source.shapes if s.unused is None and f"`{s.name}`" not in PAGE]
    assert not missing


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_on_the_page(rule):
    assert f"`{rule}`" in PAGE


@pytest.mark.parametrize("entity", entities(), ids=lambda e: e.table)
def test_every_raw_column_is_in_the_data_model(entity):
    family = entity.table.partition("__")[2]
    wanted = "`raw.<platform>__object`" if family == "object" else f"`raw.{entity.table}`"
    line = next((row for row in MODEL.splitlines() if row.startswith("|") and wanted in row), "")
    assert line, f"raw.{entity.table} has no row in docs/data-model.md"
    assert not [name for name, _ in entity.columns if name not in line and not name.endswith("_id")]


def test_a_rule_that_nobody_explained_cannot_be_used():
    with pytest.raises(KeyError, match="bad_mood"):
        Broken(1, "spend", None, "bad_mood", "")
