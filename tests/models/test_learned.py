"""Styles that were added to a trained model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fastnst import errors
from fastnst.models import descriptions, learned, model, store
from fastnst.nets import architectures, transform_net

ARCHITECTURE = architectures.Transform(width=4, residual_blocks=1)


def make_model(identity: bool = False, seed: int = 0) -> model.Model:
    described = descriptions.Description(
        ARCHITECTURE, (descriptions.Style("one"), descriptions.Style("two")), identity=identity
    )
    net = transform_net.TransformNet(ARCHITECTURE, seed=seed, styles=described.rows)
    shape = net.table.shape
    net.table.assign(np.random.default_rng(seed).normal(1.0, 0.1, shape).astype(np.float32))
    return model.Model(net, described)


def row_of(value: float) -> np.ndarray:
    return np.full(ARCHITECTURE.layout().size, value, np.float32)


@pytest.mark.parametrize("identity", [False, True])
def test_learned_styles_follow_the_models_own_and_precede_the_photos_row(
    tmp_path: Path, identity: bool
) -> None:
    base = make_model(identity)
    learned.add(tmp_path, descriptions.Style("b", "b.jpg"), row_of(2.0), base.net)
    learned.add(tmp_path, descriptions.Style("a", "a.jpg"), row_of(1.0), base.net)
    assert store.learned_names(tmp_path) == ("a", "b")
    found = learned.with_learned(tmp_path, base)
    assert found.description.names == ("one", "two", "a", "b")
    assert found.description.styles[3].painting == "b.jpg"
    own, table = base.net.table.numpy(), found.net.table.numpy()
    np.testing.assert_array_equal(table[:2], own[:2])
    np.testing.assert_array_equal(table[2:4], [row_of(1.0), row_of(2.0)])
    if identity:
        np.testing.assert_array_equal(table[4], own[2])
    for name, kernel in base.net.tensors().items():
        if name != architectures.TABLE:
            np.testing.assert_array_equal(found.net.tensors()[name], kernel)


def test_a_model_without_learned_styles_is_returned_as_it_is(tmp_path: Path) -> None:
    base = make_model()
    assert learned.with_learned(tmp_path, base) is base


def test_learning_a_style_again_replaces_it(tmp_path: Path) -> None:
    base = make_model()
    for value in (1.0, 3.0):
        learned.add(tmp_path, descriptions.Style("a"), row_of(value), base.net)
    row, _ = learned.with_learned(tmp_path, base).select("a")
    np.testing.assert_array_equal(row, row_of(3.0))


def test_a_style_learned_for_other_kernels_cannot_be_used(tmp_path: Path) -> None:
    learned.add(tmp_path, descriptions.Style("a"), row_of(1.0), make_model(seed=1).net)
    found = learned.with_learned(tmp_path, make_model())
    assert found.description.names == ("one", "two") and found.outdated == ("a",)
    for style in ("a", "one:0.5,a:0.5"):
        with pytest.raises(errors.UserError, match="was learned before this model was trained fur"):
            found.select(style)
    found.select("one")


def test_the_checksum_ignores_rows_and_survives_rounding_to_float16() -> None:
    base = make_model()
    before = learned.checksum(base.net)
    base.net.table.assign(base.net.table + 1.0)
    assert learned.checksum(base.net) == before
    tensors = base.net.tensors()
    rounded = {name: tensor.astype(np.float16) for name, tensor in tensors.items()}
    base.net.assign(rounded)
    assert learned.checksum(base.net) == before
    tensors["conv2/kernel"][0, 0, 0, 0] += 1.0
    base.net.assign(tensors)
    assert learned.checksum(base.net) != before


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = learned.add(tmp_path, descriptions.Style("a"), row_of(1.0), make_model().net)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(errors.UserError, match=r"learned/a\.npz: cannot be read"):
        learned.with_learned(tmp_path, make_model())


def test_a_file_that_would_take_much_memory_is_refused_before_it_is_unpacked(
    tmp_path: Path,
) -> None:
    path = tmp_path / store.LEARNED / "a.npz"
    path.parent.mkdir()
    np.savez_compressed(path, row=np.zeros(2**22 + 1, np.float32), kernels="", painting="")
    assert path.stat().st_size < 2**20
    with pytest.raises(
        errors.UserError, match=r"learned/a\.npz: cannot be read \(it would take 16,7"
    ):
        learned.with_learned(tmp_path, make_model())
