"""The one form in which every model says that a number may be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Severity = Literal["info", "low", "medium", "high", "block"]


@dataclass(frozen=True)
class Warning:
    """What was seen, what it means for the reader, and what to do about it.

    `code` names the kind of cause in snake_case and is stable over releases; `subject` is the channel, experiment or
    pattern concerned (`all` for the whole run). A warning about several channels holds them in `subjects` and lists
    them in `subject`: make it with `about`. `block` withholds the number; other severities are shown beside it.
    Raises ValueError on an unknown severity or an empty text.
    """

    code: str
    severity: Severity
    subject: str
    message: str
    action: str
    subjects: tuple[str, ...] = ()

    @classmethod
    def about(
        cls, code: str, severity: Severity, subjects: Sequence[str], message: str, action: str, *, none: str = "all"
    ) -> Warning:
        """A warning about several channels; where `subjects` is empty, about `none`."""
        return cls(code, severity, ", ".join(subjects) or none, message, action, tuple(subjects))

    def concerns(self, name: str) -> bool:
        """Whether this channel, experiment or pattern is among those that the warning names; `all` names none."""
        return name in (self.subjects or (self.subject,))

    def __post_init__(self) -> None:
        if self.severity not in get_args(Severity):
            severities = ", ".join(get_args(Severity))
            raise ValueError(f"severity={self.severity!r} of warning {self.code}: use one of {severities}")
        for field in ("code", "subject", "message", "action"):
            if not getattr(self, field):
                raise ValueError(f"the warning {self.code!r} has no {field}: say it in a sentence")
