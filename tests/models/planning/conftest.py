"""Two small fits for the tests of this room: one that converged, and one with regions for arithmetic only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.mmm import MMMSpec, Sampling, fit
from tests.models.mmm.mmm_worlds import frame, panel, read

PLAIN = {"adstock": "geometric", "saturation": "logistic"}


@pytest.fixture(scope="session")
def fitted():
    long, _ = frame(periods=120, seed=2, controls=True)
    return fit(read(long, 1, controls=True), MMMSpec(**PLAIN), seed=1)


@pytest.fixture(scope="session")
def regional():
    """Three regions, few draws: enough to check sums and slopes, whatever the gates say of them."""
    short = MMMSpec(**PLAIN, sampling=Sampling(chains=2, tune=100, draws=60))
    return replace(fit(panel(geos=3, periods=60, seed=4), short, seed=1), known_findings=())
