"""Write a simulated company into a workspace: settings, exports, and the truth that no real company has."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from dagster_project.assets.experiments.frozen_designs import path_of
from dagster_project.demo.designs import planned_tests
from dagster_project.demo.dirt import with_dirt
from dagster_project.demo.export import Planted
from dagster_project.demo.exports import exports
from dagster_project.demo.feed_trial import feed_secret, feed_trial, trial_exports
from dagster_project.demo.settings_text import settings_text
from dagster_project.workspace.feed_key import FILE
from models.worlds import roster_of, world_of
from models.worlds.roster import SIZES

MADE_BY = "plumbline demo"


@dataclass(frozen=True)
class DemoSummary:
    """What was written: files relative to the workspace, delivered rows, and the path of the truth."""

    files: tuple[str, ...]
    rows: int
    truth_path: Path


def write(
    workspace: Path, *, company: str | None = None, size: str = "small", seed: int = 7, days: int | None = None
) -> DemoSummary:
    """Write plumbline.yaml, landing/** and truth.json of a simulated company into `workspace`.

    `company` is a key of KINDS (b2b_software, ecommerce, developer_tool, consumer_brand, biopharma), None the
    demo company.

    small = 400 days, medium = three years, large = three years with four times the campaigns and visits; `days` sets
    another length (120 or more), always ending on 2026-09-30. The same arguments write the same bytes.
    Raises ValueError for an unknown company, an unknown size or too few days, FileExistsError when the folder
    holds anything else than this very demo company.
    """
    if size not in SIZES:
        raise ValueError(f"size {size!r} is unknown: choose one of {', '.join(SIZES)}")
    chosen = replace(SIZES[size], days=days) if days is not None else SIZES[size]
    roster = roster_of(company, seed)
    identity = {"made_by": MADE_BY, "size": size, "seed": seed, "days": chosen.days}
    if company is not None:
        identity["company"] = company
    earlier = _earlier_files(workspace, identity)
    world = world_of(roster, seed, chosen)
    truth_path = workspace / "truth.json"
    workspace.mkdir(parents=True, exist_ok=True)
    _write_json(truth_path, identity | {"complete": False, "files": dict.fromkeys(earlier, 0)})
    (workspace / "plumbline.yaml").write_text(settings_text(roster), encoding="utf-8", newline="\n")
    files: dict[str, dict[str, Any]] = {}
    planted: list[Planted] = []
    calendar = sorted(world.frames["revenue"]["day"].unique().to_list())
    trial = feed_trial(roster, calendar, seed)
    _write_feed_key(workspace / FILE, feed_secret(seed))
    of_trial = trial_exports(trial, calendar[0], calendar[-1])
    for export in chain(with_dirt(exports(world, roster, seed), roster.currency, seed), of_trial):
        target = workspace / "landing" / export.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(export.content)
        files[f"landing/{export.path}"] = {"rows": export.rows, "bad": len(export.planted)}
        if export.duplicate_of is not None:
            files[f"landing/{export.path}"]["duplicate_of"] = f"landing/{export.duplicate_of}"
        planted += export.planted
    designs = planned_tests(world, roster)
    for design in designs:
        (workspace / "experiments").mkdir(exist_ok=True)
        path_of(workspace / "experiments", design.experiment_id).write_bytes(design.to_bytes())
    for stale in sorted(set(earlier) - set(files)):
        (workspace / stale).unlink(missing_ok=True)
    _write_json(
        truth_path,
        identity
        | {"complete": True}
        | dict(world.truth)
        | {"feed_trial": trial.truth}
        | {"sources": _by_source(files), "bad_rows": [asdict(row) for row in planted], "files": files},
    )
    return DemoSummary(
        files=("plumbline.yaml", FILE, *files, *(f"experiments/{design.experiment_id}.json" for design in designs)),
        rows=sum(entry["rows"] for entry in files.values()),
        truth_path=truth_path,
    )


def _by_source(files: dict[str, dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Files, data rows and damaged rows per source; a file delivered twice counts once."""
    counts: dict[str, dict[str, int]] = {}
    for path, entry in files.items():
        source = counts.setdefault(path.split("/")[1], {"files": 0, "rows": 0, "bad": 0})
        if "duplicate_of" not in entry:
            source["files"] += 1
            source["rows"] += entry["rows"]
            source["bad"] += entry["bad"]
    return dict(sorted(counts.items()))


def _earlier_files(workspace: Path, identity: dict[str, Any]) -> list[str]:
    """Files that an earlier writing of the same demo left; refuses any other content."""
    if not workspace.exists() or not any(workspace.iterdir()):
        return []
    try:
        earlier = json.loads((workspace / "truth.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        earlier = None
    if not isinstance(earlier, dict) or earlier.get("made_by") != MADE_BY:
        raise FileExistsError(
            f"{workspace} is not empty and was not made by the demo: nothing was written. Choose an empty folder."
        )
    names = ("company", "size", "seed", "days")
    if any(earlier.get(name) != identity.get(name) for name in names):
        text = ", ".join(f"{name} {earlier[name]}" for name in names if name in earlier)
        raise FileExistsError(
            f"{workspace} holds another demo company ({text}): its warehouse would mix the two. Choose an empty folder."
        )
    return [name for name in earlier.get("files", {}) if name.startswith("landing/") and ".." not in Path(name).parts]


def _write_feed_key(path: Path, secret: bytes) -> None:
    """The secret under which the trial's offers were sealed, for its owner only."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
