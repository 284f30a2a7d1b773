"""What the relay delivers to: anything that takes one event after the other."""

from __future__ import annotations

from typing import Protocol

from feedback.memory.store import StoredEvent
from models.error import PlumblineError


class DeliveryFailed(PlumblineError, RuntimeError):
    """The target did not take an event. `final`: it never will (410 Gone), so trying again is of no use."""

    def __init__(self, problem: str, *, final: bool = False) -> None:
        super().__init__(problem)
        self.final = final


class Target(Protocol):
    """One receiver of events, by its name in plumbline.yaml; no `types` means all of them."""

    name: str
    types: tuple[str, ...]

    def check(self) -> None:
        """Raises AddressRefused or DeliveryFailed where a delivery could not even begin."""

    def send(self, event: StoredEvent) -> None:
        """Delivers one event. Raises DeliveryFailed where it was not taken."""
