"""The page in the browser, which paints with the models that are served.

Only the files of a table are sent, which is made when the page is written.
"""

from __future__ import annotations

import asyncio
import collections.abc
import tempfile
import threading
from concurrent import futures
from pathlib import Path
from typing import TypeAlias

from starlette import exceptions, responses

from fastnst import errors, export
from fastnst.models import model as model_module

# Returns the models of the page by name.
Load: TypeAlias = collections.abc.Callable[[], collections.abc.Mapping[str, model_module.Model]]

_INDEX = "index.html"
# For visits without a network, where there would be no service either.
_LEFT_OUT = "sw.js"
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".onnx": "application/octet-stream",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
}
# Threads of WebAssembly need a page that is isolated from other sites.
_ISOLATION = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
}


class Page:
    """The page's files, written in the background: the service does not wait for a download."""

    def __init__(self, load: Load) -> None:
        """Starts to write the page.

        Args:
            load: Returns the models.
        """
        self._load = load
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._table: futures.Future[dict[str, Path]] = futures.Future()
        # A daemon: the service can stop during a download.
        threading.Thread(target=self._write, daemon=True).start()

    async def file(self, name: str, versioned: bool) -> responses.Response:
        """Returns a file of the page.

        Args:
            name: As in the address, "" for the page itself.
            versioned: Whether the address has the file's version, so that browsers can keep it.

        Raises:
            HTTPException: If there is no such file, or no page.
        """
        try:
            table = await asyncio.shield(asyncio.wrap_future(self._table))
        except errors.UserError as error:
            if name:
                raise exceptions.HTTPException(404) from None
            raise exceptions.HTTPException(503, f"there is no page: {error}") from None
        path = table.get(name or _INDEX)
        if path is None:
            raise exceptions.HTTPException(404)
        keep = "max-age=31536000, immutable" if versioned else "no-cache"
        return responses.FileResponse(
            path, media_type=_TYPES[path.suffix], headers={"cache-control": keep, **_ISOLATION}
        )

    def close(self) -> None:
        """Deletes the files."""
        self._folder.cleanup()

    def _write(self) -> None:
        folder = Path(self._folder.name)
        try:
            export.check("web", export.Options())
            from fastnst.export import web

            web.write_page(self._load(), folder, export.Options("float16"))
            every = [path for path in folder.rglob("*") if path.is_file()]
            table = {path.relative_to(folder).as_posix(): path for path in every}
            del table[_LEFT_OUT]
            self._table.set_result(table)
        except errors.UserError as error:
            self._table.set_exception(error)
        except Exception as error:
            self._table.set_exception(errors.UserError(f"it cannot be written ({error})"))
