"""What a run writes into a workspace, by kind: the targets of kills and damages, and what must come out equal."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

FOLDERS = ("warehouse", "reports", "audit", "memory")
# The SQL that dbt prints for people; nothing reads it again. Locks are empty and the pepper is a secret, not derived.
NOT_DERIVED = re.compile(
    r"^warehouse/dbt/(run|compiled|target|logs?)/|\.lock$|^warehouse/pepper|\.wal$|-(wal|shm|journal)$"
)
PART = re.compile(r"^\.?(?P<name>.+?)(\.\d+-[0-9a-f]+)?\.(part|tmp)$")
KINDS = (
    ("dagster.yaml", r"^warehouse/dagster/dagster\.yaml$"),
    ("Dagster's history", r"^warehouse/dagster/.*\.db$"),
    ("warehouse", r"^warehouse/plumbline\.duckdb$"),
    ("note of the running process", r"^warehouse/plumbline\.duckdb\.holder$"),
    ("dbt manifest.json", r"^warehouse/dbt/manifest\.json$"),
    ("dbt parse cache", r"^warehouse/dbt/partial_parse\.msgpack$"),
    ("other files of dbt", r"^warehouse/dbt/"),
    ("kept fit", r"^warehouse/fits/"),
    ("candidate of the snapshot", r"^warehouse/candidate\.duckdb"),
    ("checksum of the snapshot", r"^warehouse/published-.*\.sha256$"),
    ("published snapshot", r"^warehouse/published-"),
    ("pointer to the snapshot", r"^warehouse/CURRENT$"),
    ("record of the delivery", r"^warehouse/DELIVERED$"),
    ("feed snapshot", r"^memory/.*/feed-\d+\.json$"),
    ("pointer to the feed", r"^memory/.*/CURRENT\.json$"),
    ("versions and events", r"^memory/.*/events\.db$"),
    ("evidence of the channels", r"^memory/.*/EVIDENCE\.json$"),
    ("report pdf", r"^reports/.*\.pdf$"),
    ("report html", r"^reports/.*\.html$"),
    ("report xlsx", r"^reports/.*\.xlsx$"),
    ("report figures", r"^reports/.*\.figures\.json$"),
    ("model card", r"^reports/model-card\.md$"),
    ("audit ledger", r"^audit/ledger\.jsonl$"),
    ("audit pack, inputs", r"^audit/.*/inputs/"),
    ("audit pack, manifest", r"^audit/.*/manifest\.json$"),
    ("audit pack, other files", r"^audit/"),
)
# Damaged files of these kinds need not come out whole: what they hold is rebuilt, or only speeds up or logs a run.
INTERNAL = {
    "dagster.yaml",
    "Dagster's history",
    "note of the running process",
    "dbt manifest.json",
    "dbt parse cache",
    "other files of dbt",
    "checksum of the snapshot",
    "record of the delivery",
    "versions and events",
}
# Kinds of which an undisturbed run leaves no file: it is renamed before the end.
PASSING = ("candidate of the snapshot",)

Signature = tuple[int, int, int]


def kind_of(relative: str) -> str | None:
    """The kind of a file by its path inside the workspace, part files counting as what they will become.

    A file that fits no kind is a kind of its own, named after itself; None for what is not derived.
    """
    folder, _, name = relative.rpartition("/")
    part = PART.match(name)
    path = f"{folder}/{part['name']}" if part else relative
    if NOT_DERIVED.search(relative) or not path.startswith(FOLDERS):
        return None
    return next((kind for kind, pattern in KINDS if re.search(pattern, path)), path)


def derived_files(workspace: Path) -> dict[str, Path]:
    """Every derived file by its path inside the workspace."""
    return {name: path for name, path in _walk(workspace) if kind_of(name)}


def by_kind(workspace: Path) -> dict[str, list[Path]]:
    """The derived files of a workspace, grouped."""
    groups: dict[str, list[Path]] = {}
    for name, path in sorted(derived_files(workspace).items()):
        groups.setdefault(kind_of(name) or "", []).append(path)
    return groups


def watched_folder(kind: str) -> str:
    """The folder, as deep as the kind allows, below which files of a kind appear: less to look at, a finer aim."""
    pattern = dict(KINDS).get(kind, f"^{kind}$")
    plain = re.match(r"\^((?:[\w-]+/)+)", pattern)
    return plain[1].rstrip("/") if plain else kind.rpartition("/")[0]


def signatures(workspace: Path, kind: str) -> dict[str, Signature]:
    """Size, time of change and inode of every file of a kind, as far as they can be read at this moment."""
    result = {}
    for name, path in _walk(workspace, (watched_folder(kind),)):
        if kind_of(name) == kind:
            try:
                status = path.stat()
            except OSError:
                continue
            result[name] = (status.st_size, status.st_mtime_ns, status.st_ino)
    return result


def _walk(workspace: Path, below: Iterable[str] = FOLDERS) -> Iterator[tuple[str, Path]]:
    start = len(str(workspace)) + 1
    for folder in below:
        for root, folders, names in os.walk(workspace / folder):
            if root.endswith("/dbt"):
                folders[:] = [f for f in folders if f not in ("run", "compiled")]
            elif root.endswith("/warehouse"):
                folders[:] = folders if folder in FOLDERS and below is FOLDERS else []
            for name in names:
                yield f"{root[start:]}/{name}", Path(root, name)
