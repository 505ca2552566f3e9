"""Classifiers that were trained, ready to classify pictures.

classifier = load("mnist")
probabilities = classifier([picture])
"""

from __future__ import annotations

import collections.abc
import dataclasses
import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import checkpoint_file, errors, files, images
from fastnst.models import descriptions, restore, store
from fastnst.nets import classifier_architecture, classifiers

# Pixels that the network sees at once.
_PIXELS = 2**20
_CONTRACT = {
    "input": "pictures of any size, of which the largest central square counts",
    "output": "the probability of each class",
}


@dataclasses.dataclass(frozen=True)
class Description:
    """The description of a classifier, the content of model.json.

    Attributes:
        architecture: Shapes of the network.
        classes: Names of the classes, in the order of the outputs.
    """

    architecture: classifier_architecture.Architecture
    classes: tuple[str, ...]

    def to_json(self) -> str:
        """Renders the content of model.json."""
        content = {
            "format": descriptions.FORMAT,
            "architecture": {
                "name": self.architecture.NAME,
                **dataclasses.asdict(self.architecture),
            },
            "classes": list(self.classes),
            **_CONTRACT,
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Description:
        """Reads model.json.

        Raises:
            UserError: If it is damaged, or describes no classifier.
        """
        with descriptions.content_of(path) as content:
            shapes = dict(content["architecture"])
            if shapes.pop("name") != classifier_architecture.Architecture.NAME:
                raise errors.UserError(
                    f"{path}: describes no classifier; name one that was trained with `task: "
                    "classification` or by `fastnst finetune`"
                )
            shapes["blocks"] = tuple((repeats, width) for repeats, width in shapes["blocks"])
            shapes["mean"] = tuple(map(float, shapes["mean"]))
            found = cls(classifier_architecture.Architecture(**shapes), tuple(content["classes"]))
            found.architecture.check()
            if len(found.classes) != found.architecture.classes or not all(
                isinstance(name, str) for name in found.classes
            ):
                raise ValueError("classes: should be as many names as the network has outputs")
        return found


class PictureClassifier:
    """Tells the classes of pictures.

    Attributes:
        net: The network.
        classes: Names of the classes.
    """

    def __init__(self, net: classifiers.Classifier, classes: tuple[str, ...]) -> None:
        """Wraps a network."""
        self.net, self.classes = net, classes
        self._tell = tf.function(
            lambda pictures: tf.nn.softmax(net(pictures)), autograph=False, reduce_retracing=True
        )

    def __call__(self, pictures: collections.abc.Iterable[np.ndarray]) -> np.ndarray:
        """Computes the probabilities of the classes.

        Args:
            pictures: uint8 [H, W, 1 or 3] each, of any size; the largest central square counts.

        Returns:
            float32 [N, classes]; each row sums to 1.
        """
        shapes = self.net.architecture
        fitted = [images.square(each, shapes.side, shapes.channels) for each in pictures]
        if not fitted:
            return np.empty((0, len(self.classes)), np.float32)
        count = max(1, _PIXELS // shapes.side**2)
        predicted = [
            self._tell(tf.constant(np.stack(fitted[start : start + count]))).numpy()
            for start in range(0, len(fitted), count)
        ]
        return np.concatenate(predicted)

    def best(
        self, pictures: collections.abc.Iterable[np.ndarray], most: int = 1
    ) -> list[list[tuple[str, float]]]:
        """Returns, for each picture, its most probable classes and their probabilities, in order.

        Args:
            pictures: As in `__call__`.
            most: How many classes to return.
        """
        return [
            [(self.classes[number], float(row[number])) for number in np.argsort(-row)[:most]]
            for row in self(pictures)
        ]


def exists(name: str | Path) -> bool:
    """Returns whether a name in ./models, or a path, leads to a classifier."""
    return any(
        descriptions.is_classifier(path.folder / descriptions.FILE) for path in _places(name)
    )


def load(name: str | Path) -> PictureClassifier:
    """Loads a classifier.

    Args:
        name: Name of a model in ./models, or the path of a run.

    Raises:
        UserError: If there is no such model, it is no classifier, or it is damaged.
    """
    described_in = [each for each in _places(name) if (each.folder / descriptions.FILE).is_file()]
    if not described_in:
        known = sorted(path.name for path in Path("models").glob("*") if exists(path))
        hint = errors.did_you_mean(str(name), known)
        raise errors.UserError(
            f"no classifier {name}{hint} (classifiers here: {', '.join(known) or 'none yet'})"
        )
    reference = described_in[0]
    described = Description.read(reference.folder / descriptions.FILE)
    if (reference.folder / store.SAVED_MODEL).exists():
        raise errors.UserError(
            f"{reference.path}: is an exported classifier, for other programs; name the run that "
            "it was exported from"
        )
    path: Path | str | None = reference.path
    if reference.path.is_dir():
        path = checkpoint_file.newest(reference.folder / "checkpoints")
    if path is None:
        raise errors.UserError(f"{reference.path}: has no checkpoint yet; continue its training")
    tensors = restore.read_net(path)
    # Before anything is allocated: a description is a file of others.
    for key, shape in classifiers.shapes_of(described.architecture).items():
        found = tensors[key].shape if key in tensors else "nothing"
        if found != shape:
            raise errors.UserError(
                f"{path}: weights of another classifier: {key} should have the shape {shape}, "
                f"found {found}"
            )
        if not np.isfinite(tensors[key]).all():
            raise errors.UserError(f"{path}: {key} contains values that are not finite")
    net = classifiers.make(described.architecture)
    net.trained = False
    net.assign({key: tensors[key] for key in net.weights})
    return PictureClassifier(net, described.classes)


def _places(name: str | Path) -> list[store.Reference]:
    """Returns where a classifier of this name, or at this path, may be."""
    own = [Path("models") / name] if len(Path(name).parts) == 1 else []
    return [store.Reference(path) for path in (*own, files.expand_user(name))]


def write_loss_network(found: PictureClassifier, folder: Path) -> Path:
    """Writes the convolutions of a retrained VGG network as a loss network.

    Args:
        found: A classifier whose network is VGG.
        folder: Folder to write to.

    Returns:
        The checkpoint, with slim's variable names, which `loss_model_file` takes.

    Raises:
        UserError: If it cannot be written.
    """
    path = folder / f"{found.net.architecture.network}.ckpt"
    checkpoint_file.write_checkpoint(path, found.net.tensors())
    return path
