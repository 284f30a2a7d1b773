"""Attempts to break a result: real channels pass, invented ones do not."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.mmm import (
    falsify,
)
from models.mmm.validation.falsification import Thresholds
from models.mmm.validation.falsification_messages import MESSAGES, warning
from tests.models.mmm.mmm_worlds import QUICK, frame, read


def test_a_real_channel_beats_its_placebos_and_a_fake_one_does_not():
    long, _ = frame(periods=120, seed=2)
    rng = np.random.default_rng(8)
    fake = long.with_columns(fake=pl.Series(500 * np.exp(rng.normal(0, 0.6, 120))))
    broken = falsify(read(fake, 1, ("a", "b", "fake")), QUICK, seed=1)
    placebo = dict(broken.tests.filter(pl.col("test") == "placebo").select("channel", "passed").iter_rows())
    assert placebo["b"]
    assert not placebo["fake"]
    assert ("placebo_failed", "fake") in [(w.code, w.subject) for w in broken.warnings]


def test_every_failed_attempt_has_words():
    for test in MESSAGES:
        said = warning(test, "tv", 0.123, 0.5)
        assert "tv" in said.message + said.action + said.subject
        assert "{" not in said.message + said.action
    assert Thresholds().placebo_rank == 0.95
