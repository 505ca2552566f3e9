"""The plan of a run that trains a classifier."""

from __future__ import annotations

import collections.abc
import contextlib
import hashlib
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from fastnst import config, data, devices, errors, files
from fastnst.data import class_folders, feed, labeled, labeled_feed, labeled_sources
from fastnst.features import loss_network, networks, vgg
from fastnst.models import classifier, run_folder
from fastnst.nets import classifier_architecture, classifiers
from fastnst.reports import page
from fastnst.training import engine, optimizers
from fastnst.training.tasks import bottleneck, classification, inputs, plan

# File in the run's folder with the features that the last layer is trained on first.
_FEATURES = "features.npz"
_WORDING = page.Wording(
    kind="classification report",
    strips="At each step: predictions, the first rows always of the same pictures, then the "
    "mistakes of which the network is most sure; and the confusion matrix.",
    charts="By step, on a logarithmic axis. Thin: training. Bold: validation pictures.",
    values="Final values",
    columns={"training": "training", "validation": "validation"},
    config=("Configuration", "All keys of this training."),
    next_steps=(
        ("Classify pictures:", "fastnst classify picture.png --model {model}"),
        ("Export the model for other programs:", "fastnst export --model {model}"),
    ),
    curves="Error and loss",
    values_note="The share of wrong and of right predictions, and the cross-entropy in nats.",
)


class ClassificationPlan(plan.Plan):
    """Labeled pictures and the network of a run."""

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
            say: Receives notices, one line each.
            begun: Whether the run resumes.
            dataset: Must be None; pictures without labels cannot be classified.

        Raises:
            UserError: If a file is missing or invalid.
        """
        self._settings, self._own, self._say = settings, settings.classification, say
        _check(settings, dataset)
        self._training, held = _open(settings)
        self.data_set, self.count = self._training.description, self._training.count
        self._weights: dict[str, np.ndarray] = {}
        self._mean: list[float] = []
        if self._own.classifier in vgg.MODELS:
            with inputs.blaming("loss_model_file"):
                path = files.find(settings.loss_network.loss_model_file)
                self._weights, self._mean = networks.read_weights(path, self._own.classifier)
        self._architecture = classifier_architecture.Architecture(
            self._own.classifier,
            settings.data.image_size,
            self._own.channels,
            len(self._training.classes),
            self._own.classifier_width,
            _blocks(self._own.classifier, self._weights),
            tuple(self._mean),
        )
        self.description = classifier.Description(
            self._architecture, self._training.classes
        ).to_json()
        with inputs.blaming("validation"):
            side, channels = settings.data.image_size, self._own.channels
            self._validation = labeled_feed.read_all(held, side, channels)

    def feed(self, strategy: tf.distribute.Strategy) -> engine.Feed:
        """Returns the batches to train on."""
        settings = self._settings.data
        pictures = labeled_feed.LabeledFeed(
            self._training,
            settings.image_size,
            self._own.channels,
            settings.batch_size,
            settings.seed,
            strategy,
        )
        if not (self._weights and self._own.head_steps):
            return pictures

        def features(on_skip: feed.OnSkip) -> tuple[np.ndarray, np.ndarray]:
            kept = run_folder.RunFolder(self._settings.run_dir).path / _FEATURES
            network = loss_network.LossNetwork(
                self._weights, (), model=self._own.classifier, mean_rgb=self._mean
            )
            return bottleneck.features(pictures, network, kept, on_skip, self._say)

        return bottleneck.BottleneckFeed(pictures, self._own.head_steps, features)

    def make(self, last_step: int) -> classification.Classification:
        """Builds the task."""
        settings, own = self._settings, self._own
        dtype = devices.compute_dtype(settings.computing.precision)
        nets = [
            classifiers.make(self._architecture, dtype, settings.data.seed)
            for _ in range(2 if settings.training.average else 1)
        ]
        for each in nets:
            each.assign({key: self._weights[key] for key in each.weights if key in self._weights})
        net = nets[0]
        trained = None
        if isinstance(net, classifiers.Vgg):
            trained = net.last_blocks(own.last_blocks)
        return classification.Classification(
            net,
            nets[1] if settings.training.average else None,
            optimizers.make(
                settings.training.optimizer,
                settings.training.learning_rate,
                schedule=settings.training.schedule,
                warmup_steps=settings.training.warmup_steps,
                last_step=last_step,
                dtype=dtype,
                # Of gradients of a cross-entropy, which are small.
                loss_scale=2.0**15,
                stairs=(settings.training.decay_steps, settings.training.decay_rate),
            ),
            self._validation,
            self._training.classes,
            trained=trained,
            distortion=own.distortion,
            decay=settings.training.average,
            seed=settings.data.seed,
        )

    def digests(self) -> dict[str, str]:
        """Returns the digest of the pictures to validate on."""
        whole = hashlib.sha256()
        for values in self._validation:
            whole.update(np.ascontiguousarray(values).tobytes())
        return {"validation": whole.hexdigest()[:16]}

    def notices(self, last_step: int) -> collections.abc.Iterator[str]:
        """Yields the number of pictures to validate on."""
        yield f"validating on {len(self._validation[1]):,} other pictures"

    def about(self) -> dict[str, Any]:
        """Returns the number of pictures."""
        return {"pictures": self.count}

    def readable(
        self, place: str, remedy: collections.abc.Callable[[], str]
    ) -> contextlib.AbstractContextManager[None]:
        """Turns errors of disks and memory into UserErrors."""
        return inputs.readable(None, place, remedy)

    def pairs(self, folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
        """Returns none: the sheet of predictions shows the pictures."""
        return []

    def advice(self, name: str) -> str:
        """Returns the command that classifies a picture."""
        return f"Classify pictures:  fastnst classify PICTURE --model {shlex.quote(name)}"


def _check(settings: config.Config, dataset: object) -> None:
    """Refuses what does not apply to a classification."""
    own = settings.classification
    if dataset is not None:
        raise errors.UserError(
            "dataset: a classification reads labeled pictures itself; name them in the "
            "configuration"
        )
    for key in ("data_service", "stages"):
        if getattr(settings.data, key):
            raise errors.UserError(f"{key}: does not apply to a classification; remove it")
    if own.channels == 2 or (own.channels == 1 and own.classifier in vgg.MODELS):
        raise errors.UserError(
            f"channels: {own.channels} is impossible with classifier: {own.classifier}; set 3"
        )
    if own.classifier_width % classifier_architecture.GROUPS:
        raise errors.UserError(
            f"classifier_width: {own.classifier_width} should be a multiple of "
            f"{classifier_architecture.GROUPS}"
        )


def _open(settings: config.Config) -> tuple[labeled.LabeledSet, labeled.LabeledSet]:
    """Opens the pictures to train on, and those to validate on."""
    own, seed = settings.classification, settings.data.seed
    classes = None
    if own.labels_file:
        with inputs.blaming("labels_file"):
            classes = class_folders.read_labels(files.find(own.labels_file))
    spec, validation = settings.data.dataset, settings.data.validation
    if spec == data.BUNDLED:
        raise errors.UserError(
            "dataset: the bundled photos have no labels; name labeled pictures, such as mnist or "
            "a folder with a folder for each class"
        )
    if validation == data.BUNDLED:
        with inputs.blaming("dataset"):
            return labeled_sources.open_both(spec, classes, own.held_out, seed)
    with inputs.blaming("dataset"):
        training = labeled_sources.open_labeled(spec, classes=classes)
    with inputs.blaming("validation"):
        held = labeled_sources.open_labeled(validation, validation=True, classes=classes)
        return training, held.with_classes(training.classes)


def _blocks(
    model: str, weights: collections.abc.Mapping[str, np.ndarray]
) -> tuple[tuple[int, int], ...]:
    """Returns the convolutions and channels of each block of VGG that a file has."""
    counts: dict[str, int] = {}
    for name in vgg.convolutions_of(model) if weights else ():
        if vgg.variables(model, name)[0] not in weights:
            break
        block = name.partition("_")[0]
        counts[block] = counts.get(block, 0) + 1
    widths = [channels for _, channels in vgg.MODELS[model]] if weights else []
    return tuple(zip(counts.values(), widths, strict=False))
