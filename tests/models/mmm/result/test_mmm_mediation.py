"""What runs through a mediator is credited to the channel that caused it."""

from __future__ import annotations

import polars as pl
import pytest

from models.mmm import (
    Mediator,
    MMMData,
    MMMSpec,
    Sampling,
    fit,
    mediation,
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
def test_what_runs_through_brand_search_is_credited_to_the_channel_that_caused_it():
    frame, truth = worlds.mediated(12)
    media = {"video": "video", "search": "search"}
    naive = fit(
        MMMData.from_frame(frame, date="date", kpi="kpi", spend=media, organic={"brand": "brand"}), QUICK, seed=1
    )
    data = MMMData.from_frame(
        frame, date="date", kpi="kpi", spend=media, mediators={"brand searches": Mediator("brand", ("video",))}
    )
    found = fit(data, QUICK, seed=1)
    assert found.converged
    total = truth["direct"] + truth["through brand searches"]
    # as a channel of its own, brand search takes what video caused: the naive range is far below the truth
    assert row_of(naive.totals(), channel="video")["q95"] < 0.75 * total
    table = mediation(found)
    assert inside(row_of(table, path="total"), total)
    assert row_of(table, path="total")["mean"] == pytest.approx(total, rel=0.2)
    for path in ("direct", "through brand searches"):
        assert inside(row_of(table, path=path), truth[path])
    assert row_of(found.totals(), channel="video")["mean"] == pytest.approx(row_of(table, path="total")["mean"])
    assert inside(row_of(found.totals(), channel="search"), truth["search"])
    lines = dict(found.closure().iter_rows())
    assert lines["fitted"] + lines["residual"] == pytest.approx(lines["observed"], rel=1e-12)
    # sales that searches brought by themselves
    assert lines["brand searches"] == pytest.approx(truth["brand searches"], rel=0.25)
    assert abs(lines["residual"]) < 0.005 * lines["observed"]
