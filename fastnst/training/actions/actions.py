"""What happens beside the training step: logging, validation, checkpoints, the check for NaN.

An action is called after each step with a `trainer.Progress` and decides itself whether it is
due. A listener of the validation is called with each `Judgement`.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import itertools
import time
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from fastnst import errors, images
from fastnst.losses import perceptual
from fastnst.models import metrics_log
from fastnst.nets import transform_net
from fastnst.training import checkpoints, engine


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What a validation found.

    Attributes:
        step: Steps done.
        metrics: Means over the photos of the objective's terms.
        photos: The validation photos, uint8 RGB [H, W, 3] each.
        stylized: What the network makes of them, the same shapes.
    """

    step: int
    metrics: dict[str, float]
    photos: tuple[np.ndarray, ...]
    stylized: tuple[np.ndarray, ...]


# How many of the validation photos are shown; all of them are judged.
SHOWN = 6
Listener = collections.abc.Callable[[Judgement], None]


class Validation:
    """Judges the network by fixed photos that it is never trained on."""

    def __init__(
        self,
        state: checkpoints.State,
        objective: perceptual.PerceptualLoss,
        photos: collections.abc.Sequence[np.ndarray],
        listeners: collections.abc.Sequence[Listener],
        every: int,
    ) -> None:
        """Prepares to judge.

        Args:
            state: Holds the network; its best_loss is kept up to date.
            objective: What to judge by.
            photos: uint8 RGB [H, W, 3] each; sizes may differ.
            listeners: Told of each judgement, in turn.
            every: Steps between judgements.
        """
        self._state = state
        self._photos = tuple(photos)
        self._listeners = tuple(listeners)
        self._every = every

        # One photo at a time, of any size: memory stays small and one graph serves all.
        @tf.function(autograph=False, input_signature=[tf.TensorSpec([1, None, None, 3])])
        def judge(photo: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            stylized = state.average(photo)
            return stylized, objective(photo, stylized)[1]

        self._judge = judge

    def __call__(self, progress: engine.Progress) -> None:
        """Judges if due."""
        if progress.due(self._every):
            self.judge(progress.step)

    def judge(self, step: int) -> Judgement:
        """Judges now and tells the listeners."""
        stylized, terms = [], []
        for photo in self._photos:
            painted, found = self._judge(tf.constant(photo[np.newaxis], tf.float32))
            # A network that has gone wrong is told by its loss, to the first of the listeners.
            with np.errstate(invalid="ignore"):
                stylized.append(images.to_uint8(painted.numpy()[0]))
            terms.append({name: float(value) for name, value in found.items()})
        metrics = {name: float(np.mean([term[name] for term in terms])) for name in terms[0]}
        judgement = Judgement(step, metrics, self._photos, tuple(stylized))
        for listener in self._listeners:
            listener(judgement)
        return judgement


class FiniteCheck:
    """Ends a run that has become NaN or infinite, before anything is saved of it."""

    def __init__(
        self,
        checkpointer: checkpoints.Checkpointer,
        net: transform_net.TransformNet,
        step: int,
        every: int,
    ) -> None:
        """Prepares to check.

        Args:
            checkpointer: Knows the last checkpoint.
            net: Its weights are checked too: a loss tells only of those before the last step.
            step: Where the run goes on.
            every: Steps between checks; all steps at which something is saved should be among
                them.
        """
        self._checkpointer = checkpointer
        self._net = net
        self._every = every
        self._last_good = step

    def __call__(self, progress: engine.Progress) -> None:
        """Checks if due.

        Raises:
            UserError: If a recent loss or a weight was NaN or infinite.
        """
        if progress.due(self._every) or progress.interrupted:
            self._check(progress.step, {**progress.metrics(), **self._net.tensors()})
            self._last_good = progress.step

    def judged(self, judgement: Judgement) -> None:
        """Checks a validation, which shows what the last step has done to the network."""
        self._check(judgement.step, judgement.metrics)

    def _check(self, step: int, values: collections.abc.Mapping[str, float | np.ndarray]) -> None:
        broken = [name for name, value in values.items() if not np.isfinite(value).all()]
        if not broken:
            return
        last = self._checkpointer.latest or "none yet"
        first = min(self._last_good + 1, step)
        raise errors.UserError(
            f"the loss became NaN or infinite between steps {first} and {step} "
            f"({', '.join(broken[:3])}); the last good checkpoint is {last}. "
            "Run again to go on from it, with a lower learning_rate or precision: float32"
        )


class MetricsLog:
    """Writes metrics.jsonl: a line each for a start, training metrics, and each validation."""

    def __init__(
        self, path: Path, step: int, every: int, about: collections.abc.Mapping[str, Any]
    ) -> None:
        """Goes on with the log of a run.

        Args:
            path: Where it is.
            step: Where the run goes on; what came after is dropped.
            every: Steps between training metrics.
            about: What to note of this start, such as the device.
        """
        self._path = path
        self._every = every
        earlier = [line for line in metrics_log.read(path) if line["step"] <= step]
        start = {"kind": "start", "step": step, "time": round(time.time(), 3), **about}
        metrics_log.write(path, [*earlier, start])

    def __call__(self, progress: engine.Progress) -> None:
        """Logs if due."""
        if progress.due(self._every):
            metrics_log.append(
                self._path,
                {
                    "kind": "training",
                    "step": progress.step,
                    "time": round(time.time(), 3),
                    "images_per_second": round(progress.images_per_second, 3),
                    **progress.metrics(),
                },
            )

    def judged(self, judgement: Judgement) -> None:
        """Logs a validation."""
        metrics_log.append(
            self._path,
            {
                "kind": "validation",
                "step": judgement.step,
                "time": round(time.time(), 3),
                **judgement.metrics,
            },
        )


class TensorBoard:
    """Writes scalars and pictures for TensorBoard."""

    def __init__(self, folder: Path, style_image: np.ndarray, step: int, every: int) -> None:
        """Opens the log.

        Args:
            folder: Where TensorBoard is pointed at.
            style_image: uint8 RGB [H, W, 3], shown as the target.
            step: Where the run goes on.
            every: Steps between scalars.
        """
        self._writer = tf.summary.create_file_writer(str(folder))
        self._every = every
        with self._writer.as_default():
            tf.summary.image("style", style_image[np.newaxis], step=step)

    def __call__(self, progress: engine.Progress) -> None:
        """Writes the scalars if due."""
        if not progress.due(self._every):
            return
        with self._writer.as_default():
            for name, value in progress.metrics().items():
                tf.summary.scalar(f"training/{name}", value, step=progress.step)
            tf.summary.scalar(
                "training/images_per_second", progress.images_per_second, step=progress.step
            )
        self._writer.flush()

    def judged(self, judgement: Judgement) -> None:
        """Writes a validation: its scalars, and each photo beside what became of it."""
        with self._writer.as_default():
            for name, value in judgement.metrics.items():
                tf.summary.scalar(f"validation/{name}", value, step=judgement.step)
            pairs = zip(judgement.photos, judgement.stylized, strict=True)
            for index, pair in enumerate(itertools.islice(pairs, SHOWN)):
                beside = np.concatenate(pair, axis=1)[np.newaxis]
                tf.summary.image(f"content | stylized/{index}", beside, step=judgement.step)
        self._writer.flush()


class Samples:
    """Keeps a strip of the painted validation photos for each validation."""

    def __init__(self, folder: Path) -> None:
        """Strips go below the folder, as step-000250.png."""
        self._folder = folder

    def judged(self, judgement: Judgement) -> None:
        """Writes a strip."""
        shown = judgement.stylized[:SHOWN]
        height = min(picture.shape[0] for picture in shown)
        strip = [_scale_to_height(picture, height) for picture in shown]
        path = self._folder / f"step-{judgement.step:06d}.png"
        images.write(path, np.concatenate(strip, axis=1))


def _scale_to_height(pixels: np.ndarray, height: int) -> np.ndarray:
    return images.resize(pixels, height, round(pixels.shape[1] * height / pixels.shape[0]))


class Checkpoints:
    """Saves the state every so often, when the run stops, and when it is the best so far."""

    def __init__(
        self, checkpointer: checkpoints.Checkpointer, state: checkpoints.State, every: int
    ) -> None:
        """Must come after the validation among the actions, to save what that found."""
        self._checkpointer = checkpointer
        self._state = state
        self._every = every

    def __call__(self, progress: engine.Progress) -> None:
        """Saves if due."""
        if progress.due(self._every) or progress.interrupted:
            self._checkpointer.save()

    def judged(self, judgement: Judgement) -> None:
        """Saves the state apart if its validation loss is the lowest so far."""
        if judgement.metrics["total"] < float(self._state.best_loss):
            self._state.best_loss.assign(judgement.metrics["total"])
            self._checkpointer.save_best()


class Profile:
    """Traces some steps for TensorBoard's profiler: where their time and memory go."""

    # The first step traces its graph, and the next few still fill caches.
    SKIPPED = 5

    def __init__(self, folder: Path, step: int, steps: int) -> None:
        """Prepares to trace.

        Args:
            folder: Where TensorBoard is pointed at; the trace goes to plugins/profile below.
            step: Where the run goes on.
            steps: How many to trace, after the first few.
        """
        self._folder = folder
        self._first = step + self.SKIPPED
        self._last = self._first + steps
        self._running = False

    def __call__(self, progress: engine.Progress) -> None:
        """Starts or stops; what a short run has not come to is not traced."""
        ends = progress.step >= self._last or progress.finished or progress.interrupted
        if self._running and ends:
            # What was only dispatched belongs to the trace too.
            progress.metrics()
            tf.profiler.experimental.stop()
            self._running = False
        elif progress.step == self._first and not ends:
            progress.metrics()
            tf.profiler.experimental.start(str(self._folder))
            self._running = True
