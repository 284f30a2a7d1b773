"""The feed's server as a process of its own, started by `plumbline feed serve` without the packages of a run.

The token is read from PLUMBLINE_FEED_TOKEN, so that it appears in no list of processes.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from feedback.serve.feed import utc_now
from feedback.serve.listening import TOKEN_VARIABLE, FixedClock, serve
from feedback.serve.mcp_listening import serve_http, serve_stdio

COULD_NOT_RUN, USAGE = 3, 2


def main() -> int:
    """Serve until interrupted; 2 for an address or token that is refused, 3 where the port cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m feedback.serve")
    parser.add_argument("memory", type=Path)
    parser.add_argument("--brand")
    parser.add_argument("--protocol", choices=("http", "mcp-stdio", "mcp-http"), default="http")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--brand-documents", type=Path, help="the folder of the brand's voice and guidelines")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--now", type=datetime.fromisoformat, help="a time at which the clock stands still")
    asked = parser.parse_args()
    clock = FixedClock(asked.now) if asked.now else utc_now
    if asked.protocol != "http" and asked.brand is None:
        parser.error(f"--protocol {asked.protocol} needs --brand")
    shared: dict[str, Any] = {"clock": clock, "brand_documents": asked.brand_documents}
    listening: dict[str, Any] = {"host": asked.host, "port": asked.port, "token": os.environ.get(TOKEN_VARIABLE)}
    try:
        if asked.protocol == "mcp-stdio":
            serve_stdio(asked.memory, asked.brand, **shared)
        elif asked.protocol == "mcp-http":
            serve_http(asked.memory, asked.brand, **shared, **listening)
        else:
            serve(asked.memory, brand=asked.brand, workers=asked.workers, **shared, **listening)
    except ValueError as refused:
        print(refused, file=sys.stderr)
        return USAGE
    except OSError as error:
        print(f"{asked.host}:{asked.port} cannot be used: {error.strerror or error}", file=sys.stderr)
        return COULD_NOT_RUN
    return 0


if __name__ == "__main__":
    sys.exit(main())
