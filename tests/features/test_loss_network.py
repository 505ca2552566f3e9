"""The loss network, compared with slim's own VGG16 on the shipped weights.

They are equal except near the border, because slim's network pads with zeros.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacked
import tensorflow as tf
import tf_slim as slim
from tf_slim.nets import alexnet, overfeat
from tf_slim.nets import vgg as slim_vgg

from fastnst import checkpoint_file, errors
from fastnst.features import loss_network, stacks, vgg

SHIPPED = Path(__file__).resolve().parents[2] / "pretrained" / "vgg_16.ckpt"
THROUGH_4_3 = vgg.layers_of("vgg_16")[:10]
ANY_SIZE = tf.TensorSpec([None, None, None, 3], tf.float32)


@pytest.fixture(scope="module")
def shipped() -> dict[str, np.ndarray]:
    return loss_network.load_weights(SHIPPED)


@pytest.fixture(scope="module")
def weights(shipped: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The shipped weights, and random ones for the deeper layers."""
    random = np.random.default_rng(0)
    deeper = {}
    for index in (1, 2, 3):
        scope = f"vgg_16/conv5/conv5_{index}"
        deeper[f"{scope}/weights"] = random.normal(0, 0.02, (3, 3, 512, 512)).astype(np.float32)
        deeper[f"{scope}/biases"] = random.normal(0, 0.1, 512).astype(np.float32)
    return shipped | deeper


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """A photo of a size that no pooling divides evenly."""
    return np.random.default_rng(1).uniform(0, 255, (2, 35, 51, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def network(weights: dict[str, np.ndarray]) -> loss_network.LossNetwork:
    return loss_network.LossNetwork(weights, vgg.layers_of("vgg_16"))


def test_the_layers_are_those_that_the_weights_contain(shipped: dict[str, np.ndarray]) -> None:
    network = loss_network.LossNetwork(shipped, ())
    channels = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512)
    assert network.layers == dict(zip(THROUGH_4_3, channels, strict=True))


@pytest.fixture(scope="module")
def features(network: loss_network.LossNetwork, photo: np.ndarray) -> dict[str, tf.Tensor]:
    """The features of every layer, from an eager call."""
    return network(tf.constant(photo), vgg.layers_of("vgg_16"))


def slims_own(photo: np.ndarray, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Slim's own VGG16 with its end points, up to the last convolution."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        net = tf.constant(photo - np.array([123.68, 116.78, 103.94], np.float32))
        with (
            slim.arg_scope(slim_vgg.vgg_arg_scope()),
            tf.compat.v1.variable_scope("vgg_16"),
            slim.arg_scope([slim.conv2d, slim.max_pool2d], outputs_collections="ends"),
        ):
            for block, (repeats, channels) in enumerate(
                [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], start=1
            ):
                net = slim.repeat(net, repeats, slim.conv2d, channels, [3, 3], scope=f"conv{block}")
                net = slim.max_pool2d(net, [2, 2], scope=f"pool{block}")
        ends = slim.utils.convert_collection_to_dict("ends")
        variables = tf.compat.v1.global_variables()
        assert {variable.op.name for variable in variables} == set(weights)
        for variable in variables:
            variable.load(weights[variable.op.name], session)
        return session.run(ends)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # Slim's legacy layers warn.
def test_every_layer_equals_the_end_point_of_slims_own_vgg16(
    network: loss_network.LossNetwork, weights: dict[str, np.ndarray]
) -> None:
    photo = np.random.default_rng(2).uniform(0, 255, (1, 226, 243, 3)).astype(np.float32)
    expected = slims_own(photo, weights)
    features = network(tf.constant(photo), vgg.layers_of("vgg_16"))
    assert list(features) == list(vgg.layers_of("vgg_16"))
    reach = 0  # Reach of the zeros beyond the border, in feature cells.
    for layer, feature in features.items():
        block, index = map(int, layer.removeprefix("relu").split("_"))
        if block > 1 and index == 1:
            reach = (reach + 1) // 2
        reach += 1
        end = expected[f"vgg_16/conv{block}/conv{block}_{index}"]
        assert feature.dtype == tf.float32
        assert feature.shape == end.shape
        inner = np.s_[:, reach:-reach, reach:-reach]
        assert end[inner].max() > 0
        np.testing.assert_allclose(
            feature[inner], end[inner], atol=1e-4 * end.max(), rtol=1e-4, err_msg=layer
        )


def test_the_border_does_not_affect_the_features(network: loss_network.LossNetwork) -> None:
    """A picture of a single color has the same features everywhere, up to the rim."""
    red = tf.fill([1, 48, 32, 1], 1.0) * [200.0, 20.0, 10.0]
    for layer, feature in network(red, vgg.layers_of("vgg_16")).items():
        everywhere = np.broadcast_to(feature[:, :1, :1], feature.shape)
        np.testing.assert_allclose(feature, everywhere, rtol=1e-3, atol=1e-2, err_msg=layer)


def test_features_are_halved_by_each_pooling_and_are_not_negative(
    features: dict[str, tf.Tensor],
) -> None:
    expected = {1: (35, 51, 64), 2: (17, 25, 128), 3: (8, 12, 256), 4: (4, 6, 512), 5: (2, 3, 512)}
    for layer, feature in features.items():
        assert feature.shape == (2, *expected[int(layer[4])])
        assert float(tf.reduce_min(feature)) == 0.0


def test_the_mean_color_is_subtracted_from_the_images(
    network: loss_network.LossNetwork, weights: dict[str, np.ndarray]
) -> None:
    mean = tf.fill([1, 8, 8, 3], 1.0) * vgg.MEAN_RGB
    first = network(mean, ["relu1_1"])["relu1_1"]
    # Nothing but the biases remains.
    biases = weights["vgg_16/conv1/conv1_1/biases"]
    expected = np.broadcast_to(np.maximum(biases, 0), first.shape)
    np.testing.assert_allclose(first, expected, atol=1e-4)
    np.testing.assert_allclose(
        biases[:4], [0.73429835, 0.09340367, 0.06775674, 0.8862966], rtol=1e-3
    )


def operations(graph: tf.Graph, kind: str) -> int:
    """Counts the operations of a kind that the graph's outputs depend on."""
    waiting, needed = [output.op for output in graph.outputs], set()
    while waiting:
        operation = waiting.pop()
        if operation not in needed:
            needed.add(operation)
            waiting += [given.op for given in operation.inputs]
    return sum(operation.type == kind for operation in needed)


@pytest.mark.parametrize(
    ("layers", "convolutions"),
    [
        (["relu1_2"], 2),
        (["relu3_3"], 7),
        (("relu1_2", "relu2_2"), 4),
        ({"relu4_3", "relu1_2"}, 10),
        ({"relu2_1": 0.5}, 3),
    ],
)
def test_it_is_built_only_as_deep_as_needed_and_without_variables(
    network: loss_network.LossNetwork, layers: Collection[str], convolutions: int
) -> None:
    @tf.function(input_signature=[ANY_SIZE], autograph=False)
    def build(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return network(images, layers)

    function = build.get_concrete_function()
    assert set(function.structured_outputs) == set(layers)
    assert operations(function.graph, "Conv2D") == convolutions
    assert not function.graph.variables
    assert not function.captured_inputs


def test_the_eager_call_takes_layers_in_any_collection(
    network: loss_network.LossNetwork, photo: np.ndarray
) -> None:
    for layers in (["relu1_1"], ("relu1_1",), {"relu1_1"}, {"relu1_1": 2.0}):
        assert set(network(tf.constant(photo), layers)) == {"relu1_1"}


def test_sizes_may_change_from_call_to_call(
    network: loss_network.LossNetwork, features: dict[str, tf.Tensor], photo: np.ndarray
) -> None:
    @tf.function(input_signature=[ANY_SIZE], autograph=False)
    def build(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return network(images, ["relu2_2", "relu3_1"])

    assert build(tf.zeros([1, 16, 16, 3]))["relu2_2"].shape == (1, 8, 8, 128)
    assert build(tf.zeros([3, 17, 40, 3]))["relu3_1"].shape == (3, 4, 10, 256)
    found = build(tf.constant(photo))["relu3_1"]
    np.testing.assert_allclose(found, features["relu3_1"], rtol=1e-4, atol=1e-2)


def test_gradients_reach_the_images_and_nothing_else(
    network: loss_network.LossNetwork, photo: np.ndarray
) -> None:
    seen = []

    @tf.function(autograph=False)
    def gradient(images: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = tf.reduce_sum(network(images, ["relu2_2"])["relu2_2"])
        seen.append(tape.watched_variables())
        return tape.gradient(loss, images)

    images = tf.constant(photo)
    assert float(tf.reduce_max(tf.abs(gradient(images)))) > 0
    assert seen == [()]
    # Gradients of the weights are not computed either; they would take half of the time.
    graph = gradient.get_concrete_function(images).graph
    assert operations(graph, "Conv2DBackpropInput") == 4
    assert operations(graph, "Conv2DBackpropFilter") == 0


@pytest.mark.parametrize(("dtype", "tolerance"), [(tf.bfloat16, 0.05), (tf.float16, 0.01)])
def test_half_precision_gives_nearly_the_same_features(
    weights: dict[str, np.ndarray],
    features: dict[str, tf.Tensor],
    photo: np.ndarray,
    dtype: tf.DType,
    tolerance: float,
) -> None:
    half = loss_network.LossNetwork(weights, ["relu2_2"], dtype)
    found = half(tf.constant(photo), ["relu2_2"])["relu2_2"]
    assert found.dtype == dtype
    expected = features["relu2_2"]
    error = tf.norm(tf.cast(found, tf.float32) - expected) / tf.norm(expected)
    assert float(error) < tolerance


def test_a_layer_missing_from_the_file_raises_an_error_with_a_remedy(
    shipped: dict[str, np.ndarray],
) -> None:
    loss_network.LossNetwork(shipped, THROUGH_4_3)
    with pytest.raises(errors.UserError) as caught:
        loss_network.LossNetwork(shipped, ["relu1_2", "relu5_1"])
    message = str(caught.value)
    assert message.startswith(
        "layer relu5_1 is not in the loss network's file, which ends at relu4_3"
    )
    assert "`fastnst weights`" in message


def test_a_layer_of_another_network_raises_an_error(shipped: dict[str, np.ndarray]) -> None:
    with pytest.raises(errors.UserError, match="vgg_16 has no layer relu3_4; did you mean relu3_"):
        loss_network.LossNetwork(shipped, ["relu3_4"])


def test_an_unknown_layer_in_a_call_raises_a_value_error(
    network: loss_network.LossNetwork,
) -> None:
    with pytest.raises(ValueError, match=r"unknown layers: .*relu6_1.*; choose from relu1_1, "):
        network(tf.zeros([1, 32, 32, 3]), ["relu1_1", "relu6_1"])


def test_only_convolutions_are_read_and_as_float32(tmp_path: Path) -> None:
    tensors = {
        "vgg_16/conv1/conv1_1/weights": np.ones([3, 3, 3, 64], np.float16),
        "vgg_16/conv1/conv1_1/biases": np.ones([64], np.float16),
        "vgg_16/fc6/weights": np.ones([7, 7, 2, 2], np.float32),
        "global_step": np.array(5),
    }
    checkpoint_file.write_checkpoint(tmp_path / "vgg_16.ckpt", tensors)
    weights = loss_network.load_weights(tmp_path / "vgg_16.ckpt")
    assert sorted(weights) == ["vgg_16/conv1/conv1_1/biases", "vgg_16/conv1/conv1_1/weights"]
    assert {tensor.dtype for tensor in weights.values()} == {np.dtype(np.float32)}


def test_a_file_without_vgg16_raises_an_error(tmp_path: Path) -> None:
    path = tmp_path / "other.ckpt"
    checkpoint_file.write_checkpoint(path, {"conv1/weights": np.ones([2], np.float32)})
    with pytest.raises(errors.UserError, match=r"other\.ckpt: contains no vgg_16 with slim's"):
        loss_network.load_weights(path)
    with pytest.raises(errors.UserError, match="no checkpoint there"):
        loss_network.load_weights(tmp_path / "nothing.ckpt")
    with pytest.raises(
        errors.UserError, match=r"contains no vgg_19 with slim's names \(vgg_19/.*; name a checkp"
    ):
        loss_network.load_weights(SHIPPED, "vgg_19")


def test_vgg19_equals_slims_own_except_near_the_border(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    tensors: dict[str, np.ndarray] = {}
    inputs = 3
    # Up to where VGG19 differs: its fourth convolution in block 3 and the pooling after it.
    for layer in vgg.layers_of("vgg_19")[:9]:
        outputs = {"1": 64, "2": 128, "3": 256, "4": 512}[layer[4]]
        kernels = random.normal(0, (2 / (9 * inputs)) ** 0.5, (3, 3, inputs, outputs))
        biases = random.normal(0, 0.1, outputs)
        for name, array in zip(vgg.variables("vgg_19", layer), (kernels, biases), strict=True):
            tensors[name] = array.astype(np.float32)
        inputs = outputs
    checkpoint_file.write_checkpoint(tmp_path / "vgg_19.ckpt", tensors)
    weights = loss_network.load_weights(tmp_path / "vgg_19.ckpt", "vgg_19")
    network = loss_network.LossNetwork(weights, ["relu3_4", "relu4_1"], model="vgg_19")
    photo = random.uniform(0, 255, (1, 160, 160, 3)).astype(np.float32)
    found = network(tf.constant(photo), ["relu3_4", "relu4_1"])

    net = tf.constant(photo - np.array(vgg.MEAN_RGB, np.float32))
    for layer in vgg.layers_of("vgg_19")[:9]:
        if layer in ("relu2_1", "relu3_1", "relu4_1"):
            net = tf.nn.max_pool2d(net, 2, 2, "SAME")
        kernels, biases = (tensors[name] for name in vgg.variables("vgg_19", layer))
        net = tf.nn.relu(tf.nn.conv2d(net, kernels, 1, "SAME") + biases)
        if layer in found:
            inner = np.s_[:, 8:-8, 8:-8]
            limit = 1e-5 * float(tf.reduce_max(net))
            np.testing.assert_allclose(found[layer][inner], net[inner], rtol=1e-3, atol=limit)


@pytest.mark.parametrize(("pooling", "expected"), [("max", 9.0), ("avg", (1 + 2 + 5 + 9) / 4)])
def test_pooling_takes_the_largest_or_the_mean_of_four(pooling: str, expected: float) -> None:
    weights = {}
    for layer, inputs, outputs in (("relu1_1", 3, 64), ("relu1_2", 64, 64), ("relu2_1", 64, 128)):
        kernels = np.zeros((3, 3, inputs, outputs), np.float32)
        kernels[1, 1, 0, 0] = 1.0  # hands the red on
        weights[vgg.variables("vgg_16", layer)[0]] = kernels
        biases = np.zeros(outputs, np.float32)
        weights[vgg.variables("vgg_16", layer)[1]] = biases
    network = loss_network.LossNetwork(
        weights, ["relu2_1"], mean_rgb=[20.0, 0.0, 0.0], pooling=pooling
    )
    red = np.tile([[21.0, 22.0], [25.0, 29.0]], (2, 2))
    photo = np.stack([red, 0 * red, 0 * red], axis=-1).astype(np.float32)
    found = network(tf.constant(photo[np.newaxis]), ["relu2_1"])["relu2_1"]
    np.testing.assert_allclose(found[..., 0], np.full((1, 2, 2), expected))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda values: values[:, :2], r"found float32 \(3, 2, 3, 64\)"),
        (lambda values: values.astype(np.int32), r"found int32 \(3, 3, 3, 64\)"),
        (lambda values: values * np.nan, "found values that are not finite"),
        (lambda values: None, "found nothing"),
    ],
    ids=["shape", "dtype", "nan", "missing"],
)
def test_a_file_whose_layers_are_not_the_networks_is_refused(
    change: object, found: str, shipped: dict[str, np.ndarray], tmp_path: Path
) -> None:
    name = "vgg_16/conv1/conv1_1/weights"
    changed = shipped | {name: change(shipped[name])}  # type: ignore[operator]
    kept = {key: values for key, values in changed.items() if values is not None}
    checkpoint_file.write_checkpoint(tmp_path / "vgg", kept)
    with pytest.raises(
        errors.UserError, match=rf"{name} should be float32 \(3, 3, 3, 64\), {found}"
    ):
        loss_network.load_weights(tmp_path / "vgg")


# Slim's other networks.


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # Slim's legacy layers warn.
@pytest.mark.parametrize(
    ("model", "build", "scope", "side"),
    [
        ("alexnet_v2", alexnet.alexnet_v2, alexnet.alexnet_v2_arg_scope, 224),
        ("overfeat", overfeat.overfeat, overfeat.overfeat_arg_scope, 231),
    ],
)
def test_every_layer_equals_the_end_point_of_slims_own_network(
    model: str, build: Any, scope: Any, side: int
) -> None:
    weights = stacked.weights(model)
    photo = np.random.default_rng(4).uniform(0, 255, (1, side, side, 3)).astype(np.float32)
    layers = [*stacks.convolutions(model)]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        net = tf.constant(photo - np.array([123.68, 116.78, 103.94], np.float32))
        with slim.arg_scope(scope()):
            _, ends = build(net, is_training=False)
        # The fully connected layers stay without values, which their convolutions do not need.
        for variable in tf.compat.v1.global_variables():
            if variable.op.name in weights:
                variable.load(weights[variable.op.name], session)
        names = {layer: f"{model}/{layer.replace('relu', 'conv')}" for layer in layers}
        expected = session.run({layer: ends[name] for layer, name in names.items()})
    network = loss_network.LossNetwork(weights, layers, model=model)
    found = network(tf.constant(photo), layers)
    # Slim pads some layers with zeros, which reach that many positions far.
    reach = {"alexnet_v2": (0, 2, 2, 3, 4), "overfeat": (0, 0, 1, 2, 3)}[model]
    for layer, cells in zip(layers, reach, strict=True):
        assert found[layer].shape == expected[layer].shape
        inner = np.s_[:, cells:-cells, cells:-cells] if cells else np.s_[:]
        largest = expected[layer][inner].max()
        assert largest > 0
        np.testing.assert_allclose(
            found[layer][inner],
            expected[layer][inner],
            rtol=1e-4,
            atol=1e-4 * largest,
            err_msg=layer,
        )


def convolved(net: tf.Tensor, weights: dict[str, np.ndarray], scope: str) -> tf.Tensor:
    """A convolution of 5 x 5 with repeated edges and a ReLU, in plain operations."""
    padded = tf.pad(net, [(0, 0), (2, 2), (2, 2), (0, 0)], "SYMMETRIC")
    kernels, biases = weights[f"{scope}/weights"], weights[f"{scope}/biases"]
    return tf.nn.relu(tf.nn.conv2d(padded, kernels, 1, "VALID") + biases)


def test_lenet_sees_the_brightness_from_minus_1_to_1() -> None:
    weights = stacked.weights("lenet", inputs=1)
    network = loss_network.LossNetwork(weights, ["relu1", "relu2"], model="lenet")
    photo = np.random.default_rng(5).uniform(0, 255, (2, 28, 31, 3)).astype(np.float32)
    found = network(tf.constant(photo), ["relu1", "relu2"])
    gray = (photo @ np.array([[0.2989], [0.587], [0.114]], np.float32) - 127.987) / 128
    first = convolved(tf.constant(gray), weights, "LeNet/conv1")
    second = convolved(tf.nn.max_pool2d(first, 2, 2, "VALID"), weights, "LeNet/conv2")
    np.testing.assert_allclose(found["relu1"], first, atol=2e-3)
    np.testing.assert_allclose(found["relu2"], second, atol=5e-3)


def test_cifarnet_sees_standardized_pictures_and_normalizes_locally() -> None:
    weights = stacked.weights("cifarnet")
    network = loss_network.LossNetwork(weights, ["relu2"], model="cifarnet")
    photo = np.random.default_rng(6).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    axes = (1, 2, 3)
    standard = (photo - photo.mean(axes, keepdims=True)) / photo.std(axes, keepdims=True)
    pooled = tf.nn.max_pool2d(
        convolved(tf.constant(standard), weights, "CifarNet/conv1"), 2, 2, "VALID"
    ).numpy()
    squares = np.pad(pooled**2, [(0, 0), (0, 0), (0, 0), (4, 4)])
    sums = sum(squares[..., shift : shift + 64] for shift in range(9))
    normalized = pooled / (1 + 0.001 / 9 * sums) ** 0.75
    expected = convolved(tf.constant(normalized), weights, "CifarNet/conv2")
    np.testing.assert_allclose(
        network(tf.constant(photo), ["relu2"])["relu2"], expected, rtol=1e-3, atol=1e-4
    )


def test_pictures_that_are_too_small_for_a_layer_raise_an_error() -> None:
    network = loss_network.LossNetwork(stacked.weights("alexnet_v2"), (), model="alexnet_v2")
    assert network(tf.zeros([1, 34, 34, 3]), ["relu1"])["relu1"].shape[1] == 6
    message = r"alexnet_v2: pictures of 40 x 34 px are too small for its layers relu5, .* 35 px"
    with pytest.raises(errors.UserError, match=message):
        network(tf.zeros([1, 34, 40, 3]), ["relu5"])


def test_a_checkpoint_of_another_shape_raises_an_error(tmp_path: Path) -> None:
    tensors = stacked.weights("lenet")
    tensors["LeNet/conv2/weights"] = np.zeros([3, 3, 32, 64], np.float32)
    checkpoint_file.write_checkpoint(tmp_path / "a.ckpt", tensors)
    message = r"a\.ckpt: LeNet/conv2/weights should be float32 \(5, 5, 32, 64\), found"
    with pytest.raises(errors.UserError, match=message):
        loss_network.load_weights(tmp_path / "a.ckpt", "lenet")
