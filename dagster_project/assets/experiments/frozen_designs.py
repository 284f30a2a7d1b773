"""Designs of tests as they were frozen before the test: one file each, identified by the hash of its content.

A frozen design is never rewritten. Which designs are possible is `models.incrementality.design_geo`'s business.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.incrementality import GeoDesign

SPEC = "plumbline/experiment-design/1"
ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
ROW = (
    "experiment_id",
    "channels",
    "design",
    "geos",
    "start",
    "end",
    "cooldown_end",
    "estimand",
    "value",
    "kpi",
    "note",
)


class DesignError(ValueError):
    """A design cannot be frozen or read back; the text names the file and the fix."""


@dataclass(frozen=True)
class FrozenDesign:
    """One design with what was promised beside it; `sha256` is the identity of everything that the file says.

    `by_lot`: the regions were drawn at random among the accepted designs, which makes the test a randomised one.
    `looks` are the shares of the test, ascending to 1, after which it may be read early; none means once, at its end.
    """

    experiment_id: str
    channels: tuple[str, ...]
    kpi: str
    by_lot: bool
    frozen_on: date
    design: GeoDesign
    looks: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.looks and (list(self.looks) != sorted({*self.looks}) or self.looks[0] <= 0 or self.looks[-1] != 1):
            raise DesignError(f"looks {list(self.looks)}: shares of the test above 0, ascending, the last one 1")

    @property
    def start(self) -> date:
        """First day of the test."""
        if self.design.plan.start is None:
            raise DesignError(f"design {self.experiment_id} has no start: a test is frozen with its first day")
        return self.design.plan.start

    @property
    def end(self) -> date:
        """Last day on which spend is changed."""
        return self.start + timedelta(days=self.design.plan.duration - 1)

    @property
    def cooldown_end(self) -> date:
        """Last day that is read."""
        return self.end + timedelta(days=self.design.plan.cooldown)

    def content(self) -> dict[str, Any]:
        """Everything that the hash covers: the analysis plan for people, and the design for the read."""
        plan, design = self.design.plan, json.loads(self.design.to_json())
        return {
            "spec": SPEC,
            "experiment_id": self.experiment_id,
            "channels": list(self.channels),
            "frozen_on": self.frozen_on.isoformat(),
            "by_lot": self.by_lot,
            "analysis_plan": {
                "primary_metric": self.kpi,
                "estimator": plan.method,
                "window": [self.start.isoformat(), self.end.isoformat()],
                "cooldown_days": plan.cooldown,
                "tested_regions": list(self.design.treated),
                "excluded_regions": list(self.design.excluded),
                "level": plan.level,
                "decision": plan.decision,
            }
            | ({"looks": list(self.looks)} if self.looks else {}),
            "design": design,
        }

    @property
    def sha256(self) -> str:
        """Digest of `content` in canonical form."""
        return _digest(self.content())

    def to_bytes(self) -> bytes:
        """The file: the content and its hash; the same design always gives the same bytes."""
        document = self.content() | {"sha256": self.sha256}
        return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8")

    def declared_row(self) -> bytes:
        """The file for landing/experiments that declares the test, so that the next run knows it."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(ROW)
        writer.writerow(
            (
                self.experiment_id,
                "|".join(self.channels),
                "geo_rct" if self.by_lot else "geo_quasi",
                "|".join(self.design.treated),
                self.start,
                self.end,
                self.cooldown_end,
                "incremental_revenue" if self.kpi == "revenue" else "incremental_kpi",
                "",
                self.kpi,
                f"design {self.sha256[:12]} frozen on {self.frozen_on}",
            )
        )
        return text.getvalue().encode("utf-8")


def path_of(folder: Path, experiment_id: str) -> Path:
    """The file of a design in the workspace's `experiments/`; raises DesignError for a name that is no file name."""
    if not ID.fullmatch(experiment_id):
        raise DesignError(
            f"--id {experiment_id!r}: lower-case letters, digits, - and _, beginning with a letter or digit, at most 63"
        )
    return folder / f"{experiment_id}.json"


def freeze(frozen: FrozenDesign, folder: Path, landing: Path, *, today: date) -> tuple[Path, Path]:
    """Write the design into `folder` and its declaration into `landing`/experiments; returns both paths.

    Doing it again with the same design changes nothing and completes what a crash left out. Raises DesignError after
    the test's start, and where another design stands under the same name.
    """
    path = path_of(folder, frozen.experiment_id)
    if today > frozen.start:
        raise DesignError(
            f"the test starts on {frozen.start} and today is {today}: a design is frozen before its test, or it is"
            " no plan; declare a test that runs already in landing/experiments"
        )
    if path.exists():
        if load(path).sha256 != frozen.sha256:
            raise DesignError(f"{path.name} is frozen already and stays as it is; choose another --id")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        _write_once(path, frozen.to_bytes())
    declared = landing / "experiments" / f"{frozen.frozen_on}-{frozen.experiment_id}.csv"
    if not declared.exists():
        declared.parent.mkdir(parents=True, exist_ok=True)
        _write_once(declared, frozen.declared_row())
    return path, declared


def load(path: Path) -> FrozenDesign:
    """The design in a file; raises DesignError when it is no design or was changed after it was frozen."""
    from models.incrementality import GeoDesign

    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        said = document.pop("sha256")
        if document["spec"] != SPEC:
            raise DesignError(f"experiments/{path.name} says spec {document['spec']!r}; this version reads {SPEC!r}")
        frozen = FrozenDesign(
            document["experiment_id"],
            tuple(document["channels"]),
            document["analysis_plan"]["primary_metric"],
            document["by_lot"],
            date.fromisoformat(document["frozen_on"]),
            GeoDesign.from_json(json.dumps(document["design"])),
            tuple(document["analysis_plan"].get("looks", ())),
        )
        unchanged = frozen.sha256 == said == _digest(document)
    except DesignError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DesignError(
            f"experiments/{path.name} is no frozen design ({error}); restore it from your backup"
        ) from None
    if not unchanged or path.stem != frozen.experiment_id:
        raise DesignError(
            f"experiments/{path.name} was changed after it was frozen: its content no longer has the hash {said[:12]};"
            " restore it, or freeze the new plan under another name"
        )
    return frozen


def known(folder: Path, today: date) -> tuple[dict[str, FrozenDesign], list[DesignError]]:
    """Every design that was frozen by `today`, by experiment, and the files that cannot be believed."""
    found: dict[str, FrozenDesign] = {}
    broken: list[DesignError] = []
    for path in sorted(folder.glob("*.json")):
        try:
            frozen = load(path)
        except DesignError as error:
            broken.append(error)
            continue
        if frozen.frozen_on <= today:
            found[frozen.experiment_id] = frozen
    return found, broken


def busy_regions(designs: Iterable[FrozenDesign], first: date, last: date) -> dict[str, str]:
    """Regions that a frozen test treats on some day between `first` and `last`, with the test's name."""
    return {
        region: frozen.experiment_id
        for frozen in designs
        if frozen.start <= last and frozen.cooldown_end >= first
        for region in frozen.design.treated
    }


def _digest(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _write_once(path: Path, content: bytes) -> None:
    """All of the file or none of it, and never over another."""
    if path.exists():
        raise DesignError(f"{path} exists already; nothing was changed")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_bytes(content)
    os.replace(part, path)
