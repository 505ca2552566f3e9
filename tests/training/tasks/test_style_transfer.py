"""The task of style transfer: a step of it, in one style and in several, and its validation."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fastnst import images
from fastnst.config import schema
from fastnst.losses import many_styles, perceptual, repetition, steadiness
from fastnst.nets import architectures, transform_net
from fastnst.training import engine, optimizers
from fastnst.training.tasks import style_transfer

ROOT = Path(__file__).resolve().parents[3]
PAINTINGS = ("candy", "wave", "mosaic")
TERMS = ("total", "content", "style", "tv")
TINY = architectures.Transform(width=4, residual_blocks=1)
Step = Callable[[Any], Any]


def make_task(
    objectives: dict[str, Any],
    *,
    optimizer: Any = None,
    photos: Any = (),
    shapes: architectures.Transform = TINY,
    **options: Any,
) -> style_transfer.StyleTransfer:
    rows = len(objectives) + options.get("identity", False)
    net, average = (transform_net.TransformNet(shapes, styles=rows) for _ in range(2))
    optimizer = optimizer or optimizers.make("adam", 1e-3, tables=[architectures.TABLE])
    return style_transfer.StyleTransfer(net, average, optimizer, objectives, photos, **options)


def compiled(task: style_transfer.StyleTransfer, folder: Path) -> Step:
    """Returns the step as the engine takes it, which counts the steps."""
    trainer = engine.Engine(task, folder, schema.Intervals())
    step = trainer.compile_step()

    def take(batch: Any) -> Any:
        metrics = step(batch)
        trainer.state.step.assign_add(1)
        return metrics

    return take


@pytest.fixture(scope="module")
def batch(photo: Callable[..., np.ndarray]) -> tf.Tensor:
    return tf.constant(np.stack([photo(32, 32, seed) for seed in (1, 2)]), tf.float32)


def test_jitter_shifts_all_pictures_alike_and_mirrors_them_beyond_their_borders() -> None:
    random = np.random.default_rng(0)
    one, two = (random.uniform(0, 255, (2, 40, 48, 3)).astype(np.float32) for _ in range(2))
    # A quarter of the shorter side is less than 16 pixels.
    margins = ((0, 0), (10, 10), (10, 10), (0, 0))
    padded = [np.pad(each, margins, "reflect") for each in (one, two)]
    offsets = set()
    for step in range(40):
        at = tf.constant(step, tf.int64)
        shifted = style_transfer.jitter(at, tf.constant(one), tf.constant(two))
        np.testing.assert_array_equal(shifted[0], style_transfer.jitter(at, tf.constant(one))[0])
        assert shifted[0].shape == one.shape
        (offset,) = (
            (top, left)
            for top in range(21)
            for left in range(21)
            if np.array_equal(padded[0][:, top : top + 40, left : left + 48], shifted[0])
        )
        top, left = offset
        np.testing.assert_array_equal(padded[1][:, top : top + 40, left : left + 48], shifted[1])
        offsets.add(offset)
    assert len(offsets) > 30
    assert {0, 20} <= {top for top, _ in offsets} | {left for _, left in offsets}
    large = tf.random.uniform([1, 200, 200, 3])
    for step in range(8):
        (shifted_large,) = style_transfer.jitter(tf.constant(step, tf.int64), large)
        # A pixel in the middle moves by at most 16.
        middle = np.asarray(large)[0, 100, 100]
        rows, columns = np.nonzero((np.asarray(shifted_large)[0] == middle).all(axis=-1))
        assert abs(rows[0] - 100) <= 16 and abs(columns[0] - 100) <= 16


# One style.

Single = tuple[style_transfer.StyleTransfer, Step]


@pytest.fixture(scope="module")
def single(
    objective: perceptual.PerceptualLoss, tmp_path_factory: pytest.TempPathFactory
) -> Single:
    """A tiny network of one style in training."""
    task = make_task({"tiny": objective}, decay=0.15)
    return task, compiled(task, tmp_path_factory.mktemp("single"))


def test_the_average_follows_the_weights_faster_at_first(single: Single, batch: tf.Tensor) -> None:
    task, step = single
    expected = task.average.tensors()["conv1/kernel"]
    for done in (1, 2, 3):
        step(batch)
        weight = min(0.15, (1 + done) / (10 + done))
        expected = weight * expected + (1 - weight) * task.net.tensors()["conv1/kernel"]
        found = task.average.tensors()["conv1/kernel"]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    assert not np.array_equal(found, task.net.tensors()["conv1/kernel"])


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_without_decay_the_average_is_the_network(
    objective: perceptual.PerceptualLoss, decay: float
) -> None:
    task = make_task({"tiny": objective}, decay=decay)
    task.net.conv1.kernel.assign_add(tf.ones_like(task.net.conv1.kernel))
    task.after_step(tf.constant(1000, tf.int64))
    moved = 1.0 - decay
    before = transform_net.TransformNet(TINY).tensors()
    for name, values in task.average.tensors().items():
        added = moved if name == "conv1/kernel" else 0.0
        np.testing.assert_allclose(values, before[name] + added, atol=1e-6, err_msg=name)


def test_a_step_reaches_every_variable_and_reports_every_term(
    single: Single, batch: tf.Tensor
) -> None:
    task, step = single
    before, steps = task.net.tensors(), int(task.kept()["optimizer"].iterations)
    terms = step(batch)
    after = task.net.tensors()
    assert len(after) == len(task.variables)
    changed = {name: before[name] != after[name] for name in after}
    # All entries of the row too.
    assert [name for name, different in changed.items() if not different.any()] == []
    parts = task.net.layout.split(tf.constant(changed["styles"][0]))
    assert [name for name, different in parts.items() if not different.numpy().any()] == []
    assert int(task.kept()["optimizer"].iterations) == steps + 1
    assert set(terms) == {
        *("learning_rate", *TERMS, "unweighted/content", "unweighted/style", "unweighted/tv"),
        *("layers/content/relu2_2", "layers/style/relu1_2", "layers/style/relu2_2"),
    }
    assert float(terms["learning_rate"]) == pytest.approx(1e-3)
    total = sum(float(terms[name]) for name in ("content", "style", "tv"))
    assert float(terms["total"]) == pytest.approx(total, rel=1e-5)


def test_all_further_terms_are_part_of_the_total(
    objective: perceptual.PerceptualLoss, batch: tf.Tensor, tmp_path: Path
) -> None:
    task = make_task({"tiny": objective}, scales=2, steady=3.0, wallpaper=2.0)
    content, seen = style_transfer.jitter(tf.constant(0, tf.int64), batch, task.net(batch))
    half = [tf.nn.avg_pool2d(each, 2, 2, "VALID") for each in (content, seen)]
    _, of_half = objective(*half)
    change = steadiness.unsteadiness(task.net, batch, task.net(batch), tf.constant(0, tf.int64))
    terms = compiled(task, tmp_path)(batch)
    coarse = float(of_half["style"] + 0.3 * of_half["content"])
    assert float(terms["coarse"]) == pytest.approx(coarse, rel=1e-3)
    assert float(terms["steady"]) == pytest.approx(3.0 * float(change), rel=1e-3)
    repeating = repetition.wallpaper(content, seen)
    assert float(terms["wallpaper"]) == pytest.approx(2.0 * float(repeating), rel=1e-3)
    names = ("content", "style", "tv", "coarse", "steady", "wallpaper")
    assert float(terms["total"]) == pytest.approx(sum(float(terms[name]) for name in names), 1e-5)


def test_steps_lower_the_objective(single: Single, batch: tf.Tensor) -> None:
    _, step = single
    totals = [float(step(batch)["total"]) for _ in range(30)]
    assert totals[-1] < 0.95 * totals[0]


def test_the_metrics_of_one_style_are_its_terms_and_nothing_is_prefixed(single: Single) -> None:
    assert single[0].metric_names == TERMS


class Painter:
    """Stands for a network: its rows are numbers, which it adds to the negative."""

    def __init__(self, *rows: float) -> None:
        self.table = tf.constant(rows)
        self.trainable_variables: list[tf.Variable] = []

    def __call__(self, photo: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        return 255.0 - photo + row


def judge_brightness(content: tf.Tensor, stylized: tf.Tensor) -> Any:
    terms = dict.fromkeys(("style", "tv"), tf.constant(1.0))
    terms |= {"total": tf.reduce_mean(stylized), "content": tf.reduce_mean(content)}
    return terms["total"], terms | {"layers/content/x": tf.constant(4.0)}


PHOTOS = [np.full((20, 30, 3), 55, np.uint8), np.full((16, 18, 3), 155, np.uint8)]


def test_the_validation_judges_each_photo_as_it_is_and_returns_the_means() -> None:
    painter: Any = Painter(0.0)
    objectives: Any = {"tiny": judge_brightness}
    optimizer = tf.keras.optimizers.Adam()
    task = style_transfer.StyleTransfer(
        types.SimpleNamespace(trainable_variables=[]),  # type: ignore[arg-type]
        painter,
        optimizer,
        objectives,
        PHOTOS,
    )
    judgement = task.validate()
    # Means of 255 - 55 and 255 - 155, and of 55 and 155: each photo counts the same.
    assert judgement.metrics == {
        **{"total": 150.0, "content": 105.0, "style": 1.0, "tv": 1.0},
        "layers/content/x": 4.0,
    }
    assert len(judgement.inputs) == 2
    (stylized,) = judgement.outputs.values()
    assert [*judgement.outputs] == ["tiny"]
    assert [picture.shape for picture in stylized] == [(20, 30, 3), (16, 18, 3)]
    assert stylized[0].dtype == np.uint8 and stylized[0].max() == 200


def test_the_validation_of_several_styles_has_the_means_of_all_and_of_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(many_styles, "ManyStyles", lambda styles, identity: None)
    painter: Any = Painter(0.0, -50.0, 9.0)
    objectives: Any = {"one": judge_brightness, "two": judge_brightness}
    task = style_transfer.StyleTransfer(
        painter, painter, tf.keras.optimizers.Adam(), objectives, PHOTOS, identity=True
    )
    judgement = task.validate()
    assert task.metric_names == (
        *TERMS,
        *(f"{name}/{term}" for name in ("one", "two") for term in TERMS),
    )
    totals = {name: judgement.metrics[name] for name in task.metric_names if "total" in name}
    # The mean of all is the geometric one.
    assert totals == pytest.approx(
        {"total": 15000.0**0.5, "one/total": 150.0, "two/total": 100.0}, rel=1e-6
    )
    assert set(task.metric_names) < set(judgement.metrics)
    # The row that reproduces the photo is no style.
    assert [*judgement.outputs] == ["one", "two"]
    levels = [[int(picture.max()) for picture in row] for row in judgement.outputs.values()]
    assert levels == [[200, 100], [150, 50]]


def test_a_network_that_returns_nan_is_left_to_the_engine() -> None:
    painter: Any = Painter(np.nan)
    objectives: Any = {"tiny": judge_brightness}
    task = style_transfer.StyleTransfer(
        painter, painter, tf.keras.optimizers.Adam(), objectives, PHOTOS
    )
    assert np.isnan(task.validate().metrics["total"])


def test_a_task_knows_its_precision_and_its_paintings(objective: Any) -> None:
    painting = np.zeros([2, 2, 3], np.uint8)
    task = make_task({"tiny": objective}, paintings={"tiny": painting})
    assert task.about() == {"precision": "float32"}
    assert task.references()["tiny"] is painting


# Several styles.


@pytest.fixture(scope="module")
def objectives(objective: perceptual.PerceptualLoss) -> dict[str, perceptual.PerceptualLoss]:
    """Three styles, of different weights."""
    return {
        name: perceptual.PerceptualLoss(
            objective.network,
            images.read(ROOT / f"img/{name}.jpg", 32),
            perceptual.Weights(
                1.0, weight, 0.1, objective.weights.content_layers, objective.weights.style_layers
            ),
        )
        for name, weight in zip(PAINTINGS, (8.0, 2.0, 30.0), strict=True)
    }


@pytest.mark.parametrize(
    ("styles", "identity", "cycle"),
    [
        (3, True, [0, 1, 2, 0, 1, 2, 0, 1, 2, 3]),
        (3, False, [0, 1, 2]),
        (1, True, [0, 0, 0, 0, 0, 0, 0, 1]),
        (9, True, [*range(9), 9]),
    ],
)
def test_styles_take_turns_and_the_photo_takes_one_of_at_least_eight(
    styles: int, identity: bool, cycle: list[int]
) -> None:
    assert style_transfer._turns(styles, identity).tolist() == cycle


def test_each_step_changes_the_kernels_and_only_the_row_of_its_turn(
    objectives: dict[str, perceptual.PerceptualLoss], batch: tf.Tensor, tmp_path: Path
) -> None:
    task = make_task(dict(objectives), identity=True, decay=0.5)
    step = compiled(task, tmp_path)
    untrained = task.net.tensors()
    for turn in (0, 1, 2, 0, 1, 2, 0, 1, 2, 3, 0):
        before = task.net.tensors()
        terms = step(batch)
        after = task.net.tensors()
        rows = (before["styles"] != after["styles"]).any(axis=1)
        assert rows.tolist() == [row == turn for row in range(4)]
        same = [name for name in after if np.array_equal(before[name], after[name])]
        assert same == []
        assert set(terms) == {"learning_rate", *TERMS, "pixels"}
        # The photo's own row knows neither style nor noise, and no style counts pixels.
        assert (float(terms["pixels"]) > 0) == (turn == 3) == (float(terms["style"]) == 0)
    assert (untrained["styles"] != task.net.tensors()["styles"]).any(axis=1).all()
    # The average follows, in all its rows.
    assert (untrained["styles"] != task.average.tensors()["styles"]).any(axis=1).all()


def test_xla_compiles_one_step_for_all_shifts_and_styles(
    objectives: dict[str, perceptual.PerceptualLoss], batch: tf.Tensor
) -> None:
    task = make_task(dict(objectives), identity=True)
    step = tf.function(task.step, autograph=False, jit_compile=True)
    # A number that XLA must know to compile would be in the program.
    programs = [
        step.experimental_get_compiler_ir(batch, tf.constant(number, tf.int64))(stage="hlo")
        for number in (1, 9)
    ]
    assert programs[0] == programs[1]


def test_each_style_is_judged_by_its_own_objective(
    objectives: dict[str, perceptual.PerceptualLoss], photo: Callable[..., np.ndarray]
) -> None:
    task = make_task(dict(objectives), identity=True, photos=[photo(40, 32, 1), photo(33, 36, 2)])
    random = np.random.default_rng(0)
    table = task.average.table
    table.assign(table + random.normal(size=table.shape).astype(np.float32) * 0.3)
    judgement = task.validate()
    for index, (name, own) in enumerate(objectives.items()):
        totals = []
        for number, pixels in enumerate(judgement.inputs):
            content = tf.constant(pixels[np.newaxis], tf.float32)
            stylized = task.average(content, task.average.table[index])
            totals.append(float(own(content, stylized)[0]))
            np.testing.assert_array_equal(
                images.to_uint8(stylized.numpy()[0]), judgement.outputs[name][number]
            )
        assert judgement.metrics[f"{name}/total"] == pytest.approx(np.mean(totals), rel=1e-5)
    each = [judgement.metrics[f"{name}/total"] for name in PAINTINGS]
    assert judgement.metrics["total"] == pytest.approx(np.exp(np.mean(np.log(each))))


def test_styles_count_alike_however_large_their_objectives(
    objectives: dict[str, perceptual.PerceptualLoss], batch: tf.Tensor
) -> None:
    def gradient(factor: float) -> np.ndarray:
        """Trains the first style by gradient descent; returns how far its row moves."""
        own = objectives["candy"]
        weights = perceptual.Weights(
            1.0 * factor,
            8.0 * factor,
            0.1 * factor,
            own.weights.content_layers,
            own.weights.style_layers,
        )
        scaled = perceptual.PerceptualLoss(
            own.network, images.read(ROOT / "img/candy.jpg", 32), weights
        )
        task = make_task(
            {"candy": scaled, "wave": objectives["wave"]}, optimizer=tf.keras.optimizers.SGD(1.0)
        )
        before = task.net.tensors()["styles"][0]
        task.step(batch, tf.constant(0, tf.int64))
        return task.net.tensors()["styles"][0] - before

    once, tenfold = gradient(1.0), gradient(10.0)
    np.testing.assert_allclose(tenfold, once, rtol=1e-3, atol=1e-4 * np.abs(once).max())


def test_the_row_that_reproduces_the_photo_keeps_its_mean_color(
    objectives: dict[str, perceptual.PerceptualLoss], photo: Callable[..., np.ndarray]
) -> None:
    task = make_task(dict(objectives), identity=True)
    picture = tf.constant(photo(32, 32, 4)[np.newaxis], tf.float32)
    found = {}
    for row, index in (("style", 2), ("photo", 3)):
        style = tf.constant(index)
        stylized = task.net(picture, task.net.table[style], task._keep(style))
        found[row] = np.abs(tf.reduce_mean(stylized - picture, axis=[0, 1, 2])).max()
    # Without training: the style's pictures are grey on average.
    assert found["photo"] < 6 < 20 < found["style"]
    assert make_task(dict(objectives))._keep(tf.constant(0)) is None
