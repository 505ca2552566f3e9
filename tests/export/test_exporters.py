"""Exports are used as a stranger would use them, in a process that has only TensorFlow."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fastnst import errors
from fastnst.cli import export as command
from fastnst.export import exporters
from fastnst.models import store, stylizer
from fastnst.nets import transform_net

Photo = Callable[..., np.ndarray]


@pytest.fixture(scope="module")
def net(tiny_run: Path) -> transform_net.TransformNet:
    """The tiny run's network."""
    return store.load_net(tiny_run)


@pytest.fixture(scope="module")
def exports(
    tmp_path_factory: pytest.TempPathFactory, net: transform_net.TransformNet
) -> dict[str, Path]:
    """The network in each format."""
    folder = tmp_path_factory.mktemp("exports")
    for file_format in exporters.EXPORTERS:
        exporters.export(net, folder / file_format, file_format, {"README.md": "# A card\n"})
    return {file_format: folder / file_format for file_format in exporters.EXPORTERS}


def live(net: transform_net.TransformNet, photos: np.ndarray) -> np.ndarray:
    return net(tf.constant(photos, tf.float32)).numpy()


# What an app does: format -> a program that reads photos.npy and files, and writes its paintings.
# It is given the export's folder.
STRANGERS = {
    "savedmodel": """
import sys
import numpy as np
import tensorflow as tf

model = tf.saved_model.load(sys.argv[1])
photos = np.load("photos.npy")
results = {}

serve = model.signatures["serving_default"]
results["uint8 array"] = serve(images=photos)["stylized"]
results["float32"] = serve(images=tf.constant(photos, tf.float32))["stylized"]
results["serving_uint8"] = model.signatures["serving_uint8"](images=tf.constant(photos))["stylized"]
results["called"] = model(tf.constant(photos))
results["called with float32"] = model(tf.constant(photos, tf.float32))
results["one by one"] = tf.concat([serve(images=photo[None])["stylized"] for photo in photos], 0)
results["smallest"] = serve(images=tf.constant(photos[:1, :16, :16], tf.float32))["stylized"]

# The lines of the model card.
photo = tf.io.decode_image(tf.io.read_file("0.png"), channels=3)
painted = model(photo[tf.newaxis])[0]
tf.io.write_file("painted.png", tf.io.encode_png(painted))
results["as in the card"] = tf.io.decode_png(tf.io.read_file("painted.png"))

files = tf.constant([open(name, "rb").read() for name in ("0.png", "1.jpg")])
encoded = model.signatures["stylize_encoded"](image_bytes=files)["stylized_bytes"]
for index, data in enumerate(encoded):
    assert data.numpy().startswith(b"\\x89PNG")
    results[f"encoded {index}"] = tf.io.decode_png(data)

np.savez("painted.npz", **{name: result.numpy() for name, result in results.items()})
assert not [name for name in sys.modules if name.startswith(("fastnst", "tf_slim"))]
""",
    "weights": """
import sys
import numpy as np
import tensorflow as tf

reader = tf.train.load_checkpoint(sys.argv[1] + "/weights.ckpt")
names = reader.get_variable_to_shape_map()
np.savez("painted.npz", **{name: reader.get_tensor(name) for name in names})
""",
}


def use(file_format: str, folder: Path, scratch: Path) -> dict[str, np.ndarray]:
    """Runs the stranger's program."""
    finished = subprocess.run(
        [sys.executable, "-c", STRANGERS[file_format], str(folder)],
        cwd=scratch,
        env=os.environ | {"PYTHONPATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    with np.load(scratch / "painted.npz") as results:
        return dict(results)


def test_every_format_has_a_tolerance_a_name_on_the_command_line_and_a_round_trip() -> None:
    assert set(exporters.EXPORTERS) == set(exporters.TOLERANCES) == set(command.FORMATS)
    # A new format needs a program here that uses it.
    assert set(exporters.EXPORTERS) == set(STRANGERS)


def test_a_saved_model_paints_any_photos_for_a_program_with_only_tensorflow(
    tmp_path: Path, exports: dict[str, Path], net: transform_net.TransformNet, photo: Photo
) -> None:
    photos = np.stack([photo(37, 50, seed) for seed in range(3)])
    np.save(tmp_path / "photos.npy", photos)
    Image.fromarray(photos[0]).save(tmp_path / "0.png")
    Image.fromarray(photo(64, 21, 5)).save(tmp_path / "1.jpg")
    results = use("savedmodel", exports["savedmodel"], tmp_path)

    def check(name: str, expected: np.ndarray) -> None:
        result = results.pop(name)
        assert result.dtype == np.uint8 and result.shape == expected.shape, name
        # The live painting is not rounded.
        assert np.abs(result - expected).max() <= 1.0, name

    expected = live(net, photos)
    for name in ("uint8 array", "float32", "serving_uint8", "called", "called with float32"):
        check(name, expected)
    check("one by one", expected)
    check("as in the card", expected[0])
    check("smallest", live(net, photos[:1, :16, :16]))
    check("encoded 0", expected[0])
    decoded = tf.io.decode_jpeg((tmp_path / "1.jpg").read_bytes()).numpy()
    check("encoded 1", live(net, decoded[np.newaxis])[0])
    assert not results


def test_weights_are_the_networks_in_float16_under_its_names(
    tmp_path: Path, exports: dict[str, Path], net: transform_net.TransformNet
) -> None:
    results = use("weights", exports["weights"], tmp_path)
    assert results.keys() == net.tensors().keys()
    for name, tensor in net.tensors().items():
        assert results[name].dtype == np.float16
        np.testing.assert_allclose(results[name], tensor, rtol=2**-11, atol=1e-7)


@pytest.mark.parametrize("file_format", exporters.EXPORTERS)
def test_every_format_can_be_painted_with(
    exports: dict[str, Path], net: transform_net.TransformNet, photo: Photo, file_format: str
) -> None:
    pixels = photo(29, 43)
    painted = stylizer.load(exports[file_format])(pixels)
    difference = np.abs(painted - live(net, pixels[np.newaxis])[0])
    assert difference.max() <= exporters.TOLERANCES[file_format]


def test_the_signatures_have_the_names_and_types_that_are_documented(
    exports: dict[str, Path],
) -> None:
    model = tf.saved_model.load(str(exports["savedmodel"]))
    any_images = [None, None, None, 3]
    expected = {
        "serving_default": ("images", tf.float32, any_images, "stylized", tf.uint8, any_images),
        "serving_uint8": ("images", tf.uint8, any_images, "stylized", tf.uint8, any_images),
        "stylize_encoded": ("image_bytes", tf.string, [None], "stylized_bytes", tf.string, [None]),
    }
    assert set(model.signatures) == set(expected)
    for name, (given, given_type, given_shape, returned, type_, shape) in expected.items():
        signature = model.signatures[name]
        ((found, spec),) = signature.structured_input_signature[1].items()
        assert (found, spec.dtype, spec.shape.as_list()) == (given, given_type, given_shape)
        ((found, spec),) = signature.structured_outputs.items()
        assert (found, spec.dtype, spec.shape.as_list()) == (returned, type_, shape)
    # The weights are constants, which TensorFlow can fold.
    assert not model.signatures["serving_default"].variables


def test_the_live_network_stays_trainable(
    exports: dict[str, Path], net: transform_net.TransformNet
) -> None:
    assert len(net.trainable_variables) == 26


def test_an_earlier_export_is_replaced_whole(
    tmp_path: Path, net: transform_net.TransformNet
) -> None:
    folder = tmp_path / "model"
    exporters.export(net, folder, "weights", {"README.md": "one", "config.yml": "old"})
    exporters.export(net, folder, "weights", {"README.md": "two"})
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "weights.ckpt.data-00000-of-00001",
        "weights.ckpt.index",
    ]
    assert (folder / "README.md").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert folder.stat().st_mode & 0o777 == 0o755


def test_an_export_goes_into_an_empty_folder_also_the_one_one_is_in(
    tmp_path: Path, net: transform_net.TransformNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    exporters.export(net, Path("."), "weights", {})
    assert (tmp_path / "empty" / "weights.ckpt.index").exists()


@pytest.mark.parametrize("kind", ["folder", "export with more in it", "file"])
def test_what_is_no_export_is_not_replaced(
    tmp_path: Path, net: transform_net.TransformNet, kind: str
) -> None:
    place = tmp_path / "photos"
    if kind != "file":
        if kind == "folder":
            place.mkdir()
        else:
            exporters.export(net, place, "weights", {})
        (place / "photo.jpg").write_text("precious")
    else:
        place.write_text("precious")
    precious = place if kind == "file" else place / "photo.jpg"
    with pytest.raises(errors.UserError, match=f"{precious.name}: is not of an export"):
        exporters.export(net, place, "weights", {})
    assert precious.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_an_export_that_paints_something_else_is_not_kept_and_leaves_the_old_one(
    tmp_path: Path, net: transform_net.TransformNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    exporters.export(net, folder, "weights", {"README.md": "good"})
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    # Weights that are off by a little, as by a fault in an exporter.
    write = exporters.checkpoint_file.write_checkpoint

    def spoil(prefix: Path, tensors: dict[str, np.ndarray]) -> None:
        write(prefix, tensors | {"norm6/shift": tensors["norm6/shift"] + np.float16(0.3)})

    monkeypatch.setattr(exporters.checkpoint_file, "write_checkpoint", spoil)
    with pytest.raises(errors.UserError, match=r"differs from the network by \d+ levels"):
        exporters.export(net, folder, "weights", {"README.md": "bad"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_export_that_no_other_program_can_load_is_not_kept(
    tmp_path: Path, net: transform_net.TransformNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = tf.saved_model.save

    def spoil(served: tf.Module, folder: str, signatures: object) -> None:
        save(served, folder, signatures=signatures)
        Path(folder, "saved_model.pb").write_bytes(b"no graph")

    monkeypatch.setattr(tf.saved_model, "save", spoil)
    with pytest.raises(errors.UserError, match="cannot be used elsewhere") as caught:
        exporters.export(net, tmp_path / "model", "savedmodel", {})
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(
    tmp_path: Path, net: transform_net.TransformNet
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(errors.UserError, match="file/model: cannot be written"):
        exporters.export(net, tmp_path / "file" / "model", "weights", {})


def test_a_full_disk_leaves_no_half_of_an_export(
    tmp_path: Path, net: transform_net.TransformNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device\nmore")

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(errors.UserError, match=r"model: cannot be written \(No space .*device\)$"):
        exporters.export(net, tmp_path / "model", "savedmodel", {})
    assert not list(tmp_path.iterdir())
