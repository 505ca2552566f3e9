"""The loop: steps a function through batches and tells the actions about it."""

from __future__ import annotations

import collections
import collections.abc
import dataclasses
import time

import numpy as np
import tensorflow as tf

from fastnst.losses import perceptual
from fastnst.training import checkpoints

Metrics = collections.abc.Mapping[str, tf.Tensor]
StepFunction = collections.abc.Callable[[tf.Tensor], Metrics]


@dataclasses.dataclass(frozen=True)
class Progress:
    """What an action is told after each step.

    Attributes:
        step: Steps done, counted over all runs of the model.
        last_step: Where training ends.
        images_per_second: Over the recent steps, with all that happened between them.
        interrupted: Whether the run stops here although it is not finished.
        recent: The metrics of the recent steps, still on the device.
    """

    step: int
    last_step: int
    images_per_second: float
    interrupted: bool
    recent: tuple[Metrics, ...]

    @property
    def finished(self) -> bool:
        """Whether this was the last step."""
        return self.step >= self.last_step

    def due(self, every: int) -> bool:
        """Whether something done every so many steps is to be done now."""
        return self.step % every == 0 or self.finished

    def metrics(self) -> dict[str, float]:
        """Means over the recent steps. This waits for the device: do not call it each step."""
        return {
            name: float(np.mean([float(metrics[name]) for metrics in self.recent]))
            for name in (self.recent[-1] if self.recent else ())
        }


Action = collections.abc.Callable[[Progress], None]

# How far the loss looks beside the picture, at most, in pixels.
_JITTER = 16


def jitter(step: tf.Tensor, *images: tf.Tensor) -> list[tf.Tensor]:
    """Shifts pictures by up to 16 pixels, all alike, mirroring what lies beyond their borders.

    What the loss network sees at a border is half made up by its padding: content counts less
    there, style as much as elsewhere. A network that always had the border where the loss has its
    own would paint a frame in the strongest of its colours. Jitter as in Mordvintsev et al. 2015,
    "Inceptionism".

    Args:
        step: Decides how far: an int64 scalar.
        *images: [B, H, W, C] each, of known and equal height and width.

    Returns:
        The same shapes.
    """
    height, width = images[0].shape[1:3]
    most = min(_JITTER, height // 4, width // 4)
    offset = tf.random.stateless_uniform(
        [2], tf.stack([0, step]), 0, 2 * most + 1, tf.int32, alg="philox"
    )
    begin = tf.concat([[0], offset, [0]], axis=0)
    margins = [[0, 0], [most, most], [most, most], [0, 0]]
    return [tf.slice(tf.pad(each, margins, "REFLECT"), begin, tf.shape(each)) for each in images]


def make_train_step(
    state: checkpoints.State,
    objective: perceptual.PerceptualLoss,
    strategy: tf.distribute.Strategy,
    xla: bool = False,
    average: float = 0.0,
) -> StepFunction:
    """Builds the function that trains on one batch.

    Args:
        state: Holds the network and its optimizer, made and built in the strategy's scope:
            moments made within the step would be made inside a graph, and lost.
        objective: What to minimise.
        strategy: How the batch is spread.
        xla: Whether to compile it.
        average: Decay of the moving average of the weights, at its highest: it rises with the
            steps as (1 + t) / (10 + t), so that the first weights are soon forgotten.

    Returns:
        A function from float32 RGB [B, H, W, 3] in [0, 255], or such per replica, to the terms
        of the objective.
    """
    variables = state.net.trainable_variables

    def replica_step(images: tf.Tensor, step: tf.Tensor) -> Metrics:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            total, terms = objective(*jitter(step, images, state.net(images)))
            loss = state.optimizer.scale_loss(total / strategy.num_replicas_in_sync)
        gradients = tape.gradient(loss, variables)
        # Read within the graph, where it costs no wait for the device.
        learning_rate = tf.identity(state.optimizer.learning_rate)
        state.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return {"learning_rate": learning_rate, **terms}

    compiled = tf.function(replica_step, autograph=False, jit_compile=True) if xla else replica_step

    def update_average() -> None:
        done = tf.cast(state.step, tf.float32) + 1.0
        rate = 1.0 - tf.minimum(average, (1.0 + done) / (10.0 + done))

        def approach(mean: tf.Variable, value: tf.Tensor) -> tf.Operation:
            return mean.assign_add(rate * (value - mean))

        for mean, value in zip(state.average.variables, variables, strict=True):
            strategy.extended.update(mean, approach, args=(value,))

    @tf.function(autograph=False)
    def step(images: tf.Tensor) -> Metrics:
        # Read here: a compiled function may be on a device that the counter is not on.
        terms = strategy.run(compiled, args=(images, tf.identity(state.step)))
        update_average()
        return {
            name: strategy.reduce(tf.distribute.ReduceOp.MEAN, term, axis=None)
            for name, term in terms.items()
        }

    return step


def train(
    step_function: StepFunction,
    state: checkpoints.State,
    batches: collections.abc.Iterable[tuple[tf.Tensor, int]],
    *,
    last_step: int,
    batch_size: int,
    actions: collections.abc.Sequence[Action],
    window: int = 10,
    should_stop: collections.abc.Callable[[], bool] = lambda: False,
) -> Progress:
    """Steps until `last_step`, or until told to stop.

    Args:
        step_function: Trains on a batch and returns its metrics.
        state: Where to go on from; its step and position are advanced.
        batches: Yields images and the position in the data after them.
        last_step: Where to end, counted from the first run; beyond where the state is.
        batch_size: Photos in one batch, for the rate.
        actions: Called in turn after each step; one that raises ends the run.
        window: How many recent steps the metrics are averaged over.
        should_stop: Asked after each step.

    Returns:
        The last progress.
    """
    recent: collections.deque[Metrics] = collections.deque(maxlen=window)
    # A step that is only dispatched takes no time; waiting for it shows between the steps.
    clock = collections.deque([time.perf_counter()], maxlen=window + 1)
    step = int(state.step)
    # Within a graph: a number from here would wait for the device that the counter is on.
    advance = tf.function(lambda: state.step.assign_add(1), autograph=False)
    iterator = iter(batches)
    while True:
        # Names the step where a profile is being made of it.
        with tf.profiler.experimental.Trace("train", step_num=step, _r=1):
            images, position = next(iterator)
            recent.append(step_function(images))
        step += 1
        advance()
        state.position.assign(position)
        clock.append(time.perf_counter())
        progress = Progress(
            step=step,
            last_step=last_step,
            images_per_second=batch_size * (len(clock) - 1) / (clock[-1] - clock[0]),
            interrupted=should_stop() and step < last_step,
            recent=tuple(recent),
        )
        for action in actions:
            action(progress)
        if progress.finished or progress.interrupted:
            return progress
