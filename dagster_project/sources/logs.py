"""What comes back from approvers: their decisions, append-only and idempotent by id."""

from __future__ import annotations

from dagster_project.sources.contract import Entity, Field, Kind, Shape, Source


def _columns(own_id: str) -> tuple[tuple[str, Kind], ...]:
    return (
        (own_id, "id"),
        ("ts", "instant"),
        ("subject_sha256", "text"),
        ("kind", "text"),
        ("actor_id", "text"),
        ("decision", "text"),
        ("payload", "json"),
    )


def _source(name: str, own_id: str, times: tuple[str, ...], subjects: tuple[str, ...], kind: str) -> Source:
    shape = Shape(
        name,
        name,
        fields=(
            Field(own_id, "id", (own_id,), required=True, filled=True),
            Field("ts", "instant", times, required=True, filled=True),
            Field("subject_sha256", "text", subjects),
            Field("kind", "text", ("kind", "action"), default=kind),
            Field("actor_id", "actor", ("actor_id", "agent_id", "approver")),
            Field("decision", "choice", ("decision", "applied")),
            Field("payload", "json", ("payload",)),
        ),
        key=(own_id,),
        rest_to="payload",
    )
    return Source(name, (Entity(name, _columns(own_id)),), (shape,))


APPROVALS = _source(
    "approvals", "approval_id", ("ts", "decided_at", "recorded_at"), ("subject_sha256", "subject"), "approval"
)
