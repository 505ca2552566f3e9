"""The HTTP interface, with a real model and without a network."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import testclient

from fastnst import images
from fastnst.models import descriptions, loading, stylizer
from fastnst.models import model as model_module
from fastnst.nets import architectures
from fastnst.serving import app


@pytest.fixture(scope="module")
def model(gallery: Path) -> stylizer.Stylizer:
    """The gallery of three styles."""
    return loading.load(gallery, "float32")


@pytest.fixture(scope="module")
def client(model: stylizer.Stylizer, tiny_run: Path) -> Iterator[testclient.TestClient]:
    """A client of a service with two models."""
    models = {"gallery": model, "tiny": loading.load(tiny_run, "float32")}
    with testclient.TestClient(
        app.make(models, app.Limits(megabytes=0.1, megapixels=0.02))
    ) as made:
        yield made


def encoded(height: int = 40, width: int = 30, file_format: str = "PNG", seed: int = 0) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 60, (height, width, 3))
    pixels = (noise + np.linspace(0, 190, width)[:, np.newaxis]).astype(np.uint8)
    return images.encode(images.Picture(pixels), file_format)


def picture(answer: Any) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    return images.decode(answer.content)


def test_a_photo_is_stylized_as_the_body_and_as_a_field(
    client: testclient.TestClient, model: stylizer.Stylizer
) -> None:
    photo = encoded()
    expected = model(images.decode(photo))
    answer = client.post("/stylize", content=photo, headers={"content-type": "image/png"})
    assert answer.headers["content-type"] == "image/png"
    np.testing.assert_array_equal(picture(answer), expected)
    answer = client.post("/stylize", files={"photo": ("my photo.png", photo, "image/png")})
    np.testing.assert_array_equal(picture(answer), expected)


def test_a_network_that_translates_photos_is_served_like_a_style() -> None:
    described = descriptions.Description(
        architectures.UNet(width=2, depth=3), (descriptions.Style("monet"),)
    )
    net = model_module.build(described.architecture, styles=described.rows)
    monet = loading.of_model(model_module.Model(net, described), "monet")
    photo = encoded(37, 45)
    with testclient.TestClient(app.make({"monet": monet}, app.Limits())) as client:
        found = picture(client.post("/stylize", content=photo))
        np.testing.assert_array_equal(found, monet(images.decode(photo)))
        # The same rule, and the same line, as for a style that was trained without the photo.
        refused = client.post("/stylize?strength=0.5", content=photo)
    assert refused.status_code == 422
    assert "strength 0.5: only 1 is possible" in refused.json()["error"]


def test_choices_are_in_the_query_or_in_the_form(
    client: testclient.TestClient, model: stylizer.Stylizer
) -> None:
    photo = encoded()
    choices = {"style": "wave:0.5,ink:0.5", "strength": "0.7", "colors": "photo", "stroke": "2"}
    expected = model(
        images.decode(photo), "wave:0.5,ink:0.5", strength=0.7, colors="photo", stroke=2
    )
    by_query = client.post("/stylize", content=photo, params=choices)
    by_form = client.post("/stylize", files={"photo": photo}, data=choices)
    np.testing.assert_array_equal(picture(by_query), expected)
    np.testing.assert_array_equal(picture(by_form), expected)
    other = picture(client.post("/stylize", content=photo, params={"model": "tiny"}))
    assert np.abs(other.astype(int) - expected).mean() > 5


@pytest.mark.parametrize(
    ("given", "wanted", "returned"),
    [
        ("JPEG", None, "image/jpeg"),
        ("PNG", "jpeg", "image/jpeg"),
        ("JPEG", "webp", "image/webp"),
        ("WEBP", None, "image/png"),
    ],
)
def test_the_format_is_that_of_the_photo_or_the_wanted_one(
    client: testclient.TestClient, given: str, wanted: str | None, returned: str
) -> None:
    params = {"format": wanted} if wanted else {}
    answer = client.post("/stylize", content=encoded(file_format=given), params=params)
    assert answer.headers["content-type"] == returned
    assert picture(answer).shape == (40, 30, 3)


def test_a_photo_is_scaled_to_a_size(client: testclient.TestClient) -> None:
    answer = client.post("/stylize", content=encoded(), params={"size": "60"})
    assert picture(answer).shape == (80, 60, 3)


@pytest.mark.parametrize(
    ("params", "content", "status", "reason"),
    [
        ({}, b"", 422, "photo: is missing; send it as the body, or as the field photo"),
        ({}, b"no picture", 422, "photo: not an image that can be read"),
        ({}, encoded()[:200], 422, "photo: the image is damaged"),
        ({}, encoded(200, 101), 422, "photo: 101 x 200 pixels are more than 20,000"),
        ({}, encoded(12, 40), 422, "40 x 12 pixels is too small"),
        ({"size": "300"}, encoded(), 422, "with a shorter side of 300 instead of 30 it would have"),
        ({"size": "0"}, encoded(), 422, "size 0: should be from 1 to 1,000,000"),
        ({"size": "9" * 400}, encoded(), 422, f"size {'9' * 40}: should be from 1 to 1,000,000"),
        ({"size": "big"}, encoded(), 422, "size 'big': should be a number"),
        ({"style": "wav"}, encoded(), 422, "no style wav; did you mean wave?"),
        ({"strength": "9"}, encoded(), 422, "strength 9: should be from 0 to 1.5"),
        ({"stroke": "99"}, encoded(), 422, "stroke"),
        ({"colors": "pink"}, encoded(), 422, "colors"),
        ({"format": "tiff"}, encoded(), 422, "format tiff: should be jpeg, png or webp"),
        ({"model": "../../etc/passwd"}, encoded(), 422, "no model ../../etc/passwd (models: gall"),
        ({"stile": "wave"}, encoded(), 422, "no field stile; did you mean style?"),
        ({}, b"x" * 100_001, 413, "the request is larger than 0.1 MB"),
    ],
)
def test_a_bad_request_is_one_line(
    client: testclient.TestClient,
    params: dict[str, str],
    content: bytes,
    status: int,
    reason: str,
) -> None:
    answer = client.post("/stylize", content=content, params=params)
    assert answer.status_code == status
    (found,) = answer.json().values()
    assert reason in found and "\n" not in found


@pytest.mark.parametrize(("height", "width", "size"), [(64, 64, 40_000), (4_000, 1, 384)])
def test_a_size_that_makes_too_many_pixels_is_refused_before_the_photo_is_decoded(
    client: testclient.TestClient, height: int, width: int, size: int
) -> None:
    # The header is whole and the pixels are damaged, which nobody notices.
    photo = encoded(height, width)[:60]
    answer = client.post("/stylize", content=photo, params={"size": size})
    assert answer.status_code == 422
    assert f"photo: with a shorter side of {size:,} instead of" in answer.json()["error"]


def test_a_body_of_unknown_length_is_cut_off(client: testclient.TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(200):
            yield b"x" * 1000

    answer = client.post("/stylize", content=chunks())
    assert (answer.status_code, answer.json()) == (
        413,
        {"error": "the request is larger than 0.1 MB"},
    )


def test_unknown_pages_and_methods_are_one_line(client: testclient.TestClient) -> None:
    assert client.get("/nothing").json() == {"error": "Not Found"}
    assert client.get("/stylize").status_code == 405


def test_models_styles_and_health_are_told(client: testclient.TestClient) -> None:
    assert client.get("/styles").json() == {
        "models": {"gallery": ["wave", "candy", "ink"], "tiny": ["tiny"]}
    }
    assert client.get("/health").json() == {"status": "ok"}
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {"/stylize", "/styles", "/health", "/metrics"}
    assert client.get("/docs").status_code == 200


def test_metrics_count_requests_and_pixels(model: stylizer.Stylizer) -> None:
    with testclient.TestClient(app.make({"gallery": model})) as client:
        client.post("/stylize", content=encoded())
        client.post("/stylize", content=b"")
        lines = client.get("/metrics").text.splitlines()
    assert 'fastnst_requests_total{status="200"} 1.0' in lines
    assert 'fastnst_requests_total{status="422"} 1.0' in lines
    assert "fastnst_pixels_total 1200.0" in lines and "fastnst_waiting 0.0" in lines
    assert "fastnst_seconds_count 1.0" in lines


class Broken:
    """A model whose pictures fail for a reason that no client can mend."""

    def paint(self, batch: np.ndarray, choices: object) -> np.ndarray:
        raise ZeroDivisionError("secret path\nof the server")

    def check(self, style: str | None, strength: float | None) -> None:
        """Accepts all."""


def test_an_unexpected_error_is_one_line_without_its_reason_and_the_service_goes_on() -> None:
    def made() -> Any:
        return app.make({"broken": Broken()})  # type: ignore[dict-item]

    with testclient.TestClient(made(), raise_server_exceptions=False) as client:
        for _ in range(2):
            answer = client.post("/stylize", content=encoded())
            assert answer.status_code == 500
            assert answer.json() == {"error": "the service failed; its log has the reason"}
        lines = client.get("/metrics").text.splitlines()
    assert 'fastnst_requests_total{status="500"} 2.0' in lines
    # The server receives the exception, for its log.
    with testclient.TestClient(made()) as client, pytest.raises(ZeroDivisionError, match="secret"):
        client.post("/stylize", content=encoded())


def test_a_client_that_leaves_early_is_counted_and_no_error(model: stylizer.Stylizer) -> None:
    made = app.make({"gallery": model})
    incoming = [{"type": "http.request", "body": b"x", "more_body": True}]

    async def receive() -> dict[str, Any]:
        return incoming.pop() if incoming else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pass

    scope = {"type": "http", "method": "POST", "path": "/stylize", "headers": [], "app": made}
    asyncio.run(made(scope | {"query_string": b""}, receive, send))
    with testclient.TestClient(made) as client:
        lines = client.get("/metrics").text.splitlines()
    assert 'fastnst_requests_total{status="499"} 1.0' in lines


class Held:
    """A model that paints once it is let go."""

    def __init__(self) -> None:
        self.go, self.begun = threading.Event(), threading.Event()
        self.batches: list[int] = []

    def paint(self, batch: np.ndarray, choices: object) -> np.ndarray:
        self.begun.set()
        assert self.go.wait(30)
        self.batches.append(len(batch))
        return 255 - batch

    def check(self, style: str | None, strength: float | None) -> None:
        """Accepts all."""


def ask(client: testclient.TestClient, count: int, content: bytes) -> list[threading.Thread]:
    """Posts a photo from as many threads; `answers` of each holds the status."""

    def post(answers: list[int]) -> None:
        answers.append(client.post("/stylize", content=content).status_code)

    threads = []
    for _ in range(count):
        answers: list[int] = []
        thread = threading.Thread(target=post, args=(answers,))
        thread.answers = answers  # type: ignore[attr-defined]
        thread.start()
        threads.append(thread)
    return threads


def statuses(threads: list[threading.Thread]) -> list[int]:
    for thread in threads:
        thread.join(30)
    return sorted(answer for thread in threads for answer in thread.answers)  # type: ignore[attr-defined]


@pytest.mark.slow
def test_photos_of_one_size_are_stylized_together_and_too_many_are_refused() -> None:
    held = Held()
    limits = app.Limits(waiting=3, batch=2)
    with testclient.TestClient(app.make({"held": held}, limits)) as client:  # type: ignore[dict-item]
        first = ask(client, 1, encoded())
        assert held.begun.wait(30)
        others = ask(client, 5, encoded())
        # Two of five find no room.
        refused = [thread for thread in others if not thread.join(2) and not thread.is_alive()]
        assert statuses(refused) == [429, 429]
        held.go.set()
        assert statuses([*first, *others]) == [200] * 4 + [429] * 2
    assert held.batches == [1, 2, 1]


@pytest.mark.parametrize(("gpu", "batches"), [(False, [1, 1, 1]), (True, [1, 2])])
def test_a_cpu_stylizes_large_photos_one_by_one(
    gpu: bool, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastnst.devices.has_gpu", lambda: gpu)
    held = Held()
    with testclient.TestClient(app.make({"held": held})) as client:  # type: ignore[dict-item]
        photo = encoded(400, 400, "JPEG")
        first = ask(client, 1, photo)
        assert held.begun.wait(30)
        others = ask(client, 2, photo)
        while "fastnst_waiting 2.0" not in client.get("/metrics").text:
            time.sleep(0.01)
        held.go.set()
        assert statuses([*first, *others]) == [200] * 3
    assert held.batches == batches


def test_a_result_that_takes_too_long_is_an_error() -> None:
    held = Held()
    limits = app.Limits(seconds=0.2)
    with testclient.TestClient(app.make({"held": held}, limits)) as client:  # type: ignore[dict-item]
        answer = client.post("/stylize", content=encoded())
        held.go.set()
    assert answer.status_code == 503
    assert "no result after 0.2 seconds" in answer.json()["error"]
