"""Networks of each project paint what the project's own code paints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import networks
import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors, importing
from fastnst.importing import lengstrom, original, pytorch_examples

PROJECTS = {
    lengstrom: (networks.lengstrom, networks.compute_lengstrom),
    original: (networks.original, networks.compute_original),
    pytorch_examples: (networks.pytorch_examples, networks.compute_pytorch_examples),
}
Project = tuple[Callable[..., dict[str, np.ndarray]], Callable[..., np.ndarray]]


@pytest.mark.parametrize("module", PROJECTS, ids=lambda module: module.__name__.split(".")[-1])
@pytest.mark.parametrize("shape", [(1, 32, 48), (2, 52, 36)])
def test_a_network_paints_what_its_project_paints(module, shape: tuple[int, ...]) -> None:  # type: ignore[no-untyped-def]
    make, compute = PROJECTS[module]
    tensors, photos = make(), networks.random_photos(*shape)
    model = module.translate(tensors).model("mine")
    expected = compute(tensors, photos)
    assert expected.shape == photos.shape and np.ptp(expected) > 100
    np.testing.assert_allclose(model.net(tf.constant(photos)), expected, atol=0.05)
    assert model.description.names == ("mine",)


@pytest.mark.parametrize("module", [original, pytorch_examples])
def test_an_odd_size_is_the_beginning_of_the_larger_result(module) -> None:  # type: ignore[no-untyped-def]
    make, compute = PROJECTS[module]
    tensors, photos = make(), networks.random_photos(1, 37, 50)
    expected = compute(tensors, photos)
    # 4 * ceil(side / 4).
    assert expected.shape == (1, 40, 52, 3)
    found = module.translate(tensors).model("mine").net(tf.constant(photos))
    np.testing.assert_allclose(found, expected[:, :37, :50], atol=0.05)


def test_zero_padding_extends_an_odd_photo_by_mirroring() -> None:
    tensors, photos = networks.lengstrom(), networks.random_photos(1, 37, 50)
    extended = np.pad(photos, [(0, 0), (0, 3), (0, 2), (0, 0)], "reflect")
    expected = networks.compute_lengstrom(tensors, extended)[:, :37, :50]
    found = lengstrom.translate(tensors).model("mine").net(tf.constant(photos))
    np.testing.assert_allclose(found, expected, atol=0.05)


@pytest.mark.parametrize("module", PROJECTS, ids=lambda module: module.__name__.split(".")[-1])
def test_a_project_recognizes_its_own_tensors_alone(module) -> None:  # type: ignore[no-untyped-def]
    for other, (make, _) in PROJECTS.items():
        assert module.recognizes(make()) is (module is other)
    assert not module.recognizes({"Variable": np.zeros((3, 3, 3, 4), np.float32)})


def test_an_unknown_network_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, weights=np.zeros((3, 3)), bias=np.zeros(3))
    with pytest.raises(errors.UserError) as caught:
        importing.read(path, "mine")
    message = str(caught.value)
    assert message.startswith(f"{path}: holds no network that is known (its tensors: weights, bias")
    assert all(module.NAME in message for module in PROJECTS) and "\n" not in message


def test_a_way_of_pixels_is_for_onnx_files_only(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    np.savez(path, **networks.lengstrom())
    assert importing.read(path, "mine").description.names == ("mine",)
    with pytest.raises(errors.UserError, match="--pixels: is for ONNX files"):
        importing.read(path, "mine", "rgb")


@pytest.mark.parametrize("damage", ["missing", "shape", "nan"])
def test_weights_that_make_no_network_are_refused(damage: str, tmp_path: Path) -> None:
    tensors = networks.lengstrom()
    if damage == "missing":
        del tensors["Variable_40"]
    elif damage == "shape":
        tensors["Variable_3"] = tensors["Variable_3"][:, :, :-1]
    else:
        tensors["Variable_3"][0, 0, 0, 0] = np.nan
    np.savez(tmp_path / "net.npz", **tensors)
    with pytest.raises(errors.UserError, match=r"^.*net\.npz: ") as caught:
        importing.read(tmp_path / "net.npz", "mine")
    assert "\n" not in str(caught.value)
