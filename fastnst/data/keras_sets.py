"""The data sets that Keras downloads and verifies: MNIST, Fashion-MNIST and CIFAR-10."""

from __future__ import annotations

import os
from pathlib import Path

from fastnst import downloads, errors
from fastnst.data import cifar, labeled

_GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
_DIGITS = tuple(map(str, range(10)))
# By name: an address that must answer, the file or folder in Keras's cache, and the classes.
SETS = {
    "mnist": (f"{_GOOGLE}/mnist.npz", "mnist.npz", _DIGITS),
    "fashion_mnist": (
        f"{_GOOGLE}/t10k-labels-idx1-ubyte.gz",
        "fashion-mnist",
        (
            *("T-shirt", "trouser", "pullover", "dress", "coat"),
            *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
        ),
    ),
    "cifar10": (
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "cifar-10-batches-py",
        cifar.CLASSES,
    ),
}


def load(name: str, *, validation: bool = False) -> labeled.LabeledSet:
    """Loads a data set from Keras's cache, or downloads it.

    Args:
        name: One of `SETS`.
        validation: Whether to return the test pictures, instead of those to train on.

    Raises:
        UserError: If it cannot be downloaded.
    """
    import keras

    url, kept, classes = SETS[name]
    cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"
    try:
        with downloads.through_keras(url, cache / kept):
            parts = getattr(keras.datasets, name).load_data()
    except Exception as error:  # Keras raises plain Exception if a download fails
        raise errors.UserError(
            f"{name}: cannot be downloaded ({errors.reason(error)}); name files of it, such as "
            "dataset: FOLDER with its idx files or .bin files"
        ) from None
    pictures, labels = parts[int(validation)]
    root = f"Keras's {name}, {'test' if validation else 'training'} part"
    return labeled.of_arrays(root, pictures, labels.reshape(-1), classes)
