"""The optimizers: Adam and Muon, how both treat a table of rows, and SGD."""

from __future__ import annotations

import collections.abc
import math

import numpy as np
import tensorflow as tf

# The quintic iteration of the authors: it rises most steeply at 0 and stays near 1.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5
_MOMENTUM = 0.95
# Makes a step as long, per weight, as Adam's usually are (Liu et al. 2025).
_RMS = 0.2
# Scales and shifts learn best at several times the kernels' rate: docs/experiments.md.
_VECTORS = 4.0
# Gradients that this factor does not bring into the range of float16 are above 1e16.
_SMALLEST_SCALE = 2.0**-40
# Of SGD, by the names of its variants.
_MOMENTA = {"sgd": 0.0, "momentum": 0.9}


class Adam(tf.keras.optimizers.Adam):
    """Adam (Kingma and Ba 2014) that leaves alone the rows of a table that a batch does not use.

    Plain Adam would move every row at every step, by the momentum of earlier batches.

    Attributes:
        tables: Names of the variables [rows, columns] of which a batch uses some rows only.
    """

    # Frozen sets: TensorFlow would save lists and dictionaries of an optimizer in checkpoints.
    tables: frozenset[str] = frozenset()
    _indices: frozenset[int] = frozenset()

    def build(self, variables: collections.abc.Sequence[tf.Variable]) -> None:
        """Creates the moments; Keras calls it unless it is called before the first step."""
        super().build(variables)
        names = [variable.name.removesuffix(":0") for variable in variables]
        self._indices = frozenset(index for index, name in enumerate(names) if name in self.tables)

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Takes a step for one variable; Keras calls it."""
        if not self.is_table(variable) or variable.shape[0] == 1:
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        changed = (variable, self._momentums[index], self._velocities[index])
        before = [tf.identity(values) for values in changed]
        super().update_step(gradient, variable, learning_rate)
        used = tf.reduce_any(gradient != 0.0, axis=1, keepdims=True)
        for values, old in zip(changed, before, strict=True):
            self.assign(values, tf.where(used, values, old))

    def is_table(self, variable: tf.Variable) -> bool:
        """Returns whether a variable, or the part of it on one device, is one of `tables`."""
        # Not by its name, which is another on each device.
        return self._get_variable_index(variable) in self._indices


class Muon(Adam):
    """Muon for kernels (Jordan et al. 2024), Adam for everything else.

    A few directions dominate the gradient of a kernel. Muon replaces its momentum, as a matrix of
    inputs by outputs, by the nearest orthogonal matrix, so that a step goes as far in the weak
    directions as in the strong ones. Kernels from or to RGB, vectors and tables have few directions
    and are left to Adam, vectors and tables at four times the learning rate.

    Example:
        >>> optimizer = Muon(learning_rate=3e-3)
    """

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Takes a step for one variable; Keras calls it."""
        if self.is_table(variable) or not is_matrix(variable.shape):
            of_vectors = self.is_table(variable) or len(variable.shape) < 2
            faster = _VECTORS if of_vectors else 1.0
            super().update_step(gradient, variable, faster * learning_rate)
            return
        momentum = self._momentums[self._get_variable_index(variable)]
        self.assign(momentum, _MOMENTUM * momentum + gradient)
        ahead = gradient + _MOMENTUM * momentum
        direction = orthogonalize(tf.reshape(ahead, [-1, variable.shape[-1]]))
        length = _RMS * math.sqrt(max(direction.shape))
        step = tf.reshape(length * direction, variable.shape)
        self.assign_sub(variable, tf.cast(learning_rate, variable.dtype) * step)


def is_matrix(shape: collections.abc.Sequence[int]) -> bool:
    """Returns whether Muon steps a variable of this shape: a kernel [..., in, out], not of RGB."""
    return len(shape) >= 2 and min(shape[-2:]) > 3


def orthogonalize(matrix: tf.Tensor) -> tf.Tensor:
    """Brings all singular values near 1: to 0.7 to 1.2, which is close enough (Jordan et al.).

    Args:
        matrix: float32 [M, N].

    Returns:
        About U V^T for the matrix U S V^T, the same shape; of zeros zeros.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    matrix /= tf.norm(matrix) + 1e-7
    # Each iteration is X <- p(X X^T) X with p(G) = A + B G + C G^2: all of them act on the short
    # side alone, and the matrix is multiplied by their product once.
    square = tf.matmul(matrix, matrix, transpose_a=tall, transpose_b=not tall)
    one = product = tf.eye(square.shape[0])
    for _ in range(_ITERATIONS):
        factor = _A * one + _B * square + _C * tf.matmul(square, square)
        product = tf.matmul(factor, product)
        square = tf.matmul(tf.matmul(factor, square), factor)
    return tf.matmul(matrix, product) if tall else tf.matmul(product, matrix)


class LinearDecay(tf.keras.optimizers.schedules.LearningRateSchedule):
    """Keeps the learning rate for the first half, then lets it fall to 0 (Zhu et al. 2017)."""

    def __init__(self, peak: float, warmup_steps: int, last_step: int) -> None:
        """Stores the schedule.

        Args:
            peak: The learning rate of the first half.
            warmup_steps: Steps over which it rises from 0 first.
            last_step: Step at which it reaches 0.
        """
        self._peak, self._warmup, self._last = peak, warmup_steps, last_step

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the learning rate at a step, a float32 scalar."""
        done = tf.cast(step, tf.float32)
        left = 2.0 * (1.0 - done / self._last)
        rising = done / self._warmup if self._warmup else 1.0
        return self._peak * tf.maximum(tf.minimum(tf.minimum(left, rising), 1.0), 0.0)

    def get_config(self) -> dict[str, float]:
        """Returns the arguments; Keras calls it."""
        return {"peak": self._peak, "warmup_steps": self._warmup, "last_step": self._last}


def make(
    name: str,
    learning_rate: float,
    *,
    schedule: str = "constant",
    warmup_steps: int = 0,
    last_step: int = 1,
    dtype: tf.DType = tf.float32,
    loss_scale: float = 1.0,
    tables: collections.abc.Iterable[str] = (),
    stairs: tuple[int, float] = (1, 1.0),
    beta: float = 0.9,
) -> tf.keras.optimizers.Optimizer:
    """Makes an optimizer with its learning rate schedule.

    Args:
        name: "adam", "muon", "sgd", or "momentum" for SGD with a momentum of 0.9.
        learning_rate: Peak learning rate.
        schedule: "constant"; "cosine": up over `warmup_steps`, then down to 0 at `last_step`;
            "linear": see `LinearDecay`; or "stairs": down by a factor every few steps.
        warmup_steps: Steps until the peak.
        last_step: Step at which training ends.
        dtype: Dtype that gradients are computed in; the loss is scaled for float16.
        loss_scale: Factor of the loss to start from, in float16.
        tables: Names of the variables of which a batch uses some rows only.
        stairs: The number of these steps, and the factor.
        beta: Decay of Adam's first moment, in [0, 1).
    """
    rate: tf.keras.optimizers.schedules.LearningRateSchedule
    rate = tf.keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup_steps else learning_rate,
        decay_steps=max(last_step - warmup_steps, 1),
        # A decay to the whole of itself stays constant.
        alpha=1.0 if schedule == "constant" else 0.0,
        warmup_target=learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )
    if schedule == "linear":
        rate = LinearDecay(learning_rate, warmup_steps, last_step)
    elif schedule == "stairs":
        rate = tf.keras.optimizers.schedules.ExponentialDecay(
            learning_rate, *stairs, staircase=True
        )
    if name in _MOMENTA:
        optimizer = tf.keras.optimizers.SGD(rate, momentum=_MOMENTA[name])
    else:
        optimizer = {"adam": Adam, "muon": Muon}[name](rate, beta_1=beta)
        optimizer.tables = frozenset(tables)
    if dtype == tf.float16:
        return tf.keras.optimizers.LossScaleOptimizer(optimizer, loss_scale)
    return optimizer


def metrics(optimizer: tf.keras.optimizers.Optimizer) -> dict[str, tf.Tensor]:
    """Returns the learning rate of the next step and, in float16, the factor of the loss.

    A step with infinite gradients is skipped, and the factor is halved. If it becomes so small that
    gradients would be infinite at any factor, it is NaN here, because no step would ever be taken.

    Args:
        optimizer: An optimizer from `make`.

    Returns:
        "learning_rate" and, for an optimizer that scales the loss, "loss_scale": float32 scalars,
        read inside the graph, where reading does not wait for the device.
    """
    found = {"learning_rate": tf.identity(optimizer.learning_rate)}
    if isinstance(optimizer, tf.keras.optimizers.LossScaleOptimizer):
        scale = tf.convert_to_tensor(optimizer.dynamic_scale.value)
        found["loss_scale"] = tf.where(scale < _SMALLEST_SCALE, np.nan, scale)
    return found
