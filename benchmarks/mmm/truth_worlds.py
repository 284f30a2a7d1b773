"""Panels whose true contributions are known: the public ones beside the repository and the project's own re-creations.

A case holds what an analyst would have (no answer key) and, apart from it, the truth. Nothing is fitted here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from models.mmm import MMMData
from models.worlds import SCENARIOS, scenario

PUBLIC = Path(__file__).resolve().parents[3] / "shared" / "data" / "mmm"
STRESS_CHANNELS = ("TV", "Search", "Social", "Display")
STRESS = (
    "clean",
    "spend_outliers",
    "saturation_misspec",
    "adstock_misspec",
    "time_varying_beta",
    "synergy",
    "multicollinearity",
    "confounding_controlled",
    "promo_and_media",
    "promo_endogenous",
    "reach_frequency",
    "geo_clean",
)
CLEAN = frozenset({"stress clean", "stress geo_clean", "example two channels", "own clean", "own flighted"})
REFUSED_ROLES = ("mediator", "collider", "instrument")


@dataclass(frozen=True, eq=False)
class Case:
    """One panel and the true incremental KPI of each channel over the window.

    `clean` says that the model's assumptions hold and the data are informative: a medium or high warning is then a
    false alarm.
    """

    name: str
    data: MMMData
    truth: dict[str, float]

    @property
    def clean(self) -> bool:
        """Whether a warning here would be a false alarm."""
        return self.name in CLEAN

    @property
    def values(self) -> np.ndarray:
        """Truth (C,) in the order of the data's media."""
        return np.array([self.truth[c] for c in self.data.media_names])


def stress(name: str) -> Case:
    """A weekly world of the published stress matrix (or its regional one)."""
    frame = _read(f"redam94_synth__{name}.csv")
    frame = frame.drop([c for c in frame.columns if c.startswith("truth__")])
    roles = {c: "confounder" if "Demand" in c else "precision" for c in frame.columns if c.startswith("control__")}
    spend = {c: f"spend__{c}" for c in STRESS_CHANNELS}
    if name == "geo_clean":
        data = MMMData.from_frame(frame, date="Period", geo="Geography", kpi="y", spend=spend, controls=roles)  # type: ignore[arg-type]
        truth = json.loads((PUBLIC / "redam94_synth__geo_truth.json").read_text())["geo_clean"]["true_contribution"]
    else:
        data = MMMData.from_frame(frame, date="date", kpi="y", spend=spend, controls=roles)  # type: ignore[arg-type]
        answers = {w["name"]: w for w in json.loads((PUBLIC / "redam94_synth__truth.json").read_text())}
        truth = answers[name if name in answers else "clean"]["true_contribution"]
    return Case(f"stress {name}", data, {c: float(truth[c]) for c in STRESS_CHANNELS})


def recovery(size: str) -> Case:
    """The national (`small`) or the regional (`medium`) preset of a public recovery benchmark."""
    frame = _read(f"mmm_param_recovery__{size}_business.csv")
    frame = frame.drop([c for c in frame.columns if c.endswith("_effect")])
    answer = _read(f"mmm_param_recovery__{size}_business_true_contributions.csv")
    channels = [c for c in frame.columns if c.startswith("x")]
    controls = {c: "confounder" for c in frame.columns if c.startswith("c") and c[1:].isdigit()}
    data = MMMData.from_frame(
        frame,
        date="date",
        kpi="y",
        spend={c: c for c in channels},
        controls=controls,  # type: ignore[arg-type]
        geo="geo" if frame["geo"].n_unique() > 1 else None,
    )
    return Case(f"recovery {size}", data, {c: float(answer[f"contribution_{c}"].sum()) for c in channels})


def example() -> Case:
    """Two channels, two events, logistic saturation: a textbook panel."""
    frame = _read("pymc_marketing__mmm_example.csv")
    data = _two(frame, "date_week", {"event_1": "confounder", "event_2": "confounder"})
    return Case("example two channels", data, {"x1": 274_848.0, "x2": 65_906.0})


def changing() -> Case:
    """Media whose effect moves between half and one and a half times its mean."""
    frame = _read("pymc_marketing__media_tvp_data.csv").select("date_week", "y", "x1", "x2", "event_1", "event_2")
    data = _two(frame, "date_week", {"event_1": "confounder", "event_2": "confounder"})
    return Case("example changing effect", data, {"x1": 218.80, "x2": 147.98})


def hidden(*, seen: bool) -> Case:
    """A driver of sales that also moves spend of x1, given as a confounder or kept from the model."""
    frame = _read("pymc_marketing__mmm_roas_data.csv")
    truth = {c: float((frame["y"] - frame[f"y0{i}"]).sum()) for i, c in ((1, "x1"), (2, "x2"))}
    columns = ["date", "y", "x1", "x2"] + (["z"] if seen else [])
    data = _two(frame.select(columns), "date", {"z": "confounder"} if seen else {})
    return Case(f"confounder {'given' if seen else 'hidden'}", data, truth)


def saturated_radio() -> Case:
    """Radio is saturated in every week, so its effect is a constant that no data can tell from the level."""
    frame = _read("mmm_eval__example_data.csv").drop("quantity")
    data = MMMData.from_frame(
        frame,
        date="date_week",
        kpi="revenue",
        spend={"radio": "radio", "TV": "TV"},
        controls={"price": "confounder", "event_1": "confounder", "event_2": "confounder"},
    )
    return Case("saturated radio", data, {"radio": 429_434.0, "TV": 86_331.0})


def own(name: str, seed: int) -> Case:
    """One of the project's own worlds; controls enter with their declared role, forbidden ones stay out."""
    world = scenario(name, seed)
    panel = world.frames["panel"]
    roles = {c: r for c, r in world.truth["controls"].items() if r not in REFUSED_ROLES}
    channels = list(world.truth["channels"])
    data = MMMData.from_frame(
        panel.drop([c for c, r in world.truth["controls"].items() if r in REFUSED_ROLES]),
        date="date",
        kpi="revenue",
        spend={c: c for c in channels},
        controls=roles,
    )
    return Case(f"own {name}", data, {c: float(world.truth["channels"][c]["contribution"]) for c in channels})


def public_cases() -> Iterator[tuple[str, Callable[[], Case]]]:
    """Every public case by name, read when called; empty when the data are not beside the repository."""
    if not PUBLIC.exists():
        return
    for name in STRESS:
        yield f"stress {name}", lambda n=name: stress(n)  # type: ignore[misc]
    for size in ("small", "medium"):
        yield f"recovery {size}", lambda s=size: recovery(s)  # type: ignore[misc]
    yield "example two channels", example
    yield "example changing effect", changing
    yield "confounder given", lambda: hidden(seen=True)
    yield "confounder hidden", lambda: hidden(seen=False)
    yield "saturated radio", saturated_radio


def own_cases(seeds: int) -> Iterator[tuple[str, Callable[[], Case]]]:
    """Every own scenario under seeds 1..`seeds`."""
    for name in SCENARIOS:
        for seed in range(1, seeds + 1):
            yield f"own {name}", lambda n=name, s=seed: own(n, s)  # type: ignore[misc]


def published() -> pl.DataFrame:
    """The peer's own results on its stress worlds: world, peer_median, peer_worst, peer_cover, peer_verdict."""
    return _read("redam94_synth__published_stress_matrix.csv").select(
        (pl.lit("stress ") + pl.col("scenario")).alias("world"),
        pl.col("median_abs_err_pct").alias("peer_median"),
        pl.col("max_abs_err_pct").alias("peer_worst"),
        pl.col("coverage90_pct").alias("peer_cover"),
        pl.col("verdict").alias("peer_verdict"),
    )


def _two(frame: pl.DataFrame, date: str, controls: dict[str, str]) -> MMMData:
    return MMMData.from_frame(frame, date=date, kpi="y", spend={"x1": "x1", "x2": "x2"}, controls=controls)  # type: ignore[arg-type]


def _read(file: str) -> pl.DataFrame:
    return pl.read_csv(PUBLIC / file)
