"""SavedModels, used as another program would: in a process that has only TensorFlow."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2

from fastnst import errors, export
from fastnst.export import saved_model
from fastnst.models import loading, restore, store
from fastnst.models import model as model_module

# Every test exports.
pytestmark = pytest.mark.slow

Photo = Callable[..., np.ndarray]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, model: model_module.Model) -> Path:
    """The tiny run as a SavedModel."""
    folder = tmp_path_factory.mktemp("exports") / "tiny"
    export.export(model, folder, "savedmodel", {"README.md": "# A card\n"})
    return folder


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory, gallery: Path) -> Path:
    """The gallery of three styles as a SavedModel."""
    folder = tmp_path_factory.mktemp("exports") / "gallery"
    export.export(restore.load(store.find(gallery)), folder, "savedmodel", {})
    return folder


def live(model: model_module.Model, photos: np.ndarray) -> np.ndarray:
    return model.net(tf.constant(photos, tf.float32)).numpy()


# Programs that are given the export's folder, read photos.npy, and write them stylized.
_ONE_STYLE = """
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
stylized = model(photo[tf.newaxis])[0]
tf.io.write_file("stylized.png", tf.io.encode_png(stylized))
results["as in the card"] = tf.io.decode_png(tf.io.read_file("stylized.png"))

files = tf.constant([open(name, "rb").read() for name in ("0.png", "1.jpg")])
encoded = model.signatures["stylize_encoded"](image_bytes=files)["stylized_bytes"]
for index, data in enumerate(encoded):
    assert data.numpy().startswith(b"\\x89PNG")
    results[f"encoded {index}"] = tf.io.decode_png(data)

np.savez("stylized.npz", **{name: result.numpy() for name, result in results.items()})
assert not [name for name in sys.modules if name.startswith(("fastnst", "tf_slim"))]
"""
_SEVERAL_STYLES = """
import sys
import numpy as np
import tensorflow as tf

model = tf.saved_model.load(sys.argv[1])
photos = np.load("photos.npy")
shares = tf.constant([0.6, 0.4, 0.0])
results = {}

results["default"] = model.signatures["serving_default"](images=photos)["stylized"]
results["called"] = model(tf.constant(photos))
results["index 0"] = model(tf.constant(photos), 0)
results["index 2"] = model(tf.constant(photos), 2)
results["index tensor"] = model(tf.constant(photos, tf.float32), tf.constant(2))
results["shares"] = model(tf.constant(photos), shares)
results["list of shares"] = model(tf.constant(photos), [0.6, 0.4, 0.0])
results["shares of another sum"] = model(tf.constant(photos, tf.float32), 5 * shares)

serve = model.signatures["serving_styles"]
results["signature"] = serve(images=photos, style=shares)["stylized"]
results["signature of another sum"] = serve(images=photos, style=[3.0, 2.0, 0.0])["stylized"]
results["signature with one style"] = serve(images=photos, style=[0.0, 0.0, 1.0])["stylized"]

names = [name.decode() for name in model.style_names().numpy()]
pictures = {name: result.numpy() for name, result in results.items()}
np.savez("stylized.npz", names=names, **pictures)
assert not [name for name in sys.modules if name.startswith(("fastnst", "tf_slim"))]
"""


def use(program: str, folder: Path, scratch: Path) -> dict[str, np.ndarray]:
    """Runs one of these programs."""
    finished = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=scratch,
        env=os.environ | {"PYTHONPATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    with np.load(scratch / "stylized.npz") as results:
        return dict(results)


def test_a_saved_model_stylizes_any_photos_for_a_program_with_only_tensorflow(
    tmp_path: Path, exported: Path, model: model_module.Model, photo: Photo
) -> None:
    photos = np.stack([photo(37, 50, seed) for seed in range(3)])
    np.save(tmp_path / "photos.npy", photos)
    Image.fromarray(photos[0]).save(tmp_path / "0.png")
    Image.fromarray(photo(64, 21, 5)).save(tmp_path / "1.jpg")
    results = use(_ONE_STYLE, exported, tmp_path)

    def check(name: str, expected: np.ndarray) -> None:
        result = results.pop(name)
        assert result.dtype == np.uint8 and result.shape == expected.shape, name
        # The live result is not rounded.
        assert np.abs(result - expected).max() <= 1.0, name

    expected = live(model, photos)
    for name in ("uint8 array", "float32", "serving_uint8", "called", "called with float32"):
        check(name, expected)
    check("one by one", expected)
    check("as in the card", expected[0])
    check("smallest", live(model, photos[:1, :16, :16]))
    check("encoded 0", expected[0])
    decoded = tf.io.decode_jpeg((tmp_path / "1.jpg").read_bytes()).numpy()
    check("encoded 1", live(model, decoded[np.newaxis])[0])
    assert not results


def test_a_saved_model_of_several_styles_takes_a_style_by_index_or_by_shares(
    tmp_path: Path, several: Path, gallery: Path, photo: Photo
) -> None:
    photos = np.stack([photo(29, 43, seed) for seed in range(2)])
    np.save(tmp_path / "photos.npy", photos)
    results = use(_SEVERAL_STYLES, several, tmp_path)
    assert results.pop("names").tolist() == ["wave", "candy", "ink"]
    paint = loading.load(gallery, "float32")
    for style, calls in {
        "wave": ["default", "called", "index 0"],
        "ink": ["index 2", "index tensor", "signature with one style"],
        "wave:0.6,candy:0.4": [
            "shares",
            "list of shares",
            "shares of another sum",
            "signature",
            "signature of another sum",
        ],
    }.items():
        expected = paint(photos, style)
        for call in calls:
            result = results.pop(call)
            assert result.dtype == np.uint8 and result.shape == photos.shape, call
            # A sum taken in another order may fall on the other side of a half.
            assert np.abs(result.astype(int) - expected).max() <= 1, call
    assert not results


def test_the_live_stylizer_stylizes_with_the_export(
    exported: Path, model: model_module.Model, photo: Photo
) -> None:
    pixels = photo(29, 43)
    difference = np.abs(loading.load(exported)(pixels) - live(model, pixels[np.newaxis])[0])
    assert difference.max() <= saved_model.TOLERANCE["float32"]


def test_a_saved_model_of_several_styles_opens_with_the_first(
    several: Path, gallery: Path, photo: Photo
) -> None:
    pixels = photo(29, 43)
    difference = loading.load(several)(pixels).astype(int) - loading.load(gallery)(pixels)
    assert np.abs(difference).max() <= 3  # bfloat16 where the processor is fast at it


def test_signatures_have_the_documented_names_and_types(
    exported: Path,
) -> None:
    model = tf.saved_model.load(str(exported))
    any_images = [None, None, None, 3]
    expected = {
        "serving_default": ("images", tf.float32, any_images, "stylized", tf.uint8, any_images),
        "serving_uint8": ("images", tf.uint8, any_images, "stylized", tf.uint8, any_images),
        "stylize_encoded": ("image_bytes", tf.string, [None], "stylized_bytes", tf.string, [None]),
    }
    assert set(model.signatures) == {*expected, "serving_masks"}
    for name, (given, given_type, given_shape, returned, type_, shape) in expected.items():
        signature = model.signatures[name]
        ((found, spec),) = signature.structured_input_signature[1].items()
        assert (found, spec.dtype, spec.shape.as_list()) == (given, given_type, given_shape)
        ((found, spec),) = signature.structured_outputs.items()
        assert (found, spec.dtype, spec.shape.as_list()) == (returned, type_, shape)
    # The weights are constants, which TensorFlow can fold.
    assert not model.signatures["serving_default"].variables


def test_signatures_of_styles_and_masks_have_the_documented_inputs(several: Path) -> None:
    model = tf.saved_model.load(str(several))
    others = {"serving_default", "serving_uint8", "stylize_encoded"}
    any_images = [None, None, None, 3]
    expected = {
        "serving_styles": {"images": any_images, "style": [3]},
        "serving_strength": {"images": any_images, "style": [3], "strength": []},
        "serving_masks": {"images": any_images, "masks": any_images},
    }
    assert set(model.signatures) == others | set(expected)
    for name, inputs in expected.items():
        signature = model.signatures[name]
        given = signature.structured_input_signature[1]
        assert {name: spec.shape.as_list() for name, spec in given.items()} == inputs
        assert {spec.dtype for spec in given.values()} == {tf.float32}
        assert set(signature.structured_outputs) == {"stylized"}
        assert not signature.variables


def test_masks_stylize_each_pixel_in_its_own_styles(
    several: Path, gallery: Path, photo: Photo
) -> None:
    paint, pixels = loading.load(gallery, "float32"), photo(29, 40)
    masks = np.zeros((1, 29, 40, 3), np.float32)
    masks[:, :, :10, 0] = 1.0
    masks[:, :, 10:20, 2] = 0.25
    masks[:, :, 20:30, :2] = 1.0  # Scaled to a sum of 1.
    serve = tf.saved_model.load(str(several)).signatures["serving_masks"]
    found = serve(images=tf.constant(pixels[np.newaxis], tf.float32), masks=tf.constant(masks))
    wave, candy, ink = (paint(pixels, style).astype(np.float32) for style in paint.styles)
    expected = pixels.astype(np.float32)
    expected[:, :10] = wave[:, :10]
    expected[:, 10:20] += 0.25 * (ink - expected)[:, 10:20]
    expected[:, 20:30] = (wave + candy)[:, 20:30] / 2
    assert np.abs(found["stylized"][0] - expected).max() <= 1.1


def test_a_strength_is_the_third_argument(several: Path, gallery: Path, photo: Photo) -> None:
    pixels = photo(29, 40)
    model, batch = tf.saved_model.load(str(several)), tf.constant(pixels[np.newaxis])
    for strength in (0.0, 0.7, 1.5):
        expected = loading.load(gallery, "float32")(pixels, "candy", strength).astype(int)
        shares = tf.constant([0.0, 1.0, 0.0])
        for style in (1, tf.constant(1), shares):
            found = model(batch, style, strength)[0]
            assert np.abs(found - expected).max() <= 1, (style, strength)


def test_tensorflow_serving_stylizes_in_the_first_style_by_default(several: Path) -> None:
    content = saved_model_pb2.SavedModel()
    content.ParseFromString((several / "saved_model.pb").read_bytes())
    signature = content.meta_graphs[0].signature_def["serving_styles"]
    assert tf.make_ndarray(signature.defaults["style"]).tolist() == [1, 0, 0]


@pytest.mark.parametrize("index", [3, -1])
def test_an_index_without_a_style_is_an_error(several: Path, index: int) -> None:
    # Index 3 would be the identity row, which is no style.
    model = tf.saved_model.load(str(several))
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"{index} is not in \[0, 3\)"):
        model(tf.zeros([1, 16, 16, 3]), index)


def test_the_live_network_stays_trainable(exported: Path, model: model_module.Model) -> None:
    assert len(model.net.trainable_variables) == 8 + 1


@pytest.mark.parametrize("shape", [(0, 20, 20, 3), (1, 0, 20, 3), (2, 20, 0, 3)])
def test_photos_without_pixels_give_pictures_without_pixels(
    several: Path, shape: tuple[int, ...]
) -> None:
    model = tf.saved_model.load(str(several))
    photos, first = tf.zeros(shape), tf.constant([1.0, 0.0, 0.0])
    choices = {
        "serving_default": {},
        "serving_styles": {"style": first},
        "serving_strength": {"style": first, "strength": tf.constant(0.5)},
        "serving_masks": {"masks": tf.zeros([*shape[:3], 3])},
    }
    for name, given in choices.items():
        assert model.signatures[name](images=photos, **given)["stylized"].shape == shape, name
    whole = tf.zeros(shape, tf.uint8)
    assert model.signatures["serving_uint8"](images=whole)["stylized"].shape == shape
    assert model(whole, 2, 0.5).shape == shape
    assert model.signatures["stylize_encoded"](image_bytes=tf.constant([], tf.string))


def test_an_export_that_no_other_program_can_load_is_not_kept(
    tmp_path: Path, model: model_module.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = tf.saved_model.save

    def spoil(served: tf.Module, folder: str, **choices: Any) -> None:
        save(served, folder, **choices)
        Path(folder, "saved_model.pb").write_bytes(b"no graph")

    monkeypatch.setattr(tf.saved_model, "save", spoil)
    with pytest.raises(errors.UserError, match="cannot be used elsewhere") as caught:
        export.export(model, tmp_path / "model", "savedmodel", {})
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_the_check_covers_every_style(
    tmp_path: Path, gallery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = restore.load(store.find(gallery))
    save = tf.saved_model.save

    def spoil(served: tf.Module, folder: str, **choices: Any) -> None:
        save(served, folder, **choices)
        # As if the last style had been written wrongly.
        model.net.table[2].assign(model.net.table[2] + 1.0)

    monkeypatch.setattr(tf.saved_model, "save", spoil)
    with pytest.raises(errors.UserError, match=r"differs from the network by \d+ levels"):
        export.export(model, tmp_path / "model", "savedmodel", {})
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_no_half_of_an_export(
    tmp_path: Path, model: model_module.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device\nmore")

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(errors.UserError, match=r"model: cannot be written \(No space .*device\)$"):
        export.export(model, tmp_path / "model", "savedmodel", {})
    assert not list(tmp_path.iterdir())


def test_a_file_of_the_users_below_an_export_is_not_lost(
    tmp_path: Path, model: model_module.Model
) -> None:
    folder = tmp_path / "exported"
    for _ in range(2):
        export.export(model, folder, "savedmodel", {"README.md": "# A card\n"})
    (folder / "variables" / "notes.txt").write_text("mine")
    with pytest.raises(errors.UserError, match=r"variables/notes\.txt: is not part of an export"):
        export.export(model, folder, "savedmodel", {})
    assert (folder / "variables" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["[brackets]*?", os.fsdecode(b"caf\xe9")])
@pytest.mark.parametrize("file_format", ["savedmodel", "onnx", "weights"])
def test_an_export_may_lie_in_a_folder_of_any_name(
    name: str, file_format: str, tmp_path: Path, model: model_module.Model
) -> None:
    export.export(model, tmp_path / name, file_format, {"README.md": f"# {name}\n"})
    assert (tmp_path / name / export.FORMATS[file_format].files[0]).exists()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_program_that_drops_the_model_gets_its_memory_back(exported: Path) -> None:
    loaded = tf.saved_model.load(str(exported))
    loaded.signatures["serving_uint8"](images=np.zeros([1, 16, 16, 3], np.uint8))
    graph = weakref.ref(loaded.signatures["serving_uint8"].graph)
    assert graph() is not None
    del loaded
    gc.collect()
    assert graph() is None
