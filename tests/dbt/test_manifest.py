"""What every model owes its reader: a name that says its room, a description, a contract, a key test, an owner."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

NAMES = {
    "staging": r"stg_[a-z0-9_]+__[a-z0-9_]+",
    "intermediate": r"int_[a-z]+__[a-z0-9_]+",
    "marts": r"[a-z][a-z0-9_]+",
}
AREAS = {"base", "ads", "kpi", "crm", "web", "attribution", "finance", "experiments", "ai", "content", "system"}


@pytest.fixture(scope="module")
def manifest(project, empty_build) -> dict[str, Any]:
    return json.loads((project.target / "manifest.json").read_text())


@pytest.fixture(scope="module")
def models(manifest) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def layer(node: dict[str, Any]) -> str:
    return node["fqn"][1]


def test_names_say_the_room(models):
    assert [m["name"] for m in models if not re.fullmatch(NAMES[layer(m)], m["name"])] == []
    wrong = [m["name"] for m in models if layer(m) == "staging" and m["fqn"][2] not in m["name"]]
    assert wrong == [], "a staging model names its source"


def test_every_model_has_one_area_and_areas_never_need_each_other_in_a_circle(manifest, models):
    area = {m["unique_id"]: set(m["tags"]) & AREAS for m in models}
    assert {name for name, tags in area.items() if len(tags) != 1} == set()
    needs: dict[str, set[str]] = {a: set() for a in AREAS}
    for model in models:
        (own,) = area[model["unique_id"]]
        for parent in model["depends_on"]["nodes"]:
            if parent in area:
                needs[own] |= area[parent] - {own}
    done: set[str] = set()
    while ready := {a for a in AREAS - done if needs[a] <= done}:
        done |= ready
    assert done == AREAS, f"a circle among {AREAS - done}: {needs}"


def test_schemas_are_called_as_everybody_reads_them(models):
    assert {(layer(m), m["schema"]) for m in models} == {
        ("staging", "staging"),
        ("intermediate", "intermediate"),
        ("marts", "marts"),
    }


def test_every_model_and_every_column_is_described(models, project):
    undescribed = [m["name"] for m in models if not m["description"]]
    built = {
        (schema, table, column)
        for schema, table, column in project.rows(
            "select table_schema, table_name, column_name from information_schema.columns"
            " where table_schema in ('staging', 'intermediate', 'marts')"
        )
    }
    described = {(m["schema"], m["name"], c["name"]) for m in models for c in m["columns"].values() if c["description"]}
    named = {(m["schema"], m["name"]) for m in models}
    assert undescribed == []
    assert sorted(row for row in built - described if row[:2] in named) == []
    assert sorted(described - built) == [], "a column is described that does not exist"


def test_every_mart_has_contract_key_test_and_owner(manifest, models):
    keyed = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node["test_metadata"]["name"] == "one_row_per"
    }
    marts = [m for m in models if layer(m) == "marts"]
    assert len(marts) >= 20
    assert [m["name"] for m in marts if not m["contract"]["enforced"]] == []
    assert [m["name"] for m in marts if not m["config"]["meta"].get("owner")] == []
    assert [m["name"] for m in marts if m["unique_id"] not in keyed] == []


def test_marts_read_no_raw_table_and_staging_reads_no_mart(models):
    by_id = {m["unique_id"]: layer(m) for m in models}
    for model in models:
        parents = model["depends_on"]["nodes"]
        if layer(model) == "marts":
            assert [p for p in parents if p.startswith("source.")] == [], model["name"]
        if layer(model) == "staging":
            assert [p for p in parents if by_id.get(p) in ("intermediate", "marts")] == [], model["name"]


def test_every_source_table_belongs_to_an_asset(manifest):
    keys = {node["identifier"]: node["config"]["meta"]["dagster"]["asset_key"] for node in manifest["sources"].values()}
    assert keys["hubspot__deal"] == ["raw", "hubspot"]
    assert keys["google_ads__object"] == ["raw", "google_ads"]
    assert {tuple(k) for k in keys.values() if k[0] == "ops"} == {("ops", "settings")}
