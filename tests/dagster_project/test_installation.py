"""Installed from its wheel, outside the checkout, where nothing may be written: the whole loop still runs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
# Root ignores permissions; without this capability it obeys them like everybody else.
OBEY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
SHADOWS = ("dagster_project", "models", "feedback", "dbt")


@dataclass(frozen=True)
class Install:
    """A fresh environment with the wheel, a folder to start in that holds rival packages, and an empty home."""

    environment: Path
    start: Path
    home: Path

    def command(self, *arguments: str) -> list[str]:
        return [*OBEY, str(self.environment / "bin" / arguments[0]), *arguments[1:]]

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        dropped = ("PYTHONPATH", "PLUMBLINE_WORKSPACE", "DAGSTER_HOME", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME")
        variables = {name: value for name, value in os.environ.items() if name not in dropped}
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.start,
            # Without byte code every command would compile Dagster and dbt again; it may not lie in the install.
            env={**variables, "HOME": str(self.home), "PYTHONPYCACHEPREFIX": str(self.home / "byte-code")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def output_of(self, *arguments: str) -> str:
        return _finished(self.popen(*arguments))

    def contents(self) -> dict[str, str]:
        """Digest per file. Byte code is Python's own: it writes it where it may and does without where not."""
        files = (path for path in sorted(self.environment.rglob("*")) if path.suffix != ".pyc" and path.is_file())
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _finished(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=1500)
    assert process.returncode == 0, output
    return output


@pytest.fixture(scope="module")
def install(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """Built, installed with the locked versions of its dependencies, then made read-only."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(PROJECT / ".tools" / "bin"))
    if uv is None:
        pytest.skip("uv is neither installed nor in .tools: `make test-slow` brings it")
    top = tmp_path_factory.mktemp("installation")
    environment, locked = top / "environment", top / "locked.txt"

    def run(*arguments: str) -> None:
        done = subprocess.run([uv, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    run("build", "--quiet", "--wheel", "--out-dir", str(top / "wheel"), str(PROJECT))
    run("venv", "--quiet", "--python", sys.executable, str(environment))
    run("export", "--quiet", "--frozen", "--no-dev", "--no-emit-project", "--output-file", str(locked))
    run("pip", "install", "--quiet", "--python", str(environment), "--requirements", str(locked))
    (wheel,) = (top / "wheel").glob("*.whl")
    run("pip", "install", "--quiet", "--python", str(environment), "--no-deps", str(wheel))
    run("pip", "check", "--python", str(environment))

    start = top / "start"
    for name in SHADOWS:
        (start / name).mkdir(parents=True)
        (start / name / "__init__.py").write_text(f"raise SystemExit('{name} of the current folder was imported')\n")
    (top / "home").mkdir()
    folders = [environment, *(path for path in environment.rglob("*") if path.is_dir() and not path.is_symlink())]
    for folder in folders:
        folder.chmod(0o555)  # folders only: the files are hard links into uv's cache
    yield Install(environment, start, top / "home")
    for folder in folders:
        folder.chmod(0o755)


@pytest.mark.slow
def test_two_workspaces_run_at_once_and_nothing_is_written_into_the_install(install: Install) -> None:
    before = install.contents()
    for workspace, seed in (("one", "7"), ("two", "8")):
        install.output_of("plumbline", "demo", workspace, "--days", "120", "--seed", seed)
    runs = [install.popen("plumbline", "run", workspace) for workspace in ("one", "two")]
    for run in runs:
        assert "finished" in _finished(run)
    for workspace in ("one", "two"):
        built = json.loads(install.output_of("plumbline", "report", workspace, "--json"))
        assert all(Path(built[kind]).stat().st_size > 0 for kind in ("html", "pdf", "xlsx"))
        assert "nothing new" in install.output_of("plumbline", "run", workspace)
    assert list((install.home / ".cache" / "plumbline" / "numba").rglob("*.nbc")), "compiled code is kept for the user"
    assert install.contents() == before


@pytest.mark.slow
def test_an_install_and_a_checkout_of_the_same_code_name_the_same_version(install: Install) -> None:
    script = "from dagster_project.warehouse.run_record import code_version; print(code_version())"
    here = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert install.output_of("python", "-P", "-c", script) == here.stdout


@pytest.mark.slow
def test_the_ui_loads_our_packages_and_not_those_of_the_current_folder(install: Install) -> None:
    install.output_of("plumbline", "init", "three")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = install.popen("plumbline", "ui", "three", "--port", str(port))
    query = "{repositoriesOrError{... on RepositoryConnection{nodes{assetNodes{id}}} ... on PythonError{message}}}"
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"content-type": "application/json"},
    )
    answer, deadline = "", time.monotonic() + 900
    try:
        while "assetNodes" not in answer and time.monotonic() < deadline and process.poll() is None:
            time.sleep(1)
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    answer = response.read().decode()
            except OSError:
                continue  # the server is not up yet
    finally:
        process.send_signal(signal.SIGTERM)  # Dagster then ends its own processes
        output, _ = process.communicate(timeout=120)
    assert "measurement/triangulation" in answer, output
