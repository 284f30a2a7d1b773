"""The best frequency of a reach channel is found in a world with a known one."""

from __future__ import annotations

import polars as pl
import pytest

from models.mmm import (
    ChannelSpec,
    LogNormal,
    MMMData,
    MMMSpec,
    Sampling,
    fit,
    load,
    optimal_frequency,
)
from models.worlds import mmm_breadth as worlds

# two chains: the gates ask for 400 effective draws all the same
QUICK = MMMSpec(adstock="geometric", saturation="logistic", season_harmonics=1, sampling=Sampling(chains=2, draws=700))


def inside(row, truth, widths=4.0):
    """Within four posterior sds: room for an unlucky world, none for a wrong model."""
    return abs(row["mean"] - truth) < widths * row["sd"]


def row_of(table, **where):
    return table.filter(*(pl.col(k) == v for k, v in where.items())).row(0, named=True)


@pytest.mark.slow
def test_reach_and_frequency_are_told_apart_and_the_best_frequency_is_found(tmp_path):
    frame, truth = worlds.reach(11)
    data = MMMData.from_frame(
        frame,
        date="date",
        kpi="kpi",
        spend={"search": "search"},
        organic={"video": "reach"},
        reach={"video": ("reach", "often")},
    )
    found = fit(
        data,
        QUICK.model_copy(update={"channels": {"video": ChannelSpec(share=LogNormal.with_median(0.1, 1.0))}}),
        seed=1,
    )
    assert found.converged
    assert found.engine == "pymc"
    for row in found.totals().iter_rows(named=True):
        assert inside(row, truth[row["channel"]])
    best = row_of(optimal_frequency(found), channel="video")
    true_best = 2.5 * 1.5 ** (1 / 2.5)  # where h(f) / f of a Hill curve with slope 2.5 is greatest
    assert best["q05"] - 0.1 <= true_best <= best["q95"] + 0.1
    assert best["gain"] > 1.05
    again = load(found.save(tmp_path / "fit"))
    assert again.totals().equals(found.totals())
    assert optimal_frequency(again).equals(optimal_frequency(found))
