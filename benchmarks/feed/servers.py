"""The servers that are compared: the feed, one that reads its snapshot for every request, and a plain file."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.feed.memory import BRAND


@contextlib.contextmanager
def running(*command: str) -> Iterator[tuple[int, int]]:
    """Start a server that prints its address; gives its process and port, and ends it."""
    process = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
        if told is None:
            raise RuntimeError(f"{' '.join(command)} did not start")
        yield process.pid, int(told[1])
    finally:
        process.terminate()
        process.wait(timeout=20)


def feed(memory: Path, workers: int) -> contextlib.AbstractContextManager[tuple[int, int]]:
    """The server of `plumbline feed serve`."""
    return running("feedback.serve", str(memory), "--brand", BRAND, "--port", "0", "--workers", str(workers))


def cpu_seconds(process: int) -> float:
    """Processor time that a process and its children have used so far."""
    ticks = 0
    for pid in _family(process):
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(after_name[11]) + int(after_name[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _family(process: int) -> list[str]:
    return [str(process), *Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def megabytes(process: int) -> float:
    """Resident memory of a process and its children, pages that they share counted once for each."""
    total = 0.0
    for pid in _family(process):
        match = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        total += int(match[1]) / 1024 if match else 0.0
    return total


class _Bare(asyncio.Protocol):
    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert isinstance(self._transport, asyncio.Transport)
        self._transport.write(self._answer * data.count(b"\r\n\r\n"))


async def _bare(body: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    server = await asyncio.get_running_loop().create_server(lambda: _Bare(answer), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve a baseline: `naive MEMORY` reads and parses per request, `file PATH` sends a file, `bare PATH` the
    same bytes from a socket that understands no HTTP.
    """
    if sys.argv[1] == "bare":
        asyncio.run(_bare(Path(sys.argv[2]).read_bytes()))
        return
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import FileResponse, JSONResponse, Response
    from starlette.routing import Route

    kind, path = sys.argv[1], Path(sys.argv[2])

    async def naive(request: Request) -> Response:
        pointer = json.loads((path / BRAND / "CURRENT.json").read_bytes())
        content = (path / BRAND / f"feed-{pointer['feed_seq']}.json").read_bytes()
        if hashlib.sha256(content).hexdigest() != pointer["sha256"]:
            return JSONResponse({"error": "hash"}, status_code=503)
        cards = json.loads(content)["cards"]
        limit = int(request.query_params.get("limit", "50"))
        return JSONResponse({"patterns": cards[:limit]})

    async def file(_: Request) -> Response:
        return FileResponse(path, media_type="application/json")

    config = uvicorn.Config(
        Starlette(routes=[Route("/{rest:path}", naive if kind == "naive" else file)]),
        host="127.0.0.1",
        port=0,
        log_level="warning",
        access_log=False,
    )
    listener = config.bind_socket()
    listener.listen(128)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
