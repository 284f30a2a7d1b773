"""The key `priors` of plumbline.yaml: what a company believes of its channels in place of the class table."""

from __future__ import annotations

from pydantic import BaseModel, Field, field_validator

from models.channel_classes import CLASSES


class ResponsePrior(BaseModel, frozen=True, extra="forbid"):
    """What is believed of a channel or a class before the data, in place of the class table's figures.

    The return is contribution margin x iROAS: 1 is break-even. What is left out stays as the table says.
    """

    return_median: float | None = Field(default=None, gt=0, le=100)
    return_log_sd: float | None = Field(default=None, gt=0, le=3)
    half_life_weeks: float | None = Field(default=None, gt=0, le=104)
    half_life_log_sd: float | None = Field(default=None, gt=0, le=3)

    @property
    def stated(self) -> dict[str, float]:
        """The figures that are given, by name."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


class Priors(BaseModel, frozen=True, extra="forbid"):
    """Figures of the class table that this company replaces, per class and per channel; a channel's own go first."""

    classes: dict[str, ResponsePrior] = Field(default_factory=dict)
    channels: dict[str, ResponsePrior] = Field(default_factory=dict)

    @field_validator("classes")
    @classmethod
    def _are_classes(cls, classes: dict[str, ResponsePrior]) -> dict[str, ResponsePrior]:
        for name in classes:
            if name not in CLASSES:
                raise ValueError(f"{name} is not a channel class; write one of {', '.join(CLASSES)}")
        return classes
