"""Checkpoints of the release that kept each scale and shift in a variable of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors
from fastnst.nets import architectures, transform_net
from fastnst.training import checkpoints, optimizers
from fastnst.training import state as state_module
from fastnst.training.tasks import style_transfer

BLOCKS = 11
SHAPES = architectures.Transform(width=4, residual_blocks=BLOCKS)
# The old network's variables, in its own order: residuals/10 comes after residuals/9.
NAMES = [
    *(f"conv{number}/kernel" for number in (1, 2, 3, 4)),
    *(f"norm{number}/{what}" for number in (1, 2, 3, 4, 5, 6) for what in ("scale", "shift")),
    *(
        f"residuals/{block}/{what}"
        for block in range(BLOCKS)
        for what in (
            *("conv1/kernel", "conv2/kernel"),
            *("norm1/scale", "norm1/shift", "norm2/scale", "norm2/shift"),
        )
    ),
    *("skip1/scale", "skip2/scale", "upsample1/kernel", "upsample2/kernel"),
]
OPTIMIZERS = {"adam": tf.keras.optimizers.Adam, "muon": optimizers.Muon}


def old_shapes() -> dict[str, list[int]]:
    kernels = transform_net.TransformNet(SHAPES).tensors()
    entries = {entry.name: [entry.size] for entry in SHAPES.layout().entries}
    found = {name: list(kernels[name].shape) for name in NAMES if name in kernels} | entries
    assert set(found) == set(NAMES)
    return found


class Old:
    """A run of the earlier release, after some steps."""

    def __init__(self, kind: str) -> None:
        self.random = np.random.default_rng(0)
        shapes = old_shapes()
        self.net, self.average = (
            {name: tf.Variable(self.draw(shapes[name])) for name in NAMES} for _ in range(2)
        )
        # The learning rate was always a schedule, which is none of the optimizer's variables.
        self.optimizer = OPTIMIZERS[kind](tf.keras.optimizers.schedules.CosineDecay(0.01, 100))
        self.optimizer.build([self.net[name] for name in NAMES])
        for _ in range(2):
            self.step(self.draw_gradients())

    def draw(self, shape: Any) -> np.ndarray:
        return self.random.normal(size=shape).astype(np.float32)

    def draw_gradients(self) -> dict[str, np.ndarray]:
        return {name: self.draw(self.net[name].shape) for name in NAMES}

    def step(self, gradients: dict[str, np.ndarray]) -> None:
        self.optimizer.apply_gradients(
            [(tf.constant(gradients[name]), self.net[name]) for name in NAMES]
        )

    def save(self, folder: Path, step: int = 7) -> None:
        checkpoint = tf.train.Checkpoint(
            net=self.net,
            average=self.average,
            optimizer=self.optimizer,
            loss_scale=tf.Variable(0.25),
            step=tf.Variable(step, dtype=tf.int64),
            position=tf.Variable(30, dtype=tf.int64),
            best_loss=tf.Variable(1.5),
        )
        manager = tf.train.CheckpointManager(checkpoint, str(folder), 5, checkpoint_name="step")
        manager.save(checkpoint_number=step)


@pytest.fixture(scope="module")
def old() -> Old:
    """A run with Adam; not to be stepped."""
    return Old("adam")


class New:
    """A run of today, before its first step."""

    def __init__(
        self, kind: str = "adam", shapes: Any = SHAPES, dtype: tf.DType = tf.float32
    ) -> None:
        self.net, self.average = (transform_net.TransformNet(shapes, seed=5) for _ in range(2))
        optimizer = optimizers.make(
            kind, 0.01, schedule="cosine", last_step=100, dtype=dtype, tables=[architectures.TABLE]
        )
        # Nothing here looks at the objective.
        objectives: Any = {"tiny": None}
        self.task = style_transfer.StyleTransfer(self.net, self.average, optimizer, objectives, [])
        self.optimizer = getattr(optimizer, "inner_optimizer", optimizer)

    def moments(self) -> list[dict[str, np.ndarray]]:
        """Returns the first and the second moments, by the name of the variable."""
        variables = self.net.named_variables().items()
        index = self.optimizer._get_variable_index
        return [
            {name: moments[index(variable)].numpy() for name, variable in variables}
            for moments in (self.optimizer._momentums, self.optimizer._velocities)
        ]


def packed(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Moves scales, shifts and skips into a table of one row."""
    row = np.concatenate([values[entry.name] for entry in SHAPES.layout().entries])
    kernels = {name: values[name] for name in NAMES if name.endswith("/kernel")}
    return kernels | {"styles": row[np.newaxis]}


def assert_equal(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].tobytes() == values.tobytes(), name


def numbers(variables: dict[str, tf.Variable]) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in variables.items()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_run_of_the_earlier_release_resumes_bit_for_bit(tmp_path: Path, kind: str) -> None:
    old, new = Old(kind), New(kind)
    for folder in (tmp_path, tmp_path / "best"):
        old.save(folder)
    counters = state_module.State.new()
    checkpointer = checkpoints.Checkpointer(tmp_path, new.task, counters, keep=2)
    assert checkpointer.restore(pytest.fail) == 7
    assert [float(value) for value in counters.kept().values()] == [7, 30, 1.5]
    assert float(new.task.kept()["loss_scale"]) == 0.25
    assert int(new.optimizer.iterations) == 2
    assert_equal(new.net.tensors(), packed(numbers(old.net)))
    assert_equal(new.average.tensors(), packed(numbers(old.average)))
    slots = (old.optimizer._momentums, old.optimizer._velocities)
    for found, moments in zip(new.moments(), slots, strict=True):
        by_name = {name: slot.numpy() for name, slot in zip(NAMES, moments, strict=True)}
        assert_equal(found, packed(by_name))

    gradients = old.draw_gradients()
    old.step(gradients)
    of_new = packed(gradients)
    new.optimizer.apply_gradients(
        [(tf.constant(of_new[name]), each) for name, each in new.net.named_variables().items()]
    )
    assert_equal(new.net.tensors(), packed(numbers(old.net)))

    # From here on, the checkpoints are of today.
    path = checkpointer.save()
    again = New(kind)
    assert not again.task.restore_older(path)
    assert_equal(again.net.tensors(), New(kind).net.tensors())
    checkpoints.Checkpointer(tmp_path, again.task, counters, keep=2).restore(pytest.fail)
    assert_equal(again.net.tensors(), new.net.tensors())


def test_the_loss_scale_of_float16_is_restored(tmp_path: Path, old: Old) -> None:
    old.save(tmp_path)
    new = New(dtype=tf.float16)
    assert new.task.restore_older(str(tmp_path / "step-7"))
    assert float(new.task._optimizer.dynamic_scale) == 0.25
    assert int(new.optimizer.iterations) == 2


@pytest.mark.parametrize("change", [{"residual_blocks": 12}, {"width": 8}, {"skips": False}])
def test_an_earlier_release_of_another_architecture_is_refused(
    tmp_path: Path, old: Old, change: dict[str, Any]
) -> None:
    old.save(tmp_path)
    shapes = architectures.Transform(**{"width": 4, "residual_blocks": BLOCKS} | change)
    new = New(shapes=shapes)
    checkpointer = checkpoints.Checkpointer(tmp_path, new.task, state_module.State.new(), keep=2)
    with pytest.raises(errors.UserError, match=r"step-7: cannot resume .* another architecture"):
        checkpointer.restore(pytest.fail)


def test_a_damaged_checkpoint_of_the_earlier_release_is_skipped(tmp_path: Path, old: Old) -> None:
    old.save(tmp_path, 6)
    old.save(tmp_path, 7)
    data = tmp_path / "step-7.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    said: list[str] = []
    new = New()
    checkpoints.Checkpointer(tmp_path, new.task, state_module.State.new(), 2).restore(said.append)
    assert len(said) == 1 and said[0].startswith(f"{tmp_path / 'step-7'}: is damaged")
    assert_equal(new.net.tensors(), packed(numbers(old.net)))


def test_a_checkpoint_of_anything_else_is_left_to_others(tmp_path: Path) -> None:
    tf.train.Checkpoint(weight=tf.Variable(1.0)).write(str(tmp_path / "other"))
    assert not New().task.restore_older(str(tmp_path / "other"))
