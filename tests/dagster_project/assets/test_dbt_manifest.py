"""The parsed dbt project of a workspace belongs to the SQL that runs, whatever the dates of the files say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dagster_project.workspace.paths import Workspace
from feedback.storage.damaged_files import write_checksum


class Parsed:
    """What dbt's parser gives back, as far as it is used here."""

    def write(self, path: str) -> None:
        Path(path).write_text('{"nodes": {}}')


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch, workspace_folder: Workspace) -> list[str]:
    from dagster_project.assets.dbt import in_process

    digests: list[str] = []

    def parse(_warehouse: Path, _target: Path, digest: str) -> Parsed:
        digests.append(digest)
        return Parsed()

    monkeypatch.setattr(in_process, "_parsed", parse)
    return digests


@pytest.fixture
def workspace_folder(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    workspace.dbt_target.mkdir(parents=True)
    return workspace


def test_a_manifest_of_another_version_is_made_again_however_new_its_date(workspace_folder, parses) -> None:
    from dagster_project.assets.dbt.in_process import ensure_manifest

    manifest = workspace_folder.dbt_target / "manifest.json"
    manifest.write_text('{"nodes": {"model.plumbline.of_another_version": {}}}')
    write_checksum(manifest)
    os.utime(manifest, (4e9, 4e9))
    ensure_manifest(workspace_folder)
    assert manifest.read_text() == '{"nodes": {}}'
    ensure_manifest(workspace_folder)
    assert len(parses) == 1


def test_a_manifest_that_was_changed_since_is_made_again(workspace_folder, parses) -> None:
    from dagster_project.assets.dbt.in_process import ensure_manifest

    ensure_manifest(workspace_folder)
    manifest = workspace_folder.dbt_target / "manifest.json"
    manifest.write_text('{"nodes": {}')
    ensure_manifest(workspace_folder)
    assert manifest.read_text() == '{"nodes": {}}'
    assert len(parses) == 2
