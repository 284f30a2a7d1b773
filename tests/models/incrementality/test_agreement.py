"""Two tests of one channel: when they are called a conflict, and what is said then."""

from __future__ import annotations

import pytest

from models.incrementality.agreement import ChannelReading, conflict_warnings, pairs


def reading(name: str, iroas: float, se: float = 0.3, *, channel: str = "search", inflation: float = 1.0):
    return ChannelReading(name, channel, iroas, se, inflation)


@pytest.mark.parametrize(("first", "second", "agree"), [
    pytest.param(reading("a", 2.0), reading("b", 2.8), True, id="1.9 joint standard errors"),
    pytest.param(reading("a", 2.0), reading("b", 2.9), False, id="2.1 joint standard errors"),
    pytest.param(reading("a", 2.0), reading("b", 2.9, inflation=1.5), True, id="the grade widens the error"),
    pytest.param(reading("a", -1.0), reading("b", 0.5), False, id="a loss is a reading like any other"),
])  # fmt: skip
def test_tests_conflict_beyond_two_joint_standard_errors(first, second, agree) -> None:
    [pair] = pairs([first, second])
    assert pair.agree is agree
    assert [w.subject for w in conflict_warnings([pair])] == ([] if agree else ["a, b"])
    assert pairs([second, first])[0].z == pytest.approx(-pair.z)


def test_only_tests_of_one_channel_are_compared() -> None:
    found = pairs([reading("a", 2.0), reading("b", 9.0, channel="video"), reading("c", 2.1), reading("d", 2.2)])
    assert [(p.first.experiment_id, p.second.experiment_id) for p in found] == [("a", "c"), ("a", "d"), ("c", "d")]


@pytest.mark.parametrize(("se", "inflation"), [(0.0, 1.0), (0.3, 0.9)])
def test_a_test_surer_than_it_can_be_is_refused(se, inflation) -> None:
    with pytest.raises(ValueError, match="test a: se="):
        reading("a", 1.0, se, inflation=inflation)
