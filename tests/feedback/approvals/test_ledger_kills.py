"""A writer of the ledger is killed at random moments: nothing that was acknowledged is lost, no gate stays shut."""

from __future__ import annotations

import multiprocessing
import random
import time
from pathlib import Path

import pytest
from made_requests import ADA, KEY, NOW, ledger, request

KILLS = 100


def write_until_killed(folder: Path, round_number: int, acknowledged: Path) -> None:
    """Ask, approve and use without pause, and note each step in a file once it has returned."""
    approvals = ledger(folder, key=KEY)
    for number in range(10_000):
        asked = request(artifact_sha256=f"{round_number:032x}{number:032x}")
        subject = approvals.ask(asked)
        for step in ("asked", "approved", "consumed"):
            if step == "approved":
                approvals.approve(subject, by=ADA, at=NOW)
            elif step == "consumed":
                approvals.consume(asked, at=NOW)
            with acknowledged.open("a") as file:
                file.write(f"{subject} {step}\n")


@pytest.mark.campaign
def test_a_killed_writer_leaves_a_ledger_that_holds_and_all_that_was_acknowledged(tmp_path: Path) -> None:
    fork, chance = multiprocessing.get_context("fork"), random.Random(7)
    steps = 0
    for round_number in range(KILLS):
        folder, acknowledged = tmp_path / f"{round_number // 10}", tmp_path / f"acknowledged-{round_number}"
        folder.mkdir(exist_ok=True)
        writer = fork.Process(target=write_until_killed, args=(folder, round_number, acknowledged))
        writer.start()
        time.sleep(chance.uniform(0.005, 0.15))
        writer.kill()
        writer.join()
        approvals = ledger(folder, key=KEY)
        assert approvals.check().void == ()
        book = approvals.book()
        for line in acknowledged.read_text().splitlines() if acknowledged.exists() else ():
            subject, step = line.split()
            case = book.case(subject)
            assert case is not None
            assert step == "asked" or case.approvals
            assert step != "consumed" or case.end is not None
            steps += 1
        approvals.approve(approvals.ask(request(artifact_sha256=f"ffffffff{round_number:056x}")), by=ADA, at=NOW)
    assert steps > KILLS
    print(f"{KILLS} kills, {steps} acknowledged steps, none lost")
