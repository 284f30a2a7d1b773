"""Answers from the books into landing/ai_answers: the same door through which files of other origin come."""

from __future__ import annotations

import gzip
from pathlib import Path

from dagster_project.asking.ledger import Ledger
from feedback.storage.atomic_files import write_atomically


def deliver(ledger: Ledger, landing: Path) -> list[str]:
    """Write every answer that is not in landing/ yet, one file per day; returns the files' names below landing/.

    A batch is entered in the books before its file is written and closed after it. A process that dies in between
    leaves an open batch, and the next call writes the same bytes under the same name: nothing is lost or there twice.
    """
    with ledger.con:
        days = [
            row[0]
            for row in ledger.con.execute("select distinct day from slot where line is not null and batch is null")
        ]
        for day in sorted(days):
            batch = ledger.con.execute("insert into batch (day, published) values (?, 0)", (day,)).lastrowid
            ledger.con.execute(
                "update slot set batch = ? where day = ? and line is not null and batch is null", (batch, day)
            )
    written = []
    for batch, day in ledger.con.execute("select batch, day from batch where published = 0 order by batch").fetchall():
        lines = ledger.con.execute(
            "select line from slot where batch = ? and line is not null order by position, answer_id", (batch,)
        )
        content = "".join(line + "\n" for (line,) in lines).encode()
        name = f"ai_answers/asked-{day}-{batch:05d}.jsonl.gz"
        path = landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, gzip.compress(content, mtime=0))
        with ledger.con:
            ledger.con.execute("update batch set published = 1 where batch = ?", (batch,))
            ledger.con.execute("update slot set line = null where batch = ?", (batch,))
        written.append(name)
    return written
