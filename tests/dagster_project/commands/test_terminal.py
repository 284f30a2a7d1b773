"""What a user reads when the disk or a file below a command fails: a sentence and exit code 3."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import typer
from sqlalchemy import create_engine, text

from dagster_project.commands.terminal import BROKEN, rows_as_table, sentences_for_trouble, stop


def fill_a_small_database(path: Path) -> None:
    with create_engine(f"sqlite:///{path}").begin() as con:
        con.execute(text("pragma max_page_count = 2"))
        con.execute(text("create table runs (body text)"))
        con.execute(text("insert into runs values (:body)"), {"body": "x" * 100_000})


def fail_because_of(code: int) -> None:
    try:
        raise OSError(code, "refused", "warehouse/CURRENT")
    except OSError as refused:
        raise RuntimeError("the step failed") from refused


def test_a_full_disk_below_dagsters_storage_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """SQLAlchemy wraps SQLite's error; a database limited to its first pages fails as on a full disk."""
    with pytest.raises(typer.Exit) as stopped, sentences_for_trouble():
        fill_a_small_database(tmp_path / "runs.db")
    assert stopped.value.exit_code == BROKEN
    said = capsys.readouterr().err
    assert "warehouse/dagster cannot be read or written: database or disk is full" in said
    assert "free some space" in said


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_the_operating_system_refused_comes_with_its_fix(capsys: pytest.CaptureFixture[str], code: int) -> None:
    with pytest.raises(typer.Exit) as stopped, sentences_for_trouble():
        fail_because_of(code)
    assert stopped.value.exit_code == BROKEN
    assert "warehouse/CURRENT: refused; " in capsys.readouterr().err


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    with pytest.raises(KeyError), sentences_for_trouble():
        raise KeyError("a fault")


def test_text_from_files_is_shown_literally(capsys: pytest.CaptureFixture[str]) -> None:
    """A file may be named `:x:`, or carry bytes that a terminal obeys or that turn the reading direction."""
    name = "landing/:x:/[red]a\x1b[2J\x07\u202e\udcff.csv"
    with pytest.raises(typer.Exit):
        stop(BROKEN, f"{name}: cannot be read\nsecond line")
    rows_as_table("files", [{"file": name}])
    told = capsys.readouterr()
    literal = r"landing/:x:/[red]a\x1b[2J\x07\u202e\udcff.csv"
    assert told.err == f"{literal}: cannot be read\nsecond line\n"
    assert told.out == f"file\n{literal}\n"
