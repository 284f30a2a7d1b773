"""Warnings that apply to the split into direct and mediated effects."""

from __future__ import annotations

import polars as pl

from models.mmm.result.fit import MMMFit
from models.mmm.result.mediation import mediation
from models.warning import Warning


def check(fit: MMMFit) -> list[Warning]:
    """The assumption behind the split, and direct effects that are probably below zero; empty without mediators."""
    if fit.draws.mediated is None:
        return []
    table = mediation(fit, most_draws=500)
    mediators = " and ".join(fit.data.mediator_names)
    warnings = [
        Warning.about(
            "mediated_split_assumption",
            "info",
            table["channel"].unique(maintain_order=True).to_list(),
            f"The part that runs through {mediators} is right only if nothing unrecorded (press, word of mouth) moves"
            " both that series and sales. The totals do not depend on it.",
            "Decide by the total; use the split to explain it.",
        )
    ]
    for row in table.filter((pl.col("path") == "direct") & (pl.col("q95") < 0)).iter_rows(named=True):
        warnings.append(
            Warning(
                "direct_effect_negative",
                "medium",
                row["channel"],
                f"{row['channel']} moves {mediators} more than sales show: its direct effect comes out below zero.",
                f"Look for demand that moves sales and {mediators} together, and declare it as a confounder.",
            )
        )
    return warnings
