"""The objectives of others, against their own formulas and the tables of docs/theory.md."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fastnst import checkpoint_file, config, errors
from fastnst.features import loss_network, vgg
from fastnst.losses import functional, presets

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "pretrained" / "vgg_16.ckpt"
FIRST = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CHANNELS = (64, 128, 256, 512, 512)
NONE = {"content": None, "style": None, "tv": None}
RANDOM = np.random.default_rng(0)


def features_of(layer: str, height: int, width: int) -> np.ndarray:
    """Random features of the layer's shape for an image of this size."""
    block = int(layer[4])
    shape = (1, height >> (block - 1), width >> (block - 1), CHANNELS[block - 1])
    return RANDOM.uniform(0, 3, shape).astype(np.float32)


def products(features: np.ndarray) -> np.ndarray:
    """F^T F, the unnormalized Gram matrix of Gatys et al."""
    flat = features.reshape(-1, features.shape[-1]).astype(np.float64)
    return flat.T @ flat


def target_of(features: np.ndarray) -> np.ndarray:
    return functional.gram_matrix(tf.constant(features)).numpy()


def test_the_content_losses_match_the_published_formulas() -> None:
    ours, theirs = RANDOM.uniform(0, 9, (2, 1, 6, 5, 4)).astype(np.float32)
    squares = float(np.sum((ours - theirs) ** 2))
    assert float(presets.half_square_content(ours, theirs)) == pytest.approx(squares / 2)
    assert float(presets.quarter_mean_content(ours, theirs)) == pytest.approx(squares / (4 * 120))


def test_the_style_losses_match_the_published_formulas() -> None:
    ours, theirs = RANDOM.uniform(0, 9, (2, 1, 6, 5, 4)).astype(np.float32)
    squares = float(np.sum((products(ours) - products(theirs)) ** 2))
    channels, positions = 4, 30
    gatys = squares / (4 * channels**2 * positions**2)
    area = tf.constant(9999)
    assert float(presets.quarter_style(ours, target_of(theirs), area)) == pytest.approx(gatys)
    # The mean over the entries, where the products are divided by the size of the features.
    stylenet = squares / (positions * channels) ** 2 / channels**2
    assert float(presets.mean_style(ours, target_of(theirs), area)) == pytest.approx(stylenet)


def test_the_losses_of_a_batch_are_the_mean_over_it() -> None:
    ours, theirs = RANDOM.uniform(0, 9, (2, 3, 6, 5, 4)).astype(np.float32)
    area = tf.constant(30)
    for name, variant in presets.VARIANTS.items():
        content = [
            float(variant.content_loss(ours[i : i + 1], theirs[i : i + 1])) for i in range(3)
        ]
        assert float(variant.content_loss(ours, theirs)) == pytest.approx(np.mean(content)), name
        target = target_of(theirs[:1])
        style = [float(variant.style_loss(ours[i : i + 1], target, area)) for i in range(3)]
        assert float(variant.style_loss(ours, target, area)) == pytest.approx(np.mean(style)), name


def test_the_variants_have_the_layers_and_ratios_of_their_sources() -> None:
    assert set(presets.VARIANTS) == {"johnson", "gatys", "cs20", "stylenet", "notes"}
    weights = {name: variant.weights for name, variant in presets.VARIANTS.items()}
    for name in ("gatys", "cs20", "stylenet", "notes"):
        assert tuple(weights[name].style_layers) == FIRST
    gatys, cs20, stylenet = weights["gatys"], weights["cs20"], weights["stylenet"]
    assert gatys.content_layers == cs20.content_layers == {"relu4_2": 1.0}
    assert gatys.content / gatys.style == 1e-3
    assert set(gatys.style_layers.values()) == {1 / 5}
    assert cs20.content / cs20.style == 1 / 20
    assert list(cs20.style_layers.values()) == [1, 2, 3, 4, 5]
    assert (stylenet.content, stylenet.style, stylenet.tv) == (5, 500, 2 * 100)
    assert stylenet.content_layers == {"relu4_2": 0.5, "relu5_2": 0.5}
    notes = weights["notes"]
    assert (notes.content, notes.style, notes.tv) == (7, 400, 0)
    assert notes.content_layers == {"relu4_1": 1.0}
    assert set(notes.style_layers.values()) == {1 / 5}
    pooling = {name: variant.pooling for name, variant in presets.VARIANTS.items()}
    assert pooling == {
        **{"johnson": "max", "gatys": "avg", "cs20": "avg", "stylenet": "max", "notes": "max"}
    }
    training = config.Style("img/candy.jpg")
    assert weights["johnson"].content_layers == training.content_layers
    assert weights["johnson"].style_layers == training.style_layers
    # The loss network that ships with the project is deep enough for this variant.
    layers = loss_network.load_weights(SHIPPED)
    loss_network.LossNetwork(
        layers, [*weights["johnson"].content_layers, *weights["johnson"].style_layers]
    )


# The tables of docs/theory.md.


def rows(first_cell_of_the_head: str) -> dict[str, list[float]]:
    """The numbers of a table, keyed by the first cell of each row."""
    text = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
    table = text[text.index(f"| {first_cell_of_the_head} |") :].partition("\n\n")[0]
    found = {}
    for line in table.splitlines()[2:]:
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        found[name.strip("`")] = [float(cell.replace(",", "")) for cell in cells]
    return found


@pytest.mark.parametrize(("height", "width"), [(256, 256), (64, 48)])
@pytest.mark.parametrize("name", presets.VARIANTS)
def test_the_documented_factors_convert_style_weights_to_those_of_training(
    name: str, height: int, width: int
) -> None:
    variant = presets.VARIANTS[name]
    factors = rows("style weight 1 in")[name]
    assert len(factors) == len(FIRST)
    for layer, factor in zip(FIRST, factors, strict=True):
        features, other = (features_of(layer, height, width) for _ in range(2))
        target, area = target_of(other), tf.constant(height * width)
        theirs = float(variant.style_loss(features, target, area))
        ours = float(functional.style_loss(features, target, area))
        assert theirs / ours == pytest.approx(factor, rel=1e-3), layer


@pytest.mark.parametrize("name", presets.VARIANTS)
def test_the_documented_factors_convert_content_weights_to_those_of_training(name: str) -> None:
    variant = presets.VARIANTS[name]
    factors = dict(zip(("relu4_2", "relu5_2"), rows("content weight 1 in")[name], strict=True))
    for layer, factor in factors.items():
        features, other = (features_of(layer, 256, 256) for _ in range(2))
        theirs = float(variant.content_loss(features, other))
        ours = float(functional.content_loss(features, other))
        assert theirs / ours == pytest.approx(factor, rel=1e-3), layer


def test_the_documented_effective_weights_of_each_variant_are_right() -> None:
    style, content = rows("style weight 1 in"), rows("content weight 1 in")
    for name, documented in rows("default weights of").items():
        weights = presets.VARIANTS[name].weights
        held = sum(
            weights.content * weight * factor
            for weight, factor in zip(
                (weights.content_layers.get(layer, 0.0) for layer in ("relu4_2", "relu5_2")),
                content[name],
                strict=True,
            )
        )
        pulled = [
            weights.style * weights.style_layers[layer] * factor
            for layer, factor in zip(FIRST, style[name], strict=True)
        ]
        assert [pull / held for pull in pulled] == pytest.approx(documented, rel=0.01), name


# Building an objective.


@pytest.fixture
def narrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A complete VGG16 with few channels, up to relu5_3."""
    blocks = ((2, 4), (2, 5), (3, 6), (3, 7), (3, 8))
    monkeypatch.setitem(vgg.MODELS, "vgg_16", blocks)
    tensors, inputs = {}, 3
    for layer in vgg.layers_of("vgg_16"):
        outputs = blocks[int(layer[4]) - 1][1]
        kernels = RANDOM.normal(0, (2 / (9 * inputs)) ** 0.5, (3, 3, inputs, outputs))
        tensors[vgg.variables("vgg_16", layer)[0]] = kernels.astype(np.float32)
        biases = np.zeros(outputs, np.float32)
        tensors[vgg.variables("vgg_16", layer)[1]] = biases
        inputs = outputs
    checkpoint_file.write_checkpoint(tmp_path / "vgg_16.ckpt", tensors)
    return tmp_path / "vgg_16.ckpt"


def picture(height: int, width: int) -> np.ndarray:
    return RANDOM.uniform(0, 255, (height, width, 3)).astype(np.float32)


def test_stylenet_equals_the_total_of_its_original_code(narrow: Path) -> None:
    content, style, stylized = (picture(48, 48) for _ in range(3))
    objective = presets.make_objective("stylenet", content, [(style, 1.0)], narrow, asked=NONE)
    weights = loss_network.load_weights(narrow)
    network = loss_network.LossNetwork(weights, vgg.layers_of("vgg_16"))

    def look(image: np.ndarray) -> dict[str, np.ndarray]:
        found = network(tf.constant(image[np.newaxis]), vgg.layers_of("vgg_16"))
        return {layer: feature.numpy().astype(np.float64) for layer, feature in found.items()}

    def l2_loss(array: np.ndarray) -> float:
        return float(np.sum(array**2)) / 2

    original, styles, image = look(content), look(style), look(stylized)
    total = 0.0
    for layer in ("relu4_2", "relu5_2"):
        difference = 2 * l2_loss(image[layer] - original[layer])
        total += 0.5 * 5.0 * difference / original[layer].size
    for layer in FIRST:
        expected = products(styles[layer]) / styles[layer].size
        gram = products(image[layer]) / image[layer].size
        total += 500.0 * 0.2 * 2 * l2_loss(gram - expected) / expected.size
    pixels = stylized.astype(np.float64)
    down, across = np.diff(pixels, axis=0), np.diff(pixels, axis=1)
    total += 100 * 2 * (l2_loss(down) / down.size + l2_loss(across) / across.size)
    batch = tf.constant(np.stack([content])), tf.constant(np.stack([stylized]))
    assert float(objective(*batch)[0]) == pytest.approx(total, rel=1e-3)


def test_notes_equals_the_total_of_its_original_code(narrow: Path) -> None:
    """With l2_loss, a loss_base of 2 M^2 N^2, and 128 subtracted from each channel."""
    content, style, stylized = (picture(48, 48) for _ in range(3))
    objective = presets.make_objective("notes", content, [(style, 1.0)], narrow, asked=NONE)
    weights = loss_network.load_weights(narrow)
    layers = vgg.layers_of("vgg_16")
    network = loss_network.LossNetwork(weights, layers, mean_rgb=(128, 128, 128))

    def look(image: np.ndarray) -> dict[str, np.ndarray]:
        found = network(tf.constant(image[np.newaxis]), layers)
        return {layer: feature.numpy().astype(np.float64) for layer, feature in found.items()}

    original, styles, image = look(content), look(style), look(stylized)
    kept = np.sum((image["relu4_1"] - original["relu4_1"]) ** 2) / 2
    pulled = 0.0
    for layer in FIRST:
        _, height, width, channels = image[layer].shape
        loss_base = (height * width) ** 2 * channels**2 * 2
        pulled += np.sum((products(image[layer]) - products(styles[layer])) ** 2) / 2 / loss_base
    total = 7.0 * kept + 400.0 * pulled / 5
    batch = tf.constant(np.stack([content])), tf.constant(np.stack([stylized]))
    assert float(objective(*batch)[0]) == pytest.approx(total, rel=1e-3)


def test_layers_and_normalization_replace_those_of_a_variant() -> None:
    variant = presets.make_variant(
        "gatys",
        content_layers={"relu2_2": 3.0},
        style_layers={"relu1_1": 1.0},
        normalization="stylenet",
    )
    own, other = presets.VARIANTS["gatys"], presets.VARIANTS["stylenet"]
    assert variant.weights == dataclasses.replace(
        own.weights, content_layers={"relu2_2": 3.0}, style_layers={"relu1_1": 1.0}
    )
    assert (variant.content_loss, variant.style_loss) == (other.content_loss, other.style_loss)
    assert (variant.pooling, variant.pull) == (own.pooling, own.pull)
    assert presets.make_variant("gatys") == own


@pytest.mark.parametrize("name", ["gatys", "cs20"])
def test_the_complete_network_has_the_layers_of_gatys_and_cs20(narrow: Path, name: str) -> None:
    content, style, stylized = (picture(32, 40) for _ in range(3))
    objective = presets.make_objective(name, content, [(style, 1.0)], narrow, asked=NONE)
    total, terms = objective(tf.constant(content[np.newaxis]), tf.constant(stylized[np.newaxis]))
    assert np.isfinite(float(total)) and float(terms["style"]) > 0
    assert {term for term in terms if term.startswith("layers/")} == {
        "layers/content/relu4_2",
        *(f"layers/style/{layer}" for layer in FIRST),
    }


def test_pooling_defaults_to_the_variants(narrow: Path) -> None:
    content, style = picture(32, 40), picture(32, 40)

    def total(**asked: str) -> float:
        objective = presets.make_objective(
            "gatys", content, [(style, 1.0)], narrow, asked=NONE, **asked
        )
        batch = tf.constant(content[np.newaxis])
        return float(objective(batch, batch)[0])

    assert total() == total(pooling="avg") != total(pooling="max")


def test_given_weights_replace_the_variants(narrow: Path) -> None:
    content, style = picture(32, 32), picture(32, 32)
    asked = {"content": 3.0, "style": 0.0, "tv": None}
    objective = presets.make_objective("gatys", content, [(style, 1.0)], narrow, asked=asked)
    own = presets.VARIANTS["gatys"].weights
    assert objective.weights == dataclasses.replace(own, content=3.0, style=0.0)


def test_johnsons_default_style_weight_depends_on_the_style(
    narrow: Path,
) -> None:
    content = picture(32, 32)
    for style in (picture(40, 32), np.full((32, 32, 3), 250, np.float32)):
        objective = presets.make_objective("johnson", content, [(style, 1.0)], narrow, asked=NONE)
        batch = tf.constant(content[np.newaxis])
        pulled = float(objective(batch, batch)[1]["style"])
        assert pulled == pytest.approx(presets.VARIANTS["johnson"].pull, rel=1e-4)
    asked = NONE | {"style": 7.0}
    objective = presets.make_objective("johnson", content, [(style, 1.0)], narrow, asked=asked)
    assert objective.weights.style == 7.0


def test_a_photo_in_its_own_style_has_a_finite_style_weight(narrow: Path) -> None:
    same = picture(32, 32)
    objective = presets.make_objective("johnson", same, [(same, 1.0)], narrow, asked=NONE)
    assert objective.weights.style == 5e6 / 1000


@pytest.mark.parametrize(("name", "layer"), [("gatys", "relu5_1"), ("stylenet", "relu5_2")])
def test_a_layer_missing_from_the_shipped_network_raises_an_error(name: str, layer: str) -> None:
    content = picture(32, 32)
    with pytest.raises(errors.UserError) as caught:
        presets.make_objective(name, content, [(content, 1.0)], SHIPPED, asked=NONE)
    assert str(caught.value) == (
        f"--variant {name}: layer {layer} is not in the loss network's file, which ends at "
        "relu4_3; fetch the whole network with `fastnst weights`, or choose shallower "
        "layers, such as those of --variant johnson"
    )


def test_weights_that_are_all_zero_raise_an_error() -> None:
    content = picture(32, 32)
    asked = {"content": 0.0, "style": 0.0, "tv": None}
    with pytest.raises(errors.UserError, match="all weights are 0"):
        presets.make_objective("johnson", content, [(content, 1.0)], SHIPPED, asked=asked)
