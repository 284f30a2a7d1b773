"""A fit that was made from an earlier one, and how."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

from models.mmm.checks import after_sampling, before_sampling, changing_effects, endogeneity
from models.mmm.result.fit import MMMFit
from models.mmm.updating.reweighting import Carried
from models.warning import Warning

Path = Literal["re-weighted", "warm refit", "cold refit"]


@dataclass(frozen=True, eq=False)
class Refreshed(MMMFit):
    """A fit made from an earlier one; `origin` is the last one that was sampled, `reason` says why this path.

    The checks of a re-weighted answer run when they are first asked for, unless `checked` says that `findings` holds
    them already: re-weighting itself takes milliseconds.
    """

    origin: MMMFit | None = None
    carried: Carried | None = None
    path: Path = "re-weighted"
    reason: str = ""
    checked: bool = False

    @property  # type: ignore[misc]  # the field, with the answer's checks added when they are first read
    def findings(self) -> tuple[Warning, ...]:
        """Everything known about this fit, the checks of its answer included."""
        known: tuple[Warning, ...] = self.__dict__["inherited"]
        return known if self.checked or self.path != "re-weighted" else (*known, *self._answer_checks)

    @findings.setter
    def findings(self, value: tuple[Warning, ...]) -> None:
        self.__dict__["inherited"] = value

    @property
    def converged(self) -> bool:
        """Whether the sampled fit behind the weights passed its gates; nothing else is re-weighted."""
        return not any(w.code == "not_converged" for w in self.__dict__["inherited"])

    @cached_property
    def _answer_checks(self) -> tuple[Warning, ...]:
        parts: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(MMMFit) if f.name != "findings"}
        plain = MMMFit(**parts, findings=self.__dict__["inherited"])
        found = (
            *before_sampling.check(self.design),
            *after_sampling.check(plain),
            *endogeneity.check(plain),
            *changing_effects.check(plain),
        )
        known = {(w.code, w.subject) for w in plain.findings}
        return tuple(w for w in found if (w.code, w.subject) not in known)
