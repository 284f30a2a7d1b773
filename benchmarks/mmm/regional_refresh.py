"""What a new week costs a model of several regions: draws weighted where they are, moved draws, and a full refit."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np

from benchmarks.mmm.scale import Size, frame
from models import importance
from models.mmm import MMMData, MMMFit, fit, refresh
from models.mmm.engine import layout
from models.mmm.model.design import Design
from models.mmm.model.effect_prior import IDENTITY_LINK
from models.mmm.model.lift_tests import calibrate
from models.mmm.updating.refit import cold
from models.mmm.updating.refresh import extended

SIZES = (Size("6 regions", 6, 112, 3), Size("20 regions", 20, 156, 4))
NEW = (1, 2, 4, 8)
BREAK = 0.8


def panel(size: Size, seed: int) -> MMMData:
    """The simulated panel of `benchmarks.mmm.scale` as the model reads it."""
    return MMMData.from_frame(
        frame(size, seed),
        date="date",
        kpi="kpi",
        geo="geo",
        population="population",
        spend={f"channel_{c}": f"channel_{c}" for c in range(size.channels)},
    )


def first(data: MMMData, periods: int) -> MMMData:
    """The first periods of every region."""
    return data.rows(np.arange(len(data.dates)) < periods)


def unmoved(origin: MMMFit, plan: Design) -> np.ndarray:
    """Log weights (D,) of the draws as they are under `plan`, each keeping its coefficient while the window grows.

    The effect coordinate is a mean over the window: the ratio of the two is part of the weight where it is linear.
    """
    from models.mmm.engine.log_density import core

    before = layout.build(
        origin.design, calibrate(origin.data, origin.design.media, origin.design.scales, origin.experiments)
    )
    after = layout.build(plan, calibrate(plan.data, plan.media, plan.scales, origin.experiments))
    names = origin.draws.names
    media, width = len(plan.media), len(plan.baseline.scale)
    at = names.index(f"effect[{plan.data.media_names[0]}]")
    theta = origin.draws.sampled.reshape(-1, len(names)).copy()
    out, grad, nothing = np.empty(2 * width + width * width + media), np.empty(len(names)), np.empty(0)
    signed = plan.effect.kind == IDENTITY_LINK
    logs = np.empty(len(theta))
    for d, row in enumerate(theta):
        was = core(row, grad, before, nothing)
        core(row, grad, after, out)
        ratio = origin.draws.beta[d] / out[-media:]
        row[at : at + media] = np.where(
            signed, row[at : at + media] * ratio, row[at : at + media] + np.log(np.abs(ratio))
        )
        logs[d] = core(row, grad, after, nothing) - was + np.log(np.abs(ratio[signed])).sum()
    return logs


def off(one: MMMFit, other: MMMFit) -> float:
    """Largest difference of iROAS means over channels, in standard deviations of `other`."""
    mine, theirs = one.roas(), other.roas()
    return float((np.abs(mine["mean"] - theirs["mean"]) / theirs["sd"]).max())


def followed(size: Size, seed: int) -> list[dict[str, object]]:
    """One row per number of new weeks: effective draws both ways, path and CPU of `refresh`, gaps to a full refit."""
    data = panel(size, seed)
    known = size.periods - max(NEW)
    base = fit(first(data, known), seed=seed)
    worth = float(base.checks["ess_bulk"].to_numpy().min())  # of the draws before any weight, as `refresh` counts them
    rows: list[dict[str, object]] = []
    for new in NEW:
        now = first(data, known + new)
        plain, k_hat = importance.smooth(unmoved(base, extended(base, now)))
        begin = time.process_time()
        done = refresh(base, now, seed=seed)
        spent = time.process_time() - begin
        begin = time.process_time()
        full = cold(base, now, reason="compared with", seed=seed + new, fresh=False)
        assert done.lineage is not None
        rows.append(
            {
                "panel": f"{size.geos} x {size.periods} x {size.channels}",
                "coordinates": len(base.draws.names),
                "draws": base.draws.count,
                "worth": worth,
                "new_weeks": new,
                "unmoved_effective": importance.effective(plain, worth),
                "unmoved_k_hat": k_hat,
                "path": done.lineage.path,
                "reason": done.lineage.reason,
                "cpu_s": spent,
                "refit_cpu_s": time.process_time() - begin,
                "gap_sd": off(done, full),
                "stale_gap_sd": off(base, full),
            }
        )
    rows.append({"panel": rows[0]["panel"], "one_region_falls_by_20_percent": told(base, data, known, seed)})
    return rows


def told(base: MMMFit, data: MMMData, known: int, seed: int) -> str:
    """What `refresh` says after the first region's sales fell by a fifth from the first of two new weeks on."""
    kpi = data.kpi.copy()
    kpi[0, known:] *= BREAK
    done = refresh(base, first(replace(data, kpi=kpi), known + 2), seed=seed)
    return f"{done.lineage.path}: {done.lineage.reason}" if done.lineage else "nothing"


def show(rows: list[dict[str, object]]) -> None:
    """The rows as lines; the last one of a panel as JSON."""
    for r in rows:
        if "new_weeks" not in r:
            print(json.dumps(r))
            continue
        print(
            f"{r['panel']} (regions x weeks x channels), {r['coordinates']} coordinates, {r['draws']} draws worth"
            f" {r['worth']:.0f}, {r['new_weeks']} new weeks: {r['path']} in {r['cpu_s']:.2f} CPU-s ({r['reason']});"
            f" full refit {r['refit_cpu_s']:.1f} CPU-s, {r['gap_sd']:.3f} sd off it, doing nothing"
            f" {r['stale_gap_sd']:.3f}; unmoved {r['unmoved_effective']:.0f} effective, k-hat {r['unmoved_k_hat']:.2f}"
        )
