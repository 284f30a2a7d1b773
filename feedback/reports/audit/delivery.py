"""Whether the report of a run lies complete where its readers look for it, e.g. after a run that was killed."""

from __future__ import annotations

import json
from pathlib import Path

from feedback.reports.audit.inputs import file_sha256
from feedback.reports.audit.integrity import LEDGER, MANIFEST, Difference, pack_differences
from feedback.reports.page.build import report_files, withheld_pages
from feedback.storage import hash_chain


def undelivered(reports: Path, audit: Path, run_id: str) -> list[Difference]:
    """What is missing or damaged of the report that a run delivered; an empty list when all of it is there.

    A report consists of `reports/cfo-report-<period>.{pdf,html,xlsx,figures.json}`, of its audit pack
    `audit/<period>/<report id>/` and of the pack's line in `audit/ledger.jsonl`. The four files must have the hashes of
    their copies in the pack, and the pack must pass level 1 of `verify`. A report that a gate withheld is delivered
    when its page `cfo-report-<period>.blocked.html` names the run. Nothing is written; `where` is relative to the
    folder above `reports` and `audit`. Build the report and write its pack again to mend what is found; only a ledger
    whose chain is broken needs a backup. Costs one SHA-256 over the files of one report and pack.
    """
    ledger = f"{audit.name}/{LEDGER}"
    lines = hash_chain.lines_of(audit / LEDGER)
    pack = _pack_of(audit, lines, run_id)
    if pack is None and withheld_pages(reports, run_id):
        return []
    broken = hash_chain.broken_at(lines)
    if broken is not None:
        return [Difference(1, ledger, f"line {broken} does not follow from the line before")]
    if pack is None:
        return [Difference(1, ledger, f"names no complete audit pack of {run_id}")]
    inside = pack.relative_to(audit.parent).as_posix()
    differences = [Difference(d.level, f"{inside}/{d.where}", d.message) for d in pack_differences(pack)]
    for kind, path in report_files(reports, pack.parent.name).items():
        where = f"{reports.name}/{path.name}"
        copy = pack / ("figures.json" if kind == "figures_json" else f"report.{kind}")
        if not path.is_file():
            differences.append(Difference(1, where, "is missing"))
        elif copy.is_file() and file_sha256(path) != file_sha256(copy):
            differences.append(Difference(1, where, "is not the file that the audit pack holds"))
    return differences


def _pack_of(audit: Path, lines: list[str], run_id: str) -> Path | None:
    """The run's own pack: the first in the ledger whose manifest names it. Later ones are of other periods."""
    for line in lines:
        try:
            entry = json.loads(line)
            pack = audit / entry["period"] / entry["report_id"]
            if json.loads((pack / MANIFEST).read_bytes())["run"]["run.id"] == run_id:
                return pack
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not a report's line, or a pack that is gone or damaged: a later one may still hold
    return None


def pack_holding(file: Path) -> Path | None:
    """The newest audit pack that holds a rendered report, by its hash in the ledger of an `audit` folder above it.

    Raises FileNotFoundError where there is no such file.
    """
    sha = file_sha256(file)
    for folder in file.resolve().parents:
        audit = folder / "audit"
        for line in reversed(hash_chain.lines_of(audit / LEDGER)):
            try:
                entry = json.loads(line)
                if sha in entry["files"].values():
                    return audit / entry["period"] / entry["report_id"]
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
    return None
