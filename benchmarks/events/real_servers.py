"""PostgreSQL and Redis for tests and benchmarks: real servers in a folder of their own, reached by a socket file."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from models.error import PlumblineError

START_SECONDS = 30


class ServerMissing(PlumblineError, RuntimeError):
    """The server's program is not installed, or it cannot be started here."""


@contextmanager
def postgres() -> Iterator[str]:
    """A new PostgreSQL server; gives its connection string and ends it afterwards. Raises ServerMissing."""
    initdb, server = _program("initdb"), _program("postgres")
    account = _account()
    with _folder() as folder:
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        user = account.pw_name if account is not None else None
        data = folder / "data"
        made = subprocess.run(
            [initdb, "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"],
            user=user,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise ServerMissing(f"initdb failed: {made.stderr.strip()[-300:]}")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [server, "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "max_connections=60"],
                user=user,
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        try:
            # The socket is there before the server answers on it.
            _wait(lambda: b"ready to accept connections" in (folder / "log").read_bytes(), process, folder / "log")
            yield f"host={folder} user=postgres dbname=postgres"
        finally:
            _end(process, signal.SIGINT)


@contextmanager
def redis() -> Iterator[str]:
    """A new Redis server that writes every command to its disk; gives its URL and ends it afterwards.

    Raises ServerMissing.
    """
    server = _program("redis-server")
    with _folder() as folder:
        socket = folder / "redis.sock"
        options = [
            "--port",
            "0",
            "--unixsocket",
            str(socket),
            "--dir",
            str(folder),
            "--save",
            "",
            "--appendonly",
            "yes",
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([server, *options], stdout=log, stderr=log)
        try:
            _wait(socket.exists, process, folder / "log")
            yield f"unix://{socket}"
        finally:
            _end(process, signal.SIGTERM)


def _program(name: str) -> str:
    found = shutil.which(name) or next(iter(sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))[::-1]), None)
    if found is None:
        raise ServerMissing(f"{name} is not installed", fix="apt-get install postgresql redis-server")
    return str(found)


def _account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root; then the account that Debian makes for it, or nobody's."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerMissing("PostgreSQL does not run as root, and there is no other account here")


@contextmanager
def _folder() -> Iterator[Path]:
    # Short and open to the other account: a socket's path may have 107 bytes, and test folders are root's alone.
    folder = Path(tempfile.mkdtemp(prefix="pl-", dir=tempfile.gettempdir()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        if ready():
            return
        time.sleep(0.05)
    raise ServerMissing(f"the server did not start: {log.read_text(errors='replace').strip()[-300:]}")


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """PostgreSQL waits for its clients after SIGTERM and ends them after SIGINT."""
    process.send_signal(how)
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
