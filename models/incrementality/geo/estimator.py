"""Estimators of the counterfactual: how donors are weighted, and whether effects add or multiply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Weighing = Literal["did", "sc", "sc_ridge", "sdid_unit", "sdid", "asc", "tbr"]
Scale = Literal["level", "log"]

# Chosen among on held-back windows by method="auto": from all donors alike to the closest look-alike.
AUTO_WEIGHINGS: tuple[Weighing, ...] = ("did", "sc", "sc_ridge", "sdid_unit")
FALLBACK: Weighing = "sc_ridge"
LAST_RESORT: Weighing = "did"  # where every closer fit reproduces the few periods before the test exactly
RIDGE_SHARE = {"sc_ridge": 0.1, "sdid_unit": 1.0, "sdid": 1.0}  # of the SDID penalty zeta

IN_WORDS = {
    "did": "difference in differences: the mean of all controls",
    "sc": "synthetic control with an intercept",
    "sc_ridge": "synthetic control with an intercept and a light ridge",
    "sdid_unit": "synthetic difference in differences, unit weights",
    "sdid": "synthetic difference in differences, unit and time weights",
    "asc": "ridge-augmented synthetic control",
    "tbr": "time-based regression on the mean of all controls",
}


@dataclass(frozen=True)
class Estimator:
    """One weighting of donors on one scale; the name is e.g. `sdid_unit_log`."""

    weighing: Weighing
    scale: Scale = "level"

    @property
    def name(self) -> str:
        return self.weighing if self.scale == "level" else f"{self.weighing}_log"

    @property
    def in_words(self) -> str:
        return IN_WORDS[self.weighing] + (", on logarithms" if self.scale == "log" else "")

    @classmethod
    def named(cls, name: str) -> Estimator:
        """From its name; raises ValueError with the list of known names."""
        weighing, scale = (name.removesuffix("_log"), "log") if name.endswith("_log") else (name, "level")
        if weighing not in get_args(Weighing):
            methods = ", ".join(get_args(Weighing))
            raise ValueError(
                f"method={name!r} is not known: auto, gbr, trimmed_match, or one of {methods} (each also with _log)"
            )
        return cls(weighing, scale)  # type: ignore[arg-type]
