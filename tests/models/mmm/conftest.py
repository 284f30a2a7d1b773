"""Fits that several files of this room read; sampled once per session."""

from __future__ import annotations

import pytest

from models.mmm import fit
from tests.models.mmm.mmm_worlds import QUICK, frame, read


@pytest.fixture(scope="session")
def world():
    long, truth = frame(periods=120, seed=2, controls=True)
    return read(long, 1, controls=True), truth


@pytest.fixture(scope="session")
def fitted(world):
    return fit(world[0], QUICK, seed=1)


@pytest.fixture(scope="session")
def panel_fit():
    long, truth = frame(geos=3, periods=80, seed=5)
    return fit(read(long, 3), QUICK, seed=1), truth
