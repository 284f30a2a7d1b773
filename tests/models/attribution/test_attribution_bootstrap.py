"""Sampling intervals of attribution: refits on resampled accounts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.attribution import intervals, markov


def account_paths(accounts=400, seed=3):
    generator = np.random.default_rng(seed)
    rows = []
    for account in range(accounts):
        path = " > ".join(generator.choice(["ads", "mail", "search"], generator.integers(1, 4), p=[0.6, 0.1, 0.3]))
        won = float(generator.random() < 0.2 + 0.4 * ("ads" in path))
        rows.append((account, path, won, won * generator.uniform(5, 50), 1 - won))
    names = ["account", "path", "total_conversions", "total_conversion_value", "total_null"]
    return pl.DataFrame(rows, schema=names, orient="row")


def test_interval_estimates_are_the_models_own_figures():
    paths = account_paths()
    found = intervals(paths, draws=100, seed=1)
    table = found.table.filter(model="markov", measure="conversions")
    exact = markov(paths)
    assert table["estimate"].to_list() == pytest.approx(exact["conversions"].to_list(), rel=1e-10)
    effect = found.table.filter(measure="removal_effect_conversions")
    assert effect["estimate"].to_list() == pytest.approx(exact["removal_effect_conversions"].to_list(), abs=1e-12)
    assert (found.table["q05"] <= found.table["q95"]).all()
    assert found.ahead("ads", "mail", "markov") == 1.0


def test_a_bootstrap_draw_equals_a_refit_on_repeated_accounts():
    paths = account_paths(accounts=60)
    found = intervals(paths, draws=100, seed=9)
    weight = np.random.default_rng(9).poisson(1.0, (64, 60))[0]
    again = pl.concat([paths.filter(account=a) for a, times in enumerate(weight) for _ in range(times)])
    refit = dict(markov(again).select("channel", "conversions").iter_rows())
    drawn = found.draws["conversions"][found.models.index("markov"), 0]
    assert {c: refit.get(c, 0.0) for c in found.channels} == pytest.approx(
        dict(zip(found.channels, drawn, strict=True)), rel=1e-9
    )


def test_more_accounts_narrow_the_interval():
    few, many = (
        intervals(account_paths(n), draws=200, seed=1).table.filter(
            model="linear", measure="conversions", channel="ads"
        )
        for n in (200, 3200)
    )
    relative = [row["sd"].item() / row["estimate"].item() for row in (few, many)]
    # Sixteen times the accounts: a quarter of the relative width, give or take the bootstrap's own 10 %.
    assert relative[1] / relative[0] == pytest.approx(0.25, rel=0.35)


def test_intervals_need_accounts_and_enough_draws():
    with pytest.raises(ValueError, match="account"):
        intervals(account_paths().drop("account"), seed=1)
    with pytest.raises(ValueError, match="draws=20"):
        intervals(account_paths(), draws=20, seed=1)
