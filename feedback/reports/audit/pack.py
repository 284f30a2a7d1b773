"""Writes the audit pack of one report: rendered files, inputs, figures, manifest, and a line in the ledger."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock

from feedback.reports.audit import inputs
from feedback.reports.audit.integrity import LEDGER, MANIFEST, WRITER_LOCK, own_differences
from feedback.reports.audit.origin import LOST, Issuer, issuer
from feedback.reports.audit.previous import superseded
from feedback.reports.page.build import ReportFiles
from feedback.reports.snapshot.settings import ReportSettings
from feedback.storage import hash_chain
from feedback.storage.atomic_files import sync_folder
from feedback.storage.canonical_json import canonical

PACKAGES = ("duckdb", "numpy", "polars", "pyarrow", "altair", "vl-convert-python", "typst", "xlsxwriter", "jinja2")
REPLACED = "replaced"
DRAFT = ".draft-"
HOW = """# How to verify this pack

`plumbline audit verify <this folder>` lists what differs; no difference and exit code 0 mean that the pack is intact.

1. Every file has the hash that manifest.json (or, for the rendered report, ledger.jsonl) records; each line of
   ledger.jsonl follows from the previous one, and the last one names the hash of manifest.json; the figures have the
   hash that the report's footer prints.
2. Every figure is computed again from inputs/ and compared as a decimal number, and the report is rendered again from
   its figures and compared byte by byte, where the libraries that write it have the versions of manifest.json. Use the
   version of Plumbline that manifest.json names (run.code_version): another one may compute other figures.

Before these, the signature of the ledger's last line is checked with the key of the machine that issued the report, and
the report must be in that machine's register. Elsewhere verify says that the signature was not checked.
"""


def write(
    files: ReportFiles, snapshot: Path, audit: Path, *, settings: ReportSettings, at: datetime | None = None
) -> Path:
    """Writes `audit/<period>/<report id>/` and its line in `audit/ledger.jsonl`; returns the folder.

    `files` must come from `build` on the same `snapshot` and `settings`: level 2 of `verify` finds it if they did
    not. The report id is the sha256 of the manifest, which names inputs, figures, settings and versions but not the
    rendered files; their hashes are in the ledger line. The same report gives the same id: a second call finishes what
    a crash left, and otherwise changes nothing. A pack of that id that is damaged, or that holds other rendered files
    than `files`, is moved to `audit/replaced/`, so that no evidence is lost, and a new pack with a ledger line of its
    own takes its place. `at` is the time of the ledger line (UTC), now if not given. All files of a pack end read-only,
    and a pack appears complete or not at all.
    Raises ChainBroken when the ledger was edited or damaged, filelock.Timeout when another process keeps writing packs.
    """
    audit.mkdir(parents=True, exist_ok=True)
    by = issuer()
    with FileLock(audit / WRITER_LOCK, timeout=60):
        for leftover in audit.glob(f"{DRAFT}*"):  # of a process that was killed: no other process writes under the lock
            shutil.rmtree(leftover)
        pack = _write_locked(files, snapshot, audit, settings, (at or datetime.now(UTC)).astimezone(UTC), by)
        if by is not None:
            by.record(audit, pack)
        return pack


def _write_locked(
    files: ReportFiles, snapshot: Path, audit: Path, settings: ReportSettings, at: datetime, by: Issuer | None
) -> Path:
    ledger = audit / LEDGER
    lines = _begun_again(ledger, hash_chain.checked_lines(ledger), at, by)
    period = files.store.text("page.period")
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=audit))
    try:
        manifest = _fill(draft, files, snapshot, settings)
        report_id = hashlib.sha256(manifest).hexdigest()
        rendered = {path.name: inputs.file_sha256(path) for path in sorted(draft.glob("report.*"))}
        pack = audit / period / report_id
        if pack.exists() and not _holds(pack, rendered):
            replaced = audit / REPLACED
            replaced.mkdir(exist_ok=True)
            pack.rename(replaced / f"{period}-{report_id}-{secrets.token_hex(4)}")
        if not pack.exists():
            body = {
                "event": "report_built",
                "at": at.isoformat(timespec="seconds"),
                "seq": len(lines) + 1,
                "period": period,
                "report_id": report_id,
                "files": rendered,
                **superseded(audit, lines, period, json.loads(manifest)),
            }
            link = hash_chain.line if by is None else by.line
            own_line = link(hash_chain.head(lines), body)
            (draft / LEDGER).write_text("\n".join([*lines, own_line]) + "\n", "utf-8")
            _seal(draft)
            pack.parent.mkdir(exist_ok=True)
            draft.rename(pack)
            sync_folder(pack.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    _finish(ledger, lines, pack)
    return pack


def _begun_again(ledger: Path, lines: list[str], at: datetime, by: Issuer | None) -> list[str]:
    """The ledger's lines. A ledger that is gone is restored from the packs, which hold the chain up to their own line;
    where they are gone too, although reports were issued into this folder, its first line now says so."""
    if lines:
        return lines
    copies = (hash_chain.lines_of(path) for path in sorted(ledger.parent.glob(f"*/*/{LEDGER}")))
    held = max((copy for copy in copies if hash_chain.broken_at(copy) is None), key=len, default=[])
    last = by.lost(ledger.parent, held) if by is not None else None
    if by is not None and last is not None:
        body = {"event": LOST, "at": at.isoformat(timespec="seconds"), "seq": 1, "last_line": last}
        held = [by.line(hash_chain.head(lines), body)]
    for text in held:
        hash_chain.append(ledger, text)
    return held


def _holds(pack: Path, rendered: Mapping[str, str]) -> bool:
    """Whether a pack is undamaged and holds these rendered files."""
    return not any(own_differences(pack)) and all(
        inputs.file_sha256(pack / name) == sha for name, sha in rendered.items()
    )


def _fill(draft: Path, files: ReportFiles, snapshot: Path, settings: ReportSettings) -> bytes:
    for kind, source in (("pdf", files.pdf), ("html", files.html), ("xlsx", files.xlsx)):
        shutil.copyfile(source, draft / f"report.{kind}")
    shutil.copyfile(files.figures_json, draft / "figures.json")
    _figures_parquet(files, draft / "figures.parquet")
    if files.previous is not None:
        (draft / "previous.figures.json").write_text(files.previous.to_json(), "utf-8")
    (draft / "VERIFY.md").write_text(HOW, "utf-8")
    with duckdb.connect(str(snapshot), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        tables = inputs.export(con, draft / "inputs")
    run = {key: fact.text for key, fact in files.store.facts.items() if key.startswith("run.")}
    named = sorted(path for path in draft.glob("*") if path.is_file() and not path.name.startswith("report."))
    manifest: dict[str, Any] = {
        "manifest_version": 1,
        "period": files.store.text("page.period"),
        "settings": json.loads(settings.model_dump_json()),
        "run": run,
        "figures_sha256": files.store.text("store.sha256"),
        "inputs": tables,
        "files": {path.name: inputs.file_sha256(path) for path in named},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {name: version(name) for name in PACKAGES},
    }
    content = canonical(manifest)
    (draft / MANIFEST).write_bytes(content)
    return content


def _figures_parquet(files: ReportFiles, path: Path) -> None:
    import polars as pl

    rows = [
        {
            "figure_id": figure.id,
            "value": str(figure.value),
            "low": None if figure.low is None else str(figure.low),
            "high": None if figure.high is None else str(figure.high),
            "level": None if figure.level is None else str(figure.level),
            "unit": figure.unit,
            "basis": figure.basis,
            "sql_sha256": figure.sql_sha256,
        }
        for figure in files.store.figures.values()
    ]
    exact = pl.col("value", "low", "high", "level").cast(pl.Decimal(38, 6))
    pl.DataFrame(rows, infer_schema_length=None).with_columns(exact).write_parquet(path, compression="zstd")


def _seal(folder: Path) -> None:
    """Makes the files read-only and waits until everything is on the disk, before the folder gets its final name."""
    for path in (*folder.rglob("*"), folder):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.chmod(0o444)
    folder.chmod(0o755)


def _finish(ledger: Path, lines: list[str], pack: Path) -> None:
    """Adds the pack's own line to the common ledger unless it is there: a crash may have come between the two."""
    own = hash_chain.lines_of(pack / LEDGER)[-1]
    if own in lines:
        return
    if json.loads(own)["previous"] != hash_chain.head(lines):
        raise hash_chain.ChainBroken(
            f"the audit pack {pack.name[:12]} follows another last line than this ledger has",
            file=LEDGER,
            fix="restore the ledger from a backup, or move the pack elsewhere and build the report again",
        )
    hash_chain.append(ledger, own)
