"""The company's settings that a report needs; a missing one is never guessed."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field

Share = Annotated[Decimal, Field(gt=0, le=1)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class ReportSettings(BaseModel, frozen=True, extra="forbid"):
    """The settings that the company decides.

    `margin` is the contribution margin as a share of revenue (0.62 is 62 %); None means that no profit is
    printed and the page says so. `tolerance` is the share of ledger revenue by which the modelled outcome may differ
    from the ledger after all named items. `year_starts_in_month` is the first month of the fiscal year.
    """

    company: str = Field(min_length=1)
    currency: Currency
    margin: Share | None = None
    year_starts_in_month: int = Field(default=1, ge=1, le=12)
    tolerance: Decimal = Field(default=Decimal("0.001"), ge=0, le=1)


class DecisionPolicy(BaseModel, frozen=True, extra="forbid"):
    """How sure the next unit of money must be to pay before a decision may be printed.

    `sure` is the probability from which a channel is scaled; at `1 - sure` and below it is cut. `step` is the share
    of a channel's spend that a printed move proposes to shift: small, because the return holds only near today's
    spend. `assumption` is the prior share above which a channel is called mostly assumption.
    """

    sure: Decimal = Field(default=Decimal("0.90"), gt=Decimal("0.5"), lt=1)
    step: Decimal = Field(default=Decimal("0.10"), gt=0, le=Decimal("0.25"))
    assumption: Decimal = Field(default=Decimal("0.25"), gt=0, lt=1)


class GatePolicy(BaseModel, frozen=True, extra="forbid"):
    """Probabilities from which the estimates contradict the books, so that no report is built."""

    more_than_everything: Decimal = Field(default=Decimal("0.01"), gt=0, lt=1)
    negative_baseline: Decimal = Field(default=Decimal("0.05"), gt=0, lt=1)
