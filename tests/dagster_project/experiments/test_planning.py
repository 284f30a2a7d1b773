"""The history on which tests are designed: media of the channel and nothing else."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import small_market
from polars.testing import assert_frame_equal

from dagster_project.assets.experiments.planning import PlanningError, history
from dagster_project.workspace.settings import load


def test_fees_are_not_the_spend_that_a_test_moves(tmp_path: Path) -> None:
    made = small_market.workspace(tmp_path, dark=False)
    settings = load(made.settings_file)
    with duckdb.connect(str(made.warehouse)) as con:
        before = history(con, settings, "social", small_market.START)
        con.execute(
            "insert into marts.channel_day select * replace ('agency' as cost_type, spend_report * 10 as spend_report)"
            " from marts.channel_day"
        )
        after = history(con, settings, "social", small_market.START)
    assert before["spend"].sum() > 0
    assert_frame_equal(before, after)


def test_a_channel_that_nobody_knows_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    made = small_market.workspace(tmp_path, dark=False)
    with (
        duckdb.connect(str(made.warehouse)) as con,
        pytest.raises(PlanningError, match="'radio' is not known here: one of social"),
    ):
        history(con, load(made.settings_file), "radio", small_market.START)
