"""Tests that contradict the data: the test is then trusted, and the data are suspected of hidden demand."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.mmm.engine import laplace, layout
from models.mmm.engine.parameters import names
from models.mmm.model.design import Design
from models.mmm.model.lift_tests import Calibration
from models.mmm.result.contributions import media_sums
from models.mmm.result.posterior import from_kernel
from models.warning import Warning

CONFLICT = 2.0  # standard errors between test and model above which they are not averaged
DRAWS = 200


def against_the_data(design: Design, tests: Calibration, *, seed: int) -> pl.DataFrame:
    """experiment, value, model, z: each test inside the window against the fit without any test, by draws around the
    peak.

    value and model are incremental KPI; z is their gap over both errors. Tests read in steady state are left out.
    """
    block = layout.build(design)
    peak = laplace.peak(block, laplace.start(design), names(design))
    noise = np.random.default_rng(seed).normal(size=(DRAWS, peak.mode.size))
    draws = from_kernel((peak.mode + noise @ peak.factor.T)[None], block, design, seed=seed)
    rows = []
    for number, test in enumerate(tests.experiments):
        pairs = np.flatnonzero(tests.pairs[:, 0] == number)
        if not (tests.pairs[pairs, 2] == 1).all():
            continue
        lift = np.zeros(DRAWS)
        for i in pairs:
            c = int(tests.pairs[i, 1])
            labels = np.where(tests.weights[i] > 0, 0, -1)
            dark = design.media.copy()
            dark[c] = tests.control_media[i]
            gap = media_sums(design, draws, design.media, labels, 1) - media_sums(design, draws, dark, labels, 1)
            lift += gap[:, 0, c]
        value, error = tests.values[number, 0] * design.scales.kpi, tests.values[number, 1] * design.scales.kpi
        z = (value - lift.mean()) / np.sqrt(error**2 + lift.var())
        rows.append((test.name, list(test.channels), float(value), float(lift.mean()), float(z)))
    return pl.DataFrame(rows, schema=["experiment", "channels", "value", "model", "z"], orient="row")


def findings(table: pl.DataFrame) -> tuple[tuple[str, ...], list[Warning]]:
    """Channels whose own data may hide demand, and one warning per conflicting test."""
    loud = table.filter(pl.col("z").abs() > CONFLICT)
    channels: list[str] = []
    notes = []
    for row in loud.iter_rows(named=True):
        channels += [c for c in row["channels"] if c not in channels]
        tested = ", ".join(row["channels"])
        notes.append(
            Warning.about(
                "experiment_conflict",
                "high",
                row["channels"],
                f"The test {row['experiment']} found {row['value']:,.4g}, the data without it suggest"
                f" {row['model']:,.4g} ({row['z']:+.1f} standard errors). The model trusts the test and attributes the"
                f" co-movement of {tested} with sales to demand.",
                f"Repeat the test of {tested}, and look for the demand its buyers react to.",
            )
        )
    return tuple(channels), notes
