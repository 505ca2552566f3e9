"""The page in the browser at / of the service."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
import visits
from fastapi import testclient

from fastnst import errors, export
from fastnst.cli import serve
from fastnst.export import web
from fastnst.models import loading, restore, store, stylizer
from fastnst.models import model as model_module
from fastnst.serving import app, page


@pytest.fixture
def restored(gallery: Path) -> model_module.Model:
    """The gallery of three styles."""
    return restore.load(store.find(gallery))


@pytest.fixture
def model(gallery: Path) -> stylizer.Stylizer:
    """The same, to stylize with."""
    return loading.load(gallery, "float32")


@pytest.fixture
def client(
    model: stylizer.Stylizer, restored: model_module.Model, monkeypatch: pytest.MonkeyPatch
) -> Iterator[testclient.TestClient]:
    """A client of a service whose page lacks the runtime."""
    monkeypatch.setattr(web, "_write_runtime", lambda folder: {})
    shown = page.Page(lambda: {"gallery": restored})
    with testclient.TestClient(app.make({"gallery": model}, shown=shown)) as made:
        yield made


@pytest.mark.slow
def test_the_page_is_isolated_and_lists_the_models(client: testclient.TestClient) -> None:
    index = client.get("/")
    assert index.status_code == 200 and "<!doctype html>" in index.text
    assert index.headers["content-type"].startswith("text/html")
    assert index.headers["cross-origin-opener-policy"] == "same-origin"
    assert index.headers["cross-origin-embedder-policy"] == "require-corp"
    (described,) = client.get("/models.json").json()["models"]
    assert described["name"] == "gallery" and len(described["styles"]) == 3
    network = client.get(f"/{described['file']}?v={described['version']}")
    assert len(network.content) == described["bytes"]
    assert "immutable" in network.headers["cache-control"]
    assert client.get("/app/page.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/app/page.js").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    [
        "nothing.txt",
        "app",
        "app/",
        "../setup.cfg",
        "%2e%2e/%2e%2e/etc/passwd",
        "%2fetc/passwd",
        "app/..%2f..%2fsetup.cfg",
        # For static servers only: the page of a service that has gone would be of no use.
        "sw.js",
    ],
)
def test_only_files_of_the_page_are_sent(name: str, client: testclient.TestClient) -> None:
    answer = client.get(f"/{name}")
    assert answer.status_code == 404 and set(answer.json()) == {"error"}


def test_without_a_page_the_rest_works_and_one_line_says_why(model: stylizer.Stylizer) -> None:
    def load() -> dict[str, model_module.Model]:
        raise errors.UserError("onnxruntime-web.tgz: cannot be downloaded; put it there")

    with testclient.TestClient(app.make({"gallery": model}, shown=page.Page(load))) as made:
        answer = made.get("/")
        assert answer.status_code == 503
        assert answer.json() == {
            "error": "there is no page: onnxruntime-web.tgz: cannot be downloaded; put it there"
        }
        assert made.get("/app/page.js").status_code == 404
        assert made.get("/health").json() == {"status": "ok"}


def test_without_the_packages_of_the_page_one_line_says_what_to_install(
    restored: model_module.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "missing", lambda name: ["onnx"])
    shown = page.Page(lambda: {"gallery": restored})
    error = shown._table.exception(timeout=30)
    shown.close()
    assert str(error) == 'web: needs onnx; run: pip install "fastnst[onnx]"'


def test_the_service_does_not_wait_for_the_page(model: stylizer.Stylizer) -> None:
    released = threading.Event()

    def load() -> dict[str, model_module.Model]:
        released.wait(30)
        raise errors.UserError("too late")

    with testclient.TestClient(app.make({"gallery": model}, shown=page.Page(load))) as made:
        assert made.get("/styles").status_code == 200
        released.set()


def test_the_named_style_comes_first_and_savedmodels_are_left_out(
    gallery: Path, tmp_path: Path
) -> None:
    candy = store.Reference(gallery, "candy")
    (tmp_path / "saved_model.pb").touch()
    found = serve._networks({"candy": candy, "saved": store.Reference(tmp_path)})
    assert list(found) == ["candy"]
    assert found["candy"].description.names == ("candy", "wave", "ink")
    with pytest.raises(errors.UserError, match="SavedModels run on the server only"):
        serve._networks({"saved": store.Reference(tmp_path)})


@contextlib.contextmanager
def served(application: Any) -> Iterator[str]:
    """Runs an application in a thread; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(application, log_level="error", log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        server.should_exit = True
        thread.join()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.usefixtures("web_runtime")
def test_visitors_choose_among_the_models_and_get_their_pictures(
    chromium: Any, model: stylizer.Stylizer, restored: model_module.Model, tiny_run: Path
) -> None:
    tiny = loading.load(tiny_run, "float32")
    models = {"gallery": restored, "tiny": restore.load(store.find(tiny_run))}
    shown = page.Page(lambda: models)
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    with (
        served(app.make({"gallery": model, "tiny": tiny}, shown=shown)) as address,
        chromium.new_context() as context,
    ):
        visit = visits.Visit(context, address)
        assert "threads" in visit.wait_until_ready()
        visit.choose(pixels)
        visit.choose_style(1)
        found = {"gallery": visit.paint()}
        visit.page.select_option("#model", label="Tiny")
        visit.page.wait_for_selector("#runtime[data-model='tiny']")
        visit.wait_until_ready()
        assert visit.page.is_hidden("#strengths") and visit.page.is_hidden("#blending")
        found["tiny"] = visit.paint()
        assert visit.elsewhere == [] and visit.mistakes == []
    expected = {"gallery": model(pixels, "candy"), "tiny": tiny(pixels)}
    for name, picture in found.items():
        assert np.abs(picture.astype(int) - expected[name]).max() <= 3, name
