"""Real public files through the command line: land, model, and say what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.conftest import geo_media, robyn

pytestmark = pytest.mark.acceptance


def run(cli, workspace: Path) -> dict:
    """A run that must finish, as its JSON document."""
    said = cli("run", workspace, "--json", timeout=900)
    assert said.returncode == 0, said.stdout[-3000:] + said.stderr[-2000:]
    return json.loads(said.stdout)


def rows(cli, workspace: Path, table: str) -> list[dict]:
    return json.loads(cli("show", workspace, table, "--json").stdout)["rows"]


def test_robyn_weekly_runs_from_two_files(shared_data, tmp_path: Path, cli) -> None:
    frame = robyn(shared_data("mmm/robyn__dt_simulated_weekly.csv"), tmp_path)
    assert run(cli, tmp_path)["status"] == "finished"
    mmm = [r for r in rows(cli, tmp_path, "evidence") if r["method"] == "mmm"]
    assert {r["channel"] for r in mmm} == {"tv", "ooh", "print", "search", "facebook"}
    assert all(0 < r["q05"] < r["mean"] < r["q95"] for r in mmm)
    # Weekly files stay weekly: 208 weeks, and the KPI that the model saw is the file's to the cent.
    observed = [r for r in rows(cli, tmp_path, "measurement.contribution") if r["component"] == "observed"]
    assert len(observed) == frame.height
    assert sum(r["mean"] for r in observed) == pytest.approx(frame["revenue"].sum(), abs=frame.height * 0.01)
    warned = rows(cli, tmp_path, "warnings")
    assert warned
    assert all(w["message"] and w["action"] for w in warned)


def test_meridian_geo_media_runs_by_region(shared_data, tmp_path: Path, cli) -> None:
    frame = geo_media(shared_data("mmm/meridian__geo_media.csv"), tmp_path)
    assert run(cli, tmp_path)["status"] == "finished"
    observed = [r for r in rows(cli, tmp_path, "measurement.contribution") if r["component"] == "observed"]
    assert {r["geo"] for r in observed} == set(frame["geo"])
    spent = sum(float(r["spend"]) for r in rows(cli, tmp_path, "marts.channel_day"))
    truth = sum(frame[f"Channel{i}_spend"].round(2).sum() for i in range(4))
    assert spent == pytest.approx(truth, abs=0.01)
    missing = {r["capability"] for r in json.loads(cli("status", tmp_path, "--json").stdout)["not_run"]}
    assert {"experiments", "attribution", "ai_visibility", "patterns"} <= missing
    assert "media mix model" not in missing


FIVETRAN = {
    "google_ads": ("google_ads_campaign_stats_data.csv", "google_ads_campaign_history_data.csv"),
    "meta_ads": ("facebook_ads_basic_ad_data.csv", "facebook_ads_campaign_history_data.csv"),
    "linkedin_ads": ("linkedin_ad_analytics_by_campaign_data.csv", "linkedin_ad_campaign_history_data.csv"),
}
# Control totals published with the samples (their own spend columns, summed as decimals).
SPEND = {"google_ads": "231.33", "meta_ads": "643.63", "linkedin_ads": "530.62"}


def test_fivetran_samples_reconcile_from_file_to_mart(shared_data, tmp_path: Path, cli) -> None:
    for source, files in FIVETRAN.items():
        folder = tmp_path / "landing" / source
        folder.mkdir(parents=True)
        for name in files:
            (folder / name).write_bytes(shared_data(f"sources/fivetran_dbt_ad_reporting/{name}").read_bytes())
    (tmp_path / "plumbline.yaml").write_text(
        "company: {name: Fivetran, brand: fivetran}\nreport_currency: USD\nclock: 2026-10-12\n"
        "sources:\n  google_ads: {currency: USD}\n  meta_ads: {currency: USD}\n  linkedin_ads: {currency: USD}\n"
    )
    said = cli("run", tmp_path, "--json", timeout=600)
    document = json.loads(said.stdout)
    states = {s["name"]: s["state"] for s in document["steps"]}
    assert states["dbt_ads"] == "ok", document["reasons"]
    from decimal import Decimal

    mart = json.loads(cli("show", tmp_path, "marts.channel_day", "--json").stdout)["rows"]
    for source, total in SPEND.items():
        spent = sum(Decimal(r["spend"]) for r in mart if r["source"] == source)
        assert spent == Decimal(total), source
    books = json.loads(cli("show", tmp_path, "batches", "--json").stdout)["rows"]
    for batch in books:
        parts = ("rows_landed", "rows_quarantined", "rows_duplicate", "rows_control")
        assert batch["rows_delivered"] == sum(batch[p] for p in parts), batch["file"]
