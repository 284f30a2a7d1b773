"""Stored events as CloudEvents 1.0 JSON: the one form in which they leave, whatever carries them."""

from __future__ import annotations

from typing import Any

from feedback.memory.store import StoredEvent
from feedback.storage.canonical_json import canonical

MEDIA_TYPE = "application/cloudevents+json"
SCHEMA = "urn:plumbline:event:1"
SEQUENCE_DIGITS = 16
TYPES = (
    "performance_data_ready",
    "pattern.promoted",
    "pattern.retired",
    "pattern.changed",
    "approval.requested",
    "approval.decided",
    "drift.detected",
    "report.issued",
)


def source_of(brand: str) -> str:
    """The CloudEvents source of a brand's events; (source, id) is what consumers recognise a repetition by."""
    return f"/plumbline/{brand}"


def cloud_event(event: StoredEvent) -> dict[str, Any]:
    """The event in CloudEvents 1.0 JSON form, with the extension `sequence`: its number, padded so that text sorts.

    Source: CloudEvents 1.0.2, JSON event format, and the documented extension "sequence".
    """
    return {
        "specversion": "1.0",
        "id": event.event_id,
        "source": source_of(event.brand),
        "type": event.type,
        "subject": event.subject,
        "time": event.time,
        "datacontenttype": "application/json",
        "dataschema": SCHEMA,
        "sequence": f"{event.seq:0{SEQUENCE_DIGITS}d}",
        "data": event.data,
    }


def as_bytes(event: StoredEvent) -> bytes:
    """The event as it is sent: canonical JSON, so that a repetition is the same bytes."""
    return canonical(cloud_event(event))
