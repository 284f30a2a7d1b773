"""The figures of a campaign as a section of docs/methods/recovery.md, one section per size of company."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.recovery.trials import WAYS, Trial

VERDICTS = ("completed", "healed", "no effect", "refused", "not reached", "FAILED")
GROUPS = ("aimed kill", "random kill", "damage")


def group(trial: Trial) -> str:
    """Which of GROUPS a trial belongs to."""
    if trial.target == "random moment":
        return "random kill"
    return "damage" if trial.what.startswith(WAYS) else "aimed kill"


def section(size: str, planned: int, trials: Sequence[Trial]) -> str:
    """The section's text: trials run of those planned, verdicts by group, and every failure with its reason."""
    version = ".".join(map(str, sys.version_info[:3]))
    lines = [
        f"`{size}`, written by the command (Python {version}): {len(trials)} of {planned} planned trials ran,"
        " a random part of them where that is fewer.",
        "",
        f"| trial | ran | {' | '.join(VERDICTS)} |",
        "|---|" + "--:|" * (len(VERDICTS) + 1),
    ]
    for name in GROUPS:
        verdicts = Counter(trial.verdict for trial in trials if group(trial) == name)
        counts = " | ".join(str(verdicts[verdict]) for verdict in VERDICTS)
        lines.append(f"| {name} | {sum(verdicts.values())} | {counts} |")
    failures = [trial for trial in trials if trial.failed]
    if failures:
        lines += ["", "Failed:"]
        lines += [f"* {trial.target}, {trial.what}: {'; '.join(trial.reasons[:2])[:300]}" for trial in failures]
    return "\n".join(lines)


def write(page: Path, size: str, planned: int, trials: Sequence[Trial]) -> None:
    """Put the section of this size between its two marks; the section of another size stays."""
    begin, end = f"<!-- {size} -->", f"<!-- end of {size} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, mark, after = rest.partition(end)
    if not mark:
        raise ValueError(f"{page.name} has no lines {begin!r} and {end!r}: nowhere to write the figures of {size}")
    page.write_text(f"{before}{begin}\n{section(size, planned, trials)}\n{end}{after}", encoding="utf-8")
