"""The plan of a run that trains a translation between photos and a domain of pictures."""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from fastnst import cluster, config, devices, errors, files
from fastnst.data import domains, feed
from fastnst.features import loss_network
from fastnst.losses import patch_distance
from fastnst.models import descriptions, model
from fastnst.nets import architectures, patch_discriminator
from fastnst.reports import page
from fastnst.training import engine, optimizers
from fastnst.training.tasks import contents, cyclegan, history, inputs, plan, start, style_plan

# Pictures of the domain to compare with.
_COMPARED = 100
# The discriminators return no logit for smaller pictures.
_LEAST_SIDE = 24
# Decay of the first moments, as in Zhu et al. 2017.
_BETA = 0.5
# Networks with initial weights of their own: two generators and two discriminators.
_NETWORKS = 4
_WORDING = dataclasses.replace(
    page.TRAINING,
    strips="At each step: photos, their paintings, and these turned back; pictures of the domain, "
    "photos made of them, and these painted again.",
    curves="Distance and loss",
    values_note="The distance of the painted photos from the domain, and the unweighted losses.",
)


class TranslationPlan(plan.Plan):
    """Photos, the pictures of the domain, and validation photos of a run."""

    wording = _WORDING

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
            say: Without effect.
            begun: Without effect.
            dataset: Batches of photos and of pictures of the domain, a pair of float32 RGB
                [B, S, S, 3] in [0, 255] of `image_size`; None for those that the configuration
                names.

        Raises:
            UserError: If a file is missing or invalid, or a key has a value that a translation
                does not support.
        """
        _check(settings)
        self._settings, self._dataset = settings, dataset
        self._dtype = devices.compute_dtype(settings.computing.precision)
        self._domain = inputs.open_pictures("domain", settings.translation.domain, settings.data)
        self._photos = inputs.open_dataset(settings.data) if dataset is None else None
        photos = self._photos.description if self._photos else "a custom data set"
        self.data_set = f"{photos}, and {self._domain.description}"
        self.count = self._photos.count if self._photos else None
        self._validation, self._validated = inputs.read_validation(settings.data)
        self._paintings = domains.sample(self._domain, settings.data.image_size, _COMPARED)
        with inputs.blaming("loss_model_file"):
            self._loss_network = files.find(settings.loss_network.loss_model_file)
            weights = loss_network.load_weights(self._loss_network)
        layer = patch_distance.LAYER
        self._patches = patch_distance.Patches(loss_network.LossNetwork(weights, [layer]), layer)
        self._architecture = _architecture(settings)
        style = descriptions.Style(settings.naming, settings.translation.domain)
        self.description = descriptions.Description(self._architecture, (style,)).to_json()

    def feed(self, strategy: tf.distribute.Strategy) -> engine.Feed:
        """Returns the pairs of batches to train on."""
        if self._dataset is not None:
            return feed.IterableFeed(self._dataset)
        assert self._photos
        return domains.UnpairedFeed(self._photos, self._domain, self._settings.data, strategy)

    def make(self, last_step: int) -> cyclegan.CycleGan:
        """Builds the task."""
        chosen, training = self._settings.translation, self._settings.training
        painter, photographer = (self._translator(number) for number in range(2))
        generators, discriminators = (
            optimizers.make(
                training.optimizer,
                training.learning_rate,
                schedule=training.schedule,
                warmup_steps=training.warmup_steps,
                last_step=last_step,
                stairs=(training.decay_steps, training.decay_rate),
                beta=_BETA,
            )
            for _ in range(2)
        )
        return cyclegan.CycleGan(
            painter,
            photographer,
            (generators, discriminators),
            cyclegan.Weights(chosen.cycle_weight, chosen.identity_weight, chosen.adversarial),
            self._patches,
            self._validated,
            self._paintings,
            decay=training.average,
            seed=self._settings.data.seed,
        )

    def _translator(self, number: int) -> cyclegan.Translator:
        """Builds the networks of one of the directions, 0 or 1."""
        data, chosen = self._settings.data, self._settings.translation
        seed, fused_norms = _NETWORKS * data.seed + number, not devices.has_gpu()
        net, average = (
            model.build(self._architecture, self._dtype, seed, fused_norms=fused_norms)
            for _ in range(2)
        )
        discriminator = patch_discriminator.PatchDiscriminator(
            chosen.discriminator_width, self._dtype, seed + 2, fused_norms=fused_norms
        )
        earlier = history.History(chosen.history, data.image_size)
        return cyclegan.Translator(net, average, discriminator, earlier)

    def digests(self) -> dict[str, str]:
        """Returns the digests of the domain, the validation photos and the loss network."""
        return {
            "domain": contents.digest(map(Path, self._domain.files)),
            "validation": contents.digest(self._validation),
            "loss_model_file": contents.of_checkpoint(self._loss_network),
        }

    def notices(self, last_step: int) -> collections.abc.Iterator[str]:
        """Yields a notice if the generators cannot keep the colors of a picture."""
        if self._settings.translation.generator == "transform_net" and (
            self._settings.network.output_norm
        ):
            yield (
                "output_norm: true gives all pictures the same mean colors and contrast, so that "
                "none can be turned back; false suits a translation better"
            )

    def about(self) -> dict[str, Any]:
        """Returns the number of photos, and of pictures of the domain."""
        photos = {"photos": self.count} if self.count else {}
        return photos | {"domain": self._domain.count}

    def readable(
        self, place: str, remedy: collections.abc.Callable[[], str]
    ) -> contextlib.AbstractContextManager[None]:
        """Turns errors in reading pictures, and those of disks and memory, into UserErrors."""
        return inputs.readable(self._photos, place, remedy)

    def pairs(self, folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
        """Paints validation photos."""
        return style_plan.painted(folder, self._validation)

    def advice(self, name: str) -> str:
        """Returns the command that paints a photo."""
        return style_plan.advice(name)


def _architecture(settings: config.Config) -> descriptions.Architecture:
    """Returns the architecture of the generators."""
    chosen = settings.translation
    if chosen.generator == "unet":
        return architectures.UNet(chosen.unet_width, chosen.unet_depth)
    return start.architecture(settings)


def _check(settings: config.Config) -> None:
    """Raises a UserError for a value that a translation does not support."""
    data = settings.data
    if data.stages:
        raise errors.UserError("stages: a translation trains at one size; remove it")
    if data.data_service is not None:
        raise errors.UserError("data_service: a translation reads its own pictures; remove it")
    if data.image_size < _LEAST_SIDE:
        raise errors.UserError(
            f"image_size: {data.image_size} is too small for the discriminators; set {_LEAST_SIDE} "
            "or more"
        )
    if settings.computing.precision == "mixed_float16":
        raise errors.UserError(
            "precision: a translation trains in float32 or mixed_bfloat16; set one of them, or auto"
        )
    if cluster.from_environment():
        raise errors.UserError(
            f"task: a translation trains in a single process; unset {cluster.VARIABLE}"
        )
