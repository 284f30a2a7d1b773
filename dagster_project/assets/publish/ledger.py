"""The ledger of audit packs, when it is damaged: every pack keeps a copy of it up to its own line."""

from __future__ import annotations

from pathlib import Path

from feedback.reports.audit.pack import LEDGER
from feedback.storage import hash_chain
from feedback.storage.atomic_files import write_atomically
from feedback.storage.damaged_files import set_aside


def restore_ledger(audit: Path) -> str | None:
    """Replace a ledger whose chain is broken by the longest whole copy in a pack; returns the sentence, None if whole.

    Only lines of packs that are gone as well can be missing from such a copy. The damaged file is set aside.
    """
    ledger = audit / LEDGER
    if hash_chain.broken_at(hash_chain.lines_of(ledger)) is None:
        return None
    copies = [hash_chain.lines_of(path) for path in sorted(audit.glob(f"*/*/{LEDGER}"))]
    longest = max((lines for lines in copies if hash_chain.broken_at(lines) is None), key=len, default=[])
    aside = set_aside(ledger)
    if longest:
        write_atomically(ledger, ("\n".join(longest) + "\n").encode())
    return (
        f"audit/{LEDGER} is damaged: it was set aside as {aside.name} and restored from the audit packs"
        f" ({len(longest)} lines)"
    )
