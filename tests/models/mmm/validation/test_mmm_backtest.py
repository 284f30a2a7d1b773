"""Predictions of weeks the model has not seen."""

from __future__ import annotations

from models.mmm import (
    backtest,
)
from tests.models.mmm.mmm_worlds import QUICK


def test_the_backtest_scores_unseen_weeks(world):
    scores = backtest(world[0], QUICK, folds=2, horizon=4, seed=1)
    assert scores.height == 2
    assert (scores["wmape"] < 0.1).all()  # noise is 2 % and media are given
