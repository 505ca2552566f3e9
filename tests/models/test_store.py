"""Finding models by name, path or style, and restoring them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fastnst import checkpoint_file, errors, files
from fastnst.models import learned, store, stylizer
from fastnst.models import model as model_module
from fastnst.nets import network, transform_net

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_run: Path, weights: Path) -> Path:
    """A working directory with models/candy, and candy and wave where shipped models lie."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_run, tmp_path / "models" / "candy")
    for name in ("candy", "wave"):
        shutil.copytree(weights, tmp_path / "elsewhere" / name)
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "elsewhere")
    return tmp_path


def test_a_name_is_looked_up_in_the_working_directory_and_then_among_the_shipped_models(
    place: Path,
) -> None:
    assert store.find("candy") == store.Reference(Path("models/candy"))
    assert store.find("wave") == store.Reference(place / "elsewhere" / "wave")
    assert store.available() == {
        "candy": Path("models/candy"),
        "wave": place / "elsewhere" / "wave",
    }


def test_an_unknown_name_is_an_error_with_the_nearest_and_all_models(place: Path) -> None:
    with pytest.raises(errors.UserError) as caught:
        stylizer.load("candi")
    assert str(caught.value) == (
        "no model candi; did you mean candy? (models here: candy, wave; fastnst train trains one)"
    )
    with pytest.raises(errors.UserError, match=r"^no model models/other \(models here: candy, "):
        stylizer.load("models/other")


def test_without_any_model_the_error_says_to_train_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "none")
    with pytest.raises(errors.UserError, match=r"none here yet; fastnst train trains one"):
        stylizer.load("candy")


@pytest.mark.parametrize("name", ["", ".", "/", "models/"])
def test_a_path_that_is_no_model_is_rejected(place: Path, name: str) -> None:
    with pytest.raises(errors.UserError, match=r"^no model "):
        stylizer.load(name)


def test_a_saved_model_cannot_be_restored_as_a_network(place: Path) -> None:
    Path("export").mkdir()
    Path("export/saved_model.pb").touch()
    with pytest.raises(errors.UserError, match=r"^export: is an exported model; name the run that"):
        store.load(store.find("export"))


def test_a_run_without_a_checkpoint_is_the_users_error(place: Path) -> None:
    checkpoints = place / "models" / "candy" / "checkpoints"
    shutil.rmtree(checkpoints / "best")
    for file in checkpoints.glob("step-*"):
        file.unlink()
    with pytest.raises(errors.UserError, match=r"models/candy: has no checkpoint yet"):
        stylizer.load("candy")


def test_every_path_into_a_run_leads_to_its_network(tiny_run: Path) -> None:
    best = tf.train.latest_checkpoint(str(tiny_run / "checkpoints" / "best"))
    last = tf.train.latest_checkpoint(str(tiny_run / "checkpoints"))
    earlier = tiny_run / "checkpoints" / "step-4"
    for path in (
        tiny_run,
        tiny_run / "checkpoints",
        tiny_run / "checkpoints" / "best",
        Path(best),
        Path(f"{best}.index"),
        Path(last),
        earlier,
    ):
        reference = store.find(path)
        tensors = store.load(reference).net.tensors()
        assert len(tensors) == 8 + 1, path
        expected = store.read_net(earlier if path == earlier else best)
        for name, tensor in tensors.items():
            np.testing.assert_array_equal(tensor, expected[name], err_msg=str(path))
        assert reference.name == "tiny"
        assert reference.folder == tiny_run.resolve()
        assert store.styles(path) == ("tiny",)


def test_a_models_name_is_that_of_its_folder_even_from_within(
    tiny_run: Path, exported: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_run)
    assert store.find(".").name == "tiny"
    assert store.find("checkpoints/best").name == "tiny"
    assert store.find("checkpoints/step-6").name == "tiny"
    assert store.find(exported).name == "bright"
    assert store.find(weights).name == "shipped"
    assert store.find(weights / "weights.ckpt").name == "shipped"


@pytest.mark.parametrize("place", ["best", "checkpoints/candy", "checkpoints/best"])
def test_a_model_may_be_called_best_and_lie_among_checkpoints(
    tmp_path: Path, tiny_run: Path, place: str
) -> None:
    run = tmp_path / place
    shutil.copytree(tiny_run, run)
    for path in (run, run / "checkpoints", run / "checkpoints" / "best"):
        reference = store.find(path)
        assert reference.name == run.name
        assert reference.folder == run
        assert store.load(reference).description.names == ("tiny",)


@pytest.fixture
def with_gallery(place: Path, gallery: Path) -> Path:
    """The same working directory with models/gallery, which has the styles wave, candy and ink."""
    shutil.copytree(gallery, place / "models" / "gallery")
    return place


def test_a_model_of_several_styles_is_listed_with_them(with_gallery: Path) -> None:
    path = store.available()["gallery"]
    assert path == Path("models/gallery")
    assert store.styles(path) == ("wave", "candy", "ink")
    assert store.styles(Path("models/candy")) == ("tiny",)


def test_only_the_learned_styles_that_fit_the_kernels_are_listed(with_gallery: Path) -> None:
    path = store.available()["gallery"]
    net = store.load(store.Reference(path)).net
    row = net.table.numpy()[0]
    learned.add(path, model_module.Style("mine"), row, net)
    learned.add(
        path, model_module.Style("older"), row, transform_net.TransformNet(net.architecture)
    )
    assert store.styles(path) == ("wave", "candy", "ink", "mine")
    # Its name still leads to its model, which says why the style cannot be used.
    assert store.find("older") == store.Reference(path, "older")


def test_runs_that_were_moved_aside_are_found_only_by_their_full_name(place: Path) -> None:
    aside = files.retire(place / "models" / "candy")
    assert aside is not None and aside not in store.available().values()
    assert store.find("candy.old1").path == Path("models/candy.old1")


def test_a_style_is_found_by_its_name(with_gallery: Path) -> None:
    reference = store.find("ink")
    assert reference == store.Reference(Path("models/gallery"), "ink")
    assert reference.name == "ink"
    assert reference.folder.name == "gallery"
    assert store.find("gallery") == store.Reference(Path("models/gallery"))


def test_a_model_is_found_before_a_style_of_that_name(with_gallery: Path) -> None:
    assert store.find("wave") == store.Reference(with_gallery / "elsewhere" / "wave")
    shutil.rmtree(with_gallery / "elsewhere" / "wave")
    assert store.find("wave") == store.Reference(Path("models/gallery"), "wave")


def test_a_style_is_looked_up_in_the_working_directory_first(with_gallery: Path) -> None:
    # "art" comes before "gallery" in the alphabet.
    shutil.copytree(with_gallery / "models" / "gallery", with_gallery / "elsewhere" / "art")
    assert store.find("ink").path == Path("models/gallery")
    shutil.rmtree(with_gallery / "models" / "gallery")
    assert store.find("ink").path == with_gallery / "elsewhere" / "art"


def test_the_nearest_name_may_be_a_style(with_gallery: Path) -> None:
    with pytest.raises(
        errors.UserError, match=r"^no model inc; did you mean ink\? \(models here: "
    ):
        store.find("inc")


def test_a_model_of_several_styles_is_restored_whole(gallery: Path) -> None:
    restored = store.load(store.find(gallery))
    assert restored.description == model_module.Description.read(gallery / "model.json")
    expected = checkpoint_file.read_checkpoint(gallery / "weights.ckpt")
    assert restored.net.table.shape[0] == 3 + 1
    for name, tensor in restored.net.tensors().items():
        np.testing.assert_array_equal(tensor, expected[name])


def test_weights_that_do_not_fit_their_model_json_are_rejected(
    tmp_path: Path, gallery: Path
) -> None:
    folder = tmp_path / "gallery"
    shutil.copytree(gallery, folder)
    described = model_module.Description.read(folder / "model.json")
    fewer = model_module.Description(described.architecture, described.styles)
    (folder / "model.json").write_text(fewer.to_json())
    expected = r"weights\.ckpt: weights of another architecture: styles should have the shape \(3, "
    with pytest.raises(errors.UserError, match=expected):
        store.load(store.find(folder))
    (folder / "model.json").write_text("{")
    with pytest.raises(errors.UserError, match=rf"^{folder}/model\.json: cannot be read \("):
        store.load(store.find(folder))
    (folder / "model.json").unlink()
    with pytest.raises(
        errors.UserError, match=r"weights\.ckpt: model\.json is missing, which names"
    ):
        store.load(store.find(folder))


def test_weights_that_are_of_no_transform_net_are_rejected(tmp_path: Path) -> None:
    prefix = tmp_path / "slim.ckpt"
    checkpoint_file.write_checkpoint(prefix, {"conv1/weights": np.zeros([9, 9, 3, 32])})
    with pytest.raises(errors.UserError, match=r"slim\.ckpt: contains no transform net"):
        store.load(store.find(prefix))
    tensors = earlier_form(transform_net.TransformNet(ARCHITECTURES["default"]))
    del tensors["norm4/shift"]
    checkpoint_file.write_checkpoint(tmp_path / "cut.ckpt", tensors)
    with pytest.raises(
        errors.UserError,
        match=r"cut\.ckpt: weights of another architecture: 'norm4/shift' is missing$",
    ):
        store.load(store.find(tmp_path / "cut.ckpt"))


ARCHITECTURES = {
    "default": transform_net.Architecture(4, 1),
    "lite": transform_net.Architecture(4, 1, lite=True),
    "plain": transform_net.Architecture(8, 2, output_norm=False, skips=False),
}


def earlier_form(net: transform_net.TransformNet) -> dict[str, np.ndarray]:
    """The weights of a network of one style as releases before model.json named them."""
    tensors = net.tensors()
    (row,) = tensors.pop(network.TABLE)
    return tensors | {name: part.numpy() for name, part in net.layout.split(row).items()}


@pytest.fixture(params=ARCHITECTURES)
def net(request: pytest.FixtureRequest) -> transform_net.TransformNet:
    """A network of one style, no two numbers of which are the same."""
    made = transform_net.TransformNet(ARCHITECTURES[request.param], seed=3)
    made.table.assign_add(np.random.default_rng(3).normal(0, 0.3, made.table.shape))
    return made


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_folder_without_model_json_stylizes_bit_for_bit_as_with_it(
    tmp_path: Path, net: transform_net.TransformNet, dtype: type, photo: Callable[..., np.ndarray]
) -> None:
    earlier, current = tmp_path / "old" / "mine", tmp_path / "new" / "mine"
    described = model_module.Description(net.architecture, (model_module.Style("mine"),))
    for folder, tensors in ((earlier, earlier_form(net)), (current, net.tensors())):
        checkpoint_file.write_checkpoint(
            folder / "weights.ckpt", {name: t.astype(dtype) for name, t in tensors.items()}
        )
    (current / "model.json").write_text(described.to_json())
    one, other = (store.load(store.find(folder)) for folder in (earlier, current))
    assert one.description == other.description == described
    expected = net.tensors()
    for name, tensor in one.net.tensors().items():
        np.testing.assert_array_equal(tensor, expected[name].astype(dtype).astype(np.float32))
    pictures = [stylizer.load(folder, "float32")(photo(33, 40)) for folder in (earlier, current)]
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
    restored = store.load(store.find(tmp_path / "mine"))
    assert restored.description == model_module.Description(
        net.architecture, (model_module.Style("mine"),)
    )
    expected = net.tensors()
    for name, tensor in restored.net.tensors().items():
        np.testing.assert_array_equal(tensor, expected[name])


def test_packing_leaves_weights_of_today_alone(net: transform_net.TransformNet) -> None:
    tensors = net.tensors()
    assert store.pack(tensors, net.architecture) is tensors
    packed = store.pack(earlier_form(net), net.architecture)
    assert packed.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(packed[name], tensor)


@pytest.mark.parametrize("name", ["gallery", "gallery-lite"])
def test_every_shipped_model_is_restored(name: str) -> None:
    reference = store.find(ROOT / "pretrained" / name)
    restored = store.load(reference)
    assert len(restored.description.names) >= 16 and restored.description.identity
    found = store.shipped(restored.net.architecture)
    assert found is not None and found.path == reference.path
