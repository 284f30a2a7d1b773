"""Evidence tier of each channel: the kind of evidence behind its number, which limits how far a plan may move it."""

from __future__ import annotations

import polars as pl

from models.mmm.result.fit import MMMFit, contraction

TIERS = ("experiment-validated", "model-identified", "prior-dominated")
CAPPING = frozenset(
    {
        "channels_not_separable",
        "prior_dominated",
        "spend_follows_demand",
        "not_converged",
        "prior_conflict",
        "no_variation",
        "sparse_channel",
        "placebo_failed",
        "effect_below_zero",
        "effect_near_zero",
        "experiment_conflict",
    }
)
WITHHOLDING = frozenset({"not_converged", "experiment_conflict"})  # a test does not validate a number beside these


def evidence_tiers(fit: MMMFit, *, least_learning: float = 0.10, strong_learning: float = 0.30) -> pl.DataFrame:
    """channel, tier, contraction, reason; the lowest tier means that the number is mostly assumption."""
    learned = contraction(fit)
    rows = []
    for c, name in enumerate(fit.data.media_names):
        against = sorted({w.code for w in fit.findings if w.code in CAPPING and w.concerns(name)})
        tested = [e.name for e in fit.experiments if name in e.channels]
        if tested and not set(against) & WITHHOLDING:
            tier, reason = TIERS[0], f"tested: {', '.join(tested)}"
        elif against or learned[c] < least_learning:
            tier, reason = TIERS[2], ", ".join(against) or "the data removed little of the prior's uncertainty"
        else:
            strength = "strongly" if learned[c] >= strong_learning else "weakly"
            tier, reason = (
                TIERS[1],
                f"identified {strength} by the data ({learned[c]:.0%} of the prior's variance removed)",
            )
        rows.append((name, tier, float(learned[c]), reason))
    return pl.DataFrame(rows, schema=["channel", "tier", "contraction", "reason"], orient="row")
