"""May two windows of answers be compared at all? Everything that changes beside the brand's visibility forbids it."""

from __future__ import annotations

import polars as pl

from models.visibility.panel import ANSWERED, NO_SEARCH

MIN_OVERLAP, MIN_CAPTURE, MAX_SWAPPED = 20, 0.90, 0.10
# What must be the same in both windows, and the sentence for the reader where it is not.
FIXED = {
    "extractor_version": "the rules that find brands in answers changed: {}",
    "importer": "the answers come from another tool: {}",
    "contract": "the engine was asked in another way: {}",
}


def same_model(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """The earlier answers given by the model that answered in the later window; all of them where none did.

    A base of four weeks may straddle a change of model. Only its part after the change can be compared.
    """
    families = new["model_family"].unique().to_list()
    if len(families) != 1 or families[0] is None:
        return old
    part = old.filter(pl.col("model_family") == families[0])
    return part if part.height else old


def not_comparable(old: pl.DataFrame, new: pl.DataFrame) -> str | None:
    """Why no verdict on change is possible between these answers of one engine and surface; None if one is.

    Missing answers, another model, other extraction rules, another collecting tool, and too few common questions are
    reasons. That no model is known in either window (a surface that does not tell) is none: `change` says so in words.
    """
    if not old.height:
        return "no answers before"
    if not new.height:
        return "no answers after"
    for window, name in ((old, "before"), (new, "after")):
        captured = window.filter(pl.col("status").is_in((ANSWERED, NO_SEARCH))).height / window.height
        if captured < MIN_CAPTURE:
            return f"only {captured:.0%} of the answers captured {name}"
    families = _values(old, new, "model_family")
    if len(families) > 1:
        return "the engine's model changed: " + ", ".join(families)
    for column, sentence in FIXED.items():
        if len(versions := _values(old, new, column)) > 1:
            return sentence.format(", ".join(versions))
    asked_before, asked_after = set(old["prompt_id"].to_list()), set(new["prompt_id"].to_list())
    both, either = asked_before & asked_after, asked_before | asked_after
    if len(both) < MIN_OVERLAP:
        return f"only {len(both)} questions asked both times"
    swapped = 1 - len(both) / len(either)
    if swapped > MAX_SWAPPED:
        return f"{swapped:.0%} of the questions changed"
    return None


def _values(old: pl.DataFrame, new: pl.DataFrame, column: str) -> list[str]:
    """Distinct values among captured answers; a failed capture has no model, which is no change of model."""
    if column not in old.columns or column not in new.columns:
        return []
    captured = pl.col("status").is_in((ANSWERED, NO_SEARCH))
    values = {v for frame in (old, new) for v in frame.filter(captured)[column].unique().to_list()}
    return sorted("unknown" if v is None else str(v) for v in values)
