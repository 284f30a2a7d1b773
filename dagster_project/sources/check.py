"""What would land and what would be refused, without a warehouse: reads everything, writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dagster_project.sources.catalogue import CATALOGUE
from dagster_project.sources.delivery import Delivery
from dagster_project.sources.landing import file_name, landing_files, source_of, stray_files
from dagster_project.sources.order import turn
from dagster_project.sources.read import read_file
from dagster_project.workspace.settings import Settings

_NOT_STORED = b"checked and thrown away"  # hashes made here never leave the process


@dataclass(frozen=True)
class CheckReport:
    """Every file of landing/ as it would be read now; `repeats` maps a file to the earlier one with the same
    content."""

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
    names = {s.name for s in CATALOGUE}
    deliveries: list[Delivery] = []
    first: dict[tuple[str, str], str] = {}
    repeats: dict[str, str] = {}
    for path in sorted(landing_files(landing), key=lambda p: turn(file_name(p, landing))):
        source = source_of(path, landing)
        if source not in names:
            continue
        name = file_name(path, landing)
        delivery = read_file(
            path,
            source,
            settings.options(source),
            settings=settings,
            now=now,
            pepper=_NOT_STORED,
            feed_key=feed_key,
            file=name,
        )
        if (source, delivery.sha256) in first:
            repeats[name] = first[source, delivery.sha256]
            continue
        first[source, delivery.sha256] = name
        deliveries.append(delivery)
    return CheckReport(tuple(deliveries), repeats, tuple(file_name(p, landing) for p in stray_files(landing)))
