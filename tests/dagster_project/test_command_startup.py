"""Every command begins by importing the command line; what only some of them need is imported when they run."""

from __future__ import annotations

import subprocess
import sys

# Each costs a tenth of a second to several seconds, for each command and each time.
NEEDED_LATER = ("arviz", "dagster", "dbt", "litellm", "mcp", "numba", "numpy", "polars", "pymc", "scipy", "starlette")


def test_the_command_line_imports_no_heavy_library() -> None:
    program = f"import sys, dagster_project.cli\nprint(*(name for name in {NEEDED_LATER!r} if name in sys.modules))"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.split() == []
