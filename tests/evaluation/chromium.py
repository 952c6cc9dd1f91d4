"""A real browser for tests: headless Chromium, driven through its DevTools protocol."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Browser", "Tab", "started"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--no-first-run",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    # WebGL without a graphics card
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    # no network, whatever a page asks for
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-port=0",
)
_PATIENCE_S = 90.0
"""WebGL without a graphics card takes its time where many processes share few cores."""


class Tab:
    """A page in the browser."""

    def __init__(self, address: str) -> None:
        import websocket

        self._socket = websocket.create_connection(
            address, timeout=_PATIENCE_S, suppress_origin=True
        )
        self._number = 0
        self.complaints: list[str] = []
        self.requests: list[str] = []
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        self._socket.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command, and give its answer; note what the page complains of meanwhile."""
        self._number += 1
        number = self._number
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                answer: dict[str, Any] = message["result"]
                return answer
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        parameters = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif message.get("method") == "Runtime.consoleAPICalled" and parameters["type"] == "error":
            self.complaints.append(str(parameters["args"]))
        elif message.get("method") == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])

    def open(
        self, page: Path, width: int = 1200, height: int = 900, *, phone: bool = False
    ) -> None:
        self.complaints.clear()
        self.requests.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        self.call("Page.navigate", url=page.resolve().as_uri())
        self.wait("document.readyState === 'complete'")

    def evaluate(self, expression: str) -> Any:
        """Value of an expression in the page; a promise is waited for."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str, seconds: float = _PATIENCE_S) -> Any:
        """Wait until an expression is true, and give its value."""
        until = time.monotonic() + seconds
        while not (value := self.evaluate(condition)):
            assert time.monotonic() < until, f"{condition}: not within {seconds:g} s"
            time.sleep(0.05)
        return value

    def mouse(self, kind: str, x: float, y: float, button: str = "none") -> None:
        self.call(
            "Input.dispatchMouseEvent",
            type=f"mouse{kind}",
            x=x,
            y=y,
            button=button,
            buttons=int(button == "left" and kind != "Released"),
            clickCount=int(kind in ("Pressed", "Released")),
        )

    def drag(self, start: tuple[float, float], by: tuple[float, float], steps: int = 8) -> None:
        (x, y), (dx, dy) = start, by
        self.mouse("Moved", x, y)
        self.mouse("Pressed", x, y, "left")
        for k in range(1, steps + 1):
            self.mouse("Moved", x + dx * k / steps, y + dy * k / steps, "left")
            time.sleep(0.02)
        self.mouse("Released", x + dx, y + dy, "left")

    def picture(self, x: float, y: float, width: float, height: float) -> bytes:
        """A part of what the window shows, as PNG."""
        clip = {"x": x, "y": y, "width": width, "height": height, "scale": 1}
        answer = self.call("Page.captureScreenshot", format="png", clip=clip)
        return base64.b64decode(answer["data"])


class Browser:
    """A running browser."""

    def __init__(self, port: int) -> None:
        self._port = port

    @contextmanager
    def tab(self) -> Iterator[Tab]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/json/new?about:blank", method="PUT"
        )
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
            tab = Tab(json.load(answer)["webSocketDebuggerUrl"])
        try:
            yield tab
        finally:
            tab.close()


@contextmanager
def started(folder: Path) -> Iterator[Browser]:
    """Start the browser with a profile in `folder`; skip the test where there is none."""
    pytest.importorskip("websocket", reason="needs websocket-client, of the extra dev")
    program = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip("needs a browser: Debian's package chromium, or Chrome")
    with (folder / "browser.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *_FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
            stdout=log,
            stderr=log,
        )
    try:
        yield Browser(_port(folder, process))
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _port(folder: Path, process: subprocess.Popen[bytes]) -> int:
    """Wait for the port that the browser says it listens on."""
    told = folder / "profile" / "DevToolsActivePort"
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        if told.is_file() and (lines := told.read_text().split()):
            return int(lines[0])
        time.sleep(0.05)
    log = (folder / "browser.log").read_text(errors="replace")[-2000:]
    pytest.fail(f"the browser did not start: {log}")
