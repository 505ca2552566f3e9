"""Restoring networks from checkpoints of runs, and from shipped weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fastnst import checkpoint_file, errors
from fastnst.models import descriptions, loading, restore, store
from fastnst.nets import architectures, transform_net

ROOT = Path(__file__).resolve().parents[2]


def test_a_model_of_several_styles_is_restored_whole(gallery: Path) -> None:
    restored = restore.load(store.find(gallery))
    assert restored.description == descriptions.Description.read(gallery / "model.json")
    expected = checkpoint_file.read_checkpoint(gallery / "weights.ckpt")
    assert restored.net.table.shape[0] == 3 + 1
    for name, tensor in restored.net.tensors().items():
        np.testing.assert_array_equal(tensor, expected[name])


def test_weights_that_do_not_fit_their_model_json_are_rejected(
    tmp_path: Path, gallery: Path
) -> None:
    folder = tmp_path / "gallery"
    shutil.copytree(gallery, folder)
    described = descriptions.Description.read(folder / "model.json")
    fewer = descriptions.Description(described.architecture, described.styles)
    (folder / "model.json").write_text(fewer.to_json())
    expected = r"weights\.ckpt: weights of another architecture: styles should have the shape \(3, "
    with pytest.raises(errors.UserError, match=expected):
        restore.load(store.find(folder))
    (folder / "model.json").write_text("{")
    with pytest.raises(errors.UserError, match=rf"^{folder}/model\.json: cannot be read \("):
        restore.load(store.find(folder))
    (folder / "model.json").unlink()
    with pytest.raises(
        errors.UserError, match=r"weights\.ckpt: model\.json is missing, which names"
    ):
        restore.load(store.find(folder))


def test_a_checkpoint_that_a_training_replaces_meanwhile_is_read_in_its_new_place(
    tmp_path: Path, tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "tiny"
    shutil.copytree(tiny_run, run)
    expected = restore.load(store.find(run)).net.tensors()
    read = restore.read_net

    def replace_first(path: Path) -> dict[str, np.ndarray]:
        monkeypatch.undo()
        for file in path.parent.glob(f"{path.name}.*"):
            file.rename(file.with_name(file.name.replace(path.name, "step-999")))
        return read(path)

    monkeypatch.setattr(restore, "read_net", replace_first)
    for name, tensor in restore.load(store.find(run)).net.tensors().items():
        np.testing.assert_array_equal(tensor, expected[name])


def test_weights_that_are_of_no_transform_net_are_rejected(tmp_path: Path) -> None:
    prefix = tmp_path / "slim.ckpt"
    checkpoint_file.write_checkpoint(prefix, {"conv1/weights": np.zeros([9, 9, 3, 32])})
    with pytest.raises(errors.UserError, match=r"slim\.ckpt: contains no transform net"):
        restore.load(store.find(prefix))
    tensors = earlier_form(transform_net.TransformNet(ARCHITECTURES["default"]))
    del tensors["norm4/shift"]
    checkpoint_file.write_checkpoint(tmp_path / "cut.ckpt", tensors)
    with pytest.raises(
        errors.UserError,
        match=r"cut\.ckpt: weights of another architecture: 'norm4/shift' is missing$",
    ):
        restore.load(store.find(tmp_path / "cut.ckpt"))


ARCHITECTURES = {
    "default": architectures.Transform(4, 1),
    "lite": architectures.Transform(4, 1, lite=True),
    "plain": architectures.Transform(8, 2, output_norm=False, skips=False),
}


def earlier_form(net: transform_net.TransformNet) -> dict[str, np.ndarray]:
    """The weights of a network of one style as releases before model.json named them."""
    tensors = net.tensors()
    (row,) = tensors.pop(architectures.TABLE)
    return tensors | {name: part.numpy() for name, part in net.layout.split(row).items()}


@pytest.fixture(params=ARCHITECTURES)
def net(request: pytest.FixtureRequest) -> transform_net.TransformNet:
    """A network of one style, no two numbers of which are the same."""
    made = transform_net.TransformNet(ARCHITECTURES[request.param], seed=3)
    made.table.assign_add(np.random.default_rng(3).normal(0, 0.3, made.table.shape))
    return made


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_folder_without_model_json_stylizes_bit_for_bit_as_with_it(
    tmp_path: Path, net: transform_net.TransformNet, dtype: type, photo: Callable[..., np.ndarray]
) -> None:
    earlier, current = tmp_path / "old" / "mine", tmp_path / "new" / "mine"
    described = descriptions.Description(net.architecture, (descriptions.Style("mine"),))
    for folder, tensors in ((earlier, earlier_form(net)), (current, net.tensors())):
        checkpoint_file.write_checkpoint(
            folder / "weights.ckpt", {name: t.astype(dtype) for name, t in tensors.items()}
        )
    (current / "model.json").write_text(described.to_json())
    one, other = (restore.load(store.find(folder)) for folder in (earlier, current))
    assert one.description == other.description == described
    expected = net.tensors()
    for name, tensor in one.net.tensors().items():
        np.testing.assert_array_equal(tensor, expected[name].astype(dtype).astype(np.float32))
    pictures = [loading.load(folder, "float32")(photo(33, 40)) for folder in (earlier, current)]
    np.testing.assert_array_equal(*pictures)
    assert pictures[0].std() > 5


def test_a_run_without_model_json_is_restored_from_its_average(
    tmp_path: Path, net: transform_net.TransformNet
) -> None:
    saved = {
        f"average/{name.replace('/', '.S')}/.ATTRIBUTES/VARIABLE_VALUE": tensor
        for name, tensor in earlier_form(net).items()
    }
    # The network in training lies beside its average.
    saved |= {name.replace("average", "net", 1): tensor + 1 for name, tensor in saved.items()}
    checkpoints = tmp_path / "mine" / "checkpoints"
    checkpoint_file.write_checkpoint(checkpoints / "step-10", saved)
    checkpoint_file.note(checkpoints, [str(checkpoints / "step-10")])
    restored = restore.load(store.find(tmp_path / "mine"))
    assert restored.description == descriptions.Description(
        net.architecture, (descriptions.Style("mine"),)
    )
    expected = net.tensors()
    for name, tensor in restored.net.tensors().items():
        np.testing.assert_array_equal(tensor, expected[name])


def test_packing_leaves_weights_of_today_alone(net: transform_net.TransformNet) -> None:
    tensors = net.tensors()
    assert restore.pack(tensors, net.architecture) is tensors
    packed = restore.pack(earlier_form(net), net.architecture)
    assert packed.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(packed[name], tensor)


@pytest.mark.parametrize("name", ["gallery", "gallery-lite"])
def test_every_shipped_model_is_restored(name: str) -> None:
    reference = store.find(ROOT / "pretrained" / name)
    restored = restore.load(reference)
    assert len(restored.description.names) >= 16 and restored.description.identity
    found = store.shipped(restored.net.architecture)
    assert found is not None and found.path == reference.path


def test_weights_that_are_not_finite_are_refused(tmp_path: Path, gallery: Path) -> None:
    tensors = checkpoint_file.read_checkpoint(gallery / "weights.ckpt")
    tensors["conv2/kernel"][0, 0, 1, 2] = np.nan
    checkpoint_file.write_checkpoint(tmp_path / "weights.ckpt", tensors)
    shutil.copy(gallery / "model.json", tmp_path)
    with pytest.raises(errors.UserError, match=r"conv2/kernel contains values that are not finit"):
        restore.load(store.find(tmp_path))


def test_a_description_that_claims_more_than_the_weights_have_allocates_nothing(
    tmp_path: Path, gallery: Path
) -> None:
    folder = tmp_path / "gallery"
    shutil.copytree(gallery, folder)
    described = (folder / "model.json").read_text()
    # The trunk would take 100 GB.
    (folder / "model.json").write_text(described.replace('"width": 4', '"width": 4000'))
    with pytest.raises(errors.UserError, match=r"conv3/kernel should have the shape \(3, 3, 8000,"):
        restore.load(store.find(folder))
