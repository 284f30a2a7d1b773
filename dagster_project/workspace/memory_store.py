"""The memory's store of a workspace, and the targets of its events, as plumbline.yaml and the environment name them."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from dagster_project.workspace.approval_ledger import approvals_of
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings
from models.error import PlumblineError

if TYPE_CHECKING:
    from feedback.events.target import Target
    from feedback.memory.sql_store import SqlStore
    from feedback.memory.store import MemoryStore


class EventSettingsError(PlumblineError, ValueError):
    """A store or target is named in plumbline.yaml and the variable that it needs is not set, or cannot be used."""


def memory_store(workspace: Workspace, settings: Settings) -> SqlStore:
    """The store that `events.store` names.

    Raises EventSettingsError where PostgreSQL is named and PLUMBLINE_POSTGRES_DSN is not set.
    """
    if settings.events.store == "postgres":
        from feedback.memory.postgres_store import VARIABLE, PostgresStore

        dsn = os.environ.get(VARIABLE)
        if not dsn:
            raise EventSettingsError(
                f"events.store is postgres, and {VARIABLE} is not set",
                file="plumbline.yaml",
                key="events.store",
                fix=f"set {VARIABLE} in the environment, or write `store: embedded`",
            )
        return PostgresStore(dsn, settings.company.brand)
    from feedback.memory.embedded_store import EmbeddedStore

    return EmbeddedStore(workspace.memory, settings.company.brand)


def store_is_whole(workspace: Workspace, settings: Settings) -> bool:
    """Whether the embedded store is there and as it was written; a database on a server looks after itself."""
    from feedback.memory.embedded_store import EmbeddedStore

    if settings.events.store != "embedded":
        return True
    return EmbeddedStore(workspace.memory, settings.company.brand).fault() is None


def tell_of_approvals(workspace: Workspace, settings: Settings, store: MemoryStore, at: datetime) -> int:
    """Hands what is new in the ledger of approvals to the store; returns the number of events.

    Raises ChainBroken or LedgerBroken where the ledger cannot be trusted: then nothing of it is told.
    """
    from feedback.events.happenings import APPROVAL, approval_changes

    if not workspace.approvals.exists():
        return 0
    ledger = approvals_of(workspace, settings)
    known = store.state(APPROVAL).versions
    return store.commit(approval_changes(ledger.book(), ledger.policy, known, at))


def event_targets(settings: Settings, clock: Callable[[], datetime]) -> list[Target]:
    """The targets under `events`, with their secrets from the environment: the Redis stream first, then the webhooks.

    Raises EventSettingsError or SecretUnusable, naming the variable that is missing or cannot be used.
    """
    from feedback.events.redis_target import RedisTarget
    from feedback.events.settings import REDIS_VARIABLE
    from feedback.events.signatures import key_of
    from feedback.events.webhook_target import WebhookTarget

    events = settings.events
    targets: list[Target] = []
    if events.redis is not None:
        url = os.environ.get(REDIS_VARIABLE)
        if not url:
            raise EventSettingsError(
                f"events.redis is set, and {REDIS_VARIABLE} is not",
                file="plumbline.yaml",
                key="events.redis",
                fix=f"set {REDIS_VARIABLE}, for instance to redis://127.0.0.1:6379/0",
            )
        targets.append(RedisTarget(url, events.redis, timeout_seconds=events.timeout_seconds))
    for webhook in events.webhooks:
        targets.append(
            WebhookTarget(
                webhook,
                key_of(os.environ.get(webhook.secret), webhook.secret),
                clock=clock,
                allow_hosts=events.allow_hosts,
                timeout_seconds=events.timeout_seconds,
            )
        )
    return targets
