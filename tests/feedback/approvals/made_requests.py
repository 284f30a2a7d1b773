"""A small policy and requests under it, for the tests of the approvals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from feedback.approvals import ApprovalPolicy, Approvals, Request, Seal

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SHA, OTHER = "a" * 64, "b" * 64
ADA, BOB, CARA, DAN = (f"{name}@acme.example" for name in ("ada", "bob", "cara", "dan"))
WRITER = "agent:writer"
KEY = b"a key that no writer of the ledger holds"
POLICY = {
    "people": [
        {"id": ADA, "name": "Ada Okafor", "roles": ["editor", "brand_owner"]},
        {"id": BOB, "roles": ["editor"]},
        {"id": CARA, "roles": ["compliance", "cfo"]},
        {"id": DAN, "roles": ["cmo"]},
    ],
    "agents": [
        {
            "id": WRITER,
            "role": "copywriter",
            "mandate": "headlines for paid social",
            "owner": ADA,
            "success": "first-hit rate of its drafts",
            "tools": ["feed"],
            "sees": ["patterns", "brand"],
            "may": ["draft", "revise"],
            "asks": ["publish", "spend"],
        }
    ],
    "gates": {"spend": {"free_up_to": 500}},
}


def policy(**changed: Any) -> ApprovalPolicy:
    return ApprovalPolicy.model_validate({**POLICY, **changed})


def ledger(folder: Path, *, key: bytes | None = None, brand: str | None = None, **changed: Any) -> Approvals:
    seal = Seal(folder / "elsewhere" / "anchor.json", key)
    return Approvals(folder / "ledger.jsonl", policy(**changed), seal=seal, brand=brand)


def request(**changed: Any) -> Request:
    fields = {
        "action": "publish",
        "artifact_sha256": SHA,
        "params": {"channel": "video"},
        "requested_by": WRITER,
        "requested_at": NOW,
        "expires": NOW + timedelta(days=3),
    }
    return Request.model_validate({**fields, **changed})
