"""What was known on an earlier day can be built again, and building twice changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

SPEND = "select sum(spend) from marts.channel_day where source = 'google_ads'"


@pytest.fixture
def third_of_september(project, small_build) -> Iterator[None]:
    """The run's instant moved back to the evening of 3 September, and forward again afterwards."""
    project.execute("update ops.current_run set as_of = '2026-09-03 21:59:59', as_of_day = '2026-09-03'")
    project.invoke("run", "--select", "tag:base", "tag:ads")
    yield
    project.execute("update ops.current_run set as_of = '2026-10-31 22:59:59', as_of_day = '2026-10-31'")
    project.invoke("run", "--select", "tag:base", "tag:ads")


def test_spend_as_it_was_known_on_an_earlier_day(project, third_of_september):
    assert project.rows(SPEND) == [(Decimal("150.00"),)], (
        "before the correction of 4 September and the lines it brought"
    )


def test_building_again_changes_nothing(project, small_build):
    marts = [
        name
        for (name,) in project.rows("select table_name from information_schema.tables where table_schema = 'marts'")
    ]
    before = {name: project.rows(f"select count(*), sum(hash(t)) from marts.{name} as t") for name in marts}
    statuses = project.invoke("run", "--select", "tag:ads", "tag:web", "tag:attribution")  # where order could matter
    assert {status.split(":")[0] for status in statuses.values()} == {"success"}
    assert {name: project.rows(f"select count(*), sum(hash(t)) from marts.{name} as t") for name in marts} == before
    assert project.rows(SPEND) == [(Decimal("161.11"),)]
