"""The plan of a run that trains a transform net in one style or many."""

from __future__ import annotations

import collections.abc
import contextlib
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from fastnst import config, devices, images
from fastnst.data import feed, service
from fastnst.models import loading, model, run_folder
from fastnst.nets import transform_net
from fastnst.training import engine
from fastnst.training.tasks import contents, inputs, plan, start, style_transfer, targets

# Fewer steps give no usable style.
_FEW_STEPS = 300
# Number and shorter side of the photos in the report of a finished run.
_REPORTED, _REPORT_SIDE = 6, 320


class StylePlan(plan.Plan):
    """Photos, validation photos, paintings and objectives of a run."""

    def __init__(
        self,
        settings: config.Config,
        say: plan.Say,
        begun: bool,
        dataset: collections.abc.Iterable[Any] | None,
    ) -> None:
        """Reads and checks the input.

        Args:
            settings: The configuration.
            say: Receives notices, one line each.
            begun: Whether the run resumes, so that no other model's weights are needed.
            dataset: Batches of photos, float32 RGB [B, H, W, 3] in [0, 255] of one size; None for
                the photos that the configuration names.

        Raises:
            UserError: If a file is missing or invalid.
        """
        self._settings, self._dataset = settings, dataset
        self._source = inputs.open_dataset(settings.data) if dataset is None else None
        if self._source and settings.data.data_service is not None:
            service.check(settings.data.data_service, settings.data, self._source)
        self.data_set = self._source.description if self._source else "a custom data set"
        self.count = self._source.count if self._source else None
        self._validation, self._photos = inputs.read_validation(settings.data)
        self._dtype = devices.compute_dtype(settings.computing.precision)
        self._objectives, self._paintings = inputs.make_objectives(settings, self._dtype)
        self.description = start.describe(settings).to_json()
        self._first = None if begun else start.first_model(settings, say)

    def feed(self, strategy: tf.distribute.Strategy) -> engine.Feed:
        """Returns the batches to train on."""
        if self._dataset is not None:
            return feed.IterableFeed(self._dataset)
        assert self._source
        if self._settings.data.data_service is None:
            return feed.PhotoFeed(self._source, self._settings.data, strategy)
        return service.ServiceFeed(self._source, self._settings.data, strategy)

    def make(self, last_step: int) -> style_transfer.StyleTransfer:
        """Builds the task."""
        settings, dtype = self._settings, self._dtype
        described = start.describe(settings)
        net, average = (
            transform_net.TransformNet(
                start.architecture(settings),
                dtype,
                settings.data.seed,
                styles=described.rows,
                fused_norms=not devices.has_gpu(),
            )
            for _ in range(2)
        )
        if self._first is not None:
            tensors = self._adopted(self._first)
            net.assign(tensors)
            average.assign(tensors)
        return style_transfer.StyleTransfer(
            net,
            average,
            style_transfer.make_optimizer(settings.training, last_step, described.rows, dtype),
            self._objectives,
            self._photos,
            identity=described.identity,
            decay=settings.training.average,
            scales=settings.transfer.scales,
            steady=settings.transfer.steady,
            wallpaper=settings.transfer.wallpaper,
            paintings={
                name: images.to_uint8(pictures[0]) for name, pictures in self._paintings.items()
            },
        )

    def _adopted(self, first: model.Model) -> dict[str, np.ndarray]:
        """Returns the weights to start from."""
        with inputs.blaming("start_from"):
            return start.adopt(
                first,
                start.describe(self._settings),
                lambda name: start.best_row(first, self._objectives[name], self._photos),
            )

    def digests(self) -> dict[str, str]:
        """Returns the digests of the paintings, the validation photos and the loss network."""
        return contents.digests(self._settings)

    def record(self, folder: run_folder.RunFolder) -> None:
        """Writes the style images, as the original program does."""
        targets.write(folder, self._paintings)

    def notices(self, last_step: int) -> collections.abc.Iterator[str]:
        """Yields a notice if there are few steps, and the weights that `auto` stands for."""
        settings = self._settings
        if not settings.training.max_steps and last_step < _FEW_STEPS:
            yield (
                f"epoch: {settings.training.epoch} passes over {self.count} photos are only "
                f"{last_step} steps, which give no usable style; set max_steps, such as 1000, or "
                "use more photos"
            )
        for name, style in settings.styles.items():
            if style.style_weight == "auto":
                which = f"{name}: " if len(settings.styles) > 1 else ""
                weight = self._objectives[name].weights.style
                yield f"{which}style_weight: auto, computed as {weight:.3g}"

    def about(self) -> dict[str, Any]:
        """Returns the number of photos."""
        return {"photos": self.count} if self.count else {}

    def readable(
        self, place: str, remedy: collections.abc.Callable[[], str]
    ) -> contextlib.AbstractContextManager[None]:
        """Turns errors in reading the photos, and those of disks and memory, into UserErrors."""
        return inputs.readable(self._source, place, remedy)

    def pairs(self, folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
        """Stylizes validation photos, in each style in turn."""
        return painted(folder, self._validation)

    def advice(self, name: str) -> str:
        """Returns the command that stylizes a photo."""
        return advice(name)


def painted(
    folder: Path, paths: collections.abc.Sequence[Path]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Stylizes photos with the model in a folder, in each of its styles in turn.

    Returns:
        Pairs of a photo and its stylized version, uint8 RGB [H, W, 3] each.
    """
    trained = loading.load(folder)
    pairs = []
    for number in range(max(_REPORTED, len(trained.styles))):
        path = paths[number % len(paths)]
        if number >= len(paths) and len(trained.styles) == 1:
            break
        pixels = images.decode(images.read_bytes(path), str(path))
        # The network takes no smaller ones.
        side = max(16, min(_REPORT_SIDE, *pixels.shape[:2]))
        photo = images.resize_shorter_side(pixels, side)
        style = trained.styles[number % len(trained.styles)]
        pairs.append((photo, trained(photo, style)))
    return pairs


def advice(name: str) -> str:
    """Returns the command that stylizes a photo with a model of this name."""
    return f"Stylize a photo:  fastnst eval --model {shlex.quote(name)} PHOTO"
