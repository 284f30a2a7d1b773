"""`python -m benchmarks.asking`: 1,000 answers under faults and kill -9, and caps with wrong prices.

The engines are local, the library, the sockets and the processes are real.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

from benchmarks.asking.trials import Capped, Killed, capped_day, killed_day


def main(arguments: list[str] | None = None) -> int:
    """Print both trials; exit 1 where an answer was lost, stored or asked twice, or a cap exceeded by two answers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.asking", description=__doc__)
    parser.add_argument("--answers", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    prompts = chosen.answers // 4
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        killed = killed_day(
            folder / "killed", prompts=prompts, at_once=chosen.at_once, kills=chosen.kills, seed=chosen.seed
        )
        print_killed(killed)
        capped = [
            capped_day(
                folder / f"capped{number}",
                prompts=prompts,
                at_once=chosen.at_once,
                cap=Decimal(chosen.answers) / 250,
                price_share=share,
            )
            for number, share in enumerate((Decimal(1), Decimal(1) / 3, Decimal("0.1")))
        ]
        for one in capped:
            print_capped(one)
    return 0 if passed(killed, capped) else 1


def passed(killed: Killed, capped: list[Capped]) -> bool:
    """Whether every promise was kept."""
    clean = not (killed.lost or killed.stored_twice or killed.asked_again_after_an_answer_was_stored)
    return clean and all(one.over <= one.dearest_answer for one in capped)


def print_killed(found: Killed) -> None:
    """The figures of the killed day."""
    print(f"slots {found.slots}, kills {found.kills}, calls of the command {found.runs}, {found.seconds:.0f} s")
    print(f"requests {found.requests}: " + ", ".join(f"{n} {what}" for what, n in sorted(found.faults.items())))
    print(f"answers stored {found.answers}, lost {found.lost}, stored twice {found.stored_twice}")
    print(f"asked again after their answer was stored: {found.asked_again_after_an_answer_was_stored}")
    print(f"served while the process was killed, never seen and asked again: {found.served_but_never_seen}")
    print(f"calls of unknown outcome, charged at the usual price: {found.unknown_calls}")


def print_capped(found: Capped) -> None:
    """The figures of one capped day."""
    print(
        f"cap {found.cap:.2f}, set price {found.price_share:.2f} of the true one, {found.at_once} at once:"
        f" {found.answers} answers for {found.paid:.4f}, over the cap by {found.over:.4f}"
        f" (dearest answer {found.dearest_answer:.4f})"
    )


if __name__ == "__main__":
    sys.exit(main())
