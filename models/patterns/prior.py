"""Prior knowledge about features from an older or another brand's archive, widened for its age and origin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

OTHER_BRAND = 4.0


@dataclass(frozen=True)
class PriorPack:
    """Posterior means and sds of features from elsewhere; columns of `frame`: feature, mean, sd.

    `variance_factor` is 1 for the same publisher and 4 for another brand; `gap_years` is the archive's age, over which
    effects may have drifted. A pack shifts estimates but never promotes a pattern: own contrasts are still required.
    """

    name: str
    version: str
    sha256: str
    frame: pl.DataFrame
    variance_factor: float = OTHER_BRAND
    gap_years: float = 0.0

    def __post_init__(self) -> None:
        missing = {"feature", "mean", "sd"} - set(self.frame.columns)
        if missing:
            raise ValueError(f"prior pack {self.name}@{self.version} lacks {', '.join(sorted(missing))}")
        if self.frame["feature"].is_duplicated().any():
            raise ValueError(f"prior pack {self.name}@{self.version}: a feature occurs twice")
        if self.frame.filter(~(pl.col("sd") > 0)).height or self.variance_factor < 1 or self.gap_years < 0:
            raise ValueError(
                f"prior pack {self.name}@{self.version}: need sd > 0, variance_factor >= 1 (is"
                f" {self.variance_factor}), gap_years >= 0 (is {self.gap_years})"
            )

    @property
    def reference(self) -> str:
        """How a card names the pack behind its estimate."""
        return f"{self.name}@{self.version}:{self.sha256}"

    def normal(self, feature: str, drift_sd_per_year: float) -> tuple[float, float] | None:
        """(mean, sd) of the prior for a feature, None when the pack does not contain it."""
        row = self.frame.filter(pl.col("feature") == feature)
        if not row.height:
            return None
        variance = self.variance_factor * row["sd"][0] ** 2 + drift_sd_per_year**2 * self.gap_years
        return float(row["mean"][0]), float(np.sqrt(variance))
