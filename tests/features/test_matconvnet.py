"""MatConvNet's .mat files: small ones with the structure of the published VGG19."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy import io

from fastnst import errors
from fastnst.features import loss_network, matconvnet, vgg
from tests.fuzz.loaders import mat_files

# The 43 layers of the published file in order: conv1_1 is the first, conv2_1 the sixth.
VGG_19 = (
    "conv1_1 relu1_1 conv1_2 relu1_2 pool1 "
    "conv2_1 relu2_1 conv2_2 relu2_2 pool2 "
    "conv3_1 relu3_1 conv3_2 relu3_2 conv3_3 relu3_3 conv3_4 relu3_4 pool3 "
    "conv4_1 relu4_1 conv4_2 relu4_2 conv4_3 relu4_3 conv4_4 relu4_4 pool4 "
    "conv5_1 relu5_1 conv5_2 relu5_2 conv5_3 relu5_3 conv5_4 relu5_4 pool5 "
    "fc6 relu6 fc7 relu7 fc8 prob"
).split()
TYPES = {"conv": "conv", "fc": "conv", "relu": "relu", "pool": "pool", "prob": "softmax"}
# The published file has 64, 128, 256, 512, 512.
CHANNELS = (2, 3, 4, 5, 6)
MEAN = np.array([123.68, 116.779, 103.939])


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes networks with these few channels the expected ones."""
    for model, blocks in list(vgg.MODELS.items()):
        repeats = [count for count, _ in blocks]
        monkeypatch.setitem(vgg.MODELS, model, tuple(zip(repeats, CHANNELS, strict=True)))


def kernels_of(name: str, inputs: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Random kernels [height, width, in, out] and biases, reproducible by name."""
    random = np.random.default_rng([ord(letter) for letter in name])
    side = 3 if name.startswith("conv") else 1
    kernels = random.normal(0, 1, (side, side, inputs, outputs)).astype(np.float32)
    return kernels, random.normal(0, 1, outputs).astype(np.float32)


def channels_of(names: list[str]) -> dict[str, tuple[int, int]]:
    """Input and output channels of each convolution."""
    found, inputs = {}, 3
    for name in names:
        if name.startswith(("conv", "fc")):
            outputs = CHANNELS[int(name[4]) - 1] if name.startswith("conv") else 7
            found[name], inputs = (inputs, outputs), outputs
    return found


def cell(items: list[Any]) -> np.ndarray:
    """A MATLAB cell array, [1, N]."""
    array = np.empty((1, len(items)), object)
    array[0, :] = items
    return array


def layer(name: str, channels: dict[str, tuple[int, int]], newer: bool) -> dict[str, Any]:
    kind = next(kind for prefix, kind in TYPES.items() if name.startswith(prefix))
    fields: dict[str, Any] = {"name": name, "type": kind}
    if name in channels:
        kernels, biases = kernels_of(name, *channels[name])
        stored = {"weights": cell([kernels.transpose(1, 0, 2, 3), biases[:, np.newaxis]])}
        # Older files start with the weights, newer ones with the name.
        fields = fields | stored if newer else stored | fields
        fields |= {"pad": np.ones((1, 4)), "stride": np.ones((1, 2))}
    if kind == "pool":
        fields |= {"method": "max", "pool": np.full((1, 2), 2.0), "stride": np.full((1, 2), 2.0)}
    return fields


def write_mat(path: Path, newer: bool = True, names: list[str] = VGG_19, **changes: Any) -> Path:
    """Writes a network in MatConvNet's format: the newer one, or that up to beta 16."""
    channels = channels_of(names)
    layers = cell([layer(name, channels, newer) for name in names])
    if newer:
        mean = MEAN.reshape(1, 1, 3)
        about = {"normalization": {"imageSize": np.array([[224.0, 224, 3]]), "averageImage": mean}}
        content = {"layers": layers, "meta": about}
    else:
        # An image whose colors have this mean only on average.
        image = np.tile(MEAN, (224, 224, 1)) + np.linspace(-50, 50, 224)[:, np.newaxis, np.newaxis]
        content = {
            "layers": layers,
            "classes": {"name": cell(["goldfish"])},
            "normalization": {"averageImage": image.astype(np.float32), "keepAspect": 1.0},
        }
    io.savemat(path, content | changes)
    return path


def of_kernels(inputs: int, outputs: int) -> np.ndarray:
    """A first layer of this shape, and a second one."""
    names = ["conv1_1", "relu1_1"]
    return cell([layer(name, {"conv1_1": (inputs, outputs)}, True) for name in names])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Files of both formats, by whether the format is the newer one."""
    folder = tmp_path_factory.mktemp("mat")
    return {newer: write_mat(folder / f"{newer}.mat", newer) for newer in (True, False)}


def test_the_test_file_has_the_layout_of_the_published_one(files: dict[bool, Path]) -> None:
    assert len(VGG_19) == 43
    for newer, place in ((True, 2), (False, 0)):
        content = io.loadmat(files[newer])
        layers = content["layers"]
        assert layers.shape == (1, 43)
        assert ("meta" in content, "normalization" in content) == (newer, not newer)
        # Scripts for the published files access them by position, without names.
        sixth = layers[0][5][0][0]
        kernels, biases = sixth[place][0]
        assert kernels.shape == (3, 3, 2, 3) and biases.shape == (3, 1)
        for index, name in {
            0: "conv1_1",
            4: "pool1",
            5: "conv2_1",
            30: "conv5_2",
            42: "prob",
        }.items():
            assert VGG_19[index] == name == str(layers[0][index]["name"][0, 0][0])


@pytest.mark.parametrize("newer", [True, False])
def test_both_formats_give_all_convolutions_with_slims_names(
    files: dict[bool, Path], newer: bool
) -> None:
    weights, mean = matconvnet.read(files[newer])
    channels = channels_of(VGG_19)
    convolutions = [name for name in VGG_19 if name.startswith("conv")]
    assert len(convolutions) == 16
    assert list(weights) == [
        f"vgg_19/{name[:5]}/{name}/{kind}"
        for name in convolutions
        for kind in ("weights", "biases")
    ]
    for name in convolutions:
        kernels, biases = kernels_of(name, *channels[name])
        scope = f"vgg_19/{name[:5]}/{name}"
        np.testing.assert_array_equal(weights[f"{scope}/weights"], kernels)
        np.testing.assert_array_equal(weights[f"{scope}/biases"], biases)
    assert {tensor.dtype for tensor in weights.values()} == {np.dtype(np.float32)}
    np.testing.assert_allclose(mean, MEAN, rtol=1e-5)


def test_kernels_are_transposed_from_matlabs_order(tmp_path: Path) -> None:
    """MATLAB's order of width and height, checked by the kernel's effect on a picture."""
    path = write_mat(tmp_path / "vgg.mat", names=VGG_19[:2])
    layers = io.loadmat(path)["layers"]
    across = np.zeros((3, 3, 3, 2), np.float32)
    across[0, 1], across[2, 1] = -1.0, 1.0  # width first: right minus left
    layers[0, 0]["weights"][0, 0][0, 0] = across
    io.savemat(path, {"layers": layers, "normalization": {"averageImage": np.zeros((2, 2, 3))}})
    weights, mean = matconvnet.read(path)
    network = loss_network.LossNetwork(weights, ["relu1_1"], model="vgg_19", mean_rgb=mean.tolist())
    weights["vgg_19/conv1/conv1_1/biases"][:] = 0
    grows = tf.fill([1, 6, 6, 3], 1.0) * tf.reshape(tf.range(6.0), [6, 1])
    rightwards = network(grows, ["relu1_1"])["relu1_1"]
    downwards = network(tf.transpose(grows, [0, 2, 1, 3]), ["relu1_1"])["relu1_1"]
    np.testing.assert_array_equal(rightwards[:, 1:-1, 1:-1], np.full((1, 4, 4, 2), 6.0))
    np.testing.assert_array_equal(downwards, np.zeros((1, 6, 6, 2)))


def test_the_network_computes_the_layers_of_the_file(files: dict[bool, Path]) -> None:
    """Every layer equals that computed with TensorFlow's plain operations from the file's list."""
    weights, mean = matconvnet.read(files[True])
    known = vgg.layers_of("vgg_19")
    network = loss_network.LossNetwork(weights, known, model="vgg_19", mean_rgb=mean.tolist())
    picture = np.random.default_rng(0).uniform(0, 255, (1, 40, 51, 3)).astype(np.float32)
    features = network(tf.constant(picture), known)
    channels = channels_of(VGG_19)
    net = picture - MEAN.astype(np.float32)
    for name in VGG_19[: VGG_19.index("pool5")]:
        if name.startswith("conv"):
            kernels, biases = kernels_of(name, *channels[name])
            net = np.pad(net, [(0, 0), (1, 1), (1, 1), (0, 0)], "edge")
            net = tf.nn.conv2d(net, kernels, 1, "VALID") + biases
        elif name.startswith("relu"):
            net = tf.nn.relu(net)
            limit = 1e-5 * float(tf.reduce_max(net))
            np.testing.assert_allclose(features[name], net, rtol=1e-4, atol=limit, err_msg=name)
        else:
            net = tf.nn.max_pool2d(net, 2, 2, "VALID")


def test_a_file_that_ends_early_gives_its_layers(tmp_path: Path) -> None:
    path = write_mat(tmp_path / "short.mat", names=VGG_19[: VGG_19.index("conv4_3")])
    weights, _ = matconvnet.read(path)
    assert list(weights)[-1] == "vgg_19/conv4/conv4_2/biases"
    with pytest.raises(errors.UserError, match="which ends at relu4_2; name a file of the whole"):
        loss_network.LossNetwork(weights, ["relu5_1"], model="vgg_19")


def test_vgg16_can_be_read_only_as_vgg16(tmp_path: Path, files: dict[bool, Path]) -> None:
    names = [name for name in VGG_19 if not name.endswith(("3_4", "4_4", "5_4"))]
    path = write_mat(tmp_path / "vgg-16.mat", names=names)
    weights, _ = matconvnet.read(path, "vgg_16")
    assert len(weights) == 2 * 13 and "vgg_16/conv5/conv5_3/weights" in weights
    with pytest.raises(errors.UserError, match=r"16\.mat: contains 13 convolutions, whose blocks"):
        matconvnet.read(path)
    with pytest.raises(
        errors.UserError, match=r"match vgg_16; set --loss_model to vgg_16 or vgg_19"
    ):
        matconvnet.read(files[True], "vgg_16")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": cell([1.0, 2.0])}, "not a MatConvNet network; use imagenet-vgg-verydeep-19"),
        ({"meta": {"normalization": {"border": 1.0}}}, "not a MatConvNet network"),
        ({"layers": cell([{"type": "softmax", "name": "prob"}] * 2)}, "contains 0 convolutions"),
        ({"layers": of_kernels(4, 2)}, r"the kernels of relu1_1 have shape \(3, 3, 4, 2\), but"),
        ({"layers": of_kernels(3, 9)}, r".* should have \(3, 3, 3, 2\) with 2 biases"),
    ],
)
def test_another_network_raises_an_error(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = write_mat(tmp_path / "other.mat", **changes)
    with pytest.raises(errors.UserError, match=rf"other\.mat: {message}"):
        matconvnet.read(path)


def test_missing_and_invalid_files_raise_an_error(tmp_path: Path, files: dict[bool, Path]) -> None:
    with pytest.raises(errors.UserError, match=r"nowhere\.mat: no such file; .*www\.vlfeat\.org"):
        matconvnet.read(tmp_path / "nowhere.mat")
    (tmp_path / "text.mat").write_text("<html>404</html>" * 20)
    whole = files[True].read_bytes()
    (tmp_path / "half.mat").write_bytes(whole[: len(whole) // 2])
    for name in ("text.mat", "half.mat"):
        with pytest.raises(errors.UserError, match=f"{name}: not a readable .mat file"):
            matconvnet.read(tmp_path / name)


def test_a_file_that_makes_scipy_crash_raises_an_error(tmp_path: Path) -> None:
    whole = mat_files.seeds()["net0.mat"]
    path = tmp_path / "crash.mat"
    # Without the 64 bytes, the last value of the struct is the name of a field.
    path.write_bytes(whole[:7844] + whole[7908:])
    with pytest.raises(errors.UserError, match=r"crash\.mat: not a readable \.mat file"):
        matconvnet.read(path)


def test_a_file_of_a_published_name_must_have_its_content(
    tmp_path: Path, files: dict[bool, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "imagenet-vgg-verydeep-19.mat"
    path = tmp_path / name
    path.write_bytes(files[True].read_bytes())
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    with pytest.raises(errors.UserError) as caught:
        matconvnet.read(path)
    assert str(caught.value) == (
        f"{path}: has {path.stat().st_size:,} bytes and the MD5 checksum {digest}, but the "
        "published file has 534,904,783 bytes and 106118b7cf60435e6d8e04f6a6dc3657; download it "
        f"again from https://www.vlfeat.org/matconvnet/models/{name}, or rename it if it is a "
        "network of your own"
    )
    monkeypatch.setitem(matconvnet.PUBLISHED, name, ("another", digest))
    assert len(matconvnet.read(path)[0]) == 2 * 16


def test_without_scipy_the_error_tells_what_to_install(
    files: dict[bool, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(errors.UserError, match=r"files need SciPy; run `pip install scipy`"):
        matconvnet.read(files[True])
