"""The asset of pattern cards: what people decide in the ledger is what it writes, and a cut ledger stops it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from dagster_project.assets import pattern_evidence, patterns
from dagster_project.commands.approvals.open_ledger import now_of
from dagster_project.warehouse import run_record, tables
from dagster_project.warehouse.resource import Warehouse
from dagster_project.workspace.approval_ledger import approvals_of
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings
from feedback.approvals import LedgerBroken
from feedback.patterns.extractor_changes import reread_weeks
from models.patterns import Decision, Estimate

DAY = date(2026, 11, 16)
FIGURES = {
    "raw": 0.085, "raw_se": 0.02, "shrunk": 0.07, "sd": 0.02, "low": 0.04, "high": 0.1, "p_gt_0": 0.999,
    "p_gt_0_now": 0.999, "p_gt_0_next": 0.998, "p_gt_delta": 0.998, "p_lt_minus_delta": 0.0001, "p_abs_lt_delta": 0.002,
    "lfsr": 0.001, "delta": 0.01, "expected_gain": 0.07, "n_contrasts": 324, "n_contents": 700, "n_eff": 280.0,
    "heterogeneity_sd": 0.01, "drift_sd_per_year": 0.025,
}  # fmt: skip


def promoted(feature: str, risk: str) -> Decision:
    window = {"first_week": date(2026, 5, 4), "last_week": date(2026, 11, 9)}
    estimate = Estimate(feature=feature, sign=1, channels=("meta",), outcome="ctr_log_odds", **FIGURES, **window)
    return Decision(
        feature=feature,
        kind="do",
        channels=("meta",),
        week=DAY,
        state="promoted",
        previous="provisional",
        since=DAY,
        reason="meets the rules",
        expires=date(2027, 11, 16),
        p_assign=0.9,
        risk=risk,
        estimate=estimate,
    )


@pytest.fixture
def company(tmp_path: Path, monkeypatch) -> Settings:
    people = [{"id": "ada@acme.example", "roles": ["brand_owner"]}]
    risks = {"headline.science_data": "brand"}
    settings = Settings.model_validate(
        {"company": {"brand": "acme"}, "clock": DAY, "approvals": {"people": people, "risks": risks}}
    )
    decided = [promoted("headline.science_data", "brand"), promoted("headline.number", "low")]
    (tmp_path / "plumbline.yaml").write_text("company: {brand: acme}\n")
    monkeypatch.setattr(patterns, "settings", lambda: settings)
    monkeypatch.setattr(patterns, "workspace", lambda: Workspace.at(tmp_path))
    monkeypatch.setattr(run_record, "code_version", lambda: "git:4f2a91c")
    monkeypatch.setattr(run_record, "packages_sha256", lambda: "0" * 64)
    monkeypatch.setattr("models.patterns.replay", lambda *a, **k: decided)
    return settings


@pytest.fixture
def warehouse(tmp_path: Path, company: Settings) -> Warehouse:
    file = Workspace.at(tmp_path).warehouse
    file.parent.mkdir(parents=True)
    with duckdb.connect(str(file)) as con:
        tables.create_tables(con)
        run_record.begin(con, company, print_="0" * 64, as_of_day=DAY, seed=1, selection="")
        con.execute(
            "create table marts.hook_test as select 'b' brief, 'v' variant, 'meta' channel, date '2026-05-04' as week,"
            " 100::bigint trials, 5::bigint successes, null::double as value, true is_learnable"
        )
        con.execute(
            "create table marts.channel_period_spend (channel varchar, period_kind varchar, period_start date,"
            " spend decimal(18,2))"
        )
        con.execute("create table marts.content as select 'c' content_id, 'v' variant_id")
        con.execute("create table marts.learnable_feature as select 'v' variant, 'headline.number' feature")
    return Warehouse(path=str(file))


def cards(warehouse: Warehouse) -> dict[str, str]:
    with warehouse.read() as con:
        newest = "select card->>'$.features[0].key', arg_max(state, version) from feedback.pattern_card group by all"
        return dict(con.execute(newest).fetchall())


def next_day(company: Settings, monkeypatch, warehouse: Warehouse, days: int) -> None:
    later = company.model_copy(update={"clock": DAY + timedelta(days=days)})
    monkeypatch.setattr(patterns, "settings", lambda: later)
    with warehouse.write() as con:
        run_record.begin(con, later, print_=f"{days}" * 64, as_of_day=later.clock, seed=1, selection="")


def test_a_decision_in_the_ledger_becomes_the_card_of_the_next_run(
    tmp_path: Path, company: Settings, warehouse: Warehouse, monkeypatch
) -> None:
    without_requests = run_record.fingerprint(Workspace.at(tmp_path), DAY, 1)
    patterns.pattern_card(warehouse)
    assert cards(warehouse) == {"headline.science_data": "provisional", "headline.number": "provisional"}
    approvals = approvals_of(Workspace.at(tmp_path), company)
    waiting = {request.action: request.subject for request in approvals.pending(now_of(company))}
    assert set(waiting) == {"pattern_brand", "pattern_low"}
    before = run_record.fingerprint(Workspace.at(tmp_path), DAY, 1)
    assert before == without_requests, "what a run asks is no news for the next"
    approvals.approve(waiting["pattern_brand"], by="ada@acme.example", at=now_of(company))
    assert run_record.fingerprint(Workspace.at(tmp_path), DAY, 1) != before
    next_day(company, monkeypatch, warehouse, 1)
    patterns.pattern_card(warehouse)
    assert cards(warehouse) == {"headline.science_data": "promoted", "headline.number": "promoted"}
    states = {case.request.action: case.end.event for case in approvals.book().cases}
    assert states == {"pattern_brand": "consumed", "pattern_low": "passed"}


def test_a_ledger_whose_tail_was_cut_promotes_nothing_and_says_so(
    tmp_path: Path, company: Settings, warehouse: Warehouse, monkeypatch
) -> None:
    patterns.pattern_card(warehouse)
    path = Workspace.at(tmp_path).approvals
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    next_day(company, monkeypatch, warehouse, 1)
    with pytest.raises(LedgerBroken, match="lines were cut off"):
        patterns.pattern_card(warehouse)
    assert set(cards(warehouse).values()) == {"provisional"}


def test_a_card_that_reaches_much_of_the_budget_needs_a_person(
    tmp_path: Path, company: Settings, warehouse: Warehouse
) -> None:
    with warehouse.write() as con:
        con.execute(
            "insert into marts.channel_period_spend values ('meta', 'month', '2026-10-01', 400), ('tv', 'month',"
            " '2026-10-01', 600), ('meta', 'quarter', '2026-10-01', 9000), ('meta', 'month', '2025-10-01', 9000)"
        )
        (decision,) = pattern_evidence.for_people(con, [promoted("headline.number", "low")], company.patterns.policy)
        assert decision.risk == "brand"
        wide = company.patterns.policy.model_copy(update={"person_above_reach": 0.4})
        (decision,) = pattern_evidence.for_people(con, [promoted("headline.number", "low")], wide)
        assert decision.risk == "low"
    patterns.pattern_card(warehouse)
    waiting = approvals_of(Workspace.at(tmp_path), company).pending(now_of(company))
    assert {request.action for request in waiting} == {"pattern_brand"}


def test_a_changed_extractor_puts_its_cards_on_watch_in_the_week_of_the_change(
    company: Settings, warehouse: Warehouse, monkeypatch
) -> None:
    patterns.pattern_card(warehouse)
    read, told = patterns.stored_cards, []

    def of_an_older_version(*store: object) -> list[dict]:
        return [c | {"features": [f | {"extractor_version": "0.9.0"} for f in c["features"]]} for c in read(*store)]

    monkeypatch.setattr("models.patterns.replay", lambda *a, **k: told.append(a[2].reread) or [])
    patterns.pattern_card(warehouse)
    monkeypatch.setattr(patterns, "stored_cards", of_an_older_version)
    patterns.pattern_card(warehouse)
    assert told == [{}, {"headline.number": DAY, "headline.science_data": DAY}]
    old = {"key": "headline.number", "extractor": "regex", "extractor_version": "0.9.0"}
    card = {"features": [old], "recorded_at": "2026-11-02T06:00:00Z"}
    present = {"features": [old | {"extractor_version": "1.0.0"}], "recorded_at": "2026-11-12T06:00:00Z"}
    assert reread_weeks([card, present], DAY) == {"headline.number": date(2026, 11, 9)}
    assert reread_weeks([present], DAY) == {}
