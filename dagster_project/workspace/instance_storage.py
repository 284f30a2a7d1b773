"""Dagster's own SQLite files in the workspace: a damaged one is set aside before Dagster opens it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from feedback.storage.damaged_files import set_aside

DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
COMPANIONS = ("-wal", "-shm", "-journal")


def set_aside_damaged_storage(home: Path) -> list[str]:
    """Check every SQLite file below DAGSTER_HOME and set the damaged ones aside; returns one sentence per file.

    They hold Dagster's history of runs and its schedule's memory, no result: Dagster makes empty ones in their place.
    A file that another process holds locked counts as whole.
    """
    sentences = []
    for path in sorted(home.rglob("*.db")):
        if _is_damaged(path):
            aside = set_aside(path)
            for ending in COMPANIONS:
                path.with_name(path.name + ending).unlink(missing_ok=True)
            sentences.append(
                f"warehouse/{home.name}/{path.relative_to(home)} is damaged: it was set aside as {aside.name}, and"
                " Dagster's history of runs begins anew; no result is lost"
            )
    return sentences


def _is_damaged(path: Path) -> bool:
    try:
        con = sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=1)
    except sqlite3.Error:
        return False
    try:
        verdict = con.execute("pragma quick_check").fetchone()
        return verdict is None or verdict[0] != "ok"
    except sqlite3.DatabaseError as error:
        return error.sqlite_errorcode & 0xFF in DAMAGE
    finally:
        con.close()
