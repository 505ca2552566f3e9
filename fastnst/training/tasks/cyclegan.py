"""The task of translating photos into a domain of pictures, and back, without pairs of them."""

from __future__ import annotations

import collections.abc
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from fastnst import events, images
from fastnst.losses import adversarial, patch_distance
from fastnst.nets import network, patch_discriminator
from fastnst.training import averages, optimizers, task
from fastnst.training.tasks import history

HEADLINE = "patch_fid"
METRICS = (HEADLINE, "cycle", "identity", "adversarial", "discriminator")
# Translates a picture, and the result back.
_Judge = collections.abc.Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


@dataclasses.dataclass(frozen=True)
class Translator:
    """One of the two directions: a generator of a domain's pictures, and who judges them.

    Attributes:
        net: The generator.
        average: A network of the same architecture that holds the moving average of the weights.
        discriminator: Tells real pictures of the domain from generated ones.
        history: Earlier pictures of the generator.
    """

    net: network.Network
    average: network.Network
    discriminator: patch_discriminator.PatchDiscriminator
    history: history.History

    def kept(self) -> dict[str, Any]:
        """Returns what a checkpoint must hold, as trackables by name."""
        return {
            "net": self.net.named_variables(),
            "average": self.average.named_variables(),
            "discriminator": self.discriminator.named_variables(),
            "history": {"pictures": self.history.pictures, "count": self.history.count},
        }


@dataclasses.dataclass(frozen=True)
class Weights:
    """The weights of the losses of the generators, beside the adversarial one.

    Attributes:
        cycle: Of the difference of a picture and its translation there and back.
        identity: Of the difference of a picture and its translation into its own domain.
        adversarial: One of `losses.adversarial.KINDS`.
    """

    cycle: float = 10.0
    identity: float = 5.0
    adversarial: str = adversarial.CROSS_ENTROPY


class CycleGan(task.Task):
    """Trains two generators against two discriminators (Zhu et al. 2017).

    One generator paints photos, the other one makes photos of paintings. Each should deceive the
    discriminator of its domain; and to paint a photo and to make a photo of the result should give
    the photo, so that the content is kept although no photo has a painting to compare with.
    """

    metric_names: tuple[str, ...] = METRICS
    items = "images"

    def __init__(
        self,
        painter: Translator,
        photographer: Translator,
        optimizers: tuple[tf.keras.optimizers.Optimizer, tf.keras.optimizers.Optimizer],
        weights: Weights,
        patches: patch_distance.Patches,
        photos: collections.abc.Sequence[np.ndarray],
        paintings: collections.abc.Sequence[np.ndarray],
        *,
        decay: float = 0.0,
        seed: int = 0,
    ) -> None:
        """Builds the optimizers; call it within the scope of the strategy.

        Args:
            painter: Translates photos into paintings. Its average is the result of the training.
            photographer: Translates paintings into photos.
            optimizers: Of the generators and of the discriminators, which must not be built yet.
            weights: The weights of the losses.
            patches: Computes the moments of patches.
            photos: Photos to validate on, uint8 RGB [H, W, 3] each; sizes may differ.
            paintings: Pictures of the domain to compare with, RGB [H, W, 3] in [0, 255] each.
            decay: As in `averages.follow`.
            seed: Seed of the exchange with the histories.
        """
        self.painter, self.photographer = painter, photographer
        self._directions = painter, photographer
        self._generators = [
            variable for each in self._directions for variable in each.net.trainable_variables
        ]
        self._discriminators = [
            variable
            for each in self._directions
            for variable in each.discriminator.trainable_variables
        ]
        self.variables = [*self._generators, *self._discriminators]
        self._optimizers = optimizers
        for optimizer, variables in zip(
            optimizers, (self._generators, self._discriminators), strict=True
        ):
            optimizer.build(variables)
        self._weights, self._decay, self._seed = weights, decay, seed
        self._photos = tuple(photos)
        self._paintings = tuple(map(images.to_uint8, paintings[: len(self._photos)]))
        self._patches, self._domain = patches, patches(paintings)
        self._judges = (
            _judge(painter.average, photographer.average),
            _judge(photographer.average, painter.average),
        )

    def kept(self) -> dict[str, Any]:
        """Returns all four networks, their averages, the optimizers and the histories."""
        generators, discriminators = self._optimizers
        return {
            # The network that stylizes is the one that every model folder names "average".
            **self.painter.kept(),
            "back": self.photographer.kept(),
            "optimizer": generators,
            "discriminator_optimizer": discriminators,
        }

    def step(self, batch: tuple[tf.Tensor, tf.Tensor], step: tf.Tensor) -> events.Metrics:
        """Trains all four networks on a batch.

        Args:
            batch: Photos and paintings, RGB [B, H, W, 3] in [0, 255] each.
            step: Number of steps done before, an int64 scalar.

        Returns:
            Scalars by name: the learning rate, and the losses without their weights.
        """
        photos, paintings = (tf.cast(each, tf.float32) for each in batch)
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        generators, discriminators = self._optimizers
        found = optimizers.metrics(generators)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self._generators)
            made, terms = self._translate(photos, paintings)
            loss = (
                terms["adversarial"]
                + self._weights.cycle * terms["cycle"]
                + self._weights.identity * terms["identity"]
            ) / replicas
        of_generators = tape.gradient(loss, self._generators)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self._discriminators)
            judged = self._discriminate((paintings, photos), made, step)
            loss = tf.add_n([*judged.values()]) / replicas
        of_discriminators = tape.gradient(loss, self._discriminators)
        # After both, because the discriminators judge with the weights that the generators saw.
        generators.apply_gradients(zip(of_generators, self._generators, strict=True))
        discriminators.apply_gradients(zip(of_discriminators, self._discriminators, strict=True))
        return {
            **found,
            **terms,
            **judged,
            "discriminator": tf.add_n([*judged.values()]),
        }

    def _translate(
        self, photos: tf.Tensor, paintings: tf.Tensor
    ) -> tuple[tuple[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]:
        """Translates pictures there, back, and into their own domain.

        Returns:
            Paintings of the photos and photos of the paintings, and the losses by name.
        """
        made, same = [], []
        for direction, (source, own) in zip(
            self._directions, ((photos, paintings), (paintings, photos)), strict=True
        ):
            if self._weights.identity:
                # At once, because norms treat each picture on its own.
                both = direction.net(tf.concat([source, own], axis=0))
                translated, kept = tf.split(both, 2)
                same.append(adversarial.difference(kept, own))
            else:
                translated = direction.net(source)
            made.append(translated)
        painted, photographed = made
        losses = [
            adversarial.of_generator(each.discriminator(picture), self._weights.adversarial)
            for each, picture in zip(self._directions, made, strict=True)
        ]
        cycles = [
            adversarial.difference(self.photographer.net(painted), photos),
            adversarial.difference(self.painter.net(photographed), paintings),
        ]
        return (painted, photographed), {
            "adversarial": tf.add_n(losses),
            "cycle": tf.add_n(cycles),
            "identity": tf.add_n(same) if same else tf.constant(0.0),
        }

    def _discriminate(
        self,
        real: tuple[tf.Tensor, tf.Tensor],
        made: tuple[tf.Tensor, tf.Tensor],
        step: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Returns the losses of the discriminators of paintings and photos."""
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        losses = {}
        for index, name in enumerate(("paintings", "photos")):
            direction = self._directions[index]
            number = tf.cast(2 * (self._seed * 2**8 + replica) + index, tf.int64)
            seen = direction.history.exchange(tf.stop_gradient(made[index]), [number, step])
            losses[f"discriminator/{name}"] = adversarial.of_discriminator(
                direction.discriminator(real[index]),
                direction.discriminator(seen),
                self._weights.adversarial,
            )
        return losses

    def after_step(self, step: tf.Tensor) -> None:
        """Updates the moving averages of the generators."""
        for each in self._directions:
            averages.follow(
                each.average.trainable_variables, each.net.trainable_variables, step, self._decay
            )

    def validate(self) -> task.Judgement:
        """Paints the photos, and compares their patches with those of the domain.

        Returns:
            The Frechet distance of patches, and the differences after a cycle and of the
            translation into the own domain; and the painted photos. The samples also show both
            ways there and back.
        """
        painted, cycled = self._translated(0, self._photos)
        photographed, cycled_back = self._translated(1, self._paintings)
        kept, _ = self._translated(0, self._paintings)
        shown = {
            "photo": self._photos,
            "painting": painted,
            "cycled": cycled,
            "domain": self._paintings,
            "photographed": photographed,
            "cycled_back": cycled_back,
        }
        pictures = {name: tuple(map(_to_uint8, made)) for name, made in shown.items()}
        metrics = {
            HEADLINE: patch_distance.relative(self._patches(painted), self._domain),
            "cycle": _difference(cycled, self._photos),
            "identity": _difference(kept, self._paintings),
        }
        return task.Judgement(
            metrics, self._photos, {"painting": pictures["painting"]}, samples=pictures
        )

    def _translated(
        self, index: int, pictures: collections.abc.Iterable[np.ndarray]
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Translates pictures in a direction, and back; float32 RGB [H, W, 3] each."""
        judge = self._judges[index]
        pairs = [judge(tf.constant(each[np.newaxis], tf.float32)) for each in pictures]
        there, back = ([part.numpy()[0] for part in parts] for parts in zip(*pairs, strict=True))
        return there, back

    def about(self) -> dict[str, Any]:
        """Returns the precision, and the distance of the photos themselves from the domain."""
        return {
            "precision": self.painter.net.compute_dtype.name,
            f"{HEADLINE}_of_photos": round(
                patch_distance.relative(self._patches(self._photos), self._domain), 3
            ),
        }

    def references(self) -> dict[str, np.ndarray]:
        """Returns a few pictures of the domain, uint8 RGB [H, W, 3] by name."""
        return {f"domain {number}": each for number, each in enumerate(self._paintings[:3], 1)}


def _judge(there: network.Network, back: network.Network) -> _Judge:
    """Builds the function that translates a picture of any size, and translates it back."""

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([1, None, None, 3])])
    def judge(picture: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        translated = there(picture)
        return translated, back(translated)

    return judge


def _to_uint8(picture: np.ndarray) -> np.ndarray:
    # If the network returns NaN, its distance is NaN too, which the engine reports.
    with np.errstate(invalid="ignore"):
        return images.to_uint8(picture)


def _difference(
    made: collections.abc.Iterable[np.ndarray], given: collections.abc.Iterable[np.ndarray]
) -> float:
    pairs = zip(made, given, strict=True)
    return float(np.mean([adversarial.difference(np.float32(b), a) for a, b in pairs]))
