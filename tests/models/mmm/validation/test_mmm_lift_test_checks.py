"""Each test is held against the model fitted without it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from models.mmm import Experiment, captured_return, fit, leave_one_experiment_out, predicted_lift, widened
from tests.models.mmm.mmm_worlds import QUICK, frame, read


@pytest.fixture(scope="module")
def world():
    long, truth = frame(periods=120, seed=2)
    return read(long, 1), truth


def window(data, first, last, **known):
    given = {"name": "t", "channels": ("a",), "value": 100.0, "se": 50.0}
    return Experiment(**{**given, "start": data.dates[first], "end": data.dates[last] + timedelta(days=6), **known})


def test_a_window_lift_is_predicted_in_the_units_of_the_test(world):
    data, _ = world
    found = fit(data, QUICK, seed=1)
    whole = window(data, 0, 119)
    np.testing.assert_allclose(predicted_lift(found, whole).mean(), found.totals()["mean"][0], rtol=0.02)
    as_iroas = window(data, 0, 119, estimand="iroas", value=1.0, se=0.2)
    np.testing.assert_allclose(predicted_lift(found, as_iroas).mean(), found.roas()["mean"][0], rtol=0.02)
    # Twice the usual money against none, where carryover has settled, for as many weeks as there are data.
    money = float(data.spend[:, :, 0].sum())
    old = Experiment(
        name="old",
        channels=("a",),
        start=date(2018, 1, 1),
        end=date(2018, 1, 1) + timedelta(days=7 * 120 - 1),
        value=1.0,
        se=0.3,
        estimand="iroas",
        spend=money,
    )
    level = found.design.media[0].mean()
    draws = found.draws.thin(1000)
    steady = np.tanh(np.log(3) / 2 * level / draws.half_saturation[:, 0]) * draws.beta_geo[:, 0, 0]
    by_hand = (steady * found.design.scales.kpi * 120 / money).mean()
    assert predicted_lift(found, old).mean() == pytest.approx(by_hand, rel=1e-6)


def test_what_a_test_captures_belongs_to_the_draw_that_has_the_return(world):
    """A go-dark over all the data reads the average return itself in every draw; a short one misses what follows."""
    data, _ = world
    found = fit(data, QUICK, seed=1)
    whole = captured_return(found, window(data, 0, 119, estimand="iroas", value=1.0, se=0.2))
    assert len(whole) == len(found.roas_draws())
    np.testing.assert_allclose(whole, 1.0, rtol=1e-6)
    short = window(data, 30, 40, estimand="iroas", value=1.0, se=0.2)
    part = captured_return(found, short)
    half_life = found.draws.thin(len(part)).half_life[:, 0]
    assert np.corrcoef(part, half_life)[0, 1] < -0.5
    cooled = captured_return(found, short.model_copy(update={"cooldown_days": 42}))
    assert (cooled >= part - 1e-12).all()


def test_what_several_channels_capture_together_has_no_ratio(world):
    data, _ = world
    with pytest.raises(ValueError, match="one channel and the estimand iroas"):
        captured_return(None, window(data, 0, 10, channels=("a", "b"), estimand="iroas"))  # type: ignore[arg-type]


def test_age_spend_and_quality_widen_a_test_and_are_kept_as_figures(world):
    data = world[0]
    day = data.dates[40]
    test = window(data, 30, 40)
    same, table = widened([test], data, as_of=test.end)
    row = table.row(0, named=True)
    assert row["recency"] == 0
    assert same[0].inflation == pytest.approx(np.sqrt(1 + row["spend_gap"]))
    old, table = widened([test], data, as_of=test.end + timedelta(weeks=52), quality={"t": 1.5})
    assert table["recency"][0] == pytest.approx(1.0)
    assert old[0].inflation == pytest.approx(1.5 * np.sqrt(2 + row["spend_gap"]))
    assert table["se_used"][0] == pytest.approx(old[0].inflation * test.se)
    with pytest.raises(ValueError, match="it is not finished"):
        widened([test], data, as_of=day)
    with pytest.raises(ValueError, match="more certain than it is"):
        widened([test], data, as_of=test.end, quality={"t": 0.5})


def test_a_true_test_agrees_and_a_false_one_contradicts(world):
    data, truth = world
    part = truth["b"] * 40 / 120
    honest = window(data, 40, 79, name="honest", channels=("b",), value=part, se=0.15 * part)
    false = window(data, 0, 119, name="false", value=3 * truth["a"], se=0.1 * truth["a"])
    vague = window(data, 100, 101, name="null", channels=("b",), value=0.0, se=0.5 * part)
    found = leave_one_experiment_out(data, QUICK, [honest, false, vague], seed=1)
    verdicts = dict(found.table.select("experiment", "verdict").iter_rows())
    assert verdicts["false"] == "contradicts"
    assert verdicts["honest"] == "agrees"  # the model knows b to about 10 %, the test to 15 %
    assert verdicts["null"] == "agrees"
    assert set(found.table["reading"]) == {"window"}
    assert [w.subject for w in found.warnings] == ["a"]
    assert not found.without.uses_experiments
    with pytest.raises(ValueError, match="no test to leave out"):
        leave_one_experiment_out(data, QUICK, seed=1)
