"""Whether a pack is the one that was issued: a signature, and a register of issued reports outside every workspace.

Hashes show that a pack is consistent; somebody who computes all of them anew is not found by them. The key and the
register lie in the folder PLUMBLINE_KEYS, else `.plumbline` in the user's home: whoever may write the workspace need
not be able to write there. On a machine without them a pack's origin is not checked, which `verify` says.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from feedback.reports.audit.integrity import LEDGER, MANIFEST, WRITER_LOCK, Difference
from feedback.storage import hash_chain
from feedback.storage.atomic_files import sync_folder
from feedback.storage.canonical_json import canonical
from models.error import PlumblineError

FOLDER, KEY = "PLUMBLINE_KEYS", "PLUMBLINE_AUDIT_KEY"
KEY_FILE, REGISTER = "audit.key", "issued.jsonl"
LEAST_CHARACTERS = 16
LOST = "ledger_lost"
State = Literal["holds", "differs", "not checked", "not signed"]


class AuditKeyUnusable(PlumblineError, ValueError):
    """The key that signs audit packs can be guessed or cannot be read."""


@dataclass(frozen=True)
class Origin:
    """What `verify` can say about where a pack comes from; `note` is the sentence for it."""

    state: State
    note: str
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Issuer:
    """The key of this machine (or user) and its register of issued reports."""

    key: bytes
    register: Path

    @property
    def key_id(self) -> str:
        """What names the key without telling it."""
        return hashlib.sha256(b"plumbline audit key " + self.key).hexdigest()[:16]

    def line(self, previous: str, body: Mapping[str, Any]) -> str:
        """The signed ledger line that follows the line with hash `previous`."""
        return hash_chain.line(previous, {**body, "key_id": self.key_id}, key=self.key)

    def signs(self, entry: Mapping[str, Any], text: str) -> bool:
        """Whether a line carries this key's signature."""
        return entry.get("key_id") == self.key_id and hash_chain.signed(text, self.key)

    def entries(self) -> list[dict[str, Any]]:
        """What was issued here, oldest first; lines that this key did not write are left out."""
        held = []
        for text in hash_chain.lines_of(self.register):
            try:
                entry = json.loads(text)
                body = {name: value for name, value in entry.items() if name != "mac"}
                digest = hashlib.sha256(canonical(body)).hexdigest()
                if secrets.compare_digest(str(entry["mac"]), hash_chain.mac(self.key, digest)):
                    held.append(entry)
            except (ValueError, KeyError, TypeError):
                continue
        return held

    def record(self, audit: Path, pack: Path) -> None:
        """Enter the pack's ledger line in the register, once."""
        entry = json.loads(hash_chain.lines_of(pack / LEDGER)[-1])
        known = {
            "audit": _place(audit),
            "period": entry["period"],
            "run": _run_of(pack),
            "report_id": entry["report_id"],
            "line": entry["hash"],
        }
        with FileLock(self.register.with_suffix(".lock"), timeout=60):
            if any(known.items() <= held.items() for held in self.entries()):
                return
            digest = hashlib.sha256(canonical(known)).hexdigest()
            hash_chain.append(self.register, canonical({**known, "mac": hash_chain.mac(self.key, digest)}).decode())

    def lost(self, audit: Path, lines: Sequence[str]) -> str | None:
        """The hash of the last line that was issued into this folder, where its ledger is gone altogether."""
        if lines:
            return None
        issued = [entry["line"] for entry in self.entries() if entry["audit"] == _place(audit)]
        return str(issued[-1]) if issued else None


def issuer() -> Issuer | None:
    """This machine's issuer; its key is made on first use, for its owner only. None where no folder can be written.

    PLUMBLINE_AUDIT_KEY, where set, is the key. Raises AuditKeyUnusable for one of fewer than 16 characters, and for a
    key file that is there and cannot be read.
    """
    folder = Path(os.environ.get(FOLDER) or Path.home() / ".plumbline").expanduser()
    given = os.environ.get(KEY)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = given.encode() if given is not None else _key_of(folder / KEY_FILE)
    except OSError:
        return None
    if len(key) < LEAST_CHARACTERS:
        where = KEY if given is not None else KEY_FILE
        raise AuditKeyUnusable(f"has {len(key)} characters", key=where, fix=f"use at least {LEAST_CHARACTERS}")
    return Issuer(key, folder / REGISTER)


def origin(pack: Path, by: Issuer | None) -> Origin:
    """Level 0 of `verify`: is the pack's ledger line signed, and is it one that was issued?

    Only a pack whose level 1 holds is asked about. A pack of another machine is not checked; one of this machine must
    be in the register, and where it lies in its audit folder the ledger there must hold all that was issued into it.
    """
    pack = pack.resolve()
    lines = hash_chain.lines_of(pack / LEDGER)
    own = json.loads(lines[-1])
    if by is None:
        return Origin("not checked", "the signature was not checked: this machine has no folder for the key")
    differences = [*_unsigned(lines, by), *_not_issued(pack, own, by), *_cut(pack, by)]
    if differences:
        return Origin("differs", "the pack is not what was issued", tuple(differences))
    if "mac" not in own:
        return Origin("not signed", "the pack carries no signature")
    if own.get("key_id") != by.key_id:
        return Origin("not checked", f"the signature was not checked: key {own.get('key_id')} is not on this machine")
    return Origin("holds", f"signed with the key {by.key_id}")


def _unsigned(lines: Sequence[str], by: Issuer) -> Iterator[Difference]:
    """A line that names this key must carry its signature, and none may lack one after the first that has it."""
    begun = False
    for number, text in enumerate(lines, 1):
        entry = json.loads(text)
        if entry.get("key_id") == by.key_id:
            begun = True
            if not by.signs(entry, text):
                yield Difference(0, LEDGER, f"line {number} was not signed with the key that it names")
        elif begun and "mac" not in entry:
            yield Difference(0, LEDGER, f"line {number} carries no signature, the lines before it do")


def _not_issued(pack: Path, own: Mapping[str, Any], by: Issuer) -> Iterator[Difference]:
    """This machine issued reports of the pack's run and period: the pack must be one of them."""
    run = _run_of(pack)
    issued = [e for e in by.entries() if e["run"] == run and e["period"] == own["period"]]
    if issued and own["hash"] not in {entry["line"] for entry in issued}:
        known = ", ".join(sorted({entry["report_id"][:12] for entry in issued}))
        yield Difference(0, LEDGER, f"this machine issued {known} for {run}, and never this pack")


def _cut(pack: Path, by: Issuer) -> Iterator[Difference]:
    """Where the pack lies in its audit folder, the ledger there must hold every line that was issued into it."""
    audit = pack.parent.parent
    if not (audit / WRITER_LOCK).exists():
        return
    entries = [json.loads(text) for text in hash_chain.checked_lines(audit / LEDGER)]
    held = {entry["hash"] for entry in entries}
    for entry in by.entries():
        if entry["audit"] != _place(audit):
            continue
        if entry["line"] not in held and not _declared_lost(entries, entry["line"], by):
            yield Difference(
                0, LEDGER, f"the audit folder's ledger lacks the report {entry['report_id'][:12]} of {entry['period']}"
            )


def _declared_lost(entries: Sequence[Mapping[str, Any]], line: str, by: Issuer) -> bool:
    """Whether a signed line says that the ledger was lost with that line, or with one issued after it."""
    order = [entry["line"] for entry in by.entries()]
    return any(
        entry.get("event") == LOST
        and by.signs(entry, canonical(dict(entry)).decode())
        and line in order[: order.index(entry["last_line"]) + 1]
        for entry in entries
        if entry.get("last_line") in order
    )


def _run_of(pack: Path) -> str:
    return str(json.loads((pack / MANIFEST).read_bytes())["run"]["run.id"])


def _place(audit: Path) -> str:
    """What names an audit folder in the register, without telling its path."""
    return hashlib.sha256(str(audit.resolve()).encode()).hexdigest()[:16]


def _key_of(path: Path) -> bytes:
    """The key in the file, made once for its owner only."""
    if not path.exists():
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)  # of two processes that begin at once, one key stays
        except FileExistsError:
            pass
        finally:
            part.unlink()
        sync_folder(path.parent)
    try:
        return path.read_text(encoding="utf-8").strip().encode()
    except (OSError, UnicodeDecodeError) as error:
        raise AuditKeyUnusable(
            f"cannot be read ({error.__class__.__name__})",
            file=path.name,
            fix=f"make it readable for the user who runs plumbline, or set {KEY}",
        ) from None
