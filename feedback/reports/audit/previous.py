"""Which report came before: the one that a new report is compared with, and the one that it supersedes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from feedback.reports.audit.integrity import LEDGER, MANIFEST
from feedback.reports.snapshot.context import current_run, period_of
from feedback.reports.snapshot.period import WINDOW, quarter_of
from feedback.reports.snapshot.query import open_snapshot
from feedback.reports.snapshot.settings import ReportSettings
from feedback.storage import hash_chain

CAUSES = {
    "data_sha256": "other data landed",
    "spec_sha256": "the model's settings changed",
    "code_version": "another version of Plumbline",
    "packages_sha256": "other versions of libraries",
    "seed": "another seed",
    "as_of": "computed as of another day",
}


def report_before(audit: Path, snapshot: Path, *, period: str | None, settings: ReportSettings) -> Path | None:
    """The `figures.json` of the quarter before the one that `build` would report, as an earlier run issued it.

    It is read from the audit pack: a page that is rendered again later, in any order, is compared with the same report.
    A report of the same run is not one before. None where there is none, or the whole window is reported. Raises as
    `build` does where the period cannot be reported.
    """
    con = open_snapshot(snapshot)
    try:
        run_id = current_run(con)
        chosen = period_of(con, run_id, period, settings)
    finally:
        con.close()
    if chosen.key == WINDOW:
        return None
    before = quarter_of(chosen.start - timedelta(days=1), settings.year_starts_in_month).key
    for pack, manifest in _issued(audit, hash_chain.lines_of(audit / LEDGER), before):
        if manifest["run"]["run.id"] != run_id:
            return pack / "figures.json"
    return None


def superseded(audit: Path, lines: Sequence[str], period: str, manifest: dict[str, Any]) -> dict[str, Any]:
    """What the ledger line of a new report says of the period's report before it: its id, and why there is a new one.

    Empty for the first report of a period. `because` is `rendered again` where nothing that the manifest names differs.
    """
    for pack, earlier in _issued(audit, lines, period):
        causes = [
            text
            for field, text in CAUSES.items()
            if manifest["run"].get(f"run.{field}") != earlier["run"].get(f"run.{field}")
        ]
        changed = {**manifest["settings"], **earlier["settings"]}
        settings = sorted(key for key in changed if manifest["settings"].get(key) != earlier["settings"].get(key))
        causes += [f"plumbline.yaml: {key} changed" for key in settings]
        before = "previous.figures.json"
        if manifest["files"].get(before) != earlier["files"].get(before):
            causes.append("compared with another report of the quarter before")
        return {"supersedes": pack.name, "because": causes or ["rendered again"]}
    return {}


def _issued(audit: Path, lines: Sequence[str], period: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The packs of a period with their manifests, newest first; a pack that is gone or damaged is passed over."""
    for line in reversed(lines):
        try:
            entry = json.loads(line)
            if entry["period"] != period:
                continue
            pack = audit / period / entry["report_id"]
            manifest = json.loads((pack / MANIFEST).read_bytes())
            if (pack / "figures.json").is_file() and isinstance(manifest["run"], dict):
                yield pack, manifest
        except (OSError, ValueError, KeyError, TypeError):
            continue
