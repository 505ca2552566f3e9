"""The task of translating between two domains: a step, its validation, and its exact resume."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import runs
import tensorflow as tf

from fastnst import checkpoint_file
from fastnst.config import schema
from fastnst.data import feed
from fastnst.features import loss_network
from fastnst.losses import patch_distance
from fastnst.models import restore
from fastnst.nets import architectures, network, patch_discriminator, transform_net, unet
from fastnst.training import engine, optimizers
from fastnst.training.tasks import cyclegan, history

ROOT = Path(__file__).resolve().parents[3]
TINY = architectures.Transform(width=4, residual_blocks=0, output_norm=False)
SIDE = 24
_RANDOM = np.random.default_rng(0)
_WEIGHTS = cyclegan.Weights()
PHOTOS = [_RANDOM.integers(0, 256, (SIDE, 30, 3)).astype(np.uint8) for _ in range(2)]
# Darker than the photos.
PAINTINGS = [_RANDOM.integers(0, 128, (SIDE, SIDE, 3)).astype(np.float32) for _ in range(3)]


@pytest.fixture(scope="module")
def patches() -> patch_distance.Patches:
    """Patches by the first layer of the loss network."""
    weights = loss_network.load_weights(ROOT / "pretrained" / "vgg_16.ckpt")
    return patch_distance.Patches(loss_network.LossNetwork(weights, ["relu1_1"]), "relu1_1")


def make_task(
    patches: patch_distance.Patches,
    make: Callable[[int], network.Network] = lambda seed: transform_net.TransformNet(
        TINY, seed=seed
    ),
    weights: cyclegan.Weights = _WEIGHTS,
    capacity: int = 3,
    decay: float = 0.9,
) -> cyclegan.CycleGan:
    def translator(seed: int) -> cyclegan.Translator:
        judge = patch_discriminator.PatchDiscriminator(width=2, seed=seed)
        return cyclegan.Translator(make(seed), make(seed), judge, history.History(capacity, SIDE))

    return cyclegan.CycleGan(
        translator(1),
        translator(2),
        (optimizers.make("adam", 1e-2, beta=0.5), optimizers.make("adam", 1e-2, beta=0.5)),
        weights,
        patches,
        PHOTOS,
        PAINTINGS,
        decay=decay,
    )


def batch(seed: int, count: int = 2) -> tuple[tf.Tensor, tf.Tensor]:
    """Photos, and paintings that are darker."""
    random = np.random.default_rng(seed)
    photos, paintings = (
        random.integers(0, most, (count, SIDE, SIDE, 3)).astype(np.float32) for most in (256, 128)
    )
    return tf.constant(photos), tf.constant(paintings)


def state(task: cyclegan.CycleGan) -> dict[str, np.ndarray]:
    """All that a checkpoint holds, by path."""
    found: dict[str, np.ndarray] = {}

    def collect(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for name, each in value.items():
                collect(f"{path}/{name}", each)
        elif isinstance(value, tf.keras.optimizers.Optimizer):
            for number, each in enumerate(value.variables):
                found[f"{path}/{number}"] = each.numpy()
        else:
            found[path] = value.numpy()

    collect("", task.kept())
    return found


@pytest.fixture(scope="module")
def trained(
    patches: patch_distance.Patches, tmp_path_factory: pytest.TempPathFactory
) -> tuple[cyclegan.CycleGan, list[dict[str, np.ndarray]], Any]:
    """A task, its state before and after a step, and the step's metrics."""
    task = make_task(patches)
    trainer = engine.Engine(task, tmp_path_factory.mktemp("run"), schema.Intervals())
    before = state(task)
    metrics = trainer.compile_step()(batch(0))
    return task, [before, state(task)], {name: float(each) for name, each in metrics.items()}


def test_a_step_trains_all_four_networks_and_fills_both_histories(trained: Any) -> None:
    _, (before, after), _ = trained
    same = {name for name in before if np.array_equal(before[name], after[name])}
    # Learning rates do not change; everything else does.
    assert not {name for name in same if "optimizer" not in name}
    for path in ("", "/back"):
        assert after[f"{path}/history/count"] == 2
        assert after[f"{path}/net/conv1/kernel"].shape == (9, 9, 3, 4)
        # The average follows.
        changed = after[f"{path}/net/conv1/kernel"] - before[f"{path}/net/conv1/kernel"]
        followed = after[f"{path}/average/conv1/kernel"] - before[f"{path}/average/conv1/kernel"]
        np.testing.assert_allclose(followed, (1 - 2 / 11) * changed, atol=1e-6)


def test_the_losses_are_those_of_both_directions(trained: Any) -> None:
    _, _, metrics = trained
    assert metrics["learning_rate"] == pytest.approx(0.01)
    assert metrics["discriminator"] == pytest.approx(
        metrics["discriminator/paintings"] + metrics["discriminator/photos"]
    )
    # New discriminators return about 0: log 2 for each direction.
    assert metrics["adversarial"] == pytest.approx(2 * np.log(2), abs=0.01)
    assert metrics["discriminator"] == pytest.approx(2 * np.log(2), abs=0.01)
    assert 0 < metrics["cycle"] < 4 and 0 < metrics["identity"] < 4


class Shift(network.Network):
    """Adds a number to all levels."""

    def __init__(self, levels: float) -> None:
        super().__init__(architectures.Listed(()).layout(), 1)
        self.added = tf.Variable(levels, name="added")

    def __call__(self, images: tf.Tensor, row: Any = None, keep: Any = None) -> tf.Tensor:
        # Without the empty table, it would have no gradient.
        return images + self.added + tf.reduce_sum(self.table)


def test_cycle_and_identity_are_weighed_as_derived_by_hand(
    patches: patch_distance.Patches,
) -> None:
    # The painter darkens by 40 levels, the photographer by 10: there and back, both lose 50.
    weights = cyclegan.Weights(cycle=10.0, identity=5.0)
    task = make_task(patches, lambda seed: Shift({1: -40.0, 2: -10.0}[seed]), weights)
    metrics = task.step(batch(1), tf.constant(0, tf.int64))
    assert float(metrics["cycle"]) == pytest.approx(2 * 50 / 127.5)
    assert float(metrics["identity"]) == pytest.approx((40 + 10) / 127.5)
    # Both losses pull towards 0, and Adam's first step is as long as the rate.
    assert float(task.painter.net.added) == pytest.approx(-40 + 0.01, abs=1e-4)
    assert float(task.photographer.net.added) == pytest.approx(-10 + 0.01, abs=1e-4)


def test_without_an_identity_loss_nothing_is_translated_into_its_own_domain(
    patches: patch_distance.Patches,
) -> None:
    task = make_task(patches, lambda seed: Shift(1.0), cyclegan.Weights(identity=0.0))
    assert float(task.step(batch(1), tf.constant(0, tf.int64))["identity"]) == 0.0


def test_the_validation_measures_patches_and_shows_both_ways(
    patches: patch_distance.Patches,
) -> None:
    task = make_task(patches, lambda seed: Shift({1: -40.0, 2: -10.0}[seed]))
    judged = task.validate()
    photos = judged.inputs
    expected = patch_distance.relative(
        patches([photo - np.float32(40.0) for photo in photos]), patches(PAINTINGS)
    )
    assert judged.metrics["patch_fid"] == pytest.approx(expected, rel=1e-4)
    assert judged.metrics["cycle"] == pytest.approx(50 / 127.5)
    assert judged.metrics["identity"] == pytest.approx(40 / 127.5)
    assert list(judged.samples) == [
        *("photo", "painting", "cycled", "domain", "photographed", "cycled_back")
    ]
    assert {len(row) for row in judged.samples.values()} == {2}
    np.testing.assert_array_equal(judged.samples["cycled"][0], np.maximum(photos[0], 50) - 50)
    np.testing.assert_array_equal(judged.outputs["painting"][1], judged.samples["painting"][1])
    assert set(judged.metrics) < set(task.metric_names) and task.metric_names[0] == "patch_fid"
    # Of dark paintings, the photos themselves are further away.
    assert task.about()["patch_fid_of_photos"] > judged.metrics["patch_fid"]


@pytest.mark.slow
def test_a_stopped_run_resumes_bit_for_bit(patches: patch_distance.Patches, tmp_path: Path) -> None:
    """With U-Nets; test_translation_plan.py does the same with transform nets."""
    shapes = architectures.UNet(width=2, depth=2)

    batches = feed.IterableFeed([batch(seed) for seed in range(4)])
    intervals = schema.Intervals(preview_every=100, checkpoint_every=100)

    def train(name: str, stop: int = 8) -> cyclegan.CycleGan:
        task = make_task(patches, lambda seed: unet.UNet(shapes, seed=seed))
        trainer = engine.Engine(task, tmp_path / name, intervals)
        trainer.restore(runs.ignore)
        trainer.train(batches, last_step=8, should_stop=lambda: int(trainer.state.step) == stop)
        return task

    whole = state(train("whole"))
    # The history is full after two steps, and pictures are exchanged in the others.
    train("parts", stop=5)
    resumed = state(train("parts"))
    assert whole.keys() == resumed.keys()
    for name, expected in whole.items():
        np.testing.assert_array_equal(resumed[name], expected, err_msg=name)
    # What stylizes is the painter's average.
    saved = restore.read_net(str(checkpoint_file.newest(tmp_path / "parts")))
    assert saved.keys() == whole_net(whole).keys()
    for name, expected in whole_net(whole).items():
        np.testing.assert_array_equal(saved[name], expected, err_msg=name)


def whole_net(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The painter's average in a state."""
    prefix = "/average/"
    return {name[len(prefix) :]: each for name, each in found.items() if name.startswith(prefix)}


@pytest.mark.slow
def test_the_history_decides_what_the_discriminator_sees(patches: patch_distance.Patches) -> None:
    """With the history emptied at each step, the discriminators learn something else."""
    kernels = []
    for capacity in (1, 0):
        task = make_task(patches, lambda seed: Shift(float(seed)), capacity=capacity)
        for step in range(6):
            task.step(batch(step), tf.constant(step, tf.int64))
        kernels.append(state(task)["/discriminator/conv1/kernel"])
    assert not np.array_equal(*kernels)
