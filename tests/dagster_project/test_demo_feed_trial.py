"""The demo's trial of a feed: drawn and sealed by the feed's own code, with a lift that its truth states."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from dagster_project.demo.feed_trial import BRIEFS, Trial, feed_secret, feed_trial, trial_exports
from feedback.patterns.exposure import is_sealed
from models.worlds import roster_of

DAYS = [date(2025, 8, 27) + timedelta(days=i) for i in range(400)]


@pytest.fixture(scope="module")
def trial() -> Trial:
    return feed_trial(roster_of(None, 7), DAYS, 7)


def offers(trial: Trial) -> list[dict]:
    return [{k: v for k, v in row.items() if k != "day"} for row in trial.receipts if row["kind"] == "offer"]


def test_every_offer_bears_the_seal_of_the_workspaces_key(trial):
    assert all(is_sealed(record, feed_secret(7)) for record in offers(trial))
    assert not is_sealed(offers(trial)[0], feed_secret(8))


def test_each_brief_is_a_pair_and_its_control_is_dealt_nothing(trial):
    roles = {(r["brief_id"], r["variant_id"]): r["pair_role"] for r in offers(trial)}
    assert len(roles) == 2 * BRIEFS
    assert sorted(roles.values()) == ["off"] * BRIEFS + ["on"] * BRIEFS
    assert all(r["arm"] == "off" for r in offers(trial) if r["pair_role"] == "off")
    assert any(r["arm"] == "off" for r in offers(trial) if r["pair_role"] == "on")


def test_an_agent_names_no_card_that_it_was_not_shown(trial):
    answers = [row for row in trial.receipts if row["kind"] == "exposure"]
    assert answers
    assert all("pattern_id" not in row and "applied" not in row for row in answers if row["arm"] == "off")
    assert {row["applied"] for row in answers if row["arm"] == "on"} == {"true", "false"}


def test_the_true_lift_is_what_many_trials_find():
    roster = roster_of(None, 7)
    found = [feed_trial(roster, DAYS, seed).truth["lift_of_these_pairs"] for seed in range(20)]
    truth = feed_trial(roster, DAYS, 0).truth["lift"]
    assert np.mean(found) == pytest.approx(truth, abs=4 * np.std(found, ddof=1) / np.sqrt(len(found)))


def test_the_same_seed_gives_the_same_bytes_and_every_row_is_delivered_once(trial):
    again = feed_trial(roster_of(None, 7), DAYS, 7)
    first, second = (list(trial_exports(t, DAYS[0], DAYS[-1])) for t in (trial, again))
    assert [(e.path, e.content) for e in first] == [(e.path, e.content) for e in second]
    due = sum(row["day"] <= DAYS[-1] for rows in (trial.pieces, trial.events, trial.receipts) for row in rows)
    assert sum(export.rows for export in first) == due
