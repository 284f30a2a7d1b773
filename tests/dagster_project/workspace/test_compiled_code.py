"""Compiled code goes to a folder of the user's, and beside the sources in a checkout only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dagster_project.workspace import compiled_code
from dagster_project.workspace.compiled_code import VARIABLE, keep_compiled_code
from dagster_project.workspace.paths import Workspace


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A process that runs from site-packages, with an empty user cache."""
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(compiled_code, "PROJECT", tmp_path / "site-packages")
    return Workspace.at(tmp_path / "workspace")


def test_all_workspaces_of_a_user_share_one_folder(installed: Workspace, tmp_path: Path) -> None:
    keep_compiled_code(installed)
    assert os.environ[VARIABLE] == str(tmp_path / "cache" / "plumbline" / "numba")


def test_without_a_home_to_write_to_the_workspace_keeps_it(installed: Workspace, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder would be")
    keep_compiled_code(installed)
    assert os.environ[VARIABLE] == str(installed.derived / "numba")


def test_a_folder_that_the_environment_names_stays(installed: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "somewhere")
    keep_compiled_code(installed)
    assert os.environ[VARIABLE] == "somewhere"


def test_a_checkout_keeps_it_beside_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    keep_compiled_code(Workspace.at(tmp_path))
    assert not os.environ[VARIABLE]
