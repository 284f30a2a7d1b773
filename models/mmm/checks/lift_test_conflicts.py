"""Tests against the data without them, before a fit: data that disagree, and values outside what was believed."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.mmm.checks.predictive_tail import density_ratio, tail_probability
from models.mmm.engine import laplace, layout
from models.mmm.engine.parameters import names
from models.mmm.model.design import Design
from models.mmm.model.lift_tests import Calibration
from models.mmm.result.contributions import media_sums
from models.mmm.result.posterior import from_kernel
from models.warning import Warning

TAIL = 0.02  # two-sided probability of a test's value under the fit without tests, below which it is examined
MADE_LESS_PLAUSIBLE = (
    0.2  # density of the value after over before the data, below which the data disagree with the test
)
DRAWS, LEAST_DRAWS = 4000, 1000  # a tail of .02 needs this many
RESPONSES = 4_000_000  # media responses (draws x channels x cells) above which fewer draws are taken
AGREES, DATA_DISAGREE, OUTSIDE_BELIEF = "agrees", "data disagree", "outside belief"


def against_the_data(design: Design, tests: Calibration, *, seed: int) -> pl.DataFrame:
    """experiment, channels, value, model, tail, ratio, verdict: each test inside the window against the fit without any
    test, by draws around the peak.

    value and model (median) are incremental KPI. tail is the two-sided predictive probability of the value; ratio its
    predictive density under the data over the one under the priors alone. verdict is `agrees` (tail not small), `data
    disagree` (tail small, and the data made the value less plausible) or `outside belief` (tail small because the prior
    leaves no room for the value). Tests read in steady state are left out.
    """
    block = layout.build(design)
    peak = laplace.peak(block, laplace.start(design), names(design))
    rng = np.random.default_rng(seed)
    count = max(LEAST_DRAWS, min(DRAWS, RESPONSES // design.media.size))
    after = peak.mode + rng.normal(size=(count, peak.mode.size)) @ peak.factor.T
    before = _believed(design, after, rng)
    rows = []
    for number, test in enumerate(tests.experiments):
        pairs = np.flatnonzero(tests.pairs[:, 0] == number)
        if not (tests.pairs[pairs, 2] == 1).all():
            continue
        value, error = tests.values[number, 0] * design.scales.kpi, tests.values[number, 1] * design.scales.kpi
        lift, belief = (_lift(design, tests, pairs, draws, block, seed) for draws in (after, before))
        tail = tail_probability(lift, value, error)
        ratio = density_ratio(lift, belief, value, error)
        verdict = AGREES if tail >= TAIL else (DATA_DISAGREE if ratio < MADE_LESS_PLAUSIBLE else OUTSIDE_BELIEF)
        row = (test.name, list(test.channels), float(value), float(np.median(lift)), tail, ratio, verdict)
        rows.append(row)
    columns = ["experiment", "channels", "value", "model", "tail", "ratio", "verdict"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def channels_of(table: pl.DataFrame, verdict: str) -> tuple[str, ...]:
    """The channels of the tests with a verdict, each once, in the order of the tests."""
    named = table.filter(pl.col("verdict") == verdict)["channels"].to_list()
    return tuple(dict.fromkeys(channel for channels in named for channel in channels))


def findings(table: pl.DataFrame) -> list[Warning]:
    """One warning per test with which the data disagree, or which lies outside what was believed."""
    notes = []
    for row in table.filter(pl.col("verdict") != AGREES).iter_rows(named=True):
        tested = ", ".join(row["channels"])
        told = (
            f"The test {row['experiment']} found {row['value']:,.4g}, the data without it suggest {row['model']:,.4g}"
        )
        if row["verdict"] == DATA_DISAGREE:
            notes.append(
                Warning.about(
                    "experiment_conflict",
                    "high",
                    row["channels"],
                    f"{told} (chance of such a gap: {row['tail']:.1%}). The model trusts the test and attributes the"
                    f" co-movement of {tested} with sales to demand, but the number of {tested} does not count as"
                    " tested.",
                    f"Check unit and window of {row['experiment']}; if they are right, repeat it and look for the"
                    f" demand that the buyers of {tested} react to.",
                )
            )
        else:
            notes.append(
                Warning.about(
                    "test_outside_belief",
                    "medium",
                    row["channels"],
                    f"{told}, and the value lies outside what was believed of {tested} beforehand. The model believes"
                    f" the test, with a prior for {tested} that is twice as wide.",
                    f"Check the unit of {row['experiment']}: money or units, total or per day. If it is right, it is"
                    " news.",
                )
            )
    return notes


def _believed(design: Design, after: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`after` (D, n) with carryover, saturation and effect of every channel drawn from their priors."""
    draws = after.copy()
    delayed, sloped = np.ones(int(design.delayed.sum())), np.ones(int(design.sloped.sum()))
    shape, slope, effect = design.spec.delay_shape, design.spec.slope, design.effect
    laws = (
        (design.half_life[:, 0], design.half_life[:, 1]),
        (shape.mu * delayed, shape.sigma * delayed),
        (design.half_saturation[:, 0], design.half_saturation[:, 1]),
        (slope.mu * sloped, slope.sigma * sloped),
        (effect.mu, effect.sd),
    )
    at = 0
    for centre, spread in laws:
        draws[:, at : at + len(centre)] = centre + spread * rng.normal(size=(len(draws), len(centre)))
        at += len(centre)
    return draws


def _lift(
    design: Design, tests: Calibration, pairs: np.ndarray, theta: np.ndarray, block: np.ndarray, seed: int
) -> np.ndarray:
    """Draws (D,) of the test's incremental KPI."""
    draws = from_kernel(theta[None], block, design, seed=seed)
    lift = np.zeros(draws.count)
    for i in pairs:
        c = int(tests.pairs[i, 1])
        labels = np.where(tests.weights[i] > 0, 0, -1)
        dark = design.media.copy()
        dark[c] = tests.control_media[i]
        gap = media_sums(design, draws, design.media, labels, 1) - media_sums(design, draws, dark, labels, 1)
        lift += gap[:, 0, c]
    return lift
