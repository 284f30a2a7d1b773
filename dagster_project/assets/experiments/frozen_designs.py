"""Designs of tests as they were frozen before the test: one file each, identified by the hash of its content.

A frozen design is an input: it is never rewritten, and a damaged one cannot be derived anew. Which designs are possible
is for `models.incrementality.design_geo` to say.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedback.storage.atomic_files import write_atomically
from models.error import PlumblineError
from models.warning import Warning

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


class DesignError(PlumblineError, ValueError):
    """A design cannot be frozen or read back; names the file and the fix."""

    def warning(self) -> Warning:
        """What a run and a reader say of a design file that cannot be used."""
        return Warning(
            "frozen_design_unusable",
            "high",
            self.file or "experiments",
            f"{self}. Its test is read as if nothing had been planned.",
            "Restore the file as it was frozen.",
        )


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
            raise DesignError("is frozen already and stays as it is", file=shown(path.stem), fix="choose another --id")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        _write_once(path, frozen.to_bytes())
    declared = landing / "experiments" / f"{frozen.frozen_on}-{frozen.experiment_id}.csv"
    if not declared.exists():
        declared.parent.mkdir(parents=True, exist_ok=True)
        _write_once(declared, frozen.declared_row())
    return path, declared


def load(path: Path) -> FrozenDesign:
    """The design in a file; raises DesignError, naming the file, when it is no design or was changed after freezing."""
    from models.incrementality import GeoDesign

    document = _document(path)
    try:
        stated_hash = document.pop("sha256")
        if document["spec"] != SPEC:
            raise DesignError(f"spec is {document['spec']!r}; this version reads {SPEC!r}", file=shown(path.stem))
        frozen = FrozenDesign(
            document["experiment_id"],
            tuple(document["channels"]),
            document["analysis_plan"]["primary_metric"],
            document["by_lot"],
            date.fromisoformat(document["frozen_on"]),
            GeoDesign.from_json(json.dumps(document["design"])),
            tuple(document["analysis_plan"].get("looks", ())),
        )
        unchanged = frozen.sha256 == stated_hash == _digest(document)
    except DesignError as error:
        raise error if error.file else DesignError(error.problem, file=shown(path.stem)) from None
    except KeyError as error:
        raise _no_design(path, f"it has no {error}") from None
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise _no_design(path, str(error)) from None
    if not unchanged or path.stem != frozen.experiment_id:
        raise DesignError(
            f"was changed after it was frozen: its content no longer has the hash {str(stated_hash)[:12]}",
            file=shown(path.stem),
            fix="restore it, or freeze the new design under another name",
        )
    return frozen


def _document(path: Path) -> dict[str, Any]:
    """The file as a JSON object; raises DesignError for an empty, cut or foreign one."""
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text) if text.strip() else None
    except OSError as error:
        raise _no_design(path, f"it cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise _no_design(path, "it is cut off or not JSON") from None
    if not isinstance(document, dict):
        raise _no_design(path, "it is empty" if document is None else "it holds no object")
    return document


def _no_design(path: Path, why: str) -> DesignError:
    return DesignError(f"is no frozen design: {why}", file=shown(path.stem), fix="restore it from your backup")


def shown(experiment_id: str) -> str:
    """How messages name the file of a design: its path in the workspace."""
    return f"experiments/{experiment_id}.json"


def known(folder: Path, today: date) -> tuple[dict[str, FrozenDesign], list[DesignError]]:
    """Every design that was frozen by `today`, by experiment, and a fault for each file that cannot be used."""
    designs: dict[str, FrozenDesign] = {}
    faults: list[DesignError] = []
    for path in sorted(folder.glob("*.json")):
        try:
            frozen = load(path)
        except DesignError as fault:
            faults.append(fault)
            continue
        if frozen.frozen_on <= today:
            designs[frozen.experiment_id] = frozen
    return designs, faults


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
        raise DesignError("exists already; nothing was changed", file=f"{path.parent.name}/{path.name}")
    write_atomically(path, content)
