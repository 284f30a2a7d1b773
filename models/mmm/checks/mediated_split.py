"""What a reader of direct and mediated effects has to know before using the split."""

from __future__ import annotations

import polars as pl

from models.mmm.result.fit import MMMFit
from models.mmm.result.mediation import mediation
from models.warning import Warning


def check(fit: MMMFit) -> list[Warning]:
    """What a reader of the split has to know: its assumption, and a direct part that is probably below zero."""
    if fit.draws.mediated is None:
        return []
    table = mediation(fit, most_draws=500)
    found = [Warning(
        "mediated_split_assumption", "info", ", ".join(table["channel"].unique(maintain_order=True)),
        f"How much runs through {' and '.join(fit.data.mediator_names)} is right only if nothing unseen (press, word of"
        " mouth) moves both that series and sales. The totals do not depend on it.",
        "Decide by the total; use the split to explain it.",
    )]  # fmt: skip
    for row in table.filter((pl.col("path") == "direct") & (pl.col("q95") < 0)).iter_rows(named=True):
        found.append(Warning(
            "direct_effect_negative", "medium", row["channel"],
            f"{row['channel']} moves {' and '.join(fit.data.mediator_names)} more than sales show: its direct effect"
            " comes out below zero.",
            f"Look for demand that moves sales and {' and '.join(fit.data.mediator_names)} together, and declare it as"
            " a confounder.",
        ))  # fmt: skip
    return found
