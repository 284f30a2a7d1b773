"""Warnings of a triangulation: every known way in which a combined figure can be wrong, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from models.channel_classes import ClassChoice
from models.triangulation.channel_model import ChannelModel
from models.triangulation.conflicts import disagreeing
from models.triangulation.evidence import Readings
from models.triangulation.likelihood import wrong_unit
from models.triangulation.priors import EvidencePriors
from models.triangulation.sampler import Draws
from models.triangulation.weights import NOT_MEASURED, TESTS_FOR_C, losing
from models.warning import Warning

STALE_YEARS = 2.0
LIKELY = 0.25  # of another unit, beforehand 0.02: the reading has to speak for it at odds of 16
OFTEN_USELESS = 0.25  # classes that are useless at least this often are asked about
USELESS_POSSIBLE = 0.10


def findings(
    read: Readings,
    models: Sequence[ChannelModel],
    estimates: pl.DataFrame,
    share: pl.DataFrame,
    bias: pl.DataFrame,
    conflict: pl.DataFrame,
    drawn: Draws,
    priors: EvidencePriors,
) -> tuple[Warning, ...]:
    """Warnings on the draws, on the input, on methods and on single channels, in that order."""
    return (
        *(_not_converged(channel) for channel in drawn.convergence.stuck),
        *_on_input(read),
        *_on_tests(read, models, drawn, priors),
        *_on_methods(read, bias),
        *_on_channels(models, estimates, share, conflict),
    )


def _on_input(read: Readings) -> Iterator[Warning]:
    yield from (_mmm_not_finite(channel) for channel in read.refused)
    if read.averaged:
        yield _averaged(read.averaged)
    yield from (_zero_claim(channel, method) for channel, method in read.zero_claims)
    yield from (_design_unknown(method) for method in read.unknown_design)
    for channel, choice in zip(read.channels, read.choices, strict=True):
        if choice.reason in ("too_coarse", "unknown"):
            yield _no_class(channel, choice)


def _on_tests(
    read: Readings, models: Sequence[ChannelModel], drawn: Draws, priors: EvidencePriors
) -> Iterator[Warning]:
    tests = read.tests
    named = list(zip([read.channels[c] for c in tests.channel], tests.method, tests.y, tests.age, strict=True))
    yield from (_no_gain(channel, method, y) for channel, method, y, _ in named if y <= 0)
    for c, model in enumerate(models):
        for test in model.tests:
            expected = float(test.captured.mean()) * drawn.theta[:, c]
            chance = wrong_unit(test.y, test.se, expected, test.relative_variance, priors)
            if chance > LIKELY:
                yield _unit(model.name, tests.method[test.place], test.y, float(np.median(expected)))
    yield from (_loses_sales(channel) for channel in losing(read))
    newest = {channel: min(age for c, _, _, age in named if c == channel) for channel, *_ in named}
    yield from (_stale(channel, age) for channel, age in sorted(newest.items()) if age > STALE_YEARS)
    if tests.y.size < TESTS_FOR_C:
        yield _bias_assumed(tests.y.size)


def _on_methods(read: Readings, bias: pl.DataFrame) -> Iterator[Warning]:
    for row in bias.iter_rows(named=True):
        if row["drifted"]:
            yield _drifted(row["method"], row["factor"])
        elif row["measured_on"] == 0 and read.tests.y.size >= TESTS_FOR_C:
            yield _never_tested(row["method"])


def _on_channels(
    models: Sequence[ChannelModel], estimates: pl.DataFrame, share: pl.DataFrame, conflict: pl.DataFrame
) -> Iterator[Warning]:
    for model, row, weight in zip(models, estimates.iter_rows(named=True), share["prior"], strict=True):
        if row["q50"] <= 0:
            yield _negative(row)
        elif row["p_useless"] > USELESS_POSSIBLE and model.row.no_effect >= OFTEN_USELESS:
            yield _useless_possible(row)
        if weight > NOT_MEASURED:
            yield _mostly_assumption(row, weight)
    odd = conflict.filter((pl.col("p_adjusted") < 0.05) | (pl.col("flag") == "red"))
    yield from (_odd_reading(row) for row in odd.iter_rows(named=True))
    spread = dict(conflict.select("channel", "i_squared").unique("channel").iter_rows())
    yield from (_disagreeing(channel, spread[channel]) for channel in disagreeing(conflict))


def _not_converged(channel: str) -> Warning:
    return Warning(
        code="evidence_model_not_converged",
        severity="block",
        subject=channel,
        message=f"No set of draws could be found that agrees with all evidence on {channel}, so it has no figure.",
        action="Look for a reading of it that is far from all others, and correct or leave it out.",
    )


def _mmm_not_finite(channel: str) -> Warning:
    return Warning(
        code="mmm_reading_refused",
        severity="high",
        subject=channel,
        message=f"The media mix model has no finite return for {channel}; it is combined without the model.",
        action="Check its spend in the window: without spend there is no return on it.",
    )


def _no_class(channel: str, choice: ClassChoice) -> Warning:
    coarse = choice.reason == "too_coarse"
    options = f": one of {', '.join(choice.options)}" if choice.options else ""
    why = "says too little: it covers channels of very different returns" if coarse else "is not known"
    return Warning(
        code="class_too_coarse" if coarse else "class_unknown",
        severity="medium" if coarse else "low",
        subject=channel,
        message=f"The class of {channel} {why}, so a wide general prior is taken, and claims are corrected by a general"
        " bias.",
        action=f"Name the class of {channel} in plumbline.yaml{options}.",
    )


def _unit(channel: str, method: str, reading: float, expected: float) -> Warning:
    return Warning(
        code="test_unit_suspect",
        severity="high",
        subject=channel,
        message=f"Test {method} reads {reading:.4g} for {channel} where all evidence expects about {expected:.2f}: a"
        " hundred times too much or too little, as in a reading in percent.",
        action="Check the unit and currency of the test's result and deliver it again.",
    )


def _averaged(methods: tuple[str, ...]) -> Warning:
    return Warning(
        code="attribution_rules_averaged",
        severity="info",
        subject="all",
        message=f"{', '.join(methods)} use the same clicks, so they count as one source: their average.",
        action="Nothing to do; give a rule that uses other data a tracking name of its own.",
    )


def _zero_claim(channel: str, method: str) -> Warning:
    return Warning(
        code="zero_claim_left_out",
        severity="low",
        subject=channel,
        message=f"{method} claims no revenue for {channel}; the model cannot use a claim of zero.",
        action="Check that the tracking of this channel works.",
    )


def _design_unknown(method: str) -> Warning:
    return Warning(
        code="test_design_unknown",
        severity="low",
        subject=method,
        message=f"It is not recorded whether the test {method} was randomised, so it counts as not randomised.",
        action="Record the design: rct, quasi or platform_lift.",
    )


def _no_gain(channel: str, method: str, reading: float) -> Warning:
    return Warning(
        code="test_reads_no_gain",
        severity="info",
        subject=channel,
        message=f"Test {method} reads {reading:.2f} per unit spent: no gain, or a loss. It counts like any other test.",
        action="If this channel may truly lose sales, repeat the test.",
    )


def _loses_sales(channel: str) -> Warning:
    return Warning(
        code="return_below_zero",
        severity="high",
        subject=channel,
        message=f"A test shows that {channel} loses sales, beyond the test's own error.",
        action="Repeat the test before continuing to spend.",
    )


def _negative(row: dict[str, float]) -> Warning:
    return Warning(
        code="no_return",
        severity="high",
        subject=str(row["channel"]),
        message=f"All evidence together puts the return of {row['channel']} at or below zero (middle value"
        f" {row['q50']:.2f}, 90 % range {row['q05']:.2f} to {row['q95']:.2f}).",
        action="Pause it in some regions for four weeks; if sales hold, stop spending.",
    )


def _useless_possible(row: dict[str, float]) -> Warning:
    return Warning(
        code="useless_possible",
        severity="medium",
        subject=str(row["channel"]),
        message=f"{row['channel']} may bring nothing: the chance of a return below 0.1 per unit spent is"
        f" {row['p_useless']:.0%}. Channels of this kind often do not, whatever is claimed for them.",
        action=f"Pause {row['channel']} in some regions for four weeks before spending more on it.",
    )


def _stale(channel: str, years: float) -> Warning:
    return Warning(
        code="test_is_old",
        severity="low",
        subject=channel,
        message=f"The newest test of {channel} is {years:.1f} years old; its result now carries little weight.",
        action=f"Plan a fresh test of {channel}.",
    )


def _bias_assumed(tests: int) -> Warning:
    return Warning(
        code="method_bias_assumed",
        severity="medium" if tests else "high",
        subject="all",
        message=f"Number of tests: {tests}. The biases of the MMM and of the claims are assumed, not measured.",
        action=f"Run tests until there are at least {TESTS_FOR_C}; begin with the one ranked first.",
    )


def _never_tested(method: str) -> Warning:
    return Warning(
        code="method_bias_assumed",
        severity="medium",
        subject=method,
        message=f"No test covers a channel that {method} reads: its bias is assumed, not measured.",
        action=f"Test one of the channels that {method} reads.",
    )


def _drifted(method: str, factor: float) -> Warning:
    return Warning(
        code="method_drift",
        severity="high",
        subject=method,
        message=f"{method} now reads {factor:.1f} times what the other evidence says, a larger bias than such methods"
        " usually have. A changed tag, window or definition is likely.",
        action="Check its conversion definition and attribution window; stop daily updates from it.",
    )


def _mostly_assumption(row: dict[str, float], prior: float) -> Warning:
    return Warning(
        code="mostly_assumption",
        severity="medium",
        subject=str(row["channel"]),
        message=f"Not measured: {prior:.0%} of the figure for {row['channel']} rests on what is usual for its class."
        f" Its return lies between {row['q05']:.2f} and {row['q95']:.2f}.",
        action=f"Test {row['channel']} before moving budget on this figure.",
    )


def _odd_reading(row: dict[str, object]) -> Warning:
    advice = {
        "experiment": "Check what else happened during the test (stock, price, competitors, tracking); keep the test"
        " and plan a repeat.",
        "mmm": "Check what else moved with this channel in the MMM; its weight is reduced automatically.",
    }
    return Warning(
        code="test_contradicts" if row["kind"] == "experiment" else "reading_unexpected",
        severity="high" if row["flag"] == "red" else "medium",
        subject=str(row["channel"]),
        message=f"{row['method']} reads {row['observed']:.2f} for {row['channel']} where all other evidence"
        f" expects about {row['expected']:.2f}; by chance alone this happens in {row['p']:.1%} of cases.",
        action=advice.get(str(row["kind"]), "Check the claim's conversion definition, window and tags."),
    )


def _disagreeing(channel: str, i_squared: float) -> Warning:
    return Warning(
        code="evidence_disagrees",
        severity="high",
        subject=channel,
        message=f"The sources on {channel} disagree by more than their known errors (I squared {i_squared:.0%}).",
        action="Hold spend and make this channel the next experiment.",
    )
