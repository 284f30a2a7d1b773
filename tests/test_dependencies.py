"""Every dependency of pyproject.toml is used: imported by the product, or named here with what it is there for."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
NOT_IMPORTED = {
    "dagster-postgres": "an operator's own dagster.yaml names it (docs/operator.md)",
    "dagster-webserver": "`plumbline ui` starts it through `dagster dev`",
    "tzdata": "zoneinfo reads its files where the system has no time zones",
}
SPELLED_OTHERWISE = {
    "dbt-core": "dbt.cli",
    "dbt-duckdb": "dbt.adapters.duckdb",
    "pillow": "PIL",
    "python-calamine": "python_calamine",
    "pyyaml": "yaml",
    "vl-convert-python": "vl_convert",
}


def _declared() -> list[str]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    return [re.split(r"[\[<>=!~ ]", line)[0] for line in lines]


@cache
def _imported() -> set[str]:
    """Dotted names of everything that the packages import, at any depth of a file."""
    names: set[str] = set()
    for room in ("dagster_project", "models", "feedback"):
        for path in (PROJECT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names.add(node.module)
    return names


@pytest.mark.parametrize("dependency", _declared())
def test_a_dependency_is_imported_or_has_a_reason(dependency: str) -> None:
    module = SPELLED_OTHERWISE.get(dependency, dependency.replace("-", "_"))
    is_imported = any(name == module or name.startswith(f"{module}.") for name in _imported())
    assert is_imported != (dependency in NOT_IMPORTED), f"{dependency}: use it, drop it, or say in this file why"


def test_every_name_in_this_file_is_a_dependency() -> None:
    assert (NOT_IMPORTED.keys() | SPELLED_OTHERWISE.keys()) <= set(_declared())
