"""The task of style transfer: one network that stylizes photos in one or many styles."""

from __future__ import annotations

import collections.abc
import functools
import math
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from fastnst import errors, events, images
from fastnst.config import schema
from fastnst.losses import coarse, many_styles, perceptual, repetition, steadiness
from fastnst.nets import architectures, network
from fastnst.training import averages, optimizers, task
from fastnst.training.tasks import earlier_releases

# Largest shift of the pictures before their loss is computed, in pixels.
_JITTER = 16
# The row that reproduces the photo is trained at most once in this many steps.
_TURNS = 8
METRICS = ("total", "content", "style", "tv")
Objective: TypeAlias = collections.abc.Callable[[tf.Tensor, tf.Tensor], perceptual.Verdict]


class StyleTransfer(task.Task):
    """Trains a transform net to minimize the perceptual losses of its styles (Johnson et al. 2016).

    With several styles, each step trains one of them, in turn. It minimizes the logarithm of that
    style's objective, so that all styles count equally, however much their objectives differ.

    Attributes:
        net: The network that is trained.
        average: A network of the same architecture that holds the moving average of the weights.
            It is validated and used for stylizing, because single steps scatter around the minimum
            and their mean is closer to it.
    """

    metric_names: tuple[str, ...] = METRICS
    items = "images"

    def __init__(
        self,
        net: network.Network,
        average: network.Network,
        optimizer: tf.keras.optimizers.Optimizer,
        objectives: collections.abc.Mapping[str, perceptual.PerceptualLoss],
        photos: collections.abc.Sequence[np.ndarray],
        *,
        identity: bool = False,
        decay: float = 0.0,
        scales: int = 1,
        steady: float = 0.0,
        wallpaper: float = 0.0,
        paintings: collections.abc.Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Builds the optimizer; call it within the scope of the strategy.

        Args:
            net: A network with a row for each objective, in order, and one more with `identity`.
            average: A network of the same architecture and initial weights.
            optimizer: The optimizer, which must not be built yet.
            objectives: The objectives by name of the style.
            photos: Photos to validate on, uint8 RGB [H, W, 3] each; sizes may differ.
            identity: Whether to train one more row, which reproduces the photo.
            decay: Maximum decay of the moving average, in [0, 1). The decay after step t is
                min(decay, (1 + t) / (10 + t)), so that the first weights are soon forgotten.
            scales: Number of sizes at which the objective sees the pictures; see `losses.coarse`.
            steady: Weight of the change if a part of the photo is stylized; see
                `losses.steadiness`.
            wallpaper: Weight of repeating motifs in flat areas; see `losses.repetition`.
            paintings: Style images by name, uint8 RGB [H, W, 3], for logs and reports.
        """
        self.net, self.average = net, average
        self.variables = net.trainable_variables
        optimizer.build(self.variables)
        self._optimizer = optimizer
        self._objectives = dict(objectives)
        self._photos = tuple(photos)
        self._identity, self._decay = identity, decay
        self._scales, self._steady, self._wallpaper = scales, steady, wallpaper
        self._paintings = dict(paintings or {})
        rows = len(self._objectives) + identity
        self._many = None
        if rows > 1:
            listed = list(self._objectives.values())
            self._many = many_styles.ManyStyles(listed, identity=identity)
        if len(self._objectives) > 1:
            self.metric_names = (
                *METRICS,
                *(f"{name}/{metric}" for name in self._objectives for metric in METRICS),
            )
        self._turns = _turns(len(self._objectives), identity)
        self._judge = _judge(average, next(iter(self._objectives.values())), self._many)
        if isinstance(optimizer, tf.keras.optimizers.LossScaleOptimizer):
            scaling = optimizer.dynamic_scale.value, optimizer.step_counter.value
        else:
            # Kept in their place, so that a run can resume in another precision.
            scaling = (
                tf.Variable(first_loss_scale(rows), trainable=False),
                tf.Variable(0, dtype=tf.int64, trainable=False),
            )
        self._loss_scale, self._steps_at_scale = scaling

    def kept(self) -> dict[str, Any]:
        """Returns both networks and the optimizer."""
        inner = getattr(self._optimizer, "inner_optimizer", self._optimizer)
        return {
            # A checkpoint saves a variable under the shortest path to it. If the network itself
            # were listed here, some of its variables would be saved under the optimizer, which
            # refers to them too.
            "net": self.net.named_variables(),
            "average": self.average.named_variables(),
            # Without the wrapper that scales the loss, whose own variables follow.
            "optimizer": inner,
            "loss_scale": self._loss_scale,
            "steps_at_loss_scale": self._steps_at_scale,
        }

    def step(self, batch: tf.Tensor, step: tf.Tensor) -> events.Metrics:
        """Trains on a batch of photos.

        Args:
            batch: Photos, RGB [B, H, W, 3] in [0, 255]; any dtype is converted to float32.
            step: Number of steps done before, an int64 scalar.

        Returns:
            Scalars by name: the learning rate, and the terms of the objective.

        Raises:
            UserError: If the batch has another shape.
        """
        if batch.shape.rank != 4 or batch.shape[-1] != 3:
            raise errors.UserError(
                f"dataset: batches should have the shape [B, H, W, 3], found {batch.shape}"
            )
        batch = tf.cast(batch, tf.float32)
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self.variables)
            loss, terms = self._evaluate(batch, step)
            if self._many is not None:
                whole = tf.stop_gradient(loss)
                if replicas > 1:
                    whole = context.all_reduce(tf.distribute.ReduceOp.MEAN, whole)
                # Has the gradient of the logarithm of the whole batch's objective.
                loss /= whole
            loss = self._optimizer.scale_loss(loss / replicas)
        gradients = tape.gradient(loss, self.variables)
        found = optimizers.metrics(self._optimizer)
        self._optimizer.apply_gradients(zip(gradients, self.variables, strict=True))
        return {**found, **terms}

    def _evaluate(self, batch: tf.Tensor, step: tf.Tensor) -> perceptual.Verdict:
        """Stylizes photos in the style whose turn it is; returns the loss and its terms."""
        row = keep = None
        objective: Objective = next(iter(self._objectives.values()))
        if self._many is not None:
            style = tf.gather(self._turns, step % len(self._turns))
            # A product instead of an index, for which XLA would compile the step once per row.
            chosen = tf.one_hot(style, self.net.table.shape[0])[:, tf.newaxis]
            row = tf.reduce_sum(chosen * self.net.table, axis=0)
            keep = self._keep(style)
            objective = functools.partial(self._many, style=style)

        def paint(photos: tf.Tensor) -> tf.Tensor:
            return self.net(photos, row, keep)

        stylized = paint(batch)
        content, seen = jitter(step, batch, stylized)
        loss, terms = objective(content, seen)
        further = {}
        if self._scales > 1:
            further["coarse"] = coarse.coarse(objective, content, seen, self._scales)
        if self._steady:
            change = steadiness.unsteadiness(paint, batch, stylized, step)
            further["steady"] = self._steady * change
        if self._wallpaper:
            further["wallpaper"] = self._wallpaper * repetition.wallpaper(content, seen)
        loss = tf.add_n([loss, *further.values()])
        return loss, {**terms, **further, "total": loss}

    def after_step(self, step: tf.Tensor) -> None:
        """Updates the moving average of the weights."""
        averages.follow(self.average.trainable_variables, self.variables, step, self._decay)

    def validate(self) -> task.Judgement:
        """Stylizes the photos in every style and computes their objectives.

        Returns:
            The means over the photos, and the stylized photos by name of the style. With several
            styles, the metrics are means over the styles, and "STYLE/METRIC" for each of them.
        """
        outputs: dict[str, tuple[np.ndarray, ...]] = {}
        by_style: dict[str, dict[str, float]] = {}
        for index, name in enumerate(self._objectives):
            pictures, terms = [], []
            for photo in self._photos:
                batch = tf.constant(photo[np.newaxis], tf.float32)
                stylized, found = self._judge(batch, tf.constant(index))
                # If the network returns NaN, its loss is NaN too, which the engine reports.
                with np.errstate(invalid="ignore"):
                    pictures.append(images.to_uint8(stylized.numpy()[0]))
                terms.append({term: float(value) for term, value in found.items()})
            outputs[name] = tuple(pictures)
            by_style[name] = {term: float(np.mean([t[term] for t in terms])) for term in terms[0]}
        if len(by_style) == 1:
            (metrics,) = by_style.values()
        else:
            metrics = {
                term: float(np.mean([found[term] for found in by_style.values()]))
                for term in METRICS
            }
            # The geometric mean of the totals, so that all styles count equally, as in training.
            totals = [found["total"] for found in by_style.values()]
            metrics["total"] = float(np.exp(np.mean(np.log(totals))))
            for name, found in by_style.items():
                metrics |= {f"{name}/{term}": value for term, value in found.items()}
        return task.Judgement(metrics, self._photos, outputs)

    def restore_older(self, path: str) -> bool:
        """Restores a checkpoint of a release that stored scales and shifts separately."""
        return earlier_releases.restore(path, self.kept(), self.net.layout)

    def about(self) -> dict[str, Any]:
        """Returns the precision of the convolutions."""
        return {"precision": self.net.compute_dtype.name}

    def references(self) -> dict[str, np.ndarray]:
        """Returns the paintings by name of the style, uint8 RGB [H, W, 3] each."""
        return self._paintings

    def _keep(self, style: tf.Tensor) -> tf.Tensor | None:
        """Returns the share of the photo's own colors to keep, a float32 scalar.

        It is 1 in the row that reproduces the photo, and 0 in all others; None without such a row.
        """
        if not self._identity:
            return None
        return tf.cast(tf.equal(style, len(self._objectives)), tf.float32)


def jitter(step: tf.Tensor, *images: tf.Tensor) -> list[tf.Tensor]:
    """Shifts all pictures by the same random offset of up to 16 pixels, with mirrored borders.

    At the border, half of the loss network's input is padding, so content counts less there than
    elsewhere, and style just as much. If the border of the transform net always coincided with that
    of the loss network, the transform net would learn to draw a frame in its strongest color. This
    is the jitter of Mordvintsev et al. 2015, "Inceptionism".

    Args:
        step: Seed of the offset, an int64 scalar.
        *images: Pictures, [B, H, W, C] each, of known and equal height and width.

    Returns:
        The shifted pictures, of the same shapes.
    """
    height, width = images[0].shape[1:3]
    most = min(_JITTER, height // 4, width // 4)
    offset = tf.random.stateless_uniform(
        [2], tf.stack([0, step]), 0, 2 * most + 1, tf.int32, alg="philox"
    )
    margins = [[0, 0], [most, most], [most, most], [0, 0]]
    padded = [tf.pad(each, margins, "REFLECT") for each in images]
    # Rolled, because XLA would compile the step again for each offset of a slice.
    rolled = [tf.roll(each, -offset, axis=[1, 2]) for each in padded]
    return [
        tf.slice(large, [0, 0, 0, 0], tf.shape(each))
        for large, each in zip(rolled, images, strict=True)
    ]


def _turns(styles: int, identity: bool) -> np.ndarray:
    """Returns the row to train at each step of a cycle, int32 [steps].

    All styles take turns; with `identity`, the row that reproduces the photo comes once, last.
    """
    rounds = math.ceil((_TURNS - 1) / styles) if identity else 1
    return np.array([*range(styles)] * rounds + [styles] * identity, np.int32)


def make_optimizer(
    settings: schema.Training, last_step: int, rows: int, dtype: tf.DType
) -> tf.keras.optimizers.Optimizer:
    """Makes the optimizer of a network.

    Args:
        settings: Optimizer, learning rate and schedule.
        last_step: Step at which training ends.
        rows: Number of rows that are trained.
        dtype: Dtype that gradients are computed in.
    """
    return optimizers.make(
        settings.optimizer,
        settings.learning_rate,
        schedule=settings.schedule,
        warmup_steps=settings.warmup_steps,
        last_step=last_step,
        dtype=dtype,
        loss_scale=first_loss_scale(rows),
        tables=[architectures.TABLE],
        stairs=(settings.decay_steps, settings.decay_rate),
    )


def first_loss_scale(rows: int) -> float:
    """Returns the initial loss scale for float16.

    The objective of a single style is so large that, with Keras's default of 2^15, the gradients of
    the first twenty steps would overflow and these steps be skipped. The gradients of a logarithm,
    which several styles train with, are so small that they would vanish without that default.

    Args:
        rows: Number of rows that are trained.
    """
    return 1.0 if rows == 1 else 2.0**15


def _judge(
    net: network.Network,
    alone: perceptual.PerceptualLoss,
    many: many_styles.ManyStyles | None,
) -> collections.abc.Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, dict[str, tf.Tensor]]]:
    """Builds the function that validates a network on one photo.

    Returns:
        A function of a photo, float32 RGB [1, H, W, 3] in [0, 255], and the index of a style, which
        returns the stylized photo and the terms of its objective.
    """

    # One photo at a time, of any size: memory stays small, and one graph serves all styles.
    @tf.function(
        autograph=False,
        input_signature=[tf.TensorSpec([1, None, None, 3]), tf.TensorSpec([], tf.int32)],
    )
    def judge(photo: tf.Tensor, style: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        stylized = net(photo, net.table[style])
        judged = alone(photo, stylized) if many is None else many(photo, stylized, style)
        return stylized, judged[1]

    return judge
