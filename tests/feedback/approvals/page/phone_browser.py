"""Chromium as a phone of 360 by 740 points, driven over its debugging protocol."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

WIDTH, HEIGHT = 360, 740
SECONDS = 30.0


class Phone:
    """One tab of the browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._numbers = socket, count(1)
        self.requested: list[str] = []
        for domain in ("Page", "Runtime", "Network"):
            self.tell(f"{domain}.enable")
        metrics = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 2, "mobile": True}
        self.tell("Emulation.setDeviceMetricsOverride", **metrics)

    def tell(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its result; events on the way are noted."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=SECONDS))
            if message.get("method") == "Network.requestWillBeSent":
                self.requested.append(message["params"]["request"]["url"])
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        said = self.tell("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    def wait_for(self, text: str) -> None:
        """Wait until the page shows the text."""
        deadline = time.monotonic() + SECONDS
        expression = f"document.readyState == 'complete' && document.body.innerText.includes({json.dumps(text)})"
        while not self.ask(expression):
            assert time.monotonic() < deadline, self.ask("document.body.innerText")
            time.sleep(0.05)

    def open(self, address: str) -> None:
        """Load an address."""
        self.tell("Page.navigate", url=address)

    def tap(self, selector: str) -> None:
        """Touch the middle of an element, as a finger does."""
        place = self.ask(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'center'});"
            " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.tell("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def picture(self, path: Path) -> None:
        """Save what the screen shows."""
        path.write_bytes(base64.b64decode(self.tell("Page.captureScreenshot")["data"]))


@contextmanager
def phone(profile: Path) -> Iterator[Phone]:
    """A fresh browser with a profile of its own; it ends with the block."""
    program = shutil.which("chromium")
    assert program, "the browser tests need Chromium: install Debian's package chromium"
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions"]
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server"]
    browser = subprocess.Popen(
        [program, *options, *quiet, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + SECONDS
        port_file = profile / "DevToolsActivePort"
        while not port_file.exists() or len(port_file.read_text().splitlines()) < 2:
            assert browser.poll() is None, f"Chromium ended with {browser.returncode}"
            assert time.monotonic() < deadline, "Chromium did not start"
            time.sleep(0.05)
        port, path = port_file.read_text().splitlines()
        with connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None) as whole:
            target = _created(whole)
        with connect(f"ws://127.0.0.1:{port}/devtools/page/{target}", max_size=None, proxy=None) as tab:
            yield Phone(tab)
    finally:
        browser.terminate()
        try:
            browser.wait(timeout=10)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.wait()


def _created(whole: ClientConnection) -> str:
    whole.send(json.dumps({"id": 1, "method": "Target.createTarget", "params": {"url": "about:blank"}}))
    while True:
        message = json.loads(whole.recv(timeout=SECONDS))
        if message.get("id") == 1:
            return str(message["result"]["targetId"])
