"""Every way known to us in which a triangulated figure can be wrong, in words for the person who acts on
it.
"""

from __future__ import annotations

import polars as pl

from models.triangulation.evidence import Readings
from models.triangulation.sampler import DIVERGENCE_SHARE, ESS_FLOOR, R_HAT_LIMIT, Convergence
from models.triangulation.weights import MOSTLY_ASSUMPTION, TESTS_FOR_C
from models.warning import Warning


def findings(
    read: Readings, share: pl.DataFrame, bias: pl.DataFrame, conflict: pl.DataFrame, convergence: Convergence
) -> tuple[Warning, ...]:
    """Warnings on sampling, on the input, on methods and on single channels, in that order."""
    found = [_not_converged(convergence)] if not convergence.converged else []
    found += _of_input(read)
    found += _of_methods(read, bias)
    for row in share.filter(pl.col("prior") > MOSTLY_ASSUMPTION).iter_rows(named=True):
        found.append(_mostly_assumption(row["channel"], row["prior"]))
    found += _of_conflicts(conflict)
    return tuple(found)


def _of_input(read: Readings) -> list[Warning]:
    found = []
    if read.mmm_prior_inside:
        found.append(
            Warning(
                code="mmm_prior_counted",
                severity="medium",
                subject="all",
                message="The MMM was given as ranges per channel, with its own prior still inside and without knowing"
                " which channels it could not tell apart. Its reading looks surer than it is.",
                action="Hand over the MMM's joint evidence with its prior removed.",
            )
        )
    if read.averaged:
        found.append(
            Warning(
                code="attribution_rules_averaged",
                severity="info",
                subject="all",
                message=f"{', '.join(read.averaged)} read the same clicks, so they count as one source: their average.",
                action="Nothing to do; give another tracking name to a rule that rests on other data.",
            )
        )
    for channel, method in read.zero_claims:
        found.append(
            Warning(
                code="zero_claim_left_out",
                severity="low",
                subject=channel,
                message=f"{method} claims nothing at all for {channel}; the model cannot use a claim of zero.",
                action="Check that the tracking of this channel works.",
            )
        )
    for method in read.unknown_design:
        found.append(
            Warning(
                code="test_design_unknown",
                severity="low",
                subject=method,
                message=f"It is not recorded whether the test {method} was randomised, so it counts as not randomised.",
                action="Record the design: rct, quasi or platform_lift.",
            )
        )
    for e in (read.tests.y <= 0).nonzero()[0]:
        found.append(
            Warning(
                code="test_reads_no_gain",
                severity="info",
                subject=read.channels[read.tests.channel[e]],
                message=f"Test {read.tests.method[e]} reads {read.tests.y[e]:.2f} per unit spent: no gain or a loss."
                " It is kept. The model cannot show a return below zero, only one close to it.",
                action="If this channel may truly lose sales, rely on the test itself and repeat it.",
            )
        )
    return found


def _of_methods(read: Readings, bias: pl.DataFrame) -> list[Warning]:
    found = []
    tests = read.tests.y.size
    if tests < TESTS_FOR_C:
        found.append(
            Warning(
                code="method_bias_assumed",
                severity="high" if tests == 0 else "medium",
                subject="all",
                message=f"Tests known: {tests}. How far the MMM and the claims are off is assumed, not measured."
                if tests
                else "No test is known. How far the MMM and the claims are off is assumed, not measured.",
                action=f"Run tests until there are at least {TESTS_FOR_C}; begin with the one named next best.",
            )
        )
    for row in bias.iter_rows(named=True):
        if row["drifted"]:
            found.append(
                Warning(
                    code="method_drift",
                    severity="high",
                    subject=row["method"],
                    message=f"{row['method']} now reads {row['factor']:.1f} times what the other evidence says, more"
                    " than such methods usually are off. A changed tag, window or definition is likely.",
                    action="Check its conversion definition and attribution window; stop daily updates from it.",
                )
            )
        elif row["measured_on"] == 0 and tests >= TESTS_FOR_C:
            found.append(
                Warning(
                    code="method_bias_assumed",
                    severity="medium",
                    subject=row["method"],
                    message=f"No test covers a channel that {row['method']} reads: its bias is assumed, not measured.",
                    action=f"Test one of the channels that {row['method']} reads.",
                )
            )
    return found


def _of_conflicts(conflict: pl.DataFrame) -> list[Warning]:
    found = []
    odd = conflict.filter((pl.col("p_adjusted") < 0.05) | (pl.col("flag") == "red"))
    for row in odd.iter_rows(named=True):
        found.append(_odd_reading(row))
    split = conflict.filter(pl.col("q_p") < 0.01).group_by("channel").agg(pl.col("i_squared").first()).sort("channel")
    for channel, i_squared in split.iter_rows():
        found.append(
            Warning(
                code="evidence_disagrees",
                severity="high",
                subject=channel,
                message=f"The sources on {channel} disagree beyond their known errors (I squared {i_squared:.0%}).",
                action="Hold spend and make this channel the next experiment.",
            )
        )
    return found


def _odd_reading(row: dict[str, object]) -> Warning:
    advice = {
        "experiment": "Read the test's diary (stock, price, competitor, tracking), keep the test, schedule a repeat.",
        "mmm": "Look at what else moved with this channel in the MMM; its weight falls by itself.",
    }
    return Warning(
        code="reading_unexpected",
        severity="high" if row["flag"] == "red" else "medium",
        subject=str(row["channel"]),
        message=f"{row['method']} reads {row['observed']:.2f} for {row['channel']} where all other evidence"
        f" expects about {row['expected']:.2f}; chance alone does that in {row['p']:.1%} of cases.",
        action=advice.get(str(row["kind"]), "Check the claim's conversion definition, window and tags."),
    )


def _mostly_assumption(channel: str, prior: float) -> Warning:
    return Warning(
        code="mostly_assumption",
        severity="medium",
        subject=channel,
        message=f"Mostly assumption: {prior:.0%} of the figure for {channel} rests on what channels usually return,"
        " not on data about this one.",
        action=f"Test {channel} before moving money on this figure.",
    )


def _not_converged(convergence: Convergence) -> Warning:
    return Warning(
        code="evidence_model_not_converged",
        severity="block",
        subject="all",
        message=f"The evidence model's draws cannot be trusted: R-hat {convergence.r_hat:.3f} (limit {R_HAT_LIMIT}),"
        f" effective draws {convergence.ess_bulk:.0f} (floor {ESS_FLOOR}), {convergence.divergences} divergences in"
        f" {convergence.draws} (limit {DIVERGENCE_SHARE:.1%}).",
        action="Run again with more draws; if it stays, look for a reading that is far from all others.",
    )
