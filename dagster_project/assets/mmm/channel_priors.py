"""Which prior each channel of the model starts from: its class, unless plumbline.yaml says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import polars as pl

from dagster_project.workspace.settings import Settings
from models.channel_classes import CLASSES, NO_EVIDENCE, VERSION, ChannelClass, ClassChoice, iroas_prior
from models.warning import Warning

if TYPE_CHECKING:
    from models.mmm import ChannelSpec

Basis = Literal["class table", "priors.classes", "priors.channels"]
SETTINGS = "plumbline.yaml"


@dataclass(frozen=True)
class ChannelPrior:
    """The prior of one channel: the row of its class with this company's own figures in it, and what follows for iROAS.

    `iroas` holds median and log sd in report currency per unit of spend. `basis` says per figure of `row` who stated
    it.
    """

    channel: str
    choice: ClassChoice
    row: ChannelClass
    iroas: tuple[float, float]
    basis: dict[str, Basis]

    @property
    def stated(self) -> bool:
        """Whether plumbline.yaml states the return of this very channel: no fit may change that."""
        return "priors.channels" in (self.basis["return_median"], self.basis["return_log_sd"])


def channel_prior(company: Settings, channel: str) -> ChannelPrior:
    """The prior of one channel from its class, `priors.classes` and `priors.channels`, the last going first."""
    choice = company.class_of(channel)
    row = CLASSES[choice.name]
    figures = ("return_median", "return_log_sd", "half_life_weeks", "half_life_log_sd")
    basis: dict[str, Basis] = dict.fromkeys(figures, "class table")
    layers: tuple[tuple[Basis, object], ...] = (
        ("priors.classes", company.priors.classes.get(choice.name)),
        ("priors.channels", company.priors.channels.get(channel)),
    )
    for name, layer in layers:
        stated = getattr(layer, "stated", {})
        row = replace(row, **stated)
        basis |= dict.fromkeys(stated, name)
    margin = float(company.margin) if company.margin is not None else None
    return ChannelPrior(channel, choice, row, iroas_prior(row, margin), basis)


def channel_specs(priors: Sequence[ChannelPrior], *, with_return: bool) -> dict[str, ChannelSpec]:
    """The priors as the model takes them; half-lives are in weeks whatever the grain of the data.

    Without `with_return` only the half-life is set: the model then has no returns in money to speak of.
    """
    from models.mmm import ChannelSpec, LogNormal

    return {
        p.channel: ChannelSpec(
            iroas=LogNormal.with_median(*p.iroas) if with_return else None,
            half_life=LogNormal.with_median(p.row.half_life_weeks, p.row.half_life_log_sd),
            from_class=not p.stated,
        )
        for p in priors
    }


def table(priors: Sequence[ChannelPrior]) -> pl.DataFrame:
    """Rows of `measurement.channel_prior`: per channel the return r = margin x iROAS, the iROAS and the half-life."""
    rows = []
    for p in priors:
        quantities = (
            (
                "return",
                p.row.return_median,
                p.row.return_log_sd,
                ("return_median", "return_log_sd"),
                p.row.grade_return,
            ),
            ("iroas", *p.iroas, ("return_median", "return_log_sd"), p.row.grade_return),
            (
                "half_life_weeks",
                p.row.half_life_weeks,
                p.row.half_life_log_sd,
                ("half_life_weeks", "half_life_log_sd"),
                p.row.grade_half_life,
            ),
        )
        for quantity, median, log_sd, figures, grade in quantities:
            bases = {p.basis[figure] for figure in figures}
            own = bases != {"class table"}
            rows.append(
                {
                    "channel": p.channel,
                    "channel_class": p.choice.name,
                    "class_reason": p.choice.reason,
                    "quantity": quantity,
                    "median": median,
                    "log_sd": log_sd,
                    "basis": ", ".join(sorted(bases)),
                    "grade": None if own else grade,
                    "source": SETTINGS if own else "no public evidence" if grade == NO_EVIDENCE else p.row.source,
                    "version": VERSION,
                }
            )
    return pl.DataFrame(rows, schema_overrides={"grade": pl.String})


def warnings(priors: Sequence[ChannelPrior]) -> list[Warning]:
    """One warning per channel whose class is too coarse or not known; what is taken meanwhile and how to say it."""
    notes = []
    for p in priors:
        where = f"`class:` of {p.channel} in plumbline.yaml"
        if p.choice.reason == "too_coarse":
            options = ", ".join(p.choice.options)
            notes.append(
                Warning(
                    "class_too_coarse",
                    "low",
                    p.channel,
                    f"The class of {p.channel} may be any of {options}, whose returns and claims differ by factors."
                    " Until it is split, the wide prior of an unknown class is used.",
                    f"Write one of {options} as {where}; where it mixes several, split it by campaign.",
                )
            )
        elif p.choice.reason == "unknown":
            notes.append(
                Warning(
                    "class_unknown",
                    "low",
                    p.channel,
                    f"Nothing says what kind of channel {p.channel} is, so the wide prior of an unknown class is used.",
                    f"Write one of {', '.join(name for name in CLASSES if name != 'unknown')} as {where}.",
                )
            )
    return notes
