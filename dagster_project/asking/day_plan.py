"""The slots of one day: which question goes to which engine how often, in which order, and what a budget leaves out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal

from dagster_project.asking.panel import Prompt
from dagster_project.workspace.ai_settings import AiPanel, Engine, Sampling

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Slot:
    """One answer that is wanted: a question, an engine, a day and the number of the repeat."""

    day: date
    engine: str
    surface: str
    contract: str
    prompt: Prompt
    replicate: int
    aa_pair: str = ""

    @property
    def answer_id(self) -> str:
        """The slot's identity; asking for the same one again is never a second answer."""
        p = self.prompt
        parts = (p.prompt_id, p.version, self.engine, self.surface, self.contract, p.persona, p.locale)
        key = "|".join((*parts, self.day.isoformat(), str(self.replicate), self.aa_pair))
        return hashlib.sha256(key.encode()).hexdigest()[:32]

    def as_text(self) -> str:
        """The slot as JSON, for the books."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_text(cls, text: str) -> Slot:
        """A slot that `as_text` wrote."""
        fields = json.loads(text)
        return cls(**fields | {"day": date.fromisoformat(fields["day"]), "prompt": Prompt(**fields["prompt"])})


def engines_to_ask(panel: AiPanel) -> tuple[Engine, ...]:
    """The engines of plumbline.yaml that have a model; the others are read from files."""
    return tuple(e for e in panel.engines if e.model)


def is_planned(day: date, sampling: Sampling) -> bool:
    """Whether the design asks on this day of the week."""
    return WEEKDAYS[day.weekday()] in sampling.days


def slots_of(day: date, prompts: Sequence[Prompt], panel: AiPanel) -> list[Slot]:
    """Every slot of the day in random order, the same order each time it is computed.

    On the first day of the week that the design names, some prompts (another choice each week) are asked twice more:
    these pairs are neighbours, so that they are asked within the hour.
    """
    sampling = panel.sampling
    first = min(sampling.days, key=WEEKDAYS.index)
    week = "{}-W{:02d}".format(*day.isocalendar()[:2])
    slots: list[Slot] = []
    for engine in engines_to_ask(panel):
        mine = [p for p in prompts if p.engine in ("", engine.name) and p.surface in ("", engine.surface)]
        slots += [
            Slot(day, engine.name, engine.surface, engine.contract, p, replicate)
            for p in mine
            for replicate in range(1, sampling.repeats + 1)
        ]
        if WEEKDAYS[day.weekday()] == first:
            core = sorted((p for p in mine if p.is_core), key=lambda p: _draw(week, engine.name, p.prompt_id, p.locale))
            slots += [
                Slot(
                    day, engine.name, engine.surface, engine.contract, p, sampling.repeats + extra,
                    f"{week}:{engine.name}:{p.prompt_id}:{p.locale}",
                )
                for p in core[: sampling.aa_prompts]
                for extra in (1, 2)
            ]  # fmt: skip
    return sorted(slots, key=lambda s: (_draw(s.aa_pair or s.answer_id, s.day.isoformat()), s.replicate))


def _draw(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def within_budget(
    slots: Sequence[Slot], prices: dict[str, Decimal], budget: Decimal
) -> tuple[list[Slot], list[Slot], Decimal]:
    """(slots that the budget pays for, slots left out, cost of the former), both in the order given.

    What is given up first: repeats, the highest number first and for all engines alike; then the prompts with the
    smallest weight, again for all engines alike. Never an engine. `prices` are US dollars per answer.
    """
    cost = sum((prices[s.engine] for s in slots), Decimal(0))
    left_out: set[str] = set()
    steps: dict[tuple[object, ...], list[Slot]] = {}
    for slot in slots:
        extra = slot.replicate > 1
        key = (0, -slot.replicate, 0.0, "") if extra else (1, 0, slot.prompt.weight, _draw(slot.prompt.prompt_id))
        steps.setdefault(key, []).append(slot)
    for _, group in sorted(steps.items(), key=lambda item: item[0]):
        if cost <= budget:
            break
        left_out.update(s.answer_id for s in group)
        cost -= sum((prices[s.engine] for s in group), Decimal(0))
    return (*_split(slots, left_out), cost)


def _split(slots: Iterable[Slot], left_out: set[str]) -> tuple[list[Slot], list[Slot]]:
    kept = [s for s in slots if s.answer_id not in left_out]
    return kept, [s for s in slots if s.answer_id in left_out]
