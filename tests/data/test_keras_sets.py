"""The data sets that Keras downloads."""

from __future__ import annotations

from pathlib import Path

import keras
import labels_made
import numpy as np
import pytest

from fastnst import downloads, errors
from fastnst.data import keras_sets


def test_every_set_is_known_to_keras_and_has_ten_classes() -> None:
    for name, (url, _, classes) in keras_sets.SETS.items():
        assert callable(getattr(keras.datasets, name).load_data)
        assert url.startswith("https://") and len(classes) == 10


def test_the_cache_of_keras_is_read_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras verifies its file, so its reader is replaced; everything else is real."""
    pictures, labels = labels_made.bars(4, 28)
    parts = ((pictures[..., 0], labels), (pictures[:1, ..., 0], labels[:1]))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "mnist.npz").write_bytes(b"")
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: parts)
    found = keras_sets.load("mnist")
    assert found.count == 4 and found.classes == tuple("0123456789")
    np.testing.assert_array_equal(found.read(2), pictures[2])
    assert keras_sets.load("mnist", validation=True).count == 1


def test_without_a_network_one_line_says_what_to_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(url: str, seconds: float) -> None:
        raise OSError("no route to host")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(downloads, "require_answer", refused)
    with pytest.raises(errors.UserError) as caught:
        keras_sets.load("cifar10")
    assert str(caught.value) == (
        "cifar10: cannot be downloaded (no route to host); name files of it, such as dataset: "
        "FOLDER with its idx files or .bin files"
    )
