"""Each demo company's exports against its own truth: each planted fault is found, and nothing else."""

from __future__ import annotations

import json

import pytest

from dagster_project.demo import KINDS, write
from dagster_project.sources import landing as door
from dagster_project.workspace.feed_key import existing_feed_key
from dagster_project.workspace.settings import load

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("company", [None, *KINDS])
def test_every_planted_fault_is_found_and_nothing_else(company, con, tmp_path, now, pepper):
    write(tmp_path, company=company, size="small", days=150)
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    settings = load(tmp_path / "plumbline.yaml")
    landing = tmp_path / "landing"
    sealed_with = existing_feed_key(tmp_path)
    deliveries = list(door.land_all(con, landing, settings=settings, now=now, pepper=pepper, feed_key=sealed_with))
    assert all(d.balanced and d.status == "landed" for d in deliveries)
    planted = {(row["file"].removeprefix("landing/"), row["row"], row["rule"]) for row in truth["bad_rows"]}
    found = {(q["file"], q["row"], q["rule"]) for d in deliveries for q in d.quarantine.iter_rows(named=True)}
    assert planted
    assert found == planted
    for source, counts in truth["sources"].items():
        own = [d for d in deliveries if d.source == source]
        assert len(own) == counts["files"], "the file that was delivered twice counts once"
        assert sum(d.rows_delivered - d.rows_control for d in own) == counts["rows"]
        assert sum(d.rows_quarantined for d in own) == counts["bad"]
    assert door.pending(landing, con, settings) == []
