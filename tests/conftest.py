"""Shared fixtures: a network that trains in a second, and a finished run of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent

TINY = {
    "style_image": "img/wave.jpg",
    "naming": "tiny",
    "width": 4,
    "residual_blocks": 1,
    "scales": 1,
    "steady": 0,
    "wallpaper": 0,
    "zoom": 1,
    "image_size": 32,
    "batch_size": 2,
    "precision": "float32",
    "content_layers": ["relu2_2"],
    "style_layers": ["relu1_2", "relu2_2"],
    "style_weight": 8.0,
    "max_steps": 6,
    "optimizer": "adam",
    "schedule": "constant",
    "warmup_steps": 0,
    "log_every": 2,
    "summary_every": 2,
    "preview_every": 3,
    "checkpoint_every": 2,
    "keep_checkpoints": 2,
}


def draw_photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth colors with some noise, uint8 [height, width, 3]."""
    random = np.random.default_rng(seed)
    down = np.linspace(0, 1, height)[:, np.newaxis, np.newaxis]
    across = np.linspace(0, 1, width)[:, np.newaxis]
    colors = random.uniform(20, 120, (2, 3))
    noise = random.uniform(0, 10, (height, width, 3))
    return (down * colors[0] + across * colors[1] + noise).astype(np.uint8)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty folder in place of the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def photo() -> Callable[..., np.ndarray]:
    """Draws a photo: photo(height, width, seed)."""
    return draw_photo


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four small photos and a broken one; must not be modified.

    Because of the broken one, the position in the data is not the number of photos read.
    """
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(4):
        Image.fromarray(draw_photo(40 + seed, 36, seed)).save(folder / f"{seed}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    return folder


@pytest.fixture(scope="session")
def validation_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two small validation photos, which are faster than the six bundled ones."""
    folder = tmp_path_factory.mktemp("validation_photos")
    for seed, size in enumerate([(40, 50), (48, 40)]):
        Image.fromarray(draw_photo(*size, seed)).save(folder / f"{seed}.png")
    return folder


@pytest.fixture(scope="session")
def conf(validation_photos: Path) -> Callable[..., Path]:
    """Writes a conf of the tiny network: conf(folder, key=value, ...); None leaves a key out."""

    def write(folder: Path, **keys: Any) -> Path:
        values = (
            TINY
            | {"validation": str(validation_photos), "model_path": str(folder / "models")}
            | keys
        )
        path = folder / "tiny.yml"
        kept = {key: value for key, value in values.items() if value is not None}
        path.write_text(yaml.safe_dump(kept))
        return path

    return write


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, conf: Callable[..., Path]) -> Path:
    """The folder of a finished run of six steps; must not be modified."""
    from fastnst.cli import train

    folder = tmp_path_factory.mktemp("trained")
    assert train.main(["-c", str(conf(folder))]) == 0
    return folder / "models" / "tiny"


@pytest.fixture
def no_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the engine do everything but compute: its steps do nothing."""
    from fastnst.training import engine

    monkeypatch.setattr(engine.Engine, "compile_step", lambda self: lambda batch: {})


@pytest.fixture(scope="session")
def script() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Runs one of the scripts in its own process: script("eval.py", "--model", ...)."""

    def run(
        name: str, *arguments: object, cwd: Path = ROOT, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, str(ROOT / name), *map(str, arguments)]
        return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, check=False)

    return run


@pytest.fixture(scope="session")
def objective() -> Any:
    """The tiny conf's objective."""
    from fastnst import images
    from fastnst.features import loss_network
    from fastnst.losses import perceptual

    weights = loss_network.load_weights(ROOT / "pretrained" / "vgg_16.ckpt")
    style = images.read(ROOT / "img" / "candy.jpg", 32)
    layers = {"relu1_2": 1.0, "relu2_2": 1.0}
    return perceptual.PerceptualLoss(
        loss_network.LossNetwork(weights, layers),
        style,
        perceptual.Weights(1.0, 8.0, 0.1, {"relu2_2": 1.0}, layers),
    )


@pytest.fixture(scope="session")
def web_runtime() -> Path:
    """The package of onnxruntime-web, from the cache or from npm's registry."""
    from fastnst import errors
    from fastnst.export import web

    try:
        return web.runtime_package()
    except errors.UserError as error:
        pytest.skip(f"needs npm's registry once: {error}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's chromium, driven by playwright, with a camera that shows a test picture."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs chromium: apt-get install chromium")
    switches = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
    ]
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=program, args=switches)
        yield launched
        launched.close()


GALLERY_STYLES = ("wave", "candy", "ink")


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of three styles with an identity row; not to be written to.

    Its weights are random: the styles differ, but none is worth a look.
    """
    from fastnst import checkpoint_file
    from fastnst.models import descriptions, store
    from fastnst.nets import architectures, transform_net

    architecture = architectures.Transform(width=4, residual_blocks=1)
    styles = tuple(descriptions.Style(name, f"img/{name}.jpg") for name in GALLERY_STYLES)
    description = descriptions.Description(architecture, styles, identity=True)
    net = transform_net.TransformNet(architecture, seed=2, styles=description.rows)
    net.table.assign_add(np.random.default_rng(2).normal(0, 0.3, net.table.shape))
    folder = tmp_path_factory.mktemp("several") / "gallery"
    checkpoint_file.write_checkpoint(folder / store.WEIGHTS, net.tensors())
    (folder / descriptions.FILE).write_text(description.to_json())
    return folder
