"""Joint draws of what each component brought in named periods: one type for a model, a combination and a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from models.periods import WINDOW, Split


@dataclass(frozen=True, eq=False)
class PeriodDraws:
    """Joint draws by period and component: `values` (draws, periods, components), in KPI units or in money.

    Components are the paid channels, then channels without spend, then lines of the baseline. `observed` (periods,) is
    the KPI in the unit of `values`; `spend` (periods, paid channels) is money.
    """

    periods: tuple[str, ...]
    components: tuple[str, ...]
    values: np.ndarray
    observed: np.ndarray
    spend: np.ndarray

    @property
    def paid(self) -> tuple[str, ...]:
        """Channels with a column of spend."""
        return self.components[: self.spend.shape[1]]

    def in_money(self, money_per_kpi: float) -> PeriodDraws:
        """The same draws of a KPI that is worth `money_per_kpi` per unit."""
        return replace(self, values=self.values * money_per_kpi, observed=self.observed * money_per_kpi)

    def frame(self) -> pl.DataFrame:
        """Long table: draw, period, component, value."""
        draws, periods, parts = self.values.shape
        return pl.DataFrame(
            {
                "draw": np.repeat(np.arange(draws), periods * parts),
                "period": np.tile(np.repeat(np.array(self.periods), parts), draws),
                "component": np.tile(np.array(self.components), draws * periods),
                "value": self.values.ravel(),
            }
        )


def in_quarters(segments: PeriodDraws, split: Split) -> PeriodDraws:
    """The window and each fiscal quarter from draws of the segments of `split`, draw by draw.

    A period of the data on the border of two quarters counts in both by its days. The first period is the window, the
    sum of all segments. Raises ValueError where the draws are not those of the segments.
    """
    if segments.periods != tuple(split.segments):
        raise ValueError(f"draws of {', '.join(segments.periods)}, segments {', '.join(split.segments)}: need the same")
    weights = np.vstack([np.ones((1, len(split.segments))), split.weights])
    return PeriodDraws(
        (WINDOW, *split.quarters),
        segments.components,
        np.einsum("ps,dsc->dpc", weights, segments.values),
        weights @ segments.observed,
        weights @ segments.spend,
    )


def with_spend(draws: PeriodDraws, spend_of_period: Mapping[str, Mapping[str, float]]) -> PeriodDraws:
    """The draws beside the money that was spent in the periods named; a channel that is not named spent nothing.

    A model's own spend of a quarter is a sum over its weeks; what was spent in the quarter is a fact of the books.
    """
    spend = draws.spend.copy()
    for row, period in enumerate(draws.periods):
        if period in spend_of_period:
            spend[row] = [spend_of_period[period].get(channel, 0.0) for channel in draws.paid]
    return replace(draws, spend=spend)
