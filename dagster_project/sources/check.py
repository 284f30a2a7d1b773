"""What would land and what would be refused, without a warehouse: reads everything, writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dagster_project.sources.catalogue import CATALOGUE
from dagster_project.sources.delivery import Delivery
from dagster_project.sources.landing import file_name, files_by_source, stray_files
from dagster_project.sources.order import new_deliveries, turn
from dagster_project.sources.read import read_file
from dagster_project.workspace.settings import Settings

_NOT_STORED = b"checked and thrown away"  # hashes made here never leave the process


@dataclass(frozen=True)
class CheckReport:
    """Every file of landing/ as it would be read now; `repeats` maps a file that is no delivery to the earlier
    one with the same content."""

    deliveries: tuple[Delivery, ...]
    repeats: dict[str, str]
    stray: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether every file can be read and no row is refused."""
        return not self.stray and all(d.status == "landed" and not d.rows_quarantined for d in self.deliveries)

    @property
    def messages(self) -> tuple[str, ...]:
        """One sentence for each refused row or file, in the order of the files."""
        folders = ", ".join(s.name for s in CATALOGUE)
        fix = f"put it in one of the folders {folders} as csv, tsv, xlsx, parquet, json or jsonl"
        strays = tuple(f"landing/{name}: no source reads it; {fix}" for name in self.stray)
        return strays + tuple(message for d in self.deliveries for message in d.quarantine["message"])


def check(landing: Path, settings: Settings, now: datetime, feed_key: bytes | None = None) -> CheckReport:
    """Reads all of landing/ under the settings. `now` is an aware UTC instant."""
    by_source = files_by_source(landing)
    lands = {file.name for files in by_source.values() for file in new_deliveries(files, ())}
    deliveries: list[Delivery] = []
    first: dict[tuple[str, str], str] = {}
    repeats: dict[str, str] = {}
    files = [(source, file) for source, listed in by_source.items() for file in listed]
    for source, file in sorted(files, key=lambda pair: turn(pair[1].name)):
        if file.name not in lands:
            repeats[file.name] = first[source, file.sha256]
            continue
        first.setdefault((source, file.sha256), file.name)
        deliveries.append(
            read_file(
                file.path,
                source,
                settings.options(source),
                settings=settings,
                now=now,
                pepper=_NOT_STORED,
                feed_key=feed_key,
                file=file.name,
            )
        )
    return CheckReport(tuple(deliveries), repeats, tuple(file_name(p, landing) for p in stray_files(landing)))
