"""What makes tampering with the ledger visible: a key from outside the workspace, and an anchor in a second place.

The chain alone shows edits. The key shows lines that somebody without it wrote; the anchor (number of lines, hash of
the last one) shows that lines were cut off the end.
"""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from feedback.storage import hash_chain
from feedback.storage.atomic_files import write_atomically
from feedback.storage.canonical_json import canonical
from models.error import PlumblineError

VARIABLE = "PLUMBLINE_APPROVAL_KEY"
LEAST_CHARACTERS = 16


class LedgerBroken(PlumblineError, ValueError):
    """The ledger was cut, written without the key, or cannot be compared with its anchor: nothing in it counts."""


class KeyUnusable(PlumblineError, ValueError):
    """The key that signs the ledger is missing where the settings promise one, can be guessed, or lies too near."""


@dataclass(frozen=True)
class Seal:
    """Where the anchor lies, and the key that signs lines and anchor; None: no key, only chain and anchor hold."""

    anchor: Path
    key: bytes | None = None

    def signs(self, text: str) -> bool:
        """Whether the line carries this key's signature."""
        return self.key is not None and hash_chain.signed(text, self.key)

    def check(self, ledger: Path, lines: Sequence[str]) -> None:
        """Compare the chained lines with key and anchor. Raises LedgerBroken with the row and what to do."""
        self._check_signatures(ledger.name, lines)
        self._check_anchor(ledger.name, lines)

    def _check_signatures(self, name: str, lines: Sequence[str]) -> None:
        marked = ["mac" in json.loads(text) for text in lines]
        if self.key is None:
            if True in marked:
                raise LedgerBroken(
                    "the ledger is signed and the key is not at hand: a line without a signature could be anybody's, so"
                    " nothing in it counts",
                    file=name,
                    row=marked.index(True) + 1,
                    fix=f"set {VARIABLE} or approvals.key_file",
                )
            return
        first = marked.index(True) if True in marked else len(lines)
        if first > 0 and (first == len(lines) or json.loads(lines[first])["event"] != "key_adopted"):
            raise LedgerBroken(
                f"lines 1 to {first} carry no signature although a key is set",
                file=name,
                row=1,
                fix="if the key is new, read the ledger and adopt it once with `plumbline pending WS --adopt-key`;"
                " if not, restore the file from a backup",
            )
        for number, text in enumerate(lines[first:], first + 1):
            if not self.signs(text):
                raise LedgerBroken(
                    "the line was not written with the key, so it and every later one count for nothing",
                    file=name,
                    row=number,
                    fix="restore the file from a backup, or check that the key is the right one",
                )

    def _check_anchor(self, name: str, lines: Sequence[str]) -> None:
        anchor = self.read()
        if anchor is None:
            if lines:
                raise LedgerBroken(
                    f"the anchor {self.anchor.name} is missing, so nobody can tell whether lines were cut off",
                    file=name,
                    fix="restore the anchor, or compare the ledger with a backup and write a new one with"
                    " `plumbline pending WS --re-anchor`",
                )
            return
        count, head = anchor
        if count > len(lines) or hash_chain.head(lines[:count]) != head:
            raise LedgerBroken(
                f"the anchor {self.anchor.name} knows {count} lines, of which {min(count, len(lines))} are here or fit:"
                " lines were cut off or replaced",
                file=name,
                row=min(count, len(lines)) + 1,
                fix="restore the ledger from a backup",
            )

    def read(self) -> tuple[int, str] | None:
        """The anchored number of lines and head; None where there is no anchor. Raises LedgerBroken if damaged."""
        try:
            content = json.loads(self.anchor.read_bytes())
            count, head, mac = int(content["lines"]), str(content["head"]), content.get("mac")
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._damaged("holds no number of lines and head") from None
        if self.key is not None and not (
            isinstance(mac, str) and hmac.compare_digest(mac.encode(), self._mac(count, head).encode())
        ):
            raise self._damaged("was not written with the key")
        return count, head

    def write(self, lines: Sequence[str]) -> None:
        """Anchor the lines. Raises OSError, e.g. on a read-only disk."""
        head = hash_chain.head(lines)
        content = {"lines": len(lines), "head": head}
        if self.key is not None:
            content["mac"] = self._mac(len(lines), head)
        self.anchor.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.anchor, canonical(content) + b"\n")

    def _mac(self, count: int, head: str) -> str:
        assert self.key is not None
        return hash_chain.mac(self.key, f"anchor {count} {head}")

    def _damaged(self, what: str) -> LedgerBroken:
        return LedgerBroken(what, file=self.anchor.name, fix="restore it, or `plumbline pending WS --re-anchor`")


def signing_key(workspace: Path, key_file: str | None) -> bytes | None:
    """The key that signs the ledger: PLUMBLINE_APPROVAL_KEY, else the file that plumbline.yaml names; None for neither.

    Raises KeyUnusable for a key of fewer than 16 characters, for a file that cannot be read, and for a file inside the
    workspace: whoever writes the ledger could then sign it.
    """
    given, where = os.environ.get(VARIABLE), VARIABLE
    if given is None and key_file is not None:
        path = Path(key_file).expanduser()
        where = "approvals.key_file"
        if (workspace / path).resolve().is_relative_to(workspace.resolve()):
            raise KeyUnusable(
                f"{key_file} lies inside the workspace", file="plumbline.yaml", key=where, fix="keep the key elsewhere"
            )
        try:
            given = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise KeyUnusable(
                f"{key_file} cannot be read ({error.__class__.__name__})",
                file="plumbline.yaml",
                key=where,
                fix="create it with 32 random characters, readable by the people who decide",
            ) from None
    if given is None:
        return None
    if len(given) < LEAST_CHARACTERS:
        raise KeyUnusable(f"has {len(given)} characters", key=where, fix=f"use at least {LEAST_CHARACTERS} random ones")
    return given.encode()
