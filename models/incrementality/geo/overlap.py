"""Other tests and calendar days that share geos and dates with a test: their contribution to its effect is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from models.warning import Warning


@dataclass(frozen=True)
class Neighbour:
    """Another test, promotion, launch or holiday that ran in some geos (empty: everywhere) on some days."""

    name: str
    start: date
    end: date
    geos: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"{self.name!r} ends on {self.end}, before it starts on {self.start}")


def overlaps(
    neighbours: Sequence[Neighbour], treated: Sequence[str], controls: Sequence[str], start: date, end: date
) -> list[Warning]:
    """One warning per neighbour that touches the test: severe when it sets tested and control geos apart."""
    warnings = []
    for other in neighbours:
        if other.end < start or other.start > end:
            continue
        shared = f"{max(start, other.start)} to {min(end, other.end)}"
        tested = sorted(set(other.geos) & set(treated)) if other.geos else sorted(treated)
        compared = sorted(set(other.geos) & set(controls)) if other.geos else sorted(controls)
        everywhere = len(tested) == len(set(treated)) and len(compared) == len(set(controls))
        if not tested and not compared:
            continue
        if everywhere:
            message = f"{other.name} ran in all geos from {shared}: it cancels out unless it works differently in some."
            warnings.append(Warning("calendar_overlap", "low", other.name, message, "Nothing to do; keep it in mind."))
            continue
        side = f"tested geos ({', '.join(tested)})" if tested else f"control geos ({', '.join(compared)})"
        warnings.append(
            Warning(
                "contaminated_by_other_test",
                "high",
                other.name,
                f"{other.name} ran in {side} from {shared}, and not in all geos: its effect is mixed into this one.",
                "Leave those geos out with exclude, or read the days without it.",
            )
        )
    return warnings
