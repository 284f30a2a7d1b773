"""Warnings of a triangulation: every known way in which a combined figure can be wrong, in plain words."""

from __future__ import annotations

import polars as pl

from models.triangulation.conflicts import disagreeing
from models.triangulation.evidence import Readings
from models.triangulation.sampler import DIVERGENCE_SHARE, ESS_FLOOR, R_HAT_LIMIT, Convergence
from models.triangulation.weights import MOSTLY_ASSUMPTION, TESTS_FOR_C, losing
from models.warning import Warning

STALE_YEARS = 2.0


def findings(
    read: Readings, share: pl.DataFrame, bias: pl.DataFrame, conflict: pl.DataFrame, convergence: Convergence
) -> tuple[Warning, ...]:
    """Warnings on sampling, on the input, on methods and on single channels, in that order."""
    tests = read.tests
    warnings = [] if convergence.converged else [_not_converged(convergence)]
    warnings += [_mmm_prior_counted()] if read.mmm_prior_inside else []
    warnings += [_averaged(read.averaged)] if read.averaged else []
    warnings += [_zero_claim(channel, method) for channel, method in read.zero_claims]
    warnings += [_design_unknown(method) for method in read.unknown_design]
    named = list(zip([read.channels[c] for c in tests.channel], tests.method, tests.y, tests.age, strict=True))
    warnings += [_no_gain(channel, method, y) for channel, method, y, _ in named if y <= 0]
    warnings += [_loses_sales(channel) for channel in losing(read)]
    newest = {channel: min(age for c, _, _, age in named if c == channel) for channel, *_ in named}
    warnings += [_stale(channel, age) for channel, age in sorted(newest.items()) if age > STALE_YEARS]
    warnings += [_bias_assumed(tests.y.size)] if tests.y.size < TESTS_FOR_C else []
    for row in bias.iter_rows(named=True):
        if row["drifted"]:
            warnings.append(_drifted(row["method"], row["factor"]))
        elif row["measured_on"] == 0 and tests.y.size >= TESTS_FOR_C:
            warnings.append(_never_tested(row["method"]))
    mostly = share.filter(pl.col("prior") > MOSTLY_ASSUMPTION)
    warnings += [_mostly_assumption(row["channel"], row["prior"]) for row in mostly.iter_rows(named=True)]
    odd = conflict.filter((pl.col("p_adjusted") < 0.05) | (pl.col("flag") == "red"))
    warnings += [_odd_reading(row) for row in odd.iter_rows(named=True)]
    spread = dict(conflict.select("channel", "i_squared").unique("channel").iter_rows())
    warnings += [_disagreeing(channel, spread[channel]) for channel in disagreeing(conflict)]
    return tuple(warnings)


def _not_converged(convergence: Convergence) -> Warning:
    return Warning(
        code="evidence_model_not_converged",
        severity="block",
        subject="all",
        message=f"The evidence model's draws cannot be trusted: R-hat {convergence.r_hat:.3f} (limit {R_HAT_LIMIT}),"
        f" effective draws {convergence.ess_bulk:.0f} (floor {ESS_FLOOR}), {convergence.divergences} divergences in"
        f" {convergence.draws} (limit {DIVERGENCE_SHARE:.1%}).",
        action="Run again with more draws; if the warning remains, look for a reading that is far from all others.",
    )


def _mmm_prior_counted() -> Warning:
    return Warning(
        code="mmm_prior_counted",
        severity="medium",
        subject="all",
        message="The MMM was given as ranges per channel that still contain its own prior, without the"
        " correlations between channels. Its reading looks more certain than it is.",
        action="Provide the MMM's joint evidence with its prior removed.",
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
        message=f"Test {method} reads {reading:.2f} per unit spent: no gain, or a loss. It is kept. The model cannot"
        " show a return below zero, only one close to it.",
        action="If this channel may truly lose sales, rely on the test itself and repeat it.",
    )


def _loses_sales(channel: str) -> Warning:
    return Warning(
        code="return_below_zero",
        severity="high",
        subject=channel,
        message=f"A test shows that {channel} loses sales, beyond the test's own error. The combined figure cannot"
        " go below zero, so it is too high or meaningless here; the grade is D.",
        action="Decide by the test's own reading, and repeat the test before continuing to spend.",
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


def _mostly_assumption(channel: str, prior: float) -> Warning:
    return Warning(
        code="mostly_assumption",
        severity="medium",
        subject=channel,
        message=f"Mostly assumption: {prior:.0%} of the figure for {channel} rests on the prior for all channels, not"
        " on data about this one.",
        action=f"Test {channel} before moving budget on this figure.",
    )


def _odd_reading(row: dict[str, object]) -> Warning:
    advice = {
        "experiment": "Check what else happened during the test (stock, price, competitors, tracking); keep the test"
        " and plan a repeat.",
        "mmm": "Check what else moved with this channel in the MMM; its weight is reduced automatically.",
    }
    return Warning(
        code="reading_unexpected",
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
