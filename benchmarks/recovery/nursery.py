"""Starts `plumbline` processes that have already imported the libraries; run as a script by program.py.

Every run is a process of its own, as in real life, with its own state from the first line of the product's command on;
only the libraries' import, several seconds of processor time, is paid once. Reads one JSON line per run from standard
input ({arguments, log, environment}), answers with the process id and, when the run is over, with its exit code.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys

LIBRARIES = (
    "altair",
    "dagster",
    "dagster_dbt",
    "dbt.adapters.duckdb",
    "dbt.cli.main",
    "duckdb",
    "numba",
    "pandas",
    "polars",
    "pyarrow.parquet",
    "scipy.stats",
    "typst",
    "vl_convert",
    "xlsxwriter",
)


def child(arguments: list[str], log: str, environment: dict[str, str]) -> None:
    """Be one run of the product's command line, to the interpreter's own end: its exit code, its traceback."""
    os.setsid()
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.environ.update(environment)
    sys.argv = ["plumbline", *arguments]
    from dagster_project.cli import app

    app()
    sys.exit()


def main() -> None:
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            child(job["arguments"], job["log"], job["environment"])
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
