"""The HTTP interface: photos in, stylized photos out.

Nothing that a client sends is a path, and every error is one line in a JSON object.
"""

from __future__ import annotations

import asyncio
import collections.abc
import contextlib
import dataclasses
import functools
import time
from concurrent import futures
from typing import Any, TypeAlias

import fastapi
import prometheus_client
from fastapi import responses
from starlette import exceptions, requests, types

from fastnst import controls as controls_module
from fastnst import devices, errors, images, version
from fastnst.models import stylizer
from fastnst.painting import photos
from fastnst.serving import batching, page

# Content types of the pictures that are returned, by Pillow's name of the format.
_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_FORMATS = {"jpeg": "JPEG", "jpg": "JPEG", "png": "PNG", "webp": "WEBP"}
_FORM = "multipart/form-data"
# Largest `size`; far smaller ones exceed the limit of pixels for most photos.
_MOST_SIDE = 1_000_000
# Seconds after which a client may try again when the queue is full.
_RETRY_AFTER = 5
# Status of requests whose client left before the whole photo had arrived.
_CLIENT_CLOSED = 499
_DESCRIPTION = """\
Send a photo as the body, or as the field `photo` of a form. The result has the photo's size, unless
`size` scales it.
"""
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "image/*": {"schema": {"type": "string", "format": "binary"}},
            _FORM: {
                "schema": {
                    "type": "object",
                    "required": ["photo"],
                    "properties": {"photo": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}
# Pixels of a photo up to which a CPU is faster for several at once. Larger ones fill its cores and
# caches alone; four of 512 x 512 pixels at once take a fifth longer.
_TOGETHER = 2**17
# Threads that decode and encode photos, which takes a hundredth of the time of stylizing them. Each
# thread keeps some of the memory that it has used.
_CODERS = 2
Models: TypeAlias = collections.abc.Mapping[str, stylizer.Stylizer]


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a client may ask for.

    Attributes:
        megabytes: Size of a request's body, in millions of bytes.
        megapixels: Size of a photo, in millions of pixels.
        seconds: Time from the request to the result.
        waiting: Number of photos that may wait.
        batch: Number of photos of equal size that are stylized together.
    """

    megabytes: float = 20.0
    megapixels: float = 24.0
    seconds: float = 60.0
    waiting: int = 32
    batch: int = 4


@dataclasses.dataclass(frozen=True)
class _Order:
    """The choices of a request."""

    model: str
    controls: controls_module.Controls
    size: int | None
    file_format: str | None


class _Metrics:
    """The service's metrics, for Prometheus."""

    def __init__(self, waiting: collections.abc.Callable[[], int]) -> None:
        self.registry = prometheus_client.CollectorRegistry()
        self.requests = prometheus_client.Counter(
            "fastnst_requests", "Requests by status.", ["status"], registry=self.registry
        )
        self.seconds = prometheus_client.Histogram(
            "fastnst_seconds", "Time of a stylized photo.", registry=self.registry
        )
        self.pixels = prometheus_client.Counter(
            "fastnst_pixels", "Pixels stylized.", registry=self.registry
        )
        queue = prometheus_client.Gauge(
            "fastnst_waiting", "Photos that wait.", registry=self.registry
        )
        queue.set_function(waiting)


class _LimitBytes:
    """Ends requests whose body is too large, before it is read as a whole."""

    def __init__(self, app: types.ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._most:
            await self._refuse()(scope, receive, send)
            return
        read = 0

        async def limited() -> types.Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most:
                raise exceptions.HTTPException(413, self._reason)
            return message

        await self._app(scope, limited, send)

    @property
    def _reason(self) -> str:
        return f"the request is larger than {self._most / 1e6:g} MB"

    def _refuse(self) -> responses.JSONResponse:
        # The rest of the body is not read, so the connection cannot be used again.
        headers = {"connection": "close"}
        return responses.JSONResponse({"error": self._reason}, 413, headers=headers)


class Service:
    """The models, their queues, and what the endpoints do."""

    def __init__(self, models: Models, limits: Limits) -> None:
        """Starts a queue for each model.

        Args:
            models: The models by name; the first is the default.
            limits: What clients may ask for.
        """
        self.models, self.limits = models, limits
        self.stopping = False
        self._coders = futures.ThreadPoolExecutor(_CODERS, "coder")
        self._batchers = {
            name: batching.Batcher(
                functools.partial(_paint, model), batch=limits.batch, waiting=limits.waiting
            )
            for name, model in models.items()
        }
        self.metrics = _Metrics(lambda: sum(map(len, self._batchers.values())))

    def close(self) -> None:
        """Finishes the photos that wait."""
        self.stopping = True
        for batcher in self._batchers.values():
            batcher.close()

    async def stylize(
        self, data: bytes, fields: collections.abc.Mapping[str, str]
    ) -> tuple[bytes, str]:
        """Stylizes an encoded photo.

        Args:
            data: The content of its file.
            fields: The choices, as text.

        Returns:
            The content of the picture's file, and its content type.

        Raises:
            HTTPException: With the status and the reason, if there is no picture.
        """
        if self.stopping:
            raise exceptions.HTTPException(503, "the service is stopping")
        start = time.monotonic()
        try:
            order = self._order(fields)
            loop = asyncio.get_running_loop()
            picture = await loop.run_in_executor(self._coders, self._read, data, order.size)
            future = self._batchers[order.model].submit(
                _kind(picture, order.controls), (picture, order.controls)
            )
            stylized = await self._result(future)
            file_format = order.file_format or ("JPEG" if data[:2] == b"\xff\xd8" else "PNG")
            encoded = await loop.run_in_executor(self._coders, images.encode, stylized, file_format)
        except errors.UserError as error:
            raise exceptions.HTTPException(422, str(error)) from None
        except batching.FullError:
            headers = {"retry-after": str(_RETRY_AFTER)}
            reason = f"{self.limits.waiting} photos wait already; try again later"
            raise exceptions.HTTPException(429, reason, headers) from None
        self.metrics.seconds.observe(time.monotonic() - start)
        height, width = picture.pixels.shape[:2]
        self.metrics.pixels.inc(height * width)
        return encoded, _TYPES[file_format]

    async def _result(self, future: futures.Future[Any]) -> images.Picture:
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self.limits.seconds)
        except TimeoutError:
            future.cancel()
            raise exceptions.HTTPException(
                503, f"there was no result after {self.limits.seconds:g} seconds; try again later"
            ) from None

    def _read(self, data: bytes, size: int | None) -> images.Picture:
        if not data:
            raise errors.UserError("photo: is missing; send it as the body, or as the field photo")
        most = int(self.limits.megapixels * 1e6)
        return photos.scaled(images.decode_picture(data, "photo", most, size=size), size)

    def _order(self, fields: collections.abc.Mapping[str, str]) -> _Order:
        """Parses the choices of a request."""
        known = ("model", "style", "strength", "stroke", "colors", "size", "format")
        for name in fields:
            if name not in known:
                hint = errors.did_you_mean(name, known)
                raise errors.UserError(f"no field {name}{hint} (fields: {', '.join(known)})")
        name = fields.get("model") or next(iter(self.models))
        if name not in self.models:
            hint = errors.did_you_mean(name, self.models)
            raise errors.UserError(f"no model {name}{hint} (models: {', '.join(self.models)})")
        style = fields.get("style") or None
        strength = _number(fields, "strength", float)
        file_format = (fields.get("format") or "").lower()
        if file_format and file_format not in _FORMATS:
            raise errors.UserError(f"format {file_format}: should be jpeg, png or webp")
        stroke, colors = (fields.get(choice) or None for choice in ("stroke", "colors"))
        controls = controls_module.Controls(style, strength, stroke, colors)
        self.models[name].check(style, strength)
        size = _number(fields, "size", int)
        if size is not None and not 1 <= size <= _MOST_SIDE:
            given = fields["size"][:40]
            raise errors.UserError(f"size {given}: should be from 1 to {_MOST_SIDE:,}")
        return _Order(name, controls, size, _FORMATS.get(file_format))


def _kind(picture: images.Picture, controls: controls_module.Controls) -> collections.abc.Hashable:
    """Returns a value that is equal for photos that are stylized together."""
    height, width = picture.pixels.shape[:2]
    if height * width > _TOGETHER and not devices.has_gpu():
        return object()
    return (height, width, repr(controls))


def _paint(
    model: stylizer.Stylizer, items: list[tuple[images.Picture, controls_module.Controls]]
) -> list[images.Picture]:
    """Stylizes pictures of one size with the same choices."""
    pictures = [picture for picture, _ in items]
    return photos.stylized(model, pictures, items[0][1])


def _number(
    fields: collections.abc.Mapping[str, str],
    name: str,
    kind: collections.abc.Callable[[str], Any],
) -> Any:
    text = fields.get(name)
    if not text:
        return None
    try:
        return kind(text)
    except ValueError:
        raise errors.UserError(f"{name} {text!r}: should be a number") from None


def make(
    models: Models, limits: Limits = Limits(), shown: page.Page | None = None
) -> fastapi.FastAPI:
    """Makes the application.

    Args:
        models: The models by name; the first is the default.
        limits: What clients may ask for.
        shown: The page in the browser; None for none.
    """
    service = Service(models, limits)

    @contextlib.asynccontextmanager
    async def lifespan(app: fastapi.FastAPI) -> collections.abc.AsyncIterator[None]:
        yield
        await asyncio.to_thread(service.close)
        if shown:
            shown.close()

    app = fastapi.FastAPI(title="fastnst", version=version.VERSION, lifespan=lifespan)
    app.add_middleware(_LimitBytes, most=int(limits.megabytes * 1e6))

    @app.exception_handler(exceptions.HTTPException)
    async def explain(
        request: fastapi.Request, error: exceptions.HTTPException
    ) -> responses.JSONResponse:
        service.metrics.requests.labels(error.status_code).inc()
        return responses.JSONResponse({"error": error.detail}, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def apologize(request: fastapi.Request, error: Exception) -> responses.JSONResponse:
        # The server logs the exception, with its traceback, after the answer.
        service.metrics.requests.labels(500).inc()
        return responses.JSONResponse({"error": "the service failed; its log has the reason"}, 500)

    @app.exception_handler(requests.ClientDisconnect)
    async def forget(
        request: fastapi.Request, error: requests.ClientDisconnect
    ) -> responses.Response:
        # Nobody receives this answer; the status is that of nginx, for the metrics.
        service.metrics.requests.labels(_CLIENT_CLOSED).inc()
        return responses.Response(status_code=_CLIENT_CLOSED)

    @app.post(
        "/stylize", description=_DESCRIPTION, openapi_extra=_BODY, response_class=responses.Response
    )
    async def stylize(
        request: fastapi.Request,
        model: str | None = None,
        style: str | None = None,
        strength: str | None = None,
        stroke: str | None = None,
        colors: str | None = None,
        size: str | None = None,
        format: str | None = None,
    ) -> responses.Response:
        fields = dict(request.query_params)
        if request.headers.get("content-type", "").startswith(_FORM):
            async with request.form(max_files=1) as form:
                photo = form.get("photo")
                data = b"" if photo is None or isinstance(photo, str) else await photo.read()
                fields |= {name: value for name, value in form.items() if isinstance(value, str)}
        else:
            data = await request.body()
        picture, content_type = await service.stylize(data, fields)
        service.metrics.requests.labels(200).inc()
        return responses.Response(picture, media_type=content_type)

    @app.get("/styles", description="The models, and the styles of each.")
    async def styles() -> dict[str, Any]:
        return {"models": {name: list(model.styles) for name, model in models.items()}}

    @app.get("/health", description="Whether the service takes photos.")
    async def health() -> dict[str, str]:
        if service.stopping:
            raise exceptions.HTTPException(503, "the service is stopping")
        return {"status": "ok"}

    @app.get(
        "/metrics",
        description="Metrics for Prometheus.",
        response_class=responses.PlainTextResponse,
    )
    async def metrics() -> responses.Response:
        text = prometheus_client.generate_latest(service.metrics.registry)
        return responses.Response(text, media_type=prometheus_client.CONTENT_TYPE_LATEST)

    if shown:

        @app.get("/{name:path}", include_in_schema=False)
        async def file(name: str, request: fastapi.Request) -> responses.Response:
            return await shown.file(name, "v" in request.query_params)

    return app
