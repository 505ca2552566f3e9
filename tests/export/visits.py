"""Visits to the page in the browser, as a person makes them."""

from __future__ import annotations

import base64
import contextlib
import functools
import http.server
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SECONDS = 1000.0
# How long a visitor waits on a busy machine.
_PATIENCE = 90 * SECONDS


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files silently, without any headers of its own."""

    def log_message(self, *args: object) -> None:
        """Drops the log line for stderr."""


@contextlib.contextmanager
def static_server(folder: Path) -> Iterator[str]:
    """Serves a folder; yields its address."""
    handler = functools.partial(_QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Visit:
    """One open page.

    Attributes:
        page: The page, as playwright has it.
        elsewhere: Addresses of other sites that were asked for something.
        mistakes: Errors of the page's scripts.
    """

    def __init__(self, context: Any, address: str) -> None:
        self.elsewhere: list[str] = []
        self.mistakes: list[str] = []
        context.set_default_timeout(_PATIENCE)
        self.page = context.new_page()
        self.page.on("request", lambda request: self._note(request.url, address))
        self.page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        self.page.goto(address)

    def _note(self, url: str, address: str) -> None:
        if not url.startswith((address.split("?")[0], "blob:", "data:")):
            self.elsewhere.append(url)

    def wait_until_ready(self) -> str:
        """Waits for the network; returns what the page says about the runtime."""
        self.page.wait_for_selector("#runtime[data-runtime]")
        self.page.wait_for_selector("#working", state="hidden")
        return str(self.page.text_content("#runtime"))

    def choose(self, photo: np.ndarray, name: str = "photo.png") -> None:
        """Chooses a photo, uint8 [H, W, 3], without any loss."""
        buffer = io.BytesIO()
        Image.fromarray(photo).save(buffer, "PNG")
        self.choose_file(name, buffer.getvalue())

    def choose_file(self, name: str, content: bytes) -> None:
        self.page.set_input_files(
            "#file", {"name": name, "mimeType": "image/png", "buffer": content}
        )
        self.page.wait_for_selector("#viewer:not(.painted):not([hidden]), #problem:not(:empty)")

    def choose_style(self, index: int, group: str = "style") -> None:
        self.page.check(f"[name={group}][value='{index}']", force=True)

    def slide(self, name: str, value: int) -> None:
        self.page.fill(f"#{name}", str(value))

    def choose_side(self, side: int) -> None:
        """Chooses the shorter side of the picture."""
        values = self.page.eval_on_selector_all(
            "#size option", "(found) => found.map((each) => each.value)"
        )
        [value] = [value for value in values if min(map(int, value.split())) == side]
        self.page.select_option("#size", value)

    def paint(self) -> np.ndarray:
        """Paints; returns the canvas, uint8 [H, W, 3]."""
        self.page.click("#go")
        return self.picture()

    def picture(self) -> np.ndarray:
        """Waits until the picture is shown, and returns it."""
        self.page.wait_for_selector("#working", state="hidden")
        assert self.problem() == ""
        self.page.wait_for_selector("#viewer.painted")
        url = self.page.eval_on_selector("#after", "(canvas) => canvas.toDataURL()")
        content = base64.b64decode(url.partition(",")[2])
        return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))

    def drop(self, name: str, content: str, kind: str) -> None:
        """Drops a file on the page."""
        self.page.evaluate(
            """([name, content, type]) => {
                const dataTransfer = new DataTransfer();
                dataTransfer.items.add(new File([content], name, { type }));
                dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
            }""",
            [name, content, kind],
        )

    def problem(self) -> str:
        return str(self.page.text_content("#problem"))

    def status(self) -> str:
        return str(self.page.text_content("#status"))
