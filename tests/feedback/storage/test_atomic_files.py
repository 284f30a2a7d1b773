"""A file is replaced as a whole or not at all, even when the process is killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from feedback.storage.atomic_files import replacing, write_atomically

WRITER = """
import sys
from pathlib import Path
from feedback.storage.atomic_files import write_atomically
path = Path(sys.argv[1])
while True:
    for letter in b"ab":
        write_atomically(path, bytes([letter]) * 2_000_000)
"""


def write_half(path: Path) -> None:
    path.write_bytes(b"ne")
    raise RuntimeError


def test_an_error_while_writing_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    write_atomically(path, b"old")
    with pytest.raises(RuntimeError), replacing(path) as part:
        write_half(part)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.pdf"]


def test_a_killed_writer_leaves_one_whole_version(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    root = Path(__file__).parents[3]
    for pause in (0.0, 0.003, 0.007, 0.011):
        path.unlink(missing_ok=True)
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=root)
        while not path.exists() and writer.poll() is None:
            time.sleep(0.01)
        time.sleep(pause)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        content = path.read_bytes()
        assert len(content) == 2_000_000
        assert len(set(content)) == 1
