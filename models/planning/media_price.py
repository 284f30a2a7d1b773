"""Delivery per unit of spend: the price of media, which may rise with spend and vary over the calendar."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from pydantic import BaseModel, PositiveFloat, model_validator


class Delivery(BaseModel, frozen=True, extra="forbid"):
    """Delivery as a function of money, in multiples of today's: today's spend buys today's delivery.

    `exponent` 1 means a constant price; below 1 the price rises with spend, which is what auctions do. `points` replace
    it where a table is available: (multiple of today's spend, multiple of today's delivery), increasing, joined by
    straight lines from (0, 0), constant after the last. `price` is the price of each period of the horizon relative to
    today's: 1.4 in the weeks before Christmas means that the same money buys 1 / 1.4.
    """

    exponent: PositiveFloat = 1.0
    points: tuple[tuple[PositiveFloat, PositiveFloat], ...] = ()
    price: tuple[PositiveFloat, ...] = ()

    @model_validator(mode="after")
    def sensible(self) -> Delivery:
        if self.points and self.exponent != 1.0:
            raise ValueError(f"exponent={self.exponent} and points are both given: give one of them")
        spends, volumes = [p[0] for p in self.points], [p[1] for p in self.points]
        if any(b <= a for a, b in pairwise(spends)) or any(b < a for a, b in pairwise(volumes)):
            raise ValueError(f"points {self.points}: spend must rise from point to point, and delivery not fall")
        if self.points and abs(float(np.interp(1.0, [0.0, *spends], [0.0, *volumes])) - 1) > 0.02:
            raise ValueError(f"points {self.points}: today's spend (1) must buy today's delivery (1)")
        return self

    @property
    def constant(self) -> bool:
        """Whether the price is today's, whatever is spent and in every period."""
        return self.exponent == 1.0 and not self.points and not self.price

    def bought(self, multiple: np.ndarray) -> np.ndarray:
        """Delivery by period (H,) for money by period, both in multiples of a usual period."""
        if self.points:
            spends, volumes = np.array([(0.0, 0.0), *self.points]).T
            volume = np.interp(multiple, spends, volumes)
        else:
            volume = np.where(multiple > 0, np.maximum(multiple, 1e-300) ** self.exponent, 0.0)
        return volume / np.asarray(self.price) if self.price else volume

    def next_unit(self, multiple: np.ndarray) -> np.ndarray:
        """Derivative of `bought` by period; at zero spend, the one at a hundredth of a usual period."""
        here = np.maximum(multiple, 1e-2)
        if self.points:
            spends, volumes = np.array([(0.0, 0.0), *self.points]).T
            slopes = np.append(np.diff(volumes) / np.diff(spends), 0.0)
            slope = slopes[np.clip(np.searchsorted(spends, here, side="right") - 1, 0, len(slopes) - 1)]
        else:
            slope = self.exponent * here ** (self.exponent - 1)
        return slope / np.asarray(self.price) if self.price else slope
