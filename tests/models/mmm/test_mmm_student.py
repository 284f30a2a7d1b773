"""Exact Student-t noise: wild weeks do not bend the answer, and its sampler reaches one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.mmm import MMMSpec, Sampling, fit
from tests.models.mmm.mmm_worlds import frame, read

pytestmark = pytest.mark.slow


def test_student_noise_passes_the_gates_beside_wild_weeks():
    long, truth = frame(periods=78, seed=5, channels=("a",))
    wild = np.zeros(78)
    wild[[11, 30, 52, 69]] = 3000.0, -2500.0, 3500.0, -3000.0  # ten times the noise of the other weeks
    data = read(long.with_columns(pl.col("kpi") + pl.Series(wild)), 1, ("a",))
    spec = MMMSpec(likelihood="student_t", adstock="geometric", saturation="logistic", season_harmonics=1,
                   sampling=Sampling(chains=2, draws=600))  # fmt: skip
    found = fit(data, spec, seed=1)
    assert found.engine == "pymc"
    assert found.converged
    for row in found.totals().iter_rows(named=True):
        assert abs(row["mean"] - truth[row["channel"]]) < 3 * row["sd"]
