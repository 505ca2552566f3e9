"""A real browser, driven through the WebDriver protocol of Debian's chromium-driver."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"left": "\ue012", "up": "\ue013", "right": "\ue014", "down": "\ue015", "escape": "\ue00c"}


class Browser:
    """One window of a headless chromium."""

    def __init__(self, address: str, downloads: Path) -> None:
        self._address, self.downloads = address, downloads
        options = {
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
            "prefs": {"download.default_directory": str(downloads)},
        }
        found = self._call("", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}})
        self._address += f"/{found['sessionId']}"

    def _call(self, path: str, content: object = None, method: str = "POST") -> Any:
        data = json.dumps(content or {}).encode() if method == "POST" else None
        request = urllib.request.Request(
            self._address + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)["value"]

    def open(self, page: Path) -> None:
        self._call("/url", {"url": page.resolve().as_uri()})

    def run(self, script: str, *arguments: object) -> Any:
        """Runs the body of a JavaScript function, and returns its result."""
        return self._call("/execute/sync", {"script": script, "args": arguments})

    def wait(self, condition: str) -> None:
        """Waits until the body of a JavaScript function returns something true."""
        for _ in range(200):
            if self.run(condition):
                return
            time.sleep(0.02)
        raise AssertionError(f"never true: {condition}")

    def _find(self, selector: str) -> str:
        found = self._call("/element", {"using": "css selector", "value": selector})
        return str(found[_ELEMENT])

    def click(self, selector: str) -> None:
        self._call(f"/element/{self._find(selector)}/click")

    def type(self, selector: str, text: str) -> None:
        """Types into a field, or chooses a file."""
        self._call(f"/element/{self._find(selector)}/value", {"text": text})

    def press(self, *keys: str) -> None:
        """Presses keys, by their characters or by the names in KEYS."""
        actions = [
            {"type": kind, "value": KEYS.get(key, key)}
            for key in keys
            for kind in ("keyDown", "keyUp")
        ]
        self._call("/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def text(self, selector: str) -> str:
        """Returns the text that is visible in an element; "" if it is hidden."""
        return str(self._call(f"/element/{self._find(selector)}/text", method="GET"))

    def resize(self, width: int, height: int) -> None:
        """Sets the size of the page as a phone of that size shows it."""
        parameters = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": True}
        command = {"cmd": "Emulation.setDeviceMetricsOverride", "params": parameters}
        self._call("/goog/cdp/execute", command)

    def screenshot(self) -> bytes:
        return base64.b64decode(self._call("/screenshot", method="GET"))

    def close(self) -> None:
        self._call("", method="DELETE")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that downloads to an empty folder."""
    driver = shutil.which("chromedriver")
    if driver is None or shutil.which("chromium") is None:
        pytest.skip("needs chromium: apt-get install chromium chromium-driver")
    command = [driver, "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            started = next(line for line in process.stdout if "successfully on port" in line)
            port = started.rstrip().rstrip(".").rpartition(" ")[2]
            window = Browser(
                f"http://127.0.0.1:{port}/session", tmp_path_factory.mktemp("downloads")
            )
            yield window
            window.close()
        finally:
            process.terminate()
