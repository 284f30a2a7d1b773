"""`plumbline plan` on a published snapshot made by hand: what it prints, refuses and writes, and its exit codes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from dagster_project.cli import app
from dagster_project.warehouse.tables import create_tables
from models.mmm import MMMSpec, Sampling, fit
from tests.models.mmm.mmm_worlds import panel

RUN = "run_1"
BUDGET = "12000"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workspace after a run: settings, a kept fit with one control, and its snapshot with the combined evidence."""
    root = tmp_path_factory.mktemp("plan") / "ws"
    (root / "warehouse" / "fits").mkdir(parents=True)
    (root / "plumbline.yaml").write_text(
        "company: {name: <b>Acme</b>, brand: acme}\nreport_currency: EUR\nmargin: 0.6\nclock: 2024-06-01\n"
    )
    short = MMMSpec(adstock="geometric", saturation="logistic", sampling=Sampling(chains=2, tune=100, draws=100))
    fitted = fit(panel(periods=60, controls=True), short, seed=1)
    found = replace(fitted, known_findings=())  # gates are not the matter here
    found.save(root / "warehouse" / "fits" / "one")
    snapshot(root, found, grade="B")
    return root


def snapshot(root: Path, found, grade: str, failed: str = "") -> None:
    path = root / "warehouse" / "published-1.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as con:
        create_tables(con)
        con.execute(
            "insert into ops.run (run_id, as_of, started_at, finished_at, status) values (?, ?, ?, ?, 'finished')",
            [RUN, *[datetime(2024, 6, 1)] * 3],
        )
        con.execute("insert into measurement.mmm_fit (run_id, fit_key, file) values (?, 'k', 'one.npz')", [RUN])
        for c, name in enumerate(found.data.channels):
            con.execute(
                "insert into measurement.channel_estimate (run_id, channel, method, estimand, period, evidence_grade)"
                " values (?, ?, 'triangulated', 'iroas', 'window', ?)",
                [RUN, name, grade],
            )
            spent = float(found.data.spend[:, :, c].sum())
            for draw, iroas in enumerate(np.linspace(0.9, 1.1, 40) * (2.0 if c else 1.0)):
                con.execute(
                    "insert into measurement.period_draw (run_id, period, component, draw, incremental) values"
                    " (?, 'window', ?, ?, ?)",
                    [RUN, name, draw, float(iroas) * spent],
                )
        if failed:
            con.execute(
                'insert into ops."check" (run_id, name, passed, severity, observed, message) values'
                " (?, 'mmm:trustworthy', false, 'error', '', ?)",
                [RUN, failed],
            )
    (root / "warehouse" / "CURRENT").write_text(path.name)


@pytest.fixture(scope="module")
def declared(made, tmp_path_factory):
    """The template that the command writes, as the declared future."""
    path = tmp_path_factory.mktemp("future") / "future.csv"
    said = call(made, "--controls-template", path)
    assert said.exit_code == 0, said.output
    return path


def call(root: Path, *options: object):
    return CliRunner().invoke(app, ["plan", str(root), *map(str, options)])


def test_a_plan_with_its_risk_as_one_document(made, declared):
    said = call(made, "--budget", BUDGET, "--controls", declared, "--frontier", "--no-picture", "--json")
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert found["run_id"] == RUN
    assert found["evidence"] == "all evidence combined"
    assert sum(r["planned"] for r in found["allocation"]) == pytest.approx(12_000, rel=1e-6)
    assert {r["tier"] for r in found["allocation"]} == {"experiment-validated"}
    assert found["probability_better"] >= 0.5
    assert found["decided_by"] == "channel"
    assert len(found["declared_future"]["price"]) == 13
    assert found["probability_of_loss"] is not None
    assert found["frontier"]
    budgets = [r["budget"] for r in found["frontier"]]
    assert budgets == sorted(budgets)
    # The snapshot says that b returns 2 on average; at today's spend the curve can give no more than that a unit.
    (b,) = (r for r in found["allocation"] if r["channel"] == "b")
    assert 1.0 < b["iroas"] < 3.0


def test_the_page_needs_no_network_and_escapes_names(made, declared):
    said = call(made, "--budget", BUDGET, "--controls", declared, "--objective", "safe", "--json")
    files = json.loads(said.stdout)["files"]
    page = Path(files["html"]).read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert "<script" not in page
    assert "&lt;b&gt;Acme" in page
    assert "<b>Acme" not in page
    assert page.count("data:image/svg+xml;base64,") == 2 + 2  # one panel per channel, the moves, the frontier
    assert Path(files["png"]).read_bytes().startswith(b"\x89PNG")
    allocation = json.loads(said.stdout)["allocation"]
    kept = pl.read_csv(files["plan_csv"])
    assert kept["planned"].to_list() == pytest.approx([r["planned"] for r in allocation], abs=1e-3)
    curves = pl.read_csv(files["curves_csv"])
    assert {"channel", "spend", "mean", "iroas", "mroas"} <= set(curves.columns)
    again = call(made, "--budget", BUDGET, "--controls", declared, "--objective", "safe", "--json")
    assert Path(json.loads(again.stdout)["files"]["html"]).read_text() == page


def test_lines_for_people(made, declared):
    said = call(made, "--budget", BUDGET, "--controls", declared, "--limit", "a=90%:110%", "--no-picture")
    assert said.exit_code == 0, said.output
    assert "12,000 EUR for 13 weeks" in said.stdout
    assert "better than the current mix with probability" in said.stdout
    assert "sales without this media" in said.stdout
    assert "current: each channel's share of that money, scaled to this plan's budget" in said.stdout
    assert "repeating the last spend of" in said.stdout
    assert "the next EUR of budget returns" in said.stdout
    assert "media is profitable from 1.67 (margin 0.6)" in said.stdout


def test_an_edited_template_is_not_written_over(made, declared):
    said = call(made, "--controls-template", declared)
    assert (said.exit_code, "may have been edited" in " ".join(said.output.split())) == (2, True)


def test_a_goal_takes_the_place_of_a_budget(made, declared):
    said = call(made, "--target-mroas", "0.6", "--controls", declared, "--no-picture", "--json")
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert found["goal"]["kind"] == "mroas"
    assert found["goal"]["at_most"]  # the fence comes first: a plan of the most that may be spent, and it says so
    assert found["next_unit"]["mean"] > 0.6
    said = call(made, "--target-mroas", "0.6", "--controls", declared, "--no-picture")
    assert "is unknown: the goal is still met at" in " ".join(said.stdout.split())
    assert found["budget"] == pytest.approx(found["goal"]["budget"])


@pytest.mark.parametrize(
    ("options", "code", "complaint"),
    [
        pytest.param([], 1, "fitted with price, whose future is not declared", id="undeclared future"),
        pytest.param(["--controls", "DECLARED"], 2, "give --budget: the last 13 weeks cost", id="no budget"),
        pytest.param(["--budget", "-3"], 2, "a plan needs a budget above zero", id="negative"),
        pytest.param(["--budget", "3", "--target-iroas", "2"], 2, "not several", id="two wishes"),
        pytest.param(["--objective", "max"], 2, "one of mean, cvar, safe", id="objective"),
        pytest.param(["--budget", BUDGET, "--controls", "DECLARED", "--limit", "c=1:2"], 2, "c is unknown", id="limit"),
        pytest.param(["--budget", BUDGET, "--controls", "DECLARED", "--limit", "a=x:2"], 2, "'x' is not", id="text"),
        pytest.param(
            ["--budget", BUDGET, "--controls", "DECLARED", "--limit", "a=:1", "--limit", "b=:1"], 1,
            "most that may be spent", id="conflict",
        ),
        pytest.param(["--target-mroas", "900", "--controls", "DECLARED"], 1, "out of reach", id="goal"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_said(made, declared, options, code, complaint):
    said = call(made, *(declared if o == "DECLARED" else o for o in options), "--no-picture")
    assert said.exit_code == code, said.output
    assert complaint in " ".join(said.output.split())


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        pytest.param(lambda lines: lines[:1], "price is not declared for", id="empty"),
        pytest.param(lambda lines: [lines[0], *lines[2:]], "price is not declared for", id="a week less"),
        pytest.param(lambda lines: ["date,prize", *lines[1:]], "column price is missing", id="wrong column"),
        pytest.param(lambda lines: [*lines, lines[-1]], "is declared twice", id="twice"),
        pytest.param(lambda lines: [*lines[:-1], lines[-1].split(",")[0] + ",n/a"], "'n/a' is not a number", id="text"),
        pytest.param(lambda lines: [*lines, "2031-01-06,1"], "2031-01-06 is no week of this plan", id="other week"),
        pytest.param(lambda lines: [*lines, "6 Jan,1"], "'6 Jan' is not a date", id="no date"),
    ],
)
def test_a_wrong_future_names_row_and_value(made, declared, tmp_path, edit, complaint):
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("\n".join(edit(declared.read_text().splitlines())) + "\n")
    said = call(made, "--budget", BUDGET, "--controls", wrong, "--no-picture", "--json")
    assert said.exit_code == 2
    assert complaint in json.loads(said.stdout)["reason"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("bound: {a: [0, 1]}", "bound is unknown: one of bounds", id="key"),
        pytest.param("bounds: {a: [-5, 1]}", "bounds.a.0 is -5", id="value"),
        pytest.param("bounds: [", "is not YAML", id="syntax"),
        pytest.param("delivery: {a: {exponent: 0}}", "exponent is 0", id="delivery"),
    ],
)
def test_a_wrong_limits_file_names_key_and_value(made, declared, tmp_path, text, complaint):
    file = tmp_path / "limits.yaml"
    file.write_text(text)
    said = call(made, "--budget", BUDGET, "--controls", declared, "--constraints", file, "--no-picture")
    assert said.exit_code == 2
    assert complaint in " ".join(said.output.split())


def test_a_limits_file_is_kept(made, declared, tmp_path):
    file = tmp_path / "limits.yaml"
    file.write_text("by_evidence: false\nbounds: {a: [0, 3000]}\ndelivery: {b: {exponent: 0.8}}\n")
    said = call(
        made, "--budget", BUDGET, "--controls", declared, "--constraints", file, "--split", "period", "--no-picture",
        "--json",
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert found["allocation"][0]["planned"] <= 3000.01
    assert len(found["schedule"]) == 2 * 13
    assert found["schedule"][0]["from"] == found["from"]
    lines = call(
        made, "--budget", BUDGET, "--controls", declared, "--constraints", file, "--split", "period", "--no-picture"
    ).stdout.splitlines()
    assert lines.index("from\ta\tb\tall channels") > 0
    (first,) = (line for line in lines if line.startswith(f"{found['from']}\t"))
    week = sum(r["money"] for r in found["schedule"] if r["period"] == 1)
    assert float(first.split("\t")[-1].replace(",", "")) == pytest.approx(week, abs=1)


def test_a_withheld_or_missing_model_gives_no_plan(made, declared, tmp_path):
    from models.mmm import load

    root = tmp_path / "ws"
    shutil.copytree(made, root)
    snapshot(root, load(root / "warehouse/fits/one.npz"), "B", failed="The sampler did not converge.")
    said = call(root, "--budget", BUDGET, "--controls", declared)
    assert (said.exit_code, "did not converge" in said.output) == (1, True)
    snapshot(root, load(root / "warehouse/fits/one.npz"), "B")
    (root / "warehouse/fits/one.npz").unlink()
    said = call(root, "--budget", BUDGET, "--controls", declared)
    assert (said.exit_code, "plumbline run --force" in said.output) == (3, True)
    (root / "warehouse/CURRENT").unlink()
    said = call(root, "--budget", BUDGET)
    assert (said.exit_code, "nothing is published yet" in said.output) == (3, True)
